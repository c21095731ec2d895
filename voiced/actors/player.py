"""Player: from playouts to the loudspeaker, which it wakes in good time."""

import logging
import math
from contextlib import ExitStack
from typing import Final

import attrs
import numpy as np
import trio

from voiced.audio.fade import fade_in
from voiced.audio.format import (
    BYTES_PER_SAMPLE,
    FRAME_MS,
    WIRE_RATE_HZ,
    Frame,
    ms_to_samples,
    samples_to_ms,
)
from voiced.audio.jitter import JitterBuffer
from voiced.audio.level import dbfs
from voiced.channel import Channel
from voiced.counts import Counts
from voiced.link.progress import Glance
from voiced.messages import Heard, Kind, Playout, Volume
from voiced.notices import Happened, LevelMeasured, Moment, NoticeBoard, Party
from voiced.ports import OpenSpeaker
from voiced.turns.expectation import Expectation

log = logging.getLogger(__name__)

_STRETCH: Final = 5
"""Frames handed over at once, if as many are here: ten wake-ups a second, not fifty."""


@attrs.define(eq=False)
class Player:
    """Plays one item after the other; a barge-in is the end of its scope.

    Receives: `playouts`. Says: one `Heard` for each, to the session that sent it, whatever becomes of
    the loudspeaker. Loses: nothing; what is cut is told to the sender as not heard. Ends: never by
    itself; `run` ends with the device, by `DeviceError`, and another one may follow.

    Where something sleeps behind the loudspeaker and swallows the first sound, `wake_sink_ms` of silence
    go before it: part of no answer, and played as soon as an answer is expected. What follows them rises
    from zero.

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
    wake_sink_ms: int = 0
    speaker: OpenSpeaker = attrs.field(init=False)
    _next: Playout | None = attrs.field(default=None, init=False)  # taken, and nothing of it played
    _underflows_before: int = attrs.field(default=0, init=False)  # of earlier loudspeakers
    _in_use: OpenSpeaker | None = attrs.field(default=None, init=False)
    _awake: bool = attrs.field(default=False, init=False)  # the loudspeaker, and what is behind it
    _rises: bool = attrs.field(default=False, init=False)  # the next sound is the first since then
    _lull: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    _expectation: Expectation = attrs.field(factory=Expectation, init=False)

    def __attrs_post_init__(self) -> None:
        self.board.follow(self._note)

    async def run(self, speaker: OpenSpeaker) -> None:
        """Play for ever on *speaker*; let it rest in longer pauses."""
        self.speaker, self._underflows_before = speaker, self.counts.underflows
        log.info(
            "loudspeaker rate_hz=%d channels=%d latency_ms=%d",
            self.speaker.shape.rate_hz,
            self.speaker.shape.channels,
            round(self.speaker.latency_s * 1000),
        )
        self._in_use, self._awake = speaker, False
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

    def look_again(self) -> None:
        """The loudspeaker may be wanted awake from now on."""
        self._lull.cancel()

    async def _receive(self) -> Playout:
        """Wait for the next one: awake if it is expected, at rest if it is not for long."""
        since_s = trio.current_time()
        while True:
            now_s, expected_until_s = trio.current_time(), self._expectation.until_s
            rests_at_s = max(since_s + self.rest_after_s, expected_until_s)
            if not self._awake and (now_s < expected_until_s or math.isinf(rests_at_s)):
                await self._rouse()
            elif self._awake and now_s >= rests_at_s:
                self._awake = False
                await self.speaker.rest()
            with trio.CancelScope(deadline=rests_at_s if self._awake else math.inf) as self._lull:
                return await self.playouts.receive()

    async def _rouse(self) -> None:
        """Wake the loudspeaker, if it rests, and then with silence whatever sleeps behind it."""
        await self.speaker.wake()
        if self._awake:
            return
        if self.wake_sink_ms:
            await self.speaker.play(bytes(ms_to_samples(self.wake_sink_ms) * BYTES_PER_SAMPLE))
            self._rises = True
        self._awake = True

    async def _play(self, playout: Playout) -> None:
        speaker = self.speaker
        with ExitStack() as unless_over:
            unless_over.callback(self._break_off, playout)
            # Not in its scope: the silence is paid for whatever is played next.
            await self._rouse()
            sounds_s = trio.current_time() + speaker.waiting_samples / WIRE_RATE_HZ
            if sounds_s > playout.until_s:
                unless_over.pop_all()
                self._next = None
                self._let_go(playout)
                return
            start = speaker.end_samples
            playout.heard_so_far = lambda: max(0, speaker.heard_samples - start)
            with playout.scope:
                self._next = None
                await self._pass_on(playout)
                await speaker.drain()
            unless_over.pop_all()
        # No await below this line: a cut answer must fall silent now.
        self._next = None
        self.counts.underflows = self._underflows_before + speaker.underflows
        if playout.scope.cancelled_caught:
            end = speaker.flush()
            self._awake = end >= start  # else the silence before it was cut, too
            heard = max(0, end - start)
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
                self._tell(Moment.FIRST_SOUND, playout, after_samples=self.speaker.waiting_samples)
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
        pcm = b"".join(stretch)
        if self._rises and pcm:
            self._rises, pcm = False, fade_in(np.frombuffer(pcm, "<i2")).tobytes()
        await self.speaker.play(pcm)
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

    def _note(self, happened: Happened) -> None:
        if self._expectation.follows(happened.moment, trio.current_time()):
            self.look_again()

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
