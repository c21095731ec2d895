"""Downlink: what the server says, handed to whom it concerns."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs
import trio

from voiced.actors.accountant import Accountant
from voiced.actors.line import Line
from voiced.actors.moderator import Moderator
from voiced.actors.narrator import Narrator
from voiced.actors.scribe import Scribe
from voiced.channel import is_landmark
from voiced.counts import Counts
from voiced.faults import SessionOver
from voiced.link.tape import Tape
from voiced.notices import Happened, Moment, NoticeBoard, Party
from voiced.realtime import response_events as response
from voiced.realtime import server_events as server
from voiced.realtime.codec import Skipped
from voiced.realtime.objects import ErrorDetails, Response
from voiced.turns.floor import Floor
from voiced.turns.setbacks import Setback
from voiced.turns.states import User
from voiced.verdicts import Verdict, judge_code

log = logging.getLogger(__name__)

_TOLD_EACH: Final = 50  # refusals; who goes on after so many has told the log enough


@attrs.define(eq=False)
class Downlink:
    """Listens; sound goes to the Narrator, turns to the Moderator, words to the Scribe.

    Receives: the server's events, and `heard` from the Player. Says nothing itself. Loses, each
    counted: what cannot be understood. Ends: with the wire (`LinkError`) or when the server says so
    (`SessionOver`). It never waits for playout: while it waited, no ping would be answered.
    """

    line: Line
    narrator: Narrator
    moderator: Moderator
    board: NoticeBoard
    scribe: Scribe
    counts: Counts
    tape: Tape
    accountant: Accountant
    silence_ms: int  # what the server's turn detection waits for at the end of speech
    answered: int = attrs.field(default=0, init=False)  # responses that brought something

    async def run(self) -> None:
        """Listen and settle until the session ends."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._listen, name="listen")
                nursery.start_soon(self._settle, name="settle")
        finally:
            self.narrator.close()

    async def _listen(self) -> None:
        while True:
            event = await self.line.hear()
            if isinstance(event, Skipped):
                self._skip(event)
            elif handler := _HANDLERS.get(type(event)):
                handler(self, event)

    async def _settle(self) -> None:
        async for heard in self.narrator.heard:
            self.narrator.settle(heard)
            self._tell_whether_it_sounds()

    @property
    def _floor(self) -> Floor:
        return self.moderator.floor

    # What is done about each kind of event. No await: the next one waits.

    def _speech_started(self, event: server.SpeechStarted) -> None:
        now_s = trio.current_time()
        self.tape.turn_begins(event.audio_start_ms or 0)
        self.moderator.carry_out(
            self._floor.speech_started(now_s, event.item_id, event.audio_start_ms)
        )

    def _speech_stopped(self, event: server.SpeechStopped) -> None:
        ended_s = None
        if event.audio_end_ms is not None:
            ended_s = self.line.clock.time_of(event.audio_end_ms - self.silence_ms)
        self.moderator.carry_out(
            self._floor.speech_stopped(trio.current_time(), event.item_id, ended_s)
        )

    def _committed(self, event: server.Committed) -> None:
        self.scribe.begins(Party.USER, event.item_id)
        self.moderator.carry_out(self._floor.committed(trio.current_time(), event.item_id))

    def _response_created(self, event: response.ResponseCreated) -> None:
        if not event.response.out_of_band:
            self.moderator.carry_out(
                self._floor.response_created(trio.current_time(), event.response.id)
            )

    def _item_added(self, event: response.OutputItemAdded) -> None:
        self._progress()
        if event.item.kind == "message":
            self.scribe.begins(Party.ASSISTANT, event.item.id)
            self.narrator.announce(event.item.id, event.response_id)

    def _part_added(self, event: response.ContentPartAdded) -> None:
        self.narrator.announce(event.item_id, event.response_id)

    def _audio_delta(self, event: response.AudioDelta) -> None:
        if self.narrator.take(event.item_id, event.audio):
            self._turn_is_answered()
        self._progress()
        self._tell_whether_it_sounds()

    def _audio_done(self, event: response.AudioDone) -> None:
        self._progress()
        self.narrator.finish(event.item_id)

    def _arguments(self, _: response.ArgumentsDelta) -> None:
        self._progress()

    def _response_done(self, event: response.ResponseDone) -> None:
        made, now_s = event.response, trio.current_time()
        self.accountant.responded(made.usage)
        sounded = self.narrator.finish_response(made.id)
        setback = self._setback(made)
        if setback is not None and not made.out_of_band:
            self.moderator.carry_out(self._floor.response_failed(now_s, made.id, setback))
            return
        if made.status != "cancelled" and not sounded:
            # To say nothing may be the model's own choice; to be filtered or to break off is not.
            why = "" if made.status == "completed" else f"the response is {made.status}, unheard"
            self.board.post(Happened(now_s, Moment.UNANSWERED, detail=why))
        if not made.out_of_band:
            self.moderator.carry_out(self._floor.response_done(now_s, made.id))
        if sounded or made.status == "completed":
            self.answered += 1
            self._turn_is_answered()

    def _rate_limits(self, event: server.RateLimitsUpdated) -> None:
        self.moderator.carry_out(self._floor.limits_told(trio.current_time(), event.rate_limits))

    def _item_confirmed(self, event: server.ItemAdded) -> None:
        self.moderator.carry_out(self._floor.item_added(trio.current_time(), event.item.id))

    def _refused(self, event: server.Refused) -> None:
        error, now_s = event.error, trio.current_time()
        verdict = judge_code(error.code, error.kind).verdict
        self.counts.refusals += 1
        if self.counts.refusals <= _TOLD_EACH or is_landmark(self.counts.refusals):
            log.warning(
                "refused count=%d code=%s message=%r verdict=%s %s",
                self.counts.refusals,
                error.code,
                error.message,
                verdict.name.lower(),
                self.line.reference,
            )
        if verdict > Verdict.RETRY_TURN:
            raise SessionOver(_telling(error), error.message)
        if verdict is Verdict.RETRY_TURN:  # the session may live on, or end of it
            self.moderator.suspicion.note(now_s, Setback(_telling(error), error.message))
        self.moderator.carry_out(self._floor.refused(now_s, error.code, error.blamed))

    def _user_delta(self, event: server.TranscriptionDelta) -> None:
        self.scribe.says(Party.USER, event.item_id, event.delta)
        self._words(event.item_id, event.delta, final=False)

    def _user_text(self, event: server.TranscriptionCompleted) -> None:
        self.accountant.transcribed(event.usage)
        self.scribe.said(Party.USER, event.item_id, event.transcript)
        self._words(event.item_id, event.transcript, final=True)

    def _assistant_delta(self, event: response.AudioTranscriptDelta) -> None:
        self._progress()
        self.scribe.says(Party.ASSISTANT, event.item_id, event.delta)

    def _assistant_text(self, event: response.AudioTranscriptDone) -> None:
        self.scribe.said(Party.ASSISTANT, event.item_id, event.transcript)

    def _transcription_failed(self, event: server.TranscriptionFailed) -> None:
        log.warning("transcription failed item=%s: the answer is not affected", event.item_id)
        self.scribe.said(Party.USER, event.item_id)
        self.moderator.carry_out(self._floor.no_words(trio.current_time(), event.item_id))

    # How it is done.

    def _turn_is_answered(self) -> None:
        """What is on the tape was heard, unless the user has begun anew meanwhile."""
        if self.tape.turn_is_open and self._floor.user is User.SILENT:
            self.tape.turn_is_over()

    def _progress(self) -> None:
        self.moderator.carry_out(self._floor.progressed(trio.current_time()))

    def _words(self, item_id: str, text: str, *, final: bool) -> None:
        self.moderator.carry_out(self._floor.words(trio.current_time(), item_id, text, final=final))

    def _tell_whether_it_sounds(self) -> None:
        if self.narrator.sounding is not self._floor.sounding:
            self.moderator.carry_out(
                self._floor.sounds(trio.current_time(), sounding=self.narrator.sounding)
            )

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

    def _setback(self, made: Response) -> Setback | None:
        """Why a response failed, if it may succeed another time; what never will ends the session."""
        details = made.status_details
        if made.status != "failed" or details is None or details.error is None:
            return None
        code, message = _telling(details.error), details.error.message
        log.warning("response failed code=%s message=%r %s", code, message, self.line.reference)
        verdict = judge_code(code).verdict
        if code in _SLOW_DOWN or verdict is Verdict.RETRY_TURN:
            return Setback(code, message, limited=code in _SLOW_DOWN)
        if verdict is not Verdict.CARRY_ON:
            raise SessionOver(code, message)
        return None


