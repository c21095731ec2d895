"""The hearing side of a session: appended audio, turns, and what was said in them.

Law of this file: positions are counted in appended audio. An utterance becomes an item at once and
is understood later, in a task of its own; the item's `Heard` tells when.
"""

from collections.abc import Callable
from typing import Final

from attrs import define, field

from voiced.local import items, refusals, tokens, tools
from voiced.local.conversation import Item
from voiced.local.desk import Desk
from voiced.local.ears import VoiceActivity
from voiced.local.errors import RecognitionFailed
from voiced.local.faults import Fault, Moment
from voiced.local.pacing import words
from voiced.local.settings import Settings
from voiced.local.sound import BYTES_PER_MS, Intake
from voiced.local.turns import LEAST_COMMIT_MS, InputBuffer, Started, Stopped, TurnClock
from voiced.local.wire import Json, new_id

MOST_APPEND_BYTES: Final = 15 << 20  # documented limit of one event
_SLICE_BYTES: Final = 200 * BYTES_PER_MS  # what the ears are given at once: bounds their delay
_MOST_UNHEARD: Final = 16  # utterances waiting to be understood; more are taken for noise


@define(eq=False)
class Listening:
    """The input audio buffer of one session."""

    desk: Desk
    on_speech: Callable[[], None]
    """Called when server VAD finds that someone speaks, after speech_started was said."""
    on_turn: Callable[[], None]
    """Called when server VAD has committed a turn."""
    buffer: InputBuffer = field(init=False)
    _intake: Intake = field(init=False)
    _activity: VoiceActivity | None = field(init=False, default=None)
    _clock: TurnClock | None = field(init=False, default=None)
    _pending_id: str | None = field(init=False, default=None)
    """The item that a running turn will become."""
    _start_ms: int = field(init=False, default=0)
    """Where that turn began."""
    _appends: int = field(init=False, default=0)
    _unheard: int = field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        self.buffer = InputBuffer(self.desk.options.kept_audio_s * 1000)
        self._intake = Intake(self.desk.settings.input_format)
        self._tune()

    def retune(self, before: Settings) -> None:
        """Follow new settings; a running turn is lost only if turn detection itself changed."""
        now = self.desk.settings
        if now.input_format is not before.input_format:
            self._intake = Intake(now.input_format)
        if now.turn_rules != before.turn_rules:
            self._tune()

    async def append(self, audio: str) -> None:
        """Carry out an ``input_audio_buffer.append``.

        Raises:
            Refusal: this is no audio.
        """
        data = items.decoded(audio, self._intake.wire)
        if len(data) > MOST_APPEND_BYTES:
            raise refusals.audio_too_long(MOST_APPEND_BYTES)
        pcm = self._intake.feed(data)
        for at in range(0, len(pcm), _SLICE_BYTES):
            await self._hear(pcm[at : at + _SLICE_BYTES])
        self._appends += 1
        self.desk.mischief.strike(Moment.APPENDS, reached=self._appends)

    def commit(self) -> None:
        """Carry out an ``input_audio_buffer.commit``; no response follows by itself.

        Raises:
            Refusal: there is too little to commit.
        """
        if self.buffer.held_ms < LEAST_COMMIT_MS:
            raise refusals.commit_too_small(self.buffer.held_ms)
        item_id = self._pending_id or new_id("item")
        self._forget_turn()
        self._commit(item_id, self.buffer.take_all())

    def clear(self) -> None:
        """Carry out an ``input_audio_buffer.clear``."""
        self.buffer.take_all()
        self._forget_turn()
        self.desk.line.emit("input_audio_buffer.cleared")

    def time_out(self) -> None:
        """Commit the quiet since the last turn, since nobody has spoken for long."""
        if self._pending_id is not None:
            return
        start_ms, end_ms = self.buffer.starts_ms, self.buffer.total_ms
        item_id = new_id("item")
        self.desk.line.emit(
            "input_audio_buffer.timeout_triggered",
            audio_start_ms=start_ms,
            audio_end_ms=end_ms,
            item_id=item_id,
        )
        self._commit(item_id, self.buffer.take_all(), quiet=True)
        self._forget_turn()
        self.on_turn()

    def understand(self, item: Item) -> None:
        """Have an item's sound understood; its `Heard` will tell."""
        if self._unheard >= _MOST_UNHEARD and item.heard is not None:
            item.heard.settle("")
            return
        self._unheard += 1
        transcription = self.desk.settings.transcription
        self.desk.nursery.start_soon(self._understand, item, bytes(item.audio), transcription)

    # --- turns ---

    def _tune(self) -> None:
        """Begin to look for turns, or stop."""
        self._pending_id = None
        rules = self.desk.settings.turn_rules
        self._clock = None if rules is None else TurnClock(rules, self.buffer.total)
        self._activity = None if rules is None else self.desk.ears.voice_activity()

    async def _hear(self, pcm: bytes) -> None:
        self.buffer.append(pcm)
        if self._clock is None or self._activity is None:
            return
        for window in await self._activity.feed(pcm):
            match self._clock.hear(window):
                case Started(audio_start_ms):
                    self._speech_started(audio_start_ms)
                case Stopped(audio_end_ms):
                    self._speech_stopped(audio_end_ms)
                case None:
                    pass

    def _speech_started(self, audio_start_ms: int) -> None:
        self._pending_id = new_id("item")
        self._start_ms = audio_start_ms
        self.desk.line.emit(
            "input_audio_buffer.speech_started",
            audio_start_ms=audio_start_ms,
            item_id=self._pending_id,
        )
        self.on_speech()

    def _speech_stopped(self, audio_end_ms: int) -> None:
        item_id = self._pending_id or new_id("item")
        self._pending_id = None
        line = self.desk.line
        line.emit("input_audio_buffer.speech_stopped", audio_end_ms=audio_end_ms, item_id=item_id)
        if self.desk.mischief.has(Fault.EARLY_TRANSCRIPTION):
            self._say_delta(item_id, "")
        self._commit(item_id, self.buffer.take(self._start_ms, audio_end_ms))
        self.on_turn()

    def _forget_turn(self) -> None:
        self._pending_id = None
        if self._clock is not None:
            self._clock.restart()

    def _commit(self, item_id: str, pcm: bytes, *, quiet: bool = False) -> None:
        """Make an item of *pcm*, announce it, and have it understood."""
        item = items.committed(item_id, pcm)
        if quiet:
            item.heard = None
        line = self.desk.line
        line.emit(
            "input_audio_buffer.committed",
            item_id=item_id,
            previous_item_id=self.desk.conversation.last_id,
        )
        previous = self.desk.conversation.append(item)
        line.emit("conversation.item.added", previous_item_id=previous, item=item.face)
        line.emit("conversation.item.done", previous_item_id=previous, item=item.face)
        self.understand(item)

    # --- words ---

    async def _understand(self, item: Item, pcm: bytes, transcription: Json | None) -> None:
        try:
            text = await self.desk.ears.recognise(pcm, self._hints())
        except RecognitionFailed:
            text, failed = "", True
        else:
            failed = self.desk.mischief.has(Fault.TRANSCRIPTION_FAILED)
        self._unheard -= 1
        if transcription is not None:
            self._transcribe(item, text, transcription["model"], failed=failed)
        if item.heard is not None:
            item.heard.settle(text)

    def _hints(self) -> list[str]:
        """What may be said in this session besides the usual sentences."""
        return tools.sentences(self.desk.settings.wire.get("tools", ()))

    def _transcribe(self, item: Item, text: str, model: str, *, failed: bool) -> None:
        """Tell the client what was understood."""
        if failed:
            self.desk.line.emit(
                "conversation.item.input_audio_transcription.failed",
                item_id=item.id,
                content_index=0,
                error={
                    "type": "server_error",
                    "code": "transcription_failed",
                    "message": "Input transcription failed for this item.",
                    "param": None,
                },
            )
            return
        pieces = [text] if model.startswith("whisper") else words(text)
        for piece in pieces if text else ():
            self._say_delta(item.id, piece)
        for part in item.face["content"]:
            if part["type"] == "input_audio":
                part["transcript"] = text
        self.desk.line.emit(
            "conversation.item.input_audio_transcription.completed",
            item_id=item.id,
            content_index=0,
            transcript=text,
            usage=tokens.transcription_usage(model, item.audio_ms, len(text)),
            **self._logprobs(),
        )

    def _say_delta(self, item_id: str, delta: str) -> None:
        self.desk.line.emit_text(
            "conversation.item.input_audio_transcription.delta",
            delta,
            item_id=item_id,
            content_index=0,
            **self._logprobs(),
        )

    def _logprobs(self) -> Json:
        """An empty list where the client wants probabilities: this recogniser has none."""
        return {"logprobs": []} if self.desk.settings.wants_logprobs else {}
