"""A recording of an open microphone that knows when each sample arrived. For checks: it keeps everything."""

from collections.abc import Awaitable, Callable
from typing import NoReturn

import attrs
import numpy as np
import trio

from voiced.audio.convert import Samples, to_mono
from voiced.audio.format import WIRE_RATE_HZ, Shape
from voiced.audio.resample import Resampler
from voiced.faults import DeviceError, DeviceUnfit
from voiced.ports import OpenMicrophone


@attrs.define(eq=False)
class Recorder:
    """Collects until it is cancelled; a microphone that breaks ends the recording, and is told when asked."""

    microphone: OpenMicrophone
    channel: int  # as in [capture] channel: from 1, or 0 for the mean of all
    blocks: int = attrs.field(default=0, init=False)
    taken: int = attrs.field(default=0, init=False)  # samples
    _pieces: list[Samples] = attrs.field(factory=list, init=False)
    _began_s: float = attrs.field(default=np.inf, init=False)
    _fault: DeviceError | None = attrs.field(default=None, init=False)
    _news: trio.Event = attrs.field(factory=trio.Event, init=False)

    async def run(self) -> None:
        """Record."""
        try:
            await self._collect()
        except DeviceError as fault:
            self._fault = fault
            self._news.set()

    async def until(self, *, blocks: int = 0, samples: int = 0) -> None:
        """Wait until that much is recorded; `DeviceError` if the microphone ends before."""
        while self.blocks < blocks or self.taken < samples:
            if self._fault is not None:
                raise self._fault
            await self._news.wait()

    def index_at(self, time_s: float) -> int:
        """The sample that arrived at that time (Trio's), or would have."""
        return round((time_s - self._began_s) * self.microphone.shape.rate_hz)

    def samples(self, start: int = 0) -> Samples:
        """What was recorded from sample *start* on, in ±1, at the microphone's rate."""
        return np.concatenate([np.empty(0, np.float32), *self._pieces])[start:]

    def wire_samples(self) -> Samples:
        """All of it, at the wire's rate."""
        resampler = Resampler(self.microphone.shape.rate_hz, WIRE_RATE_HZ)
        return np.concatenate([resampler.feed(self.samples()), resampler.finish()])

    async def _collect(self) -> NoReturn:
        shape = self.microphone.shape
        pick = checked_pick(shape, self.channel)
        while True:
            blocks = await self.microphone.collect()
            for block in blocks:
                self._pieces.append(to_mono(block, shape.channels, pick))
                self.taken += self._pieces[-1].size
            self.blocks += len(blocks)
            # Every block comes late by what the machine is busy with; the least late tells the truth.
            self._began_s = min(self._began_s, trio.current_time() - self.taken / shape.rate_hz)
            self._news.set()
            self._news = trio.Event()


def checked_pick(shape: Shape, channel: int) -> int | None:
    """Which channel of such a microphone is meant by [capture] *channel*, from 0; None: the mean of all.

    `DeviceUnfit` if it has none of that number.
    """
    if 1 < shape.channels < channel:
        raise DeviceUnfit(
            f"the microphone has {shape.channels} channels, and channel {channel} is wanted"
        )
    return channel - 1 if channel and shape.channels > 1 else None


async def record(
    recorder: Recorder, listen: Callable[[], Awaitable[object]], limit_s: float
) -> None:
    """Record while *listen* goes on, for *limit_s* at most; a fault of the device is raised."""
    faults: list[DeviceError] = []
    with trio.move_on_after(limit_s):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(recorder.run)
            try:
                await listen()
            except DeviceError as fault:  # not raised in here: it would come out as a group
                faults.append(fault)
            nursery.cancel_scope.cancel()
    if faults:
        raise faults[0]
