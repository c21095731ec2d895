"""One response: from response.created to exactly one response.done.

Law of this file: the life of an answer is a cancel scope. Whatever ends it, the client hears the
closing events once, in order, in one breath; nothing of it is said afterwards.
"""

import math
import random
from collections.abc import Callable, Sequence
from typing import Final

import trio
from attrs import define, field

from voiced.local import asking, refusals, tokens
from voiced.local.conversation import Item
from voiced.local.desk import Desk
from voiced.local.errors import SpeechFailed
from voiced.local.faults import Fault, Moment
from voiced.local.options import RateLimits
from voiced.local.output import Called, Message, Output, Spoken, Written, call_item, message_item
from voiced.local.pacing import Pace, deltas, due_ms, words
from voiced.local.sound import BYTES_PER_MS, RATE_HZ, TELEPHONE_HZ, WireFormat, to_wire
from voiced.local.terms import Terms
from voiced.local.voice import sentences
from voiced.local.wire import Json, new_id

_TOKENS_PER_MINUTE: Final = 40_000  # what rate_limits.updated pretends to be counting
_ARGUMENT_CHARACTERS: Final = 12  # per delta of a function call


@define(eq=False)
class Response:
    """One answer on its way out.

    Receives a question (the items before it); says events; loses nothing; ends when all is said,
    when it is cancelled, or when its token limit is reached.
    """

    desk: Desk
    terms: Terms
    context: Sequence[Item]
    number: int
    """Which response of this session, from 1."""
    in_band: bool
    """Whether it belongs to the conversation; out-of-band ones leave no trace in it."""
    on_over: Callable[["Response"], None]
    id: str = field(init=False, factory=lambda: new_id("resp"))
    over: bool = field(init=False, default=False)
    plays_until_s: float = field(init=False, default=-math.inf)
    """When a client that plays at once would have played all that was sent."""
    _face: Json = field(init=False)
    _outputs: list[Output] = field(init=False, factory=list)
    _open: Output | None = field(init=False, default=None)
    _scope: trio.CancelScope = field(init=False, factory=trio.CancelScope)
    _reason: str | None = field(init=False, default=None)
    """Why it was cancelled."""
    _first_delta_s: float | None = field(init=False, default=None)
    _sent_ms: float = field(init=False, default=0.0)
    _last_delta: bytes = field(init=False, default=b"")
    _pace: Pace = field(init=False)
    _chance: random.Random = field(init=False)

    def __attrs_post_init__(self) -> None:
        options = self.desk.options
        self._face = self.terms.face(self.id, self.desk.conversation_id if self.in_band else None)
        self._pace = Pace(
            options.burst_factor, options.stall_after_ms, options.stall_ms, options.stall_every_ms
        )
        self._chance = random.Random(self.number)  # noqa: S311  repeatable jitter, no secret

    def begin(self) -> None:
        """Announce the response."""
        if not self._has(Fault.DONE_WITHOUT_CREATED):
            self.desk.line.emit("response.created", response=self._face)
        if self.desk.options.rate_limits is RateLimits.BEFORE:
            self._say_rate_limits(0)

    async def run(self) -> None:
        """Answer."""
        with self._scope:
            await trio.lowlevel.checkpoint()
            if self._has(Fault.QUOTA_RESPONSE):
                self._fail(refusals.quota_exceeded())
            elif self._has(Fault.RATE_LIMIT_RESPONSE):
                self._fail(refusals.rate_limited())
            else:
                await self._answer()

    def cancel(self, reason: str) -> None:
        """Stop generating; *reason* is ``turn_detected`` or ``client_cancelled``."""
        if self.over or self._reason is not None:
            return
        self._scope.cancel(reason=reason)
        if isinstance(self._open, Spoken) and self._last_delta:
            for _ in range(self.desk.options.stragglers):
                self._open.sound(self._last_delta)
        self._reason = reason
        if self.desk.options.cancel_delay_ms:
            self.desk.nursery.start_soon(self._confirm_later)
        else:
            self.confirm()

    def confirm(self) -> None:
        """Say the closing events of a cancelled response, unless they were said."""
        if self._reason is not None:
            self._conclude("cancelled", {"type": "cancelled", "reason": self._reason})

    async def _confirm_later(self) -> None:
        await trio.sleep(self.desk.options.cancel_delay_ms / 1000)
        self.confirm()

    async def _answer(self) -> None:
        asked = await asking.question(self.context)
        reply = asking.reply(asked, self.terms, self.desk.brain)
        await trio.sleep(self.desk.options.first_delta_delay_ms / 1000)
        try:
            for text in filter(None, (reply.text, *reply.then)):
                await self._message(text)
        except SpeechFailed:
            self._fail(refusals.server_error(self.desk.mischief.session_id))
        if reply.call is not None and not self.over:
            await self._call(call_item(reply.call), reply.call.arguments)
        if not self.over:
            self._conclude("completed", None)

    # --- items ---

    async def _message(self, text: str) -> None:
        if self.over:
            return
        kind: type[Message] = Spoken if self.terms.aloud else Written
        output = kind(self.desk, self.id, len(self._outputs), self.in_band, message_item())
        self._begin_item(output)
        if isinstance(output, Spoken):
            for place, sentence in enumerate(sentences(text)):
                await self._speak(output, f" {sentence}" if place else sentence)
        else:
            for delta in words(text):
                await self.desk.line.room()
                output.say(delta)
                if self._is_too_long():
                    return
        self._end_item()

    async def _call(self, item: Item, arguments: str) -> None:
        output = Called(self.desk, self.id, len(self._outputs), self.in_band, item)
        self._begin_item(output)
        for at in range(0, len(arguments), _ARGUMENT_CHARACTERS):
            await self.desk.line.room()
            output.write(arguments[at : at + _ARGUMENT_CHARACTERS])
        self._end_item()

    async def _speak(self, output: Spoken, sentence: str) -> None:
        """Say one sentence: words ahead, sound behind, at the pace of the options."""
        if self.over:
            return
        pcm = await self.desk.voice.speak(sentence.strip(), self.terms.speed)
        await trio.lowlevel.checkpoint_if_cancelled()  # a cut may have come in the same instant
        pcm = self.terms.wire_format.whole(pcm)
        output.item.add_audio(pcm)
        if self.in_band:
            self.desk.conversation.tidy()
        said = words(sentence)
        waiting = [(due_ms(k, len(said), len(pcm)), word) for k, word in enumerate(said)]
        done_ms = 0.0
        for piece in self._pieces(pcm):
            ahead_ms = done_ms + self.desk.options.transcript_lead_ms
            while waiting and waiting[0][0] <= ahead_ms:
                output.say(waiting.pop(0)[1])
            await self._wait_for_turn()
            piece_ms = self._send(output, piece)
            done_ms += piece_ms
            if self._is_too_long():
                return
        for _, word in waiting:
            output.say(word)

    def _pieces(self, pcm: bytes) -> list[bytes]:
        """Cut a sentence into deltas as the wire wants them."""
        size = self.desk.options.delta_bytes
        if self.terms.wire_format is not WireFormat.PCM:  # as long in time, six times smaller
            size = max(size * TELEPHONE_HZ // RATE_HZ // 2, 1)
        wire = to_wire(pcm, self.terms.wire_format)
        return list(deltas(wire, size, odd=self.desk.options.odd_deltas))

    async def _wait_for_turn(self) -> None:
        """Wait until the next delta is due, and until the client has room for it."""
        if self._first_delta_s is not None:
            jitter_ms = self._chance.uniform(0, self.desk.options.delta_jitter_ms)
            due_s = self._pace.due_s(self._sent_ms) + jitter_ms / 1000
            await trio.sleep_until(self._first_delta_s + due_s)
        await self.desk.line.room()

    def _send(self, output: Spoken, piece: bytes) -> float:
        """Send one delta; return how long it sounds."""
        per_ms = BYTES_PER_MS if self.terms.wire_format is WireFormat.PCM else TELEPHONE_HZ / 1000
        if self._first_delta_s is None:
            self._first_delta_s = trio.current_time()
            if self._has(Fault.ODD_AUDIO):
                piece = piece[:-1]
        output.sound(piece)
        self._last_delta = piece
        self._sent_ms += len(piece) / per_ms
        self.plays_until_s = self._first_delta_s + self._sent_ms / 1000
        self.desk.mischief.strike(
            Moment.MID_ANSWER, reached=int(self._sent_ms), response=self.number
        )
        return len(piece) / per_ms

    def _begin_item(self, output: Output) -> None:
        self._outputs.append(output)
        self._open = output
        output.open()

    def _end_item(self) -> None:
        if self._open is not None and not self.over:
            self._open.close("completed")
            self._open = None

    # --- the end ---

    def _is_too_long(self) -> bool:
        """Stop where the client's token limit is reached; say whether all is over."""
        if self.over:
            return True
        limit = self.terms.max_output_tokens
        if isinstance(limit, str) or sum(self._tokens_out()) < limit:
            return False
        self._conclude("incomplete", {"type": "incomplete", "reason": "max_output_tokens"})
        return True

    def _fail(self, why: refusals.Refusal) -> None:
        error = {"type": why.kind, "code": why.code, "message": why.message}
        self._conclude("failed", {"type": "failed", "error": error})

    def _conclude(self, status: str, details: Json | None) -> None:
        """Say the closing events; once."""
        if self.over:
            return
        if self._open is not None:
            self._open.close("incomplete")
            self._open = None
        self.over = True
        usage = self._usage()
        self.desk.line.emit(
            "response.done",
            response={
                **self._face,
                "status": status,
                "status_details": details,
                "output": [output.done_face() for output in self._outputs],
                "usage": usage,
            },
        )
        if self.desk.options.rate_limits is RateLimits.AFTER:
            self._say_rate_limits(usage["total_tokens"])
        self.on_over(self)

    def _tokens_out(self) -> tuple[int, int]:
        """How many tokens of text and of sound went out."""
        said = sum(len(out.said) for out in self._outputs if isinstance(out, Message))
        called = sum(
            len(out.item.face["arguments"]) for out in self._outputs if isinstance(out, Called)
        )
        return tokens.text(said + called), int(self._sent_ms) // tokens.MODEL_AUDIO_MS

    def _usage(self) -> Json:
        text_out, audio_out = self._tokens_out()
        heard_ms = sum(item.audio_ms for item in self.context)
        written = sum(
            len(part.get("text") or part.get("transcript") or "")
            for item in self.context
            for part in item.face.get("content", ())
        )
        return tokens.usage(
            text_in=tokens.text(written),
            audio_in=-(-heard_ms // tokens.USER_AUDIO_MS),
            text_out=text_out,
            audio_out=audio_out,
        )

    def _say_rate_limits(self, used: int) -> None:
        left = max(_TOKENS_PER_MINUTE - used, 0)
        limit = {"name": "tokens", "limit": _TOKENS_PER_MINUTE, "remaining": left}
        reset_seconds = round(used / _TOKENS_PER_MINUTE * 60, 3)
        self.desk.line.emit(
            "rate_limits.updated", rate_limits=[{**limit, "reset_seconds": reset_seconds}]
        )

    def _has(self, fault: Fault) -> bool:
        return self.desk.mischief.has(fault, self.number)
