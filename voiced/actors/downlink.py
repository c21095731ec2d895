"""Downlink: from the server's words to playouts, and back what was heard of them."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs
import trio

from voiced.actors.answers import Answer, Answers, Fate, remedy
from voiced.actors.line import Line
from voiced.audio.format import FRAME_MS, Frame, frames_in_ms
from voiced.audio.jitter import JitterBuffer
from voiced.channel import Channel, WhenFull, is_landmark
from voiced.counts import Counts
from voiced.faults import SessionOver, Verdict, judge_code
from voiced.messages import Heard, Playout
from voiced.notices import Happened, Moment, NoticeBoard, Party, Transcribed
from voiced.realtime import response_events as response
from voiced.realtime import server_events as server
from voiced.realtime.codec import Skipped

log = logging.getLogger(__name__)

_HEARD_WAITING: Final = 8  # settled in microseconds; more would be a fault worth seeing


@attrs.define(eq=False)
class Downlink:
    """Turns what the server says into playouts and notices, and settles what was cut.

    Receives: the server's events, and `heard` from the Player. Says: `playouts`; truncations and
    deletions. Loses, each counted: late and stray deltas, sound beyond `longest_ms` of one answer.
    Ends: with the wire (`LinkError`) or when the server says so (`SessionOver`). It never waits for
    playout: while it waited, no ping would be answered.
    """

    line: Line
    playouts: Channel[Playout]
    board: NoticeBoard
    counts: Counts
    jitter: JitterBuffer
    longest_ms: int
    silence_ms: int  # what the server's turn detection waits for at the end of speech
    answers: Answers = attrs.field(factory=Answers)
    _open: dict[str, Playout] = attrs.field(factory=dict, init=False)
    _heard: Channel[Heard] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._heard = Channel("heard", _HEARD_WAITING, WhenFull.DROP_NEWEST)

    async def run(self) -> None:
        """Listen and settle until the session ends; then nothing of it waits for more sound."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._listen, name="listen")
                nursery.start_soon(self._settle, name="settle")
        finally:
            for playout in self._open.values():
                playout.frames.close()  # what is here is spoken to its end

    async def _listen(self) -> None:
        while True:
            event = await self.line.hear()
            if isinstance(event, Skipped):
                self._skip(event)
            elif handler := _HANDLERS.get(type(event)):
                handler(self, event)

    async def _settle(self) -> None:
        """Tell the server how much of each answer was heard."""
        async for heard in self._heard:
            self._open.pop(heard.item_id, None)
            answer = self.answers.find(heard.item_id)
            if answer is None or answer.fate is Fate.SETTLED:
                continue
            answer.fate = Fate.SETTLED
            if event := remedy(answer, heard):
                log.info("%s item=%s of_ms=%d", event.TYPE, answer.item_id, answer.received_ms)
                await self.line.say(event)

    def _tell(self, moment: Moment, item_id: str = "", at_s: float | None = None) -> None:
        now = trio.current_time()
        self.board.post(Happened(now if at_s is None else at_s, moment, item_id))

    # What is done about each kind of event. No await: the next one waits.

    def _speech_started(self, event: server.SpeechStarted) -> None:
        self._tell(Moment.SPEECH_START, event.item_id)
        for answer in self.answers.cut(self.line.session.active_response_id):
            if playout := self._open.get(answer.item_id):
                playout.scope.cancel()
            else:  # announced, and not a sound of it played
                self._heard.offer(Heard(answer.item_id, 0, whole=False))

    def _speech_stopped(self, event: server.SpeechStopped) -> None:
        if event.audio_end_ms is not None:
            spoken_ms = event.audio_end_ms - self.silence_ms
            self._tell(Moment.SPEECH_END, event.item_id, self.line.clock.time_of(spoken_ms))
        self._tell(Moment.SPEECH_STOPPED, event.item_id)

    def _item_added(self, event: response.OutputItemAdded) -> None:
        if event.item.kind == "message":
            self.answers.announce(event.item.id, event.response_id)

    def _part_added(self, event: response.ContentPartAdded) -> None:
        self.answers.announce(event.item_id, event.response_id)

    def _audio_delta(self, event: response.AudioDelta) -> None:
        answer = self.answers.find(event.item_id)
        if answer is None:
            self.counts.stray_deltas += 1
            if is_landmark(self.counts.stray_deltas):
                log.warning("delta skipped item=%s: never announced", event.item_id)
            return
        if answer.complete or answer.fate in {Fate.CUT, Fate.SETTLED}:
            self.counts.late_deltas += 1
            return
        frames = answer.take(event.audio)
        self.jitter.arrived(answer.item_id, trio.current_time(), len(frames) * FRAME_MS)
        if playout := self._open.get(answer.item_id) or self._begin_playout(answer):
            self._put(playout, frames)

    def _audio_done(self, event: response.AudioDone) -> None:
        if answer := self.answers.find(event.item_id):
            self._finish(answer)

    def _response_done(self, event: response.ResponseDone) -> None:
        produced = list(self.answers.of_response(event.response.id))
        for answer in produced:
            self._finish(answer)
        if event.response.status != "cancelled" and not any(a.received_bytes for a in produced):
            self._tell(Moment.UNANSWERED)
        self._explain(event)

    def _refused(self, event: server.Refused) -> None:
        judgement = judge_code(event.error.code)
        log.warning(
            "refused code=%s message=%r verdict=%s",
            event.error.code,
            event.error.message,
            judgement.verdict.name.lower(),
        )
        if judgement.verdict is not Verdict.CARRY_ON:
            raise SessionOver(event.error.code or event.error.kind, event.error.message)

    def _user_delta(self, event: server.TranscriptionDelta) -> None:
        self._transcribe(Party.USER, event.item_id, event.delta, final=False)

    def _user_text(self, event: server.TranscriptionCompleted) -> None:
        self._transcribe(Party.USER, event.item_id, event.transcript, final=True)

    def _assistant_delta(self, event: response.AudioTranscriptDelta) -> None:
        self._transcribe(Party.ASSISTANT, event.item_id, event.delta, final=False)

    def _assistant_text(self, event: response.AudioTranscriptDone) -> None:
        self._transcribe(Party.ASSISTANT, event.item_id, event.transcript, final=True)

    def _transcription_failed(self, event: server.TranscriptionFailed) -> None:
        log.warning("transcription failed item=%s: the answer is not affected", event.item_id)

    # How it is done.

    def _begin_playout(self, answer: Answer) -> Playout | None:
        frames = Channel[Frame](
            "playout frames", frames_in_ms(self.longest_ms), WhenFull.DROP_NEWEST
        )
        playout = Playout(answer.item_id, frames, self._heard)
        self._tell(Moment.FIRST_DELTA, answer.item_id)
        if not self.playouts.offer(playout):
            log.warning("playout dropped item=%s: too many wait already", answer.item_id)
            answer.fate = Fate.CUT
            self._heard.offer(Heard(answer.item_id, 0, whole=False))
            return None
        answer.fate = Fate.PLAYING
        self._open[answer.item_id] = playout
        return playout

    def _put(self, playout: Playout, frames: list[Frame]) -> None:
        for frame in frames:
            if not playout.frames.offer(frame):
                self.counts.long_frames += 1
                if playout.frames.tally.dropped == 1:
                    log.warning("answer too long item=%s: the rest is dropped", playout.item_id)

    def _finish(self, answer: Answer) -> None:
        """No more sound of this answer will come. What was cut stays incomplete: the server may
        have made more of it than it sent."""
        if answer.complete or answer.fate in {Fate.CUT, Fate.SETTLED}:
            return
        frames, odd_bytes = answer.finish()
        if odd_bytes:
            self.counts.odd_bytes += odd_bytes
            log.warning("odd number of bytes item=%s: half a sample dropped", answer.item_id)
        if playout := self._open.get(answer.item_id):
            self._put(playout, frames)
            playout.frames.close()

    def _skip(self, event: Skipped) -> None:
        self.counts.skipped_events += 1
        if is_landmark(self.counts.skipped_events):
            log.warning(
                "event skipped count=%d reason=%r type=%s %s",
                self.counts.skipped_events,
                event.reason.value,
                event.type,
                event.detail,
            )

    def _transcribe(self, who: Party, item_id: str, text: str, *, final: bool) -> None:
        self.board.post(Transcribed(trio.current_time(), who, item_id, text, final))

    def _explain(self, event: response.ResponseDone) -> None:
        """A response that failed says why; some reasons end the session."""
        details = event.response.status_details
        if event.response.status != "failed" or details is None or details.error is None:
            return
        code = details.error.code or details.error.kind
        judgement = judge_code(code)
        log.warning("response failed code=%s message=%r", code, details.error.message)
        if judgement.verdict is not Verdict.CARRY_ON:
            raise SessionOver(code, details.error.message)


_HANDLERS: Final[Mapping[type, Callable[[Downlink, Any], None]]] = {
    server.SpeechStarted: Downlink._speech_started,
    server.SpeechStopped: Downlink._speech_stopped,
    server.TranscriptionDelta: Downlink._user_delta,
    server.TranscriptionCompleted: Downlink._user_text,
    server.TranscriptionFailed: Downlink._transcription_failed,
    server.Refused: Downlink._refused,
    response.OutputItemAdded: Downlink._item_added,
    response.ContentPartAdded: Downlink._part_added,
    response.AudioDelta: Downlink._audio_delta,
    response.AudioDone: Downlink._audio_done,
    response.AudioTranscriptDelta: Downlink._assistant_delta,
    response.AudioTranscriptDone: Downlink._assistant_text,
    response.ResponseDone: Downlink._response_done,
}
"""Which events concern us, and what is done; the session keeps count of all others."""
