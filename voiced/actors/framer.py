"""Framer: from blocks of any shape to exact frames."""

import logging

import attrs
import trio

from voiced.actors.capture import Block
from voiced.audio.convert import to_mono, to_pcm16
from voiced.audio.format import WIRE_RATE_HZ, Frame, Shape
from voiced.audio.framing import FrameSlicer
from voiced.audio.level import dbfs
from voiced.audio.resample import Resampler
from voiced.channel import Channel
from voiced.faults import DeviceUnfit
from voiced.notices import LevelMeasured, NoticeBoard, Party

log = logging.getLogger(__name__)


@attrs.define(eq=False)
class Framer:
    """Turns blocks into 20 ms frames at 24 kHz.

    Receives: `blocks`. Says: `frames`, and levels on the board while somebody watches. Loses: the
    oldest frame when the Uplink does not take them: an outage, a closed session. Ends: with a device
    that lacks the wanted channel, by `DeviceUnfit`.
    """

    blocks: Channel[Block]
    frames: Channel[Frame]
    board: NoticeBoard
    channel: int | None = None  # which channel of the microphone, from 0; None: the mean of all

    async def run(self) -> None:
        """Frame for ever; a device that changes shape gets a new resampler."""
        shape: Shape | None = None
        resampler = Resampler(WIRE_RATE_HZ, WIRE_RATE_HZ)
        slicer = FrameSlicer()
        async for block in self.blocks:
            if block.shape != shape:
                shape = block.shape
                self._check(shape)
                resampler = Resampler(shape.rate_hz, WIRE_RATE_HZ)
                self._announce(shape, resampler)
            for frame in slicer.feed(self._convert(block, resampler)):
                self.frames.offer(frame)
                if self.board.watched:
                    self.board.post(LevelMeasured(trio.current_time(), Party.USER, dbfs(frame)))

    def _check(self, shape: Shape) -> None:
        if self.channel is not None and 1 < shape.channels <= self.channel:
            raise DeviceUnfit(
                f"the microphone has {shape.channels} channels, and channel {self.channel + 1} is "
                f"wanted: set [capture] channel to 1 to {shape.channels}, or to 0 for the mean of all"
            )

    def _convert(self, block: Block, resampler: Resampler) -> bytes:
        if block.shape == Shape(WIRE_RATE_HZ, 1):
            return block.pcm  # already what the wire wants: not a bit is changed
        mono = to_mono(block.pcm, block.shape.channels, self.channel)
        return to_pcm16(resampler.feed(mono))

    def _announce(self, shape: Shape, resampler: Resampler) -> None:
        picked = "mean of all" if self.channel is None else str(self.channel + 1)
        log.info(
            "microphone rate_hz=%d channels=%d channel=%s resampler=%s",
            shape.rate_hz,
            shape.channels,
            "1" if shape.channels == 1 else picked,
            resampler,
        )