def _telling(error: ErrorDetails) -> str:
    """The word of an error's two that says what to do: often the code is null, or nobody's."""
    code, kind = error.code or "", error.kind
    return code if judge_code(code) == judge_code(code, kind) and code else kind


_SLOW_DOWN: Final = frozenset({"rate_limit_exceeded", "inference_rate_limit_exceeded"})
"""Of a response: the session is sound, and the next one may be made a little later."""

_HANDLERS: Final[Mapping[type, Callable[[Downlink, Any], None]]] = {
    server.SpeechStarted: Downlink._speech_started,
    server.SpeechStopped: Downlink._speech_stopped,
    server.Committed: Downlink._committed,
    server.TranscriptionDelta: Downlink._user_delta,
    server.TranscriptionCompleted: Downlink._user_text,
    server.TranscriptionFailed: Downlink._transcription_failed,
    server.Refused: Downlink._refused,
    server.ItemAdded: Downlink._item_confirmed,
    server.RateLimitsUpdated: Downlink._rate_limits,
    response.ResponseCreated: Downlink._response_created,
    response.OutputItemAdded: Downlink._item_added,
    response.ContentPartAdded: Downlink._part_added,
    response.AudioDelta: Downlink._audio_delta,
    response.AudioDone: Downlink._audio_done,
    response.AudioTranscriptDelta: Downlink._assistant_delta,
    response.AudioTranscriptDone: Downlink._assistant_text,
    response.ArgumentsDelta: Downlink._arguments,
    response.ResponseDone: Downlink._response_done,
}
"""Which events concern us, and what is done; the session keeps count of all others."""
