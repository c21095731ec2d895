"""The room: a user who speaks into the microphone, and ears at the loudspeaker."""

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NoReturn

import attrs
import numpy as np
import trio

from voiced.audio.convert import Pcm
from voiced.audio.format import FRAME_BYTES, WIRE_RATE_HZ, Shape
from voiced.edges.paced import PacedMicrophone, PacedSpeaker
from voiced.faults import DeviceError


@attrs.define(eq=False)
class Plug:
    """How a device is lost: it ends, or hangs, or is not even there any more."""

    opened_at: list[float] = attrs.field(factory=list)  # attempts in vain too
    in_socket: bool = attrs.field(default=True, init=False)
    refusal: DeviceError | None = attrs.field(default=None, init=False)  # though it is there
    recall: trio.Event = attrs.field(factory=trio.Event, init=False)
    news: trio.Event = attrs.field(
        factory=trio.Event, init=False
    )  # fired: something was plugged in
    _noticed_after_s: float = attrs.field(default=0.0, init=False)
    _broken: trio.Event = attrs.field(factory=trio.Event, init=False)

    @property
    def broken(self) -> bool:
        """Whether it gives and takes nothing any more."""
        return self._broken.is_set()

    def admit(self) -> None:
        """Open it, if it is there; it works again."""
        self.opened_at.append(trio.current_time())
        if not self.in_socket:
            raise DeviceError("there is none of that name. There is:\n  nothing")
        if self.refusal is not None:
            raise self.refusal
        self._broken, self.recall = trio.Event(), trio.Event()

    async def recalled(self) -> None:
        """Wait until somebody wants it closed for a moment."""
        await self.recall.wait()

    async def changed(self) -> None:
        """Wait until something was plugged in."""
        await self.news.wait()

    def ends(self, *, noticed_after_s: float = 0.0) -> None:
        """As the stream of a sound server that was killed: it can be opened again."""
        self._noticed_after_s = noticed_after_s
        self._broken.set()

    def stalls(self) -> None:
        """As with a sound server that hangs: not a word, only no progress."""
        self.ends(noticed_after_s=3.0)

    def ends_unnoticed(self) -> None:
        """As while it rests: whoever wakes it is refused."""
        self.ends(noticed_after_s=math.inf)

    def pulled_out(self) -> None:
        """It ends, and there is none until it is put back."""
        self.in_socket = False
        self.ends()

    def put_back(self) -> None:
        """Whoever opens it now succeeds."""
        self.in_socket = True

    def refuse_if_ended(self) -> None:
        """What a stream says that is started after its end."""
        if self.broken and self._noticed_after_s == math.inf:
            raise DeviceError("the sound system refused to start it")

    async def watch(self) -> NoReturn:
        """As the port says."""
        await self._broken.wait()
        await trio.sleep(self._noticed_after_s)
        raise DeviceError("it has stopped: is it still plugged in?")


@attrs.define(eq=False)
class Microphone(PacedMicrophone):
    """One that can be lost. At another rate, or with more channels, it repeats each sample."""

    plug: Plug = attrs.field(factory=Plug)
    absence: trio.Event | None = attrs.field(default=None, init=False)  # fired when it ends

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Microphone"]:
        """As the port says."""
        self.plug.admit()
        async with super().open():
            yield self

    async def collect(self) -> Sequence[bytes]:
        """As the port says, once somebody is there."""
        if self.absence is not None:
            await self.absence.wait()
            self._opened_at, self._given = trio.current_time(), 0
        blocks = await super().collect()
        if self.plug.broken:
            await trio.sleep_forever()
        times = self.shape.rate_hz // WIRE_RATE_HZ * self.shape.channels
        return [np.repeat(np.frombuffer(block, "<i2"), times).tobytes() for block in blocks]

    async def watch(self) -> NoReturn:
        """As the port says."""
        await self.plug.watch()


