"""Player: from playouts to the loudspeaker."""

import logging
from contextlib import ExitStack
from typing import Final

import attrs
import trio

from voiced.audio.format import FRAME_MS, WIRE_RATE_HZ, Frame, samples_to_ms
from voiced.audio.jitter import JitterBuffer
from voiced.audio.level import dbfs
from voiced.channel import Channel
from voiced.counts import Counts
from voiced.link.progress import Glance
from voiced.messages import Heard, Kind, Playout, Volume
from voiced.notices import Happened, LevelMeasured, Moment, NoticeBoard, Party
from voiced.ports import OpenSpeaker

log = logging.getLogger(__name__)

_STRETCH: Final = 5
"""Frames handed over at once, if as many are here: ten wake-ups a second, not fifty."""


@attrs.define(eq=False)
class Player:
    """Plays one item after the other; a barge-in is the end of its scope.

    Receives: `playouts`. Says: one `Heard` for each, to the session that sent it, whatever becomes of
    the loudspeaker. Loses: nothing; what is cut is told to the sender as not heard. Ends: never by
    itself; `run` ends with the device, by `DeviceError`, and another one may follow.

    An answer under way when its loudspeaker breaks is cut there: nobody wants the second half of a
    sentence later. Those that wait may wait `keep_s` for another loudspeaker; after that they, and all
    that follow while there is none, count as not heard (`unheard_answers`).
    """

    playouts: Channel[Playout]
    jitter: JitterBuffer
    board: NoticeBoard
    counts: Counts
    rest_after_s: float
    volume: Volume = attrs.field(factory=Volume)
    keep_s: float = 2.0
    speaker: OpenSpeaker = attrs.field(init=False)
    _next: Playout | None = attrs.field(default=None, init=False)  # taken, and nothing of it played
    _underflows_before: int = attrs.field(default=0, init=False)  # of earlier loudspeakers
    _in_use: OpenSpeaker | None = attrs.field(default=None, init=False)

    async def run(self, speaker: OpenSpeaker) -> None:
        """Play for ever on *speaker*; let it rest in longer pauses."""
        self.speaker, self._underflows_before = speaker, self.counts.underflows
        log.info(
            "loudspeaker rate_hz=%d channels=%d latency_ms=%d",
            self.speaker.shape.rate_hz,
            self.speaker.shape.channels,
            round(self.speaker.latency_s * 1000),
        )
        self._in_use = speaker
        try:
            with self.volume.followed_by(self.speaker.ramp_to):
                while True:
                    self._next = self._next or await self._receive()
                    await self._play(self._next)
        finally:
            self._in_use = None

    def glance(self) -> Glance:
        """How far the loudspeaker is; it is due to take sound when some waits in it, or for it."""
        speaker = self._in_use
        if speaker is None:
            return Glance(0, due=False)
        due = self._next is not None or speaker.waiting_samples > 0
        return Glance(speaker.heard_samples, due)

    async def do_without(self) -> None:
        """There is no loudspeaker: after a while, let answers go by, each once it is complete.

        (The server may refuse to delete what it is still making.)
        """
        await trio.sleep(self.keep_s)
        while True:
            playout = self._next or await self.playouts.receive()
            self._next = None
            with ExitStack() as at_last:
                at_last.callback(self._let_go, playout)
                with playout.scope:
                    async for _ in playout.frames:
                        pass

    async def _receive(self) -> Playout:
        with trio.move_on_after(self.rest_after_s):
            return await self.playouts.receive()
        await self.speaker.rest()
        return await self.playouts.receive()

    async def _play(self, playout: Playout) -> None:
        speaker, start = self.speaker, self.speaker.end_samples
        playout.heard_so_far = lambda: max(0, speaker.heard_samples - start)
        with ExitStack() as unless_over:
            unless_over.callback(self._break_off, playout)
            with playout.scope:
                await speaker.wake()
                self._next = None
                await self._pass_on(playout)
                await speaker.drain()
            unless_over.pop_all()
        # No await below this line: a cut answer must fall silent now.
        self._next = None
        self.counts.underflows = self._underflows_before + speaker.underflows
        if playout.scope.cancelled_caught:
            heard = speaker.flush() - start
            self._settle(playout, Moment.CUT, heard, after_samples=speaker.waiting_samples)
        else:
            self._settle(playout, Moment.PLAYED, speaker.end_samples - start)

    def _break_off(self, playout: Playout) -> None:
        """The loudspeaker broke, or all ends: of what waited in it nothing will be heard."""
        if self._next is playout and not playout.scope.cancel_called:
            playout.waits_again()
        else:
            self._next = None
            self._settle(playout, Moment.CUT, playout.heard_so_far())

    def _let_go(self, playout: Playout) -> None:
        if playout.kind is Kind.ANSWER:
            self.counts.unheard_answers += 1
        self._settle(playout, Moment.UNHEARD, 0)

    def _settle(
        self, playout: Playout, moment: Moment, heard: int, *, after_samples: int | None = None
    ) -> None:
        """Say how much of it was heard: to people, and to the session that waits for it."""
        playout.heard_so_far = lambda: heard  # its loudspeaker may be another one soon
        heard_ms = samples_to_ms(heard)
        self._tell(moment, playout, after_samples=after_samples, heard_ms=heard_ms)
        log.info("playout %s item=%s heard_ms=%d", moment.value, playout.item_id, heard_ms)
        playout.heard.offer(Heard(playout.item_id, heard, whole=moment is Moment.PLAYED))

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
