"""What of the wire is written down: messages without their sound, and never a secret.

A message that is no JSON is told by its length. Times and names of files are others' concern.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

_SOUND: Final = frozenset({"audio"})
"""Keys under which any event has base64 sound."""
_DELTAS: Final = frozenset({"response.output_audio.delta", "response.audio.delta"})
"""In which `delta` is sound, too; in all others it is words."""
_SECRETS: Final = frozenset(
    {"client_secret", "authorization", "api_key", "api-key", "headers", "password", "token"}
)
_KEPT_WHOLE: Final = 64  # characters: what is shorter is a name ("audio" is a modality, too)
_DEEPEST: Final = 64
MOST_CHARS: Final = 1 << 20
"""Of one message; an item that is retrieved with its sound may be 32 MB."""


def told(message: str | bytes, hide: Callable[[str], str], *, with_audio: bool) -> dict[str, Any]:
    """What a line of the record says of *message*: `event`, or how long it was if it is none."""
    if isinstance(message, bytes):
        return {"binary_bytes": len(message)}
    if len(message) > MOST_CHARS:
        return {"long_chars": len(message)}
    try:
        event = json.loads(message)
        if not isinstance(event, dict):
            return {"no_event_chars": len(message)}
        deltas = _SOUND | {"delta"} if event.get("type") in _DELTAS else _SOUND
        return {"event": _kept(event, frozenset() if with_audio else deltas, hide, 0)}
    except (ValueError, RecursionError):
        return {"no_json_chars": len(message)}


def _kept(thing: Any, sound: frozenset[str], hide: Callable[[str], str], depth: int) -> Any:
    if depth > _DEEPEST:
        return "[deeper]"
    if isinstance(thing, str):
        return hide(thing)
    if isinstance(thing, list):
        return [_kept(each, sound, hide, depth + 1) for each in thing]
    if not isinstance(thing, Mapping):
        return thing
    kept: dict[str, Any] = {}
    for key, value in thing.items():
        if key.lower() in _SECRETS and value is not None:
            kept[hide(key)] = "[secret]"
        elif key in sound and isinstance(value, str) and len(value) > _KEPT_WHOLE:
            kept[key] = f"[{len(value) * 3 // 4} bytes]"
        else:
            kept[hide(key)] = _kept(value, sound, hide, depth + 1)
    return kept