@attrs.define(eq=False)
class User:
    """Speaks by the millisecond; each utterance has a value of its own, so that it can be found."""

    microphone: Microphone = attrs.field(init=False)
    hum: int = 0  # of the room, when nobody speaks: a constant
    _waiting: bytes = b""

    def __attrs_post_init__(self) -> None:
        self.microphone = Microphone(Shape(WIRE_RATE_HZ, 1), self.next_block)

    def says(self, ms: int, value: int = 1000) -> None:
        """Speak: constant sound from the next 20 ms on."""
        self._waiting += value.to_bytes(2, "little", signed=True) * 24 * ms

    def leaves(self) -> None:
        """Nobody is there, and the microphone gives nothing: so days pass in no time."""
        self.microphone.absence = trio.Event()

    def comes(self) -> None:
        """Somebody is there again."""
        if self.microphone.absence is not None:
            self.microphone.absence.set()
            self.microphone.absence = None

    def next_block(self) -> bytes:
        """What the microphone hears in the next 20 ms."""
        block, self._waiting = self._waiting[:FRAME_BYTES], self._waiting[FRAME_BYTES:]
        hum = self.hum.to_bytes(2, "little", signed=True)
        return block + hum * ((FRAME_BYTES - len(block)) // 2)


@attrs.define(eq=False)
class Loudspeaker(PacedSpeaker):
    """One that may take nothing for a while, as a busy machine's does, and that can be lost."""

    plug: Plug = attrs.field(factory=Plug)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Loudspeaker"]:
        """As the port says."""
        self.plug.admit()
        async with super().open():
            yield self

    async def wake(self) -> None:
        """As the port says."""
        self.plug.refuse_if_ended()
        await super().wake()

    async def watch(self) -> NoReturn:
        """As the port says."""
        await self.plug.watch()

    def hiccups(self, ms: int) -> None:
        """Stand still from now on, for that long."""
        self._move_on()
        self._opened_at += ms / 1000

    def _move_on(self) -> None:
        behind = (trio.current_time() - self._opened_at) * WIRE_RATE_HZ < self._elapsed
        if not (behind or self.plug.broken):
            super()._move_on()


@attrs.define(eq=False)
class SleepyLoudspeaker(Loudspeaker):
    """One whose sink sleeps while the stream rests: what it is given first after that, nobody hears."""

    swallows_ms: int = 300
    starts_in_s: float = 0.0  # how long waking the stream itself takes
    woken_at: list[float] = attrs.field(factory=list, init=False)
    rested_at: list[float] = attrs.field(factory=list, init=False)
    swallowed: int = attrs.field(default=0, init=False)  # samples that were no silence
    _runs: bool = attrs.field(default=False, init=False)
    _deaf: int = attrs.field(default=0, init=False)  # samples that it will swallow

    def __attrs_post_init__(self) -> None:
        room = self.room

        def pass_on(pcm: bytes) -> None:
            size = 2 * self._deaf
            lost, self._deaf = pcm[:size], max(0, self._deaf - len(pcm) // 2)
            self.swallowed += int(np.count_nonzero(np.frombuffer(lost, "<i2")))
            room(bytes(len(lost)) + pcm[size:])

        self.room = pass_on

    @asynccontextmanager
    async def open(self) -> AsyncIterator["SleepyLoudspeaker"]:
        """As the port says; the stream does not run yet."""
        self._runs = False
        async with super().open():
            yield self

    async def wake(self) -> None:
        """As the port says."""
        if not self._runs:
            await trio.sleep(self.starts_in_s)
            self._move_on()
            self._runs, self._deaf = True, self.swallows_ms * WIRE_RATE_HZ // 1000
            self.woken_at.append(trio.current_time())
        await super().wake()

    async def rest(self) -> None:
        """As the port says."""
        self._runs = False
        self.rested_at.append(trio.current_time())
        await super().rest()


@attrs.define(eq=False)
class Ears:
    """All that sounded since the start."""

    pcm: bytearray = attrs.field(factory=bytearray, repr=False)
    speaker: Loudspeaker = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.speaker = Loudspeaker(self.pcm.extend)

    def heard(self) -> Pcm:
        """All samples until now, silence included."""
        _ = self.speaker.heard_samples  # who looks moves it on to the present
        return np.frombuffer(bytes(self.pcm), dtype="<i2")

    def sounding_ms(self) -> int:
        """How many milliseconds were not silent."""
        return int(np.count_nonzero(self.heard())) // 24
