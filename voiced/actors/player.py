"""Player: from playouts to the loudspeaker."""

import logging
from typing import Final

import attrs
import trio

from voiced.audio.format import FRAME_MS, WIRE_RATE_HZ, Frame, samples_to_ms
from voiced.audio.jitter import JitterBuffer
from voiced.audio.level import dbfs
from voiced.channel import Channel
from voiced.counts import Counts
from voiced.messages import Heard, Kind, Playout, Volume
from voiced.notices import Happened, LevelMeasured, Moment, NoticeBoard, Party
from voiced.ports import OpenSpeaker

log = logging.getLogger(__name__)

_STRETCH: Final = 5
"""Frames handed over at once, if as many are here: ten wake-ups a second, not fifty."""


@attrs.define(eq=False)
class Player:
    """Plays one item after the other; a barge-in is the end of its scope.

    Receives: `playouts`. Says: one `Heard` for each, to the session that sent it. Loses: nothing; what
    is cut is told to the sender as not heard. Ends: with the device, by `DeviceError`.
    """

    playouts: Channel[Playout]
    speaker: OpenSpeaker
    jitter: JitterBuffer
    board: NoticeBoard
    counts: Counts
    rest_after_s: float
    volume: Volume = attrs.field(factory=Volume)

    async def run(self) -> None:
        """Play for ever; let the device rest in longer pauses."""
        log.info(
            "loudspeaker rate_hz=%d channels=%d latency_ms=%d",
            self.speaker.shape.rate_hz,
            self.speaker.shape.channels,
            round(self.speaker.latency_s * 1000),
        )
        with self.volume.followed_by(self.speaker.ramp_to):
            while True:
                playout = await self._next()
                playout.heard.offer(await self._play(playout))

    async def _next(self) -> Playout:
        with trio.move_on_after(self.rest_after_s):
            return await self.playouts.receive()
        await self.speaker.rest()
        return await self.playouts.receive()

    async def _play(self, playout: Playout) -> Heard:
        start = self.speaker.end_samples
        playout.heard_so_far = lambda: max(0, self.speaker.heard_samples - start)
        with playout.scope:
            await self.speaker.wake()
            await self._pass_on(playout)
            await self.speaker.drain()
        # No await below this line: a cut answer must fall silent now.
        self.counts.underflows = self.speaker.underflows
        cut = playout.scope.cancelled_caught
        heard = (self.speaker.flush() if cut else self.speaker.end_samples) - start
        moment = Moment.CUT if cut else Moment.PLAYED
        heard_ms = samples_to_ms(heard)
        after = self.speaker.waiting_samples if cut else None
        self._tell(moment, playout, after_samples=after, heard_ms=heard_ms)
        log.info("playout %s item=%s heard_ms=%d", moment.value, playout.item_id, heard_ms)
        return Heard(playout.item_id, heard, whole=not cut)

    async def _pass_on(self, playout: Playout) -> None:
        """Hand all frames over: hold back, let flow, and hold back again when the device ran dry."""
        start = self.speaker.end_samples
        held: list[Frame] = []
        complete = False
        while not complete:
            played = self.speaker.end_samples - start
            complete = await self._hold_back(playout, held, samples_to_ms(played))
            if held and played:
                self._count_underrun(playout)
            elif held:
                self._tell(Moment.FIRST_SOUND, playout, after_samples=0)
            await self._hand_over(playout, held)
            held.clear()
            complete = complete or await self._let_flow(playout, held)

    async def _hold_back(self, playout: Playout, held: list[Frame], played_ms: int) -> bool:
        """Fill *held* as long as the jitter buffer says; True if there is nothing more to come."""
        complete = False
        while wait_s := self.jitter.wait_s(
            playout.item_id,
            trio.current_time(),
            held_frames=len(held),
            played_ms=played_ms,
            complete=complete,
        ):
            with trio.move_on_after(wait_s):
                try:
                    held += await playout.frames.receive_some(_STRETCH)
                except trio.EndOfChannel:
                    complete = True
        return complete

    async def _let_flow(self, playout: Playout, held: list[Frame]) -> bool:
        """Pass frames on as they come; True at the end, False (some *held*) when dry before it."""
        while True:
            try:
                stretch = await playout.frames.receive_some(_STRETCH)
            except trio.EndOfChannel:
                return True
            if not self.speaker.waiting_samples:
                held += stretch
                return False
            await self._hand_over(playout, stretch)

    async def _hand_over(self, playout: Playout, stretch: list[Frame]) -> None:
        await self.speaker.play(b"".join(stretch))
        if self.board.watched and playout.kind is Kind.ANSWER:
            end_s = trio.current_time() + self._delay_s(self.speaker.waiting_samples)
            for place, frame in enumerate(stretch, start=1):
                at_s = end_s - (len(stretch) - place) * FRAME_MS / 1000
                self.board.post(LevelMeasured(at_s, Party.ASSISTANT, dbfs(frame)))

    def _count_underrun(self, playout: Playout) -> None:
        dry = self.speaker.dry_samples
        self.counts.underruns += 1
        self.counts.underrun_samples += dry
        log.warning(
            "playout underrun item=%s dry_ms=%d hold_ms=%d",
            playout.item_id,
            samples_to_ms(dry),
            self.jitter.hold_ms,
        )

    def _delay_s(self, samples: int) -> float:
        return samples / WIRE_RATE_HZ + self.speaker.latency_s

    def _tell(
        self, moment: Moment, playout: Playout, *, after_samples: int | None, heard_ms: int = 0
    ) -> None:
        """Post a moment of an answer: now, or when what waits before it is taken and audible."""
        if playout.kind is not Kind.ANSWER:
            return
        delay = 0.0 if after_samples is None else self._delay_s(after_samples)
        at_s = trio.current_time() + delay
        self.board.post(Happened(at_s, moment, playout.item_id, heard_ms=heard_ms))
