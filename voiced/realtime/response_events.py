"""What the server says about a response: generation, from created to done.

Law of this file: the second half of `server_events.py`, same rules. Generation runs ahead of
sound: these events end seconds before the answer is heard (seen on the live wire). One response
may hold several items, open at once, so sound and text are keyed by `item_id` and
`content_index`, never by "the current item" (seen on the live wire).
"""

from attrs import field, frozen

from voiced.realtime.objects import Item, Part, Response, WireEvent, veiled


@frozen(kw_only=True)
class ResponseCreated(WireEvent):
    """Generation began: we asked, or the server's turn detection did (seen on the live wire)."""

    TYPE = "response.created"

    response: Response


@frozen(kw_only=True)
class ResponseDone(WireEvent):
    """Generation ended, however it went: there is no other closing event (documented).

    May come without a `ResponseCreated` (reported by other clients). The output items are whole
    as generated, which may be more than was heard.
    """

    TYPE = "response.done"

    response: Response


@frozen(kw_only=True)
class _OutputItem(WireEvent):
    item: Item
    response_id: str = ""
    output_index: int = 0


@frozen(kw_only=True)
class OutputItemAdded(_OutputItem):
    """The response began an item, still empty (seen on the live wire)."""

    TYPE = "response.output_item.added"


@frozen(kw_only=True)
class OutputItemDone(_OutputItem):
    """An item is whole, or cut short with status `incomplete`. The place to act on a function
    call: of four events that carry it, this one also says whether it completed (documented).
    """

    TYPE = "response.output_item.done"


@frozen(kw_only=True)
class _Content(WireEvent):
    item_id: str
    response_id: str = ""
    output_index: int = 0
    content_index: int = 0


@frozen(kw_only=True)
class ContentPartAdded(_Content):
    """A part began. Azure repeats it as `content` (seen on the live wire)."""

    TYPE = "response.content_part.added"

    part: Part | None = None


@frozen(kw_only=True)
class ContentPartDone(_Content):
    """A part is whole, with its full text or transcript (seen on the live wire)."""

    TYPE = "response.content_part.done"

    part: Part | None = None


@frozen(kw_only=True)
class AudioDelta(_Content):
    """A stretch of sound, raw bytes in the session's output format.

    Comes in bursts, faster than real time; of any length, 250 ms being usual (reported), and not
    surely whole samples: carry a remainder.
    """

    TYPE = "response.output_audio.delta"

    audio: bytes = field(repr=veiled, metadata={"wire": "delta"})


@frozen(kw_only=True)
class AudioDone(_Content):
    """No more sound for this part; carries none itself (seen on the live wire)."""

    TYPE = "response.output_audio.done"


@frozen(kw_only=True)
class AudioTranscriptDelta(_Content):
    """A stretch of what is being said; usually ahead of the sound (seen on the live wire)."""

    TYPE = "response.output_audio_transcript.delta"
    UNREAD = frozenset({"obfuscation"})

    delta: str = field(repr=veiled)


@frozen(kw_only=True)
class AudioTranscriptDone(_Content):
    """All that was said in this part (seen on the live wire)."""

    TYPE = "response.output_audio_transcript.done"

    transcript: str = field(default="", repr=veiled)


@frozen(kw_only=True)
class TextDelta(_Content):
    """A stretch of a written answer (seen on the live wire)."""

    TYPE = "response.output_text.delta"
    UNREAD = frozenset({"obfuscation"})

    delta: str = field(repr=veiled)


@frozen(kw_only=True)
class TextDone(_Content):
    """A written part, whole (seen on the live wire)."""

    TYPE = "response.output_text.done"

    text: str = field(default="", repr=veiled)


@frozen(kw_only=True)
class _Call(WireEvent):
    item_id: str
    response_id: str = ""
    output_index: int = 0


@frozen(kw_only=True)
class ArgumentsDelta(_Call):
    """A stretch of a function call's arguments (seen on the live wire)."""

    TYPE = "response.function_call_arguments.delta"
    UNREAD = frozenset({"obfuscation"})

    call_id: str = ""
    delta: str = field(repr=veiled)


@frozen(kw_only=True)
class ArgumentsDone(_Call):
    """A function call's arguments, whole: text of the model's making, meant to be JSON (seen on
    the live wire). Also sent for calls that are cancelled: act on `OutputItemDone`.
    """

    TYPE = "response.function_call_arguments.done"

    call_id: str = ""
    name: str = ""
    arguments: str = field(default="", repr=veiled)


@frozen(kw_only=True)
class McpArgumentsDelta(_Call):
    """A stretch of an MCP call's arguments (documented)."""

    TYPE = "response.mcp_call_arguments.delta"
    UNREAD = frozenset({"obfuscation"})

    delta: str = field(repr=veiled)


@frozen(kw_only=True)
class McpArgumentsDone(_Call):
    """An MCP call's arguments, whole (documented)."""

    TYPE = "response.mcp_call_arguments.done"

    arguments: str = field(default="", repr=veiled)


@frozen(kw_only=True)
class McpCallInProgress(_Call):
    """The server is calling the tool (documented)."""

    TYPE = "response.mcp_call.in_progress"


@frozen(kw_only=True)
class McpCallCompleted(_Call):
    """The tool answered; the model goes on only when we create a response (reported)."""

    TYPE = "response.mcp_call.completed"


@frozen(kw_only=True)
class McpCallFailed(_Call):
    """The tool did not answer, or with an error (documented)."""

    TYPE = "response.mcp_call.failed"


@frozen(kw_only=True)
class _Playing(WireEvent):
    response_id: str = ""


@frozen(kw_only=True)
class OutputBufferStarted(_Playing):
    """WebRTC and SIP only (documented): over a WebSocket the server plays nothing itself."""

    TYPE = "output_audio_buffer.started"


@frozen(kw_only=True)
class OutputBufferStopped(_Playing):
    """WebRTC and SIP only (documented): all was played."""

    TYPE = "output_audio_buffer.stopped"


@frozen(kw_only=True)
class OutputBufferCleared(_Playing):
    """WebRTC and SIP only (documented): the rest was thrown away."""

    TYPE = "output_audio_buffer.cleared"


# fmt: off
ResponseEvent = (
    ResponseCreated | ResponseDone | OutputItemAdded | OutputItemDone | ContentPartAdded
    | ContentPartDone | AudioDelta | AudioDone | AudioTranscriptDelta | AudioTranscriptDone | TextDelta
    | TextDone | ArgumentsDelta | ArgumentsDone | McpArgumentsDelta | McpArgumentsDone
    | McpCallInProgress | McpCallCompleted | McpCallFailed
    | OutputBufferStarted | OutputBufferStopped | OutputBufferCleared
)
# fmt: on
