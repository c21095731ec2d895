"""The server's objects: what its events carry inside.

Law of this file: frozen facts, no behaviour beyond reading them, no untyped data. Only what the
daemon uses or shows is a field; what is documented and of no use here is listed in `UNREAD`, so
that everything else on the wire counts as news.

Names: a field is called as on the wire unless that name hides its unit or a Python word; then
`metadata["wire"]` holds the wire's name. `kind` is what the wire calls `type`. All strings are
open: the server adds values without notice (seen on the live wire).
"""

from collections.abc import Mapping, Sized
from typing import ClassVar, Final, NewType

from attrs import field, frozen

Voice = NewType("Voice", str)
"""A built-in voice's name, or the id of a custom one (the wire then has an object; documented)."""

WIRE_TYPE: Final = {"wire": "type"}


def veiled(value: Sized | None) -> str:
    """Show speech in a repr by its length alone: what was said belongs in no log."""
    return "None" if value is None else f"<{type(value).__name__} of {len(value)}>"


@frozen(kw_only=True)
class WireObject:
    """What every server object and event is: tolerant of the fields it does not read."""

    UNREAD: ClassVar[frozenset[str]] = frozenset()


@frozen(kw_only=True)
class WireEvent(WireObject):
    """What every server event is: `TYPE` is its name on the wire, `event_id` the server's own."""

    TYPE: ClassVar[str]

    event_id: str = ""


@frozen(kw_only=True)
class ErrorDetails(WireObject):
    """What went wrong: `code` and `param` are often null (seen on the live wire).

    `blamed` is the `event_id` of our event that is to blame; documented, but null in most
    captures, so never wait for it. `message` is for people; decide by `code`, else by `kind`.
    """

    kind: str = field(default="", metadata=WIRE_TYPE)
    code: str | None = None
    message: str = ""
    param: str | None = None
    blamed: str | None = field(default=None, metadata={"wire": "event_id"})


@frozen(kw_only=True)
class Part(WireObject):
    """A piece of a message: `audio` and `text` in part events, `output_audio`, `output_text`,
    `input_audio`, `input_text` in items (seen on the live wire).

    `audio` is filled in retrieved items only, raw bytes in the session's format (documented).
    """

    UNREAD = frozenset({"detail", "image_url"})

    kind: str = field(default="", metadata=WIRE_TYPE)
    text: str | None = field(default=None, repr=veiled)
    transcript: str | None = field(default=None, repr=veiled)
    audio: bytes | None = field(default=None, repr=veiled)


@frozen(kw_only=True)
class Item(WireObject):
    """An entry of the conversation: message, function call or its output, or an MCP object.

    `call_id` differs from `id`. `arguments` is text of the model's making: possibly not JSON.
    `phase` is `commentary` or `final_answer` on models from gpt-realtime-2 on, else empty.
    All seen on the live wire; MCP fields are documented only.
    """

    UNREAD = frozenset({"object", "error", "tools", "reason", "approve"})

    id: str = ""
    kind: str = field(default="", metadata=WIRE_TYPE)
    role: str = ""
    status: str = ""
    phase: str = ""
    content: tuple[Part, ...] = ()
    call_id: str = ""
    name: str = ""
    arguments: str = field(default="", repr=veiled)
    output: str | None = field(default=None, repr=veiled)
    server_label: str = ""
    approval_request_id: str | None = None


@frozen(kw_only=True)
class CachedCounts(WireObject):
    """Tokens that the service had met before, by what they encode; billed at less (documented)."""

    text_tokens: int = 0
    audio_tokens: int = 0
    image_tokens: int = 0


@frozen(kw_only=True)
class TokenCounts(WireObject):
    """Tokens by what they encode; 100 ms of user audio is one token (seen on the live wire).

    Those that were cached are among the others (documented).
    """

    text_tokens: int = 0
    audio_tokens: int = 0
    image_tokens: int = 0
    cached_tokens: int = 0
    cached_tokens_details: CachedCounts = CachedCounts()


@frozen(kw_only=True)
class Usage(WireObject):
    """What is billed: tokens, or `seconds` for transcription models billed by time (documented)."""

    kind: str = field(default="", metadata=WIRE_TYPE)
    seconds: float = 0.0
    total_tokens: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    input_token_details: TokenCounts = TokenCounts()
    output_token_details: TokenCounts = TokenCounts()


