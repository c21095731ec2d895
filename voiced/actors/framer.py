"""Framer: from blocks of any shape to exact frames."""

import logging
from collections.abc import Callable, Sequence

import attrs
import trio

from voiced.actors.capture import Block
from voiced.audio.conditioning import Conditioning
from voiced.audio.convert import to_mono, to_pcm16
from voiced.audio.echo.handling import Echo, EchoChoice
from voiced.audio.format import WIRE_RATE_HZ, Frame, Shape
from voiced.audio.framing import FrameSlicer
from voiced.audio.level import dbfs
from voiced.audio.resample import Resampler
from voiced.channel import Channel
from voiced.counts import Counts
from voiced.faults import DeviceUnfit
from voiced.link.door import Door
from voiced.notices import LevelMeasured, NoticeBoard, Party
from voiced.ports import FarEnd

log = logging.getLogger(__name__)


@attrs.define(eq=False)
class Framer:
    """Turns blocks into 20 ms frames at 24 kHz, has the loudspeaker's echo taken out of them, and asks the
    door which of them may go on.

    Receives: `blocks`. Says: `frames`; levels on the board while somebody watches; to whoever wants
    to know, that somebody has begun to `speak`. Loses: the oldest frame when the Uplink does not take
    them: an outage; counted, what the door withholds, and frames that the gain drives beyond full
    scale. Ends: with a device that lacks the wanted channel, by `DeviceUnfit`.
    """

    blocks: Channel[Block]
    frames: Channel[Frame]
    board: NoticeBoard
    channel: int | None = None  # which channel of the microphone, from 0; None: the mean of all
    door: Door = attrs.field(factory=Door)
    counts: Counts = attrs.field(factory=Counts)
    speech: Callable[[], object] = lambda: None
    overhears: Callable[[Frame, float], object] | None = None  # all frames, whatever the door says
    conditioning: Conditioning = attrs.field(factory=Conditioning)
    echo: Echo | None = None  # None: nobody tells what the loudspeaker plays
    far_end: FarEnd | None = None
    spoken_over: Callable[[bool], object] = lambda _: None  # the loudspeaker, perhaps; and no more
    _spoken_over: bool = attrs.field(default=False, init=False)  # as was said last
    _losses: int = attrs.field(default=0, init=False)  # of either device's sound, as seen last
    _told: EchoChoice | None = attrs.field(default=None, init=False)

    async def run(self) -> None:
        """Frame for ever; a device that changes shape gets a new resampler."""
        try:
            await self._frame()
        finally:
            self._suspect(False)  # who is not heard any more is not spoken over

    async def _frame(self) -> None:
        if self.far_end is not None:
            self.far_end.take()  # from while there was no microphone: nobody can hear it any more
        shape: Shape | None = None
        resampler = Resampler(WIRE_RATE_HZ, WIRE_RATE_HZ)
        slicer = FrameSlicer()
        async for block in self.blocks:
            if block.shape != shape:
                shape = block.shape
                self._check(shape)
                self.conditioning.begin()
                resampler = Resampler(shape.rate_hz, WIRE_RATE_HZ)
                self._announce(shape, resampler)
            for frame in slicer.feed(self._convert(block, resampler)):
                for heard in self._hear(self._conditioned(frame)):
                    self._hand_over(heard)

    def _hand_over(self, frame: Frame) -> None:
        now_s = trio.current_time()
        watched, listens = self.board.watched, self.door.listens
        level = dbfs(frame) if watched or listens else None
        for each in self.door.admit(frame, now_s, level if listens else None):
            self.frames.offer(each)
        self.counts.frames_withheld += self.door.book_withheld()
        if watched and level is not None:
            self.board.post(LevelMeasured(now_s, Party.USER, level))
        if listens and self.door.onset:
            self.speech()

    def _conditioned(self, frame: Frame) -> Frame:
        conditioned = self.conditioning.apply(frame)
        self.counts.frames_clipped += self.conditioning.book_clipped()
        return conditioned

    def _hear(self, frame: Frame) -> Sequence[Frame]:
        """Without the loudspeaker's echo; words are listened for before half duplex silences it."""
        echo, far_end = self.echo, self.far_end
        if echo is None or far_end is None:
            self._overhear(frame)
            return [frame]
        if (losses := self._of_either_device()) != self._losses:
            self._losses = losses
            echo.stumble()
        for pcm, rate_hz, ago_s in far_end.take():
            echo.take(pcm, rate_hz, ago_s)
        heard = []
        for cancelled in echo.cancel(frame):
            self._overhear(cancelled)
            heard.append(echo.gate(cancelled))
        self._suspect(echo.spoken_over)
        self._account(echo, far_end)
        return heard

    def _of_either_device(self) -> int:
        """Losses: what comes after one comes sooner than before, and so does its echo."""
        counts = self.counts
        of_microphone = counts.lost_blocks + counts.overflows + self.blocks.tally.dropped
        return of_microphone + counts.lost_far_blocks

    def _suspect(self, spoken_over: bool) -> None:
        if spoken_over is not self._spoken_over:
            self._spoken_over = spoken_over
            self.spoken_over(spoken_over)

    def _overhear(self, frame: Frame) -> None:
        if self.overhears is not None:
            self.overhears(frame, trio.current_time())

    def _account(self, echo: Echo, far_end: FarEnd) -> None:
        counts = self.counts
        counts.lost_far_blocks = far_end.lost_blocks
        counts.echo_silenced, counts.echo_jumps = echo.silenced, echo.far_end.jumps
        counts.echo_suspicions, counts.echo_moves = echo.suspicions, echo.moves
        counts.echo_passed = echo.passed
        if echo.choice is not self._told:
            self._tell(echo.choice)

    def _tell(self, choice: EchoChoice) -> None:
        """Everybody may know the figures; the log wants to know of another mode only."""
        if self._told is None or self._told.mode is not choice.mode:
            log.info("echo %s", choice)
        self._told, self.board.echo = choice, str(choice)

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
