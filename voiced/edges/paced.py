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
from voiced.audio.ledger import audible

Source: TypeAlias = Callable[[], bytes]
"""Gives the next 20 ms of interleaved PCM16 each time it is asked; never ends."""

Room: TypeAlias = Callable[[bytes], None]
"""Is told every sample that sounds, silence included, as mono PCM16 at 24 kHz."""

_AHEAD_SAMPLES: Final = ms_to_samples(100)  # how much is accepted beyond what has sounded


@attrs.define(eq=False)
class PacedMicrophone:
    """Asks its source for 20 ms every 20 ms."""

    shape: Shape
    source: Source
    lost_blocks: int = attrs.field(default=0, init=False)
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
    shape: Shape = attrs.field(default=Shape(WIRE_RATE_HZ, 1), init=False)
    end_samples: int = attrs.field(default=0, init=False)
    _waiting: deque[Pcm] = attrs.field(factory=deque, init=False)
    _opened_at: float = attrs.field(default=0.0, init=False)
    _dry: int = attrs.field(default=0, init=False)
    _heard: int = attrs.field(default=0, init=False)
    _elapsed: int = attrs.field(default=0, init=False)  # samples of time that have passed

    @asynccontextmanager
    async def open(self) -> AsyncIterator["PacedSpeaker"]:
        """Start now; on leaving, what has sounded until then is told to the room."""
        self._waiting.clear()
        self.end_samples = self._dry = self._heard = self._elapsed = 0
        self._opened_at = trio.current_time()
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
        taken = self.end_samples - self.waiting_samples
        position = audible(taken, self._dry, round(self.latency_s * WIRE_RATE_HZ))
        # After a stall `audible` takes the first new samples to have been preceded by sound.
        self._heard = max(self._heard, position)
        return self._heard

    @property
    def dry_samples(self) -> int:
        """As the port says."""
        self._move_on()
        return self._dry

    async def wake(self) -> None:
        """Nothing to do: time never sleeps."""
        await trio.lowlevel.checkpoint()

    async def rest(self) -> None:
        """Nothing to do."""
        await trio.lowlevel.checkpoint()

    async def play(self, pcm: bytes) -> None:
        """As the port says."""
        while (ahead := self.waiting_samples) > _AHEAD_SAMPLES:  # noqa: ASYNC110  time is the event
            await trio.sleep((ahead - _AHEAD_SAMPLES) / WIRE_RATE_HZ)
        self._waiting.append(np.frombuffer(pcm, dtype="<i2"))
        self.end_samples += self._waiting[-1].size
        await trio.lowlevel.checkpoint()

    async def drain(self) -> None:
        """As the port says."""
        await trio.sleep(self.waiting_samples / WIRE_RATE_HZ + self.latency_s)
        while left := self.waiting_samples:  # noqa: ASYNC110  a clock may wake a hair too early
            await trio.sleep(left / WIRE_RATE_HZ)

    def flush(self) -> int:
        """As the port says."""
        waiting = self.waiting_samples
        fade = min(waiting, ms_to_samples(FADE_MS))
        kept = np.concatenate([*self._waiting, np.empty(0, np.int16)])[:fade].astype(np.int16)
        self._waiting.clear()
        if fade:
            self._waiting.append(fade_out(kept))
        self.end_samples += fade - waiting
        return self.end_samples

    def _move_on(self) -> None:
        now = round((trio.current_time() - self._opened_at) * WIRE_RATE_HZ)
        due, self._elapsed = now - self._elapsed, now
        while due and self._waiting:
            pcm = self._waiting.popleft()
            self.room(pcm[:due].tobytes())
            if pcm.size > due:
                self._waiting.appendleft(pcm[due:])
            due -= min(due, pcm.size)
            self._dry = 0
        for at in range(0, due, WIRE_RATE_HZ):  # by the second: nobody may have looked for an hour
            self.room(bytes(2 * min(WIRE_RATE_HZ, due - at)))
        self._dry += due
