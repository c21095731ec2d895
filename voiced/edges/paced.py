"""Devices made of time: a microphone and a loudspeaker that keep real time by Trio's clock.

They stand behind `file:` devices, the demo and, with a list for a room, the test suite's fakes; a
contract suite holds them to the same promises as the sound card. Under a mock clock they are exact
to the sample.
"""

from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, NoReturn, TypeAlias

import attrs
import numpy as np
import trio

from voiced.audio.convert import Pcm
from voiced.audio.fade import FADE_MS, fade_out
from voiced.audio.format import FRAME_MS, WIRE_RATE_HZ, Shape, ms_to_samples
from voiced.audio.ledger import Intake
from voiced.audio.level import decibels
from voiced.audio.valve import Valve
from voiced.faults import DeviceError

Source: TypeAlias = Callable[[], bytes]
"""Gives the next 20 ms of interleaved PCM16 each time it is asked; never ends."""

Room: TypeAlias = Callable[[bytes], None]
"""Is told every sample that sounds, silence included, as mono PCM16 at 24 kHz. After a `DeviceError` it
is told no more, and nothing more is heard: `watch` raises it."""

_AHEAD_SAMPLES: Final = ms_to_samples(100)  # how much is accepted beyond what has sounded


@attrs.define(eq=False)
class PacedMicrophone:
    """Asks its source for 20 ms every 20 ms."""

    shape: Shape
    source: Source
    name: str = "made of time"
    lost_blocks: int = attrs.field(default=0, init=False)
    overflows: int = attrs.field(default=0, init=False)
    _opened_at: float = attrs.field(default=0.0, init=False)
    _given: int = attrs.field(default=0, init=False)  # blocks

    @asynccontextmanager
    async def open(self) -> AsyncIterator["PacedMicrophone"]:
        """Start now."""
        self._opened_at, self._given = trio.current_time(), 0
        await trio.lowlevel.checkpoint()
        yield self

    async def collect(self) -> Sequence[bytes]:
        """Wait for the end of the next 20 ms; blocks that are overdue come along."""
        await trio.sleep_until(self._opened_at + (self._given + 1) * FRAME_MS / 1000)
        elapsed_ms = (trio.current_time() - self._opened_at) * 1000
        due = max(1, round(elapsed_ms) // FRAME_MS - self._given)
        self._given += due
        return [self.source() for _ in range(due)]

    async def watch(self) -> NoReturn:
        """As the port says: time does not stop."""
        await trio.sleep_forever()
        raise AssertionError("for ever is over")


@attrs.define(eq=False)
class PacedSpeaker:
    """Plays by arithmetic: whoever looks first moves it on to the present."""

    room: Room
    latency_s: float = 0.0
    name: str = "made of time"
    shape: Shape = attrs.field(default=Shape(WIRE_RATE_HZ, 1), init=False)
    end_samples: int = attrs.field(default=0, init=False)
    underflows: int = attrs.field(default=0, init=False)
    _waiting: deque[Pcm] = attrs.field(factory=deque, init=False)
    _opened_at: float = attrs.field(default=0.0, init=False)
    _intake: Intake = attrs.field(factory=Intake, init=False)
    _valve: Valve = attrs.field(factory=lambda: Valve(WIRE_RATE_HZ), init=False)
    _elapsed: int = attrs.field(default=0, init=False)  # samples of time that have passed
    _broken: DeviceError | None = attrs.field(default=None, init=False)
    _breaks: trio.Event = attrs.field(factory=trio.Event, init=False)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["PacedSpeaker"]:
        """Start now; on leaving, what has sounded until then is told to the room."""
        self._waiting.clear()
        self.end_samples = self._elapsed = 0
        self._intake, self._valve = Intake(), Valve(WIRE_RATE_HZ)
        self._opened_at = trio.current_time()
        self._broken, self._breaks = None, trio.Event()
        await trio.lowlevel.checkpoint()
        try:
            yield self
        finally:
            self._move_on()

    @property
    def waiting_samples(self) -> int:
        """As the port says."""
        self._move_on()
        return sum(pcm.size for pcm in self._waiting)

    @property
    def heard_samples(self) -> int:
        """As the port says; the latency is part of what still waits."""
        self._move_on()
        return self._intake.audible(round(self.latency_s * WIRE_RATE_HZ))

    @property
    def dry_samples(self) -> int:
        """As the port says."""
        self._move_on()
        return self._intake.dry

    async def wake(self) -> None:
        """Nothing to do: time never sleeps."""
        await trio.lowlevel.checkpoint()

    async def rest(self) -> None:
        """Nothing to do."""
        await trio.lowlevel.checkpoint()

    async def play(self, pcm: bytes) -> None:
        """As the port says."""
        while (ahead := self.waiting_samples) > _AHEAD_SAMPLES:
            self._refuse_if_broken()  # time would not help
            await trio.sleep((ahead - _AHEAD_SAMPLES) / WIRE_RATE_HZ)
        self._waiting.append(np.frombuffer(pcm, dtype="<i2"))
        self.end_samples += self._waiting[-1].size
        self._valve.goes_on()
        await trio.lowlevel.checkpoint()

    async def drain(self) -> None:
        """As the port says."""
        waiting = self.waiting_samples
        self._valve.ends(waiting=waiting)
        await trio.sleep(waiting / WIRE_RATE_HZ + self.latency_s)
        while left := self.waiting_samples:
            self._refuse_if_broken()
            await trio.sleep(left / WIRE_RATE_HZ)

    def ramp_to(self, gain_db: float) -> None:
        """As the port says."""
        self._move_on()
        self._valve.ramp_to(decibels(gain_db), at_once=not self._elapsed)

    def flush(self) -> int:
        """As the port says."""
        waiting = self.waiting_samples
        fade = min(waiting, ms_to_samples(FADE_MS))
        kept = np.concatenate([*self._waiting, np.empty(0, np.int16)])[:fade].astype(np.int16)
        self._waiting.clear()
        if fade:
            self._waiting.append(fade_out(kept))
        self.end_samples += fade - waiting
        self._valve.ends(waiting=fade)
        return self.end_samples

    async def watch(self) -> NoReturn:
        """As the port says: time does not stop, but a room may break."""
        while self._broken is None:
            await self._breaks.wait()
        raise self._broken

    def _refuse_if_broken(self) -> None:
        if self._broken is not None:
            raise self._broken

    def breaks(self, fault: DeviceError) -> None:
        """Stand still from now on."""
        self._broken = fault
        self._breaks.set()

    def _move_on(self) -> None:
        if self._broken is not None:
            return
        now = round((trio.current_time() - self._opened_at) * WIRE_RATE_HZ)
        due, self._elapsed = now - self._elapsed, now
        for at in range(0, due, WIRE_RATE_HZ):  # by the second: nobody may have looked for an hour
            out = np.zeros(min(WIRE_RATE_HZ, due - at), np.int16)
            count = self._take(out)
            self._intake.take(count, out.size - count)
            self._valve.pass_on(out, count)
            try:
                self.room(out.tobytes())
            except DeviceError as fault:  # whoever has just looked can't help it
                self.breaks(fault)
                return

    def _take(self, out: Pcm) -> int:
        """Fill *out* with what waits; return how much that is."""
        count = 0
        while count < out.size and self._waiting:
            pcm = self._waiting.popleft()
            piece = pcm[: out.size - count]
            out[count : count + piece.size] = piece
            count += piece.size
            if pcm.size > piece.size:
                self._waiting.appendleft(pcm[piece.size :])
        return count
