"""Items as clients make them, and as a committed turn makes them.

Law of this file: from checked JSON to an `Item`; no list, no events. Items on the wire have no
`object` key and function outputs no `status` (seen live).
"""

import base64
import binascii
import copy

from voiced.local import refusals
from voiced.local.conversation import Item
from voiced.local.heard import Heard
from voiced.local.sound import Intake, WireFormat
from voiced.local.wire import CALL_ID_LENGTH, Json, new_id


def from_client(given: Json, wire: WireFormat, path: str = "item") -> Item:
    """Make an item of one a client describes.

    Raises:
        Refusal: its audio is none.
    """
    face = {"id": new_id("item"), **copy.deepcopy(given)}
    face.pop("object", None)
    if face["type"] in ("message", "function_call"):
        face.setdefault("status", "completed")
    else:
        face.pop("status", None)
    if face["type"] == "function_call":
        face.setdefault("call_id", new_id("call", CALL_ID_LENGTH))
    item = Item(face)
    for index, part in enumerate(face.get("content", ())):
        if part["type"] == "input_audio":
            pcm = decoded(part.pop("audio"), wire, f"{path}.content[{index}].audio")
            part.setdefault("transcript", None)
            item.add_audio(Intake(wire).feed(pcm))
            item.heard = Heard()
    return item


def committed(item_id: str, pcm: bytes) -> Item:
    """Make the user's item of a committed turn."""
    face: Json = {
        "id": item_id,
        "type": "message",
        "status": "completed",
        "role": "user",
        "content": [{"type": "input_audio", "transcript": None}],
    }
    return Item(face, bytearray(pcm), len(pcm), Heard())


def decoded(audio: str, wire: WireFormat, path: str = "audio") -> bytes:
    """Decode base64 audio: whole samples, standard alphabet.

    Raises:
        Refusal: it is something else.
    """
    try:
        data = base64.b64decode(audio, validate=True)
    except (binascii.Error, ValueError) as why:
        raise refusals.bad_audio(path) from why
    if len(data) % wire.unit_bytes:
        raise refusals.bad_audio(path)
    return data