@frozen(kw_only=True)
class StatusDetails(WireObject):
    """Why a response ended as it did; `error` when it failed (documented).

    Reasons: `turn_detected`, `client_cancelled`, `max_output_tokens`, `content_filter`.
    """

    kind: str = field(default="", metadata=WIRE_TYPE)
    reason: str = ""
    error: ErrorDetails | None = None


@frozen(kw_only=True)
class Response(WireObject):
    """One generation: `in_progress`, then completed, cancelled, incomplete or failed.

    `conversation_id` is null for a response outside the conversation (documented), and empty
    here if the server did not say; `output` never holds audio (seen on the live wire).
    """

    UNREAD = frozenset({"object", "output_modalities", "max_output_tokens", "audio"})

    id: str = ""
    status: str = ""
    status_details: StatusDetails | None = None
    output: tuple[Item, ...] = ()
    conversation_id: str | None = ""
    usage: Usage | None = None
    metadata: Mapping[str, str] | None = field(default=None, hash=False)

    @property
    def out_of_band(self) -> bool:
        """Whether it runs beside the conversation and so never takes the floor."""
        return self.conversation_id is None


@frozen(kw_only=True)
class RateLimit(WireObject):
    """What is left of one allowance, and in how many seconds it is whole again (documented)."""

    name: str = ""
    limit: int = 0
    remaining: int = 0
    reset_s: float = field(default=0.0, metadata={"wire": "reset_seconds"})


@frozen(kw_only=True)
class FormatInfo(WireObject):
    """A sound format in effect: `audio/pcm`, `audio/pcmu` or `audio/pcma`.

    PCM is 16-bit little-endian mono at 24 kHz only; the others are 8 kHz and name no rate
    (documented).
    """

    kind: str = field(default="", metadata=WIRE_TYPE)
    rate_hz: int | None = field(default=None, metadata={"wire": "rate"})


@frozen(kw_only=True)
class TurnDetectionInfo(WireObject):
    """Turn detection in effect: `server_vad` or `semantic_vad`.

    The silence default differs by model: 200 or 500 ms (seen on the live wire).
    """

    kind: str = field(default="", metadata=WIRE_TYPE)
    threshold: float | None = None
    prefix_padding_ms: int | None = None
    silence_duration_ms: int | None = None
    idle_timeout_ms: int | None = None
    eagerness: str = ""
    create_response: bool = True
    interrupt_response: bool = True


@frozen(kw_only=True)
class TranscriptionInfo(WireObject):
    """Which model writes down the user's words, and in which language (ISO-639-1)."""

    UNREAD = frozenset({"prompt", "delay", "keywords", "languages"})

    model: str = ""
    language: str = ""


@frozen(kw_only=True)
class InputAudioInfo(WireObject):
    """How the server listens. Null turn detection is manual; unsaid is the server's default,
    server VAD (seen on the live wire).
    """

    UNREAD = frozenset({"noise_reduction"})

    format: FormatInfo = FormatInfo()
    turn_detection: TurnDetectionInfo | None = TurnDetectionInfo(kind="server_vad")
    transcription: TranscriptionInfo | None = None


@frozen(kw_only=True)
class OutputAudioInfo(WireObject):
    """How the server speaks; `speed` 1.0 is natural (documented: 0.25 to 1.5)."""

    format: FormatInfo = FormatInfo()
    voice: Voice = Voice("")
    speed: float = 1.0


@frozen(kw_only=True)
class AudioInfo(WireObject):
    """Both directions of sound."""

    input: InputAudioInfo = InputAudioInfo()
    output: OutputAudioInfo = OutputAudioInfo()


@frozen(kw_only=True)
class SessionInfo(WireObject):
    """The session in effect, always sent whole (seen on the live wire).

    `expires_at_s` is in Unix seconds, one hour after the connection; ids have no fixed shape.
    """

    # fmt: off
    UNREAD = frozenset({
        "object", "include", "instructions", "max_output_tokens", "parallel_tool_calls", "prompt",
        "reasoning", "tool_choice", "tools", "tracing", "truncation",
    })
    # fmt: on

    id: str = ""
    kind: str = field(default="", metadata=WIRE_TYPE)
    model: str = ""
    expires_at_s: int | None = field(default=None, metadata={"wire": "expires_at"})
    output_modalities: tuple[str, ...] = ()
    audio: AudioInfo = AudioInfo()
