"""What a client may say, event by event: the GA shapes as tables.

Law of this file: shapes only. Whether an event makes sense now (is there such an item? is a
response active?) is decided by whoever carries it out. The first thing wrong refuses the whole
event.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from voiced.local import refusals
from voiced.local.session_shapes import ANSWERING, FORMAT, SESSION, VOICE, typed
from voiced.local.shapes import (
    Check,
    anything,
    at,
    choice,
    flag,
    many,
    mapping,
    nullable,
    pairs,
    record,
    tagged,
    text,
    whole,
)
from voiced.local.wire import Json

ITEM_ID_CHARACTERS: Final = 32  # known for call_id, assumed for items
# --- items --------------------------------------------------------------------------------------

_ITEM_ID: Final = text(ITEM_ID_CHARACTERS)
_ANY_ITEM: Final[Mapping[str, Check]] = {
    "id": _ITEM_ID,
    "object": choice("realtime.item"),
    "status": choice("completed", "incomplete", "in_progress"),
}
_INPUT_TEXT: Final = typed({"text": text()})
_USER_PART: Final = tagged(
    "type",
    {
        "input_text": _INPUT_TEXT,
        "input_audio": typed({"audio": text()}, {"transcript": nullable(text())}),
        "input_image": typed(
            {"image_url": text(pattern=r"data:image/(png|jpeg);base64,.*")},
            {"detail": choice("auto", "low", "high")},
        ),
    },
)


def _assistant_part(value: Any, path: str) -> None:
    """Accept text: the model's audio cannot be seeded (the live server asks for its text)."""
    mapping(value, path)
    choice("output_text", "output_audio")(value.get("type"), at(path, "type"))
    if value["type"] == "output_audio":
        raise refusals.missing(at(path, "text"))
    typed({"text": text()})(value, path)


_ROLES: Final = {
    "system": tagged("type", {"input_text": _INPUT_TEXT}),
    "user": _USER_PART,
    "assistant": _assistant_part,
}
_MESSAGE: Final = tagged(
    "role",
    {
        role: typed({"role": anything, "content": many(part, least=1)}, _ANY_ITEM)
        for role, part in _ROLES.items()
    },
)
_KINDS: Final[Mapping[str, Check]] = {
    "message": _MESSAGE,
    "function_call": typed(
        {"name": text(), "arguments": text()}, {**_ANY_ITEM, "call_id": _ITEM_ID}
    ),
    "function_call_output": typed({"call_id": _ITEM_ID, "output": text()}, _ANY_ITEM),
    "mcp_approval_response": typed(
        {"approval_request_id": text(), "approve": flag},
        {"id": _ITEM_ID, "reason": nullable(text())},
    ),
}
_ITEM: Final = tagged("type", _KINDS)
_ITEM_OR_REFERENCE: Final = tagged("type", {**_KINDS, "item_reference": typed({"id": text()})})

# --- events -------------------------------------------------------------------------------------

_RESPONSE: Final = record(
    {},
    {
        **ANSWERING,
        "audio": record({}, {"output": record({}, {"format": FORMAT, "voice": VOICE})}),
        "conversation": choice("auto", "none"),
        "input": many(_ITEM_OR_REFERENCE),
        "metadata": nullable(pairs(text(64), text(512), 16)),
    },
)
_EVENT_ID: Final[Mapping[str, Check]] = {"event_id": text(512)}
_EVENTS: Final[Mapping[str, Check]] = {
    "session.update": typed({"session": SESSION}, _EVENT_ID),
    "input_audio_buffer.append": typed({"audio": text()}, _EVENT_ID),
    "input_audio_buffer.commit": typed({}, _EVENT_ID),
    "input_audio_buffer.clear": typed({}, _EVENT_ID),
    "conversation.item.create": typed(
        {"item": _ITEM}, {**_EVENT_ID, "previous_item_id": nullable(text())}
    ),
    "conversation.item.truncate": typed(
        {"item_id": text(), "content_index": whole(0), "audio_end_ms": whole(0)}, _EVENT_ID
    ),
    "conversation.item.delete": typed({"item_id": text()}, _EVENT_ID),
    "conversation.item.retrieve": typed({"item_id": text()}, _EVENT_ID),
    "response.create": typed({}, {**_EVENT_ID, "response": _RESPONSE}),
    "response.cancel": typed({}, {**_EVENT_ID, "response_id": text()}),
}
# The live server's own list ends with two events of translation sessions, which it refuses here.
SUPPORTED: Final = (*_EVENTS, "session.close", "session.input_audio_buffer.append")


def parse(message: str | bytes) -> Json:
    """Read one frame as an event with a type.

    Raises:
        Refusal: it is none.
    """
    if isinstance(message, bytes):
        raise refusals.not_an_event("events are JSON in text frames, this frame is binary.")
    try:
        event = json.loads(message, parse_constant=_no_constant)
    except (ValueError, RecursionError) as why:
        raise refusals.unreadable_json() from why
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise refusals.not_an_event("an event is an object with a string 'type'.")
    return event


def check(event: Json) -> None:
    """Check the whole shape of a parsed event.

    Raises:
        Refusal: something about it is wrong.
    """
    name = event["type"]
    if name not in _EVENTS:
        raise refusals.unknown_event(name, SUPPORTED)
    _EVENTS[name](event, "")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
