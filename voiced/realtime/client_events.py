"""What we say: one frozen class per client event, named in the imperative.

Law of this file: a value that exists is fit to be sent; whether it is its turn is for
`session.py` to say. A wrong type raises TypeError and a wrong value ValueError, when the event is
made. `_ms` are milliseconds of audio. An `event_id`, 512 characters at most (documented), may come
back in a refusal; a success never repeats it (seen on the live wire).
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal

from attrs import Attribute, field, frozen
from attrs.validators import deep_iterable, deep_mapping, max_len

from voiced.realtime.checks import FLAG, NAME, a, maybe, number, one_of, text, whole
from voiced.realtime.objects import veiled
from voiced.realtime.settings import (
    KEEP,
    AudioFormat,
    CustomVoice,
    Distance,
    FunctionChoice,
    FunctionTool,
    Modality,
    SemanticVad,
    ServerVad,
    Transcription,
    Unchanged,
)

LONGEST_APPEND_BYTES: Final = 15 * 1024 * 1024
"""Of sound in one `Append` (documented)."""


@frozen(kw_only=True)
class Order:
    """What every client event is: `TYPE` is its name on the wire."""

    TYPE: ClassVar[str]

    event_id: str | None = field(default=None, validator=maybe(text(1, 512)))


@frozen(kw_only=True)
class Configure(Order):
    """Change the session: all of it or, when refused, nothing (seen on the live wire).

    What is None (or `KEEP`, where None turns the setting off) is not sent and stays as it is;
    `""` and `()` clear instructions and tools. The model gives sound or text, never both.
    `turn_detection=None` is manual: we commit and create responses. The voice is fixed once the
    conversation holds the model's sound (seen on the live wire); `speed`, 0.25 to 1.5, while a
    response runs (documented).
    """

    TYPE = "session.update"

    output_modality: Modality | None = field(default=None, validator=one_of(None, "audio", "text"))
    instructions: str | None = field(default=None, validator=maybe(text()))
    input_format: AudioFormat | None = field(default=None, validator=maybe(a(AudioFormat)))
    output_format: AudioFormat | None = field(default=None, validator=maybe(a(AudioFormat)))
    turn_detection: ServerVad | SemanticVad | Unchanged | None = field(
        default=KEEP, validator=maybe(a(ServerVad, SemanticVad, Unchanged))
    )
    transcription: Transcription | Unchanged | None = field(
        default=KEEP, validator=maybe(a(Transcription, Unchanged))
    )
    noise_reduction: Distance | Unchanged | None = field(
        default=KEEP, validator=one_of(None, KEEP, "near_field", "far_field")
    )
    voice: str | CustomVoice | None = field(default=None, validator=maybe(a(str, CustomVoice)))
    speed: float | None = field(default=None, validator=maybe(number(0.25, 1.5)))
    tools: tuple[FunctionTool, ...] | None = field(
        default=None, validator=maybe(deep_iterable(a(FunctionTool), a(tuple)))
    )
    tool_choice: Literal["none", "auto", "required"] | FunctionChoice | None = field(default=None)
    max_output_tokens: int | Literal["inf"] | None = field(default=None)

    @tool_choice.validator
    def _known_choice(self, attribute: "Attribute[Any]", value: object) -> None:
        if not isinstance(value, FunctionChoice):
            one_of(None, "none", "auto", "required")(self, attribute, value)

    @max_output_tokens.validator
    def _sane_limit(self, attribute: "Attribute[Any]", value: object) -> None:
        if value not in (None, "inf"):
            whole(1, 4096)(self, attribute, value)


@frozen
class Append(Order):
    """Sound for the input buffer, raw, in the session's input format; never answered (documented).

    Any length. Samples should be whole, for what the server makes of half a one is not known; but
    one of PCM is two bytes and one of G.711 is one, so that is for those to see to who cut them.
    """

    TYPE = "input_audio_buffer.append"

    audio: bytes = field(repr=veiled)

    @audio.validator
    def _whole_samples(self, _: "Attribute[bytes]", value: object) -> None:
        # One function, not a list of validators: this one runs fifty times a second.
        if not isinstance(value, bytes):
            raise TypeError(f"audio must be bytes, not {type(value).__name__}")
        if not 0 < len(value) <= LONGEST_APPEND_BYTES:
            raise ValueError(
                f"audio must be 1 to {LONGEST_APPEND_BYTES} bytes, not {len(value)} bytes"
            )


@frozen
class Commit(Order):
    """End the user's turn; needs 100 ms of sound, creates no response (seen on the live wire).

    `forced` is not sent. It tells our session that this is meant although the server's turn
    detection commits by itself: allowed by the protocol, but it may race the server's own.
    """

    TYPE = "input_audio_buffer.commit"

    forced: bool = field(default=False, kw_only=True, validator=FLAG)


@frozen
class Clear(Order):
    """Throw away the sound not yet committed (documented)."""

    TYPE = "input_audio_buffer.clear"


@frozen
class UserText:
    """What the user is to have written."""

    text: str = field(repr=veiled, validator=text())


@frozen
class AssistantText:
    """What the model is to have said; its sound cannot be restored (documented)."""

    text: str = field(repr=veiled, validator=text())


@frozen
class SystemText:
    """A remark to the model in the midst of the conversation."""

    text: str = field(repr=veiled, validator=text())


@frozen
class FunctionCall:
    """A call the model is to have made; `arguments` is JSON text."""

    call_id: str = field(validator=NAME)
    name: str = field(validator=NAME)
    arguments: str = field(repr=veiled, validator=text())


@frozen
class FunctionCallOutput:
    """What a function gave, as free text (documented)."""

    call_id: str = field(validator=NAME)
    output: str = field(repr=veiled, validator=text())


NewItem = UserText | AssistantText | SystemText | FunctionCall | FunctionCallOutput


@frozen
class CreateItem(Order):
    """Put an item at the conversation's end, after `previous_item_id`, or at its head if that is
    `root` (documented). Creates no response. `item_id` is ours to choose, 32 characters at most
    (the limit known for ids that clients send).
    """

    TYPE = "conversation.item.create"

    item: NewItem = field(
        validator=a(UserText, AssistantText, SystemText, FunctionCall, FunctionCallOutput)
    )
    item_id: str | None = field(default=None, validator=maybe(text(1, 32)))
    previous_item_id: str | None = field(default=None, validator=maybe(NAME))


@frozen
class RetrieveItem(Order):
    """Ask for an item, sound included: a large answer (documented)."""

    TYPE = "conversation.item.retrieve"

    item_id: str = field(validator=NAME)


@frozen
class DeleteItem(Order):
    """Take an item out of the conversation: for an answer of which nothing was heard."""

    TYPE = "conversation.item.delete"

    item_id: str = field(validator=NAME)


@frozen
class Truncate(Order):
    """Tell the server how much of an answer was heard, from the item's start.

    More than the item holds is refused and changes nothing (reported): clamp. It does not stop
    generation, and the server forgets the item's transcript (documented).
    """

    TYPE = "conversation.item.truncate"

    item_id: str = field(validator=NAME)
    audio_end_ms: int = field(validator=whole(0))
    content_index: int = field(default=0, validator=whole(0))


@frozen(kw_only=True)
class CreateResponse(Order):
    """Ask the model to answer; what is set holds for this answer only.

    The conversation has one answer at a time; `conversation="none"` runs beside it.
    `without_context`: the model sees nothing of the conversation, though what it says may belong to
    it. `metadata` comes back with the response: 16 pairs, keys of 64, values of 512 characters at
    most (all documented).
    """

    TYPE = "response.create"

    instructions: str | None = field(default=None, repr=veiled, validator=maybe(text()))
    output_modality: Modality | None = field(default=None, validator=one_of(None, "audio", "text"))
    conversation: Literal["auto", "none"] | None = field(
        default=None, validator=one_of(None, "auto", "none")
    )
    without_context: bool = field(default=False, validator=FLAG)
    metadata: Mapping[str, str] | None = field(
        default=None,
        hash=False,
        validator=[maybe(deep_mapping(text(1, 64), text(0, 512), a(Mapping))), maybe(max_len(16))],
    )

    @property
    def out_of_band(self) -> bool:
        """Whether it is to run beside the conversation."""
        return self.conversation == "none"


@frozen
class CancelResponse(Order):
    """Stop generation, of the active response unless another is named. Stragglers may follow, then
    `ResponseDone` with status `cancelled` (documented).
    """

    TYPE = "response.cancel"

    response_id: str | None = field(default=None, validator=maybe(NAME))


# fmt: off
ClientEvent = (
    Configure | Append | Commit | Clear | CreateItem | RetrieveItem | DeleteItem | Truncate
    | CreateResponse | CancelResponse
)
# fmt: on
"""Any client event: all that a speech session accepts over a WebSocket (seen on the live wire)."""
