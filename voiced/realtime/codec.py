"""JSON text <-> events.

Law of this file: with `reading.py`, the one place where untyped data exists. Both ways are total.
What we send was checked when it was made; what we receive comes from strangers: nothing in it
raises, nothing is coerced, and no word of speech gets into a text for people.
"""

import binascii
import enum
import json
from typing import Any, Final, NoReturn

import attrs

from voiced.realtime import client_events as say
from voiced.realtime.reading import Json, Malformed, name_of, read_object, unknown_fields
from voiced.realtime.server_events import SERVER_EVENTS, ServerEvent
from voiced.realtime.settings import (
    KEEP,
    AudioFormat,
    CustomVoice,
    FunctionChoice,
    FunctionTool,
    SemanticVad,
    ServerVad,
)


class SkipReason(enum.Enum):
    """Why a message became no event."""

    BINARY = "binary frame"
    NOT_JSON = "not JSON"
    TOO_DEEP = "nested too deep"
    NOT_AN_OBJECT = "not an object"
    NO_TYPE = "no type"
    UNKNOWN_TYPE = "unknown type"
    MALFORMED = "malformed"


@attrs.frozen
class Skipped:
    """A message we cannot or need not understand: `type` as the server named it, and in `detail`
    where and what was wrong, short, printable and without any content.
    """

    reason: SkipReason
    type: str = ""
    detail: str = ""


def decode(message: str | bytes) -> ServerEvent | Skipped:
    """Read one WebSocket message; raises nothing, whatever it holds."""
    return read(message)[0]


def read(message: str | bytes) -> tuple[ServerEvent | Skipped, tuple[str, ...]]:
    """Do as `decode` does, and name the fields nobody knows, dotted: `item.content.sparkle`."""
    if isinstance(message, bytes):
        return _skip(SkipReason.BINARY, detail=f"{len(message)} bytes"), ()
    try:
        data = _parse(message)
    except json.JSONDecodeError as error:
        return _skip(SkipReason.NOT_JSON, detail=f"{error.msg} at character {error.pos}"), ()
    except ValueError:
        return _skip(SkipReason.NOT_JSON, detail="NaN, Infinity or a number far too long"), ()
    except RecursionError:
        return _skip(SkipReason.TOO_DEEP), ()
    if type(data) is not dict:
        return _skip(SkipReason.NOT_AN_OBJECT, detail=name_of(type(data))), ()
    kind = data.get("type")
    if type(kind) is not str:
        return _skip(SkipReason.NO_TYPE, detail=f"type is {name_of(type(kind))}"), ()
    if kind not in SERVER_EVENTS:
        return _skip(SkipReason.UNKNOWN_TYPE, kind), ()
    event = SERVER_EVENTS[kind]
    try:
        return read_object(event, data), tuple(
            printable(name, 80) for name in unknown_fields(event, data)
        )
    except Malformed as error:
        return _skip(SkipReason.MALFORMED, kind, str(error)), ()


def _skip(reason: SkipReason, kind: str = "", detail: str = "") -> Skipped:
    return Skipped(reason, printable(kind, 80), printable(detail, 200))


def printable(text: str, longest: int) -> str:
    """Give *text* in ASCII, fit for a log line, at most *longest* characters of it."""
    safe = "".join(c if c.isprintable() else " " for c in text[:longest])
    return safe.encode("ascii", "backslashreplace").decode("ascii")[:longest]


def _not_finite(_: str) -> NoReturn:
    raise ValueError


_parse: Final = json.JSONDecoder(parse_constant=_not_finite).decode


def encode(event: say.ClientEvent) -> str:
    """Write *event* as the JSON text of one WebSocket text frame, ASCII only; raises nothing.

    A binary frame would be refused (seen on the live wire).
    """
    if type(event) is say.Append and event.event_id is None:  # fifty times a second
        audio = binascii.b2a_base64(event.audio, newline=False).decode("ascii")
        return f'{{"type":"input_audio_buffer.append","audio":"{audio}"}}'
    message = _given(type=event.TYPE, event_id=event.event_id) | _body(event)
    return json.dumps(message, separators=(",", ":"), allow_nan=False)


def _given(**fields: Any) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


def _body(event: say.ClientEvent) -> Json:
    match event:
        case say.Configure():
            return {"session": _session(event)}
        case say.Append(audio):
            return {"audio": binascii.b2a_base64(audio, newline=False).decode("ascii")}
        case say.Commit() | say.Clear():
            return {}
        case say.CreateItem(item):
            wire_item = _given(id=event.item_id) | _item(item)
            return _given(previous_item_id=event.previous_item_id, item=wire_item)
        case say.RetrieveItem(item_id) | say.DeleteItem(item_id):
            return {"item_id": item_id}
        case say.Truncate(item_id, end, index):
            return {"item_id": item_id, "content_index": index, "audio_end_ms": end}
        case say.CreateResponse():
            return _given(response=_response(event) or None)
        case say.CancelResponse(response_id):
            return _given(response_id=response_id)


def _item(item: say.NewItem) -> Json:
    match item:
        case say.UserText(text):
            return _message("user", "input_text", text)
        case say.AssistantText(text):
            return _message("assistant", "output_text", text)
        case say.SystemText(text):
            return _message("system", "input_text", text)
        case say.FunctionCall():
            return {"type": "function_call", **attrs.asdict(item)}
        case say.FunctionCallOutput():
            return {"type": "function_call_output", **attrs.asdict(item)}


def _message(role: str, kind: str, text: str) -> Json:
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def _response(event: say.CreateResponse) -> Json:
    return _given(
        instructions=event.instructions,
        output_modalities=event.output_modality and [event.output_modality],
        conversation=event.conversation,
        input=[] if event.without_context else None,
        metadata=event.metadata and dict(event.metadata),
    )


def _session(event: say.Configure) -> Json:
    tools, choice, voice = event.tools, event.tool_choice, event.voice
    output = _given(
        format=_format(event.output_format),
        voice={"id": voice.id} if isinstance(voice, CustomVoice) else voice,
        speed=event.speed,
    )
    return _given(
        type="realtime",
        output_modalities=event.output_modality and [event.output_modality],
        instructions=event.instructions,
        audio=_given(input=_input(event) or None, output=output or None) or None,
        tools=None if tools is None else [_tool(tool) for tool in tools],
        tool_choice=(
            {"type": "function", "name": choice.name}
            if isinstance(choice, FunctionChoice)
            else choice
        ),
        max_output_tokens=event.max_output_tokens,
    )


def _input(event: say.Configure) -> Json:
    settings = _given(format=_format(event.input_format))
    if event.turn_detection is not KEEP:
        settings["turn_detection"] = _turn_detection(event.turn_detection)
    if event.transcription is not KEEP:
        settings["transcription"] = event.transcription and _given(
            **attrs.asdict(event.transcription)
        )
    if event.noise_reduction is not KEEP:
        settings["noise_reduction"] = event.noise_reduction and {"type": event.noise_reduction}
    return settings


def _format(sound: AudioFormat | None) -> Json | None:
    if sound is AudioFormat.PCM:
        return {"type": sound.value, "rate": 24000}  # refused without its rate (seen live)
    return sound and {"type": sound.value}


def _turn_detection(detection: ServerVad | SemanticVad | None) -> Json | None:
    if detection is None:
        return None
    kind = "server_vad" if isinstance(detection, ServerVad) else "semantic_vad"
    return {"type": kind, **attrs.asdict(detection)}


def _tool(tool: FunctionTool) -> Json:
    parameters = json.loads(tool.parameters)
    return {"type": "function", **attrs.asdict(tool), "parameters": parameters}
