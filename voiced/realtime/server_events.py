"""What the server says: session, conversation, the user's turn, errors; and the whole vocabulary.

Law of this file: one frozen class per event type of the GA dialect, named in the past tense or as
a noun; no behaviour, no untyped data. Required is only what an event means nothing without; all
else has a default, because servers leave fields out or send null. What generation says is in
`response_events.py`; `ServerEvent` and `SERVER_EVENTS` at the end hold both halves.

Units: `_ms` are milliseconds of audio appended since the session began, by bytes, not by the
clock (seen on the live wire); `_s` are seconds.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, get_args

from attrs import field, frozen

from voiced.realtime.objects import (
    ErrorDetails,
    Item,
    RateLimit,
    SessionInfo,
    Usage,
    WireEvent,
    WireObject,
    veiled,
)
from voiced.realtime.response_events import ResponseEvent


@frozen(kw_only=True)
class SessionCreated(WireEvent):
    """The server's first word: the session with its defaults (seen on the live wire)."""

    TYPE = "session.created"

    session: SessionInfo


@frozen(kw_only=True)
class SessionUpdated(WireEvent):
    """A `Configure` took effect, all of it: the session as it is now (seen on the live wire)."""

    TYPE = "session.updated"

    session: SessionInfo


@frozen(kw_only=True)
class Refused(WireEvent):
    """The `error` event: most leave the session usable, some announce its end (documented).

    A bad key is told so too, before `SessionCreated`, then the socket closes (seen on the live
    wire).
    """

    TYPE = "error"

    error: ErrorDetails


@frozen(kw_only=True)
class RateLimitsUpdated(WireEvent):
    """What is left; follows a response, but sometimes does not come (seen on the live wire)."""

    TYPE = "rate_limits.updated"

    rate_limits: tuple[RateLimit, ...] = ()


@frozen(kw_only=True)
class Conversation(WireObject):
    """A conversation's id."""

    UNREAD = frozenset({"object"})

    id: str = ""


@frozen(kw_only=True)
class ConversationCreated(WireEvent):
    """Typed by OpenAI, yet not sent in any GA capture: wait for `SessionCreated`."""

    TYPE = "conversation.created"

    conversation: Conversation = Conversation()


@frozen(kw_only=True)
class _ItemPlaced(WireEvent):
    item: Item
    previous_item_id: str | None = None


@frozen(kw_only=True)
class ItemAdded(_ItemPlaced):
    """An item joined the conversation, perhaps still growing (seen on the live wire)."""

    TYPE = "conversation.item.added"


@frozen(kw_only=True)
class ItemDone(_ItemPlaced):
    """An item is whole. A user item has no transcript yet; an assistant item's predecessor may
    be null though `ItemAdded` named one (both seen on the live wire).
    """

    TYPE = "conversation.item.done"


@frozen(kw_only=True)
class ItemCreated(_ItemPlaced):
    """The beta dialect's word, still typed, not seen in GA captures."""

    TYPE = "conversation.item.created"


@frozen(kw_only=True)
class ItemRetrieved(WireEvent):
    """The item asked for, its sound included as the server heard it (documented)."""

    TYPE = "conversation.item.retrieved"

    item: Item


@frozen(kw_only=True)
class ItemDeleted(WireEvent):
    """An item left the conversation; later items may still point at it (reported)."""

    TYPE = "conversation.item.deleted"

    item_id: str


@frozen(kw_only=True)
class ItemTruncated(WireEvent):
    """An item keeps `audio_end_ms` of its own sound and loses its transcript (documented)."""

    TYPE = "conversation.item.truncated"

    item_id: str
    content_index: int = 0
    audio_end_ms: int = 0


@frozen(kw_only=True)
class _Transcription(WireEvent):
    item_id: str
    content_index: int = 0


@frozen(kw_only=True)
class TranscriptionDelta(_Transcription):
    """A stretch of the user's words; may precede the commit of its item (seen on the live wire)."""

    TYPE = "conversation.item.input_audio_transcription.delta"
    UNREAD = frozenset({"logprobs", "obfuscation"})

    delta: str = field(default="", repr=veiled)


@frozen(kw_only=True)
class TranscriptionCompleted(_Transcription):
    """The user's words, "" for a noise; comes before, in or after the answer (documented)."""

    TYPE = "conversation.item.input_audio_transcription.completed"
    UNREAD = frozenset({"logprobs", "languages"})

    transcript: str = field(default="", repr=veiled)
    usage: Usage | None = None


@frozen(kw_only=True)
class TranscriptionSegment(_Transcription):
    """A speaker's stretch, from `start_s` to `end_s`; diarizing models only (documented)."""

    TYPE = "conversation.item.input_audio_transcription.segment"

    id: str = ""
    text: str = field(default="", repr=veiled)
    speaker: str = ""
    start_s: float = field(default=0.0, metadata={"wire": "start"})
    end_s: float = field(default=0.0, metadata={"wire": "end"})


@frozen(kw_only=True)
class TranscriptionFailed(_Transcription):
    """The words were not written down; the answer is not affected (documented)."""

    TYPE = "conversation.item.input_audio_transcription.failed"

    error: ErrorDetails | None = None


@frozen(kw_only=True)
class Committed(WireEvent):
    """The user's turn is over and becomes an item (seen on the live wire)."""

    TYPE = "input_audio_buffer.committed"

    item_id: str = ""
    previous_item_id: str | None = None


@frozen(kw_only=True)
class Cleared(WireEvent):
    """The input buffer is empty, as asked (documented)."""

    TYPE = "input_audio_buffer.cleared"


@frozen(kw_only=True)
class SpeechStarted(WireEvent):
    """The server hears the user; the start includes its padding (seen on the live wire).

    It knows nothing of our loudspeaker: falling silent is ours to do (documented).
    """

    TYPE = "input_audio_buffer.speech_started"

    item_id: str = ""
    audio_start_ms: int | None = None


@frozen(kw_only=True)
class SpeechStopped(WireEvent):
    """The user fell silent; the end includes that silence (seen on the live wire)."""

    TYPE = "input_audio_buffer.speech_stopped"

    item_id: str = ""
    audio_end_ms: int | None = None


@frozen(kw_only=True)
class TimeoutTriggered(WireEvent):
    """Nobody spoke for `idle_timeout_ms`: the silence is committed and answered (documented)."""

    TYPE = "input_audio_buffer.timeout_triggered"

    item_id: str = ""
    audio_start_ms: int | None = None
    audio_end_ms: int | None = None


@frozen(kw_only=True)
class DtmfReceived(WireEvent):
    """A telephone key, SIP only; alone in having no `event_id` (documented). Unix seconds."""

    TYPE = "input_audio_buffer.dtmf_event_received"

    key: str = field(default="", metadata={"wire": "event"})
    received_at_s: int | None = field(default=None, metadata={"wire": "received_at"})


@frozen(kw_only=True)
class _ToolsListing(WireEvent):
    item_id: str = ""


@frozen(kw_only=True)
class McpToolsListing(_ToolsListing):
    """The server is asking an MCP server for its tools (documented)."""

    TYPE = "mcp_list_tools.in_progress"


@frozen(kw_only=True)
class McpToolsListed(_ToolsListing):
    """The tools are known; before this the model does not have them (documented)."""

    TYPE = "mcp_list_tools.completed"


@frozen(kw_only=True)
class McpToolsListingFailed(_ToolsListing):
    """The MCP server did not list its tools (documented)."""

    TYPE = "mcp_list_tools.failed"


# fmt: off
ServerEvent = (
    SessionCreated | SessionUpdated | Refused | RateLimitsUpdated | ConversationCreated
    | ItemAdded | ItemDone | ItemCreated | ItemRetrieved | ItemDeleted | ItemTruncated
    | TranscriptionDelta | TranscriptionCompleted | TranscriptionSegment | TranscriptionFailed
    | Committed | Cleared | SpeechStarted | SpeechStopped | TimeoutTriggered | DtmfReceived
    | McpToolsListing | McpToolsListed | McpToolsListingFailed | ResponseEvent
)
# fmt: on
"""Any server event: the 46 types of the GA dialect."""

SERVER_EVENTS: Final[Mapping[str, type[ServerEvent]]] = MappingProxyType(
    {event.TYPE: event for event in get_args(ServerEvent)}
)
"""Wire type to class."""
