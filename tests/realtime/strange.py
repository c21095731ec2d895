"""Strange messages: what a server, a proxy or a bug might make of recorded ones; and what must hold.

One engine for all who fuzz: it asks a *chooser* for each decision (a number below n), so that
hypothesis can shrink what it finds and a coverage-guided fuzzer can steer. Objects are lists of
pairs here, because JSON may name a field twice.
"""

import json
import string
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from voiced.faults import RemoteProtocolError
from voiced.realtime.codec import Skipped, read
from voiced.realtime.server_events import SERVER_EVENTS
from voiced.realtime.session import Session, State

Choose = Callable[[int], int]
"""Gives a number from 0 to n - 1."""

MOST_NAMES: Final = 101  # of a session's tallies: a hundred, and "(others)"
MOST_BESIDE: Final = 256  # responses beside the conversation that a session remembers
_HARMLESS: Final = set(string.printable) - set("\n\r\t\v\f")
_MOST_CHANGES: Final = 4


@frozen
class Raw:
    """A piece of a message as it is, JSON or not."""

    text: str


@frozen
class Object:
    """A JSON object whose fields may come twice."""

    pairs: tuple[tuple[str, Any], ...]


STRANGE: Final = (
    *map(Raw, ("null", "true", "false", "0", "-1", "1.5", "{}", "[]", '""', '"text"', '"AAAA"')),
    *map(Raw, ("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "-0", "1e-999", "0.1e1")),
    *map(Raw, (str(1 << 31), str(1 << 53), str(-1 << 63), str(1 << 64), "9" * 400, "9" * 5000)),
    *map(Raw, ("[" * 90 + "]" * 90, '{"a":' * 90 + "1" + "}" * 90, "[" * 5000, "[[[]]" * 3)),
    *map(Raw, (r'"\ud83d"', r'"\udc00\ud800"', r'"\u0000"', r'"\ud83d\ude00"', '"\\', '"\x00"')),
    *map(Raw, ('"' + "x" * 3000 + '"', '"=AAA"', '"AA=="', '"AAA"', '"\u00e4\u2028\uffff"')),
    *map(Raw, ("[null]", "[[]]", '[{"type":null}]', '{"type":"message","content":[7]}')),
    *map(Raw, ("undefined", "0x1", "01", "+1", "'text'", "[1,]", "/**/1", "\ufeff1", "")),
)
"""What may stand where something else was due."""

NAMES: Final = (
    *(
        "type",
        "event_id",
        "item_id",
        "response_id",
        "delta",
        "audio",
        "response",
        "session",
        "item",
    ),
    *("error", "code", "content", "output", "usage", "metadata", "status", "conversation_id"),
    *("", "\ud800", "\x00", "n" * 2000, "a.b", "__class__", "TYPE", "kind"),
)
"""What a field may be called that was called otherwise."""


@cache
def recorded() -> tuple[str, ...]:
    """All that servers said in the recorded conversations, in order."""
    lines = (
        json.loads(line)
        for path in sorted((Path(__file__).parent / "transcripts").glob("*.jsonl"))
        for line in path.read_text("utf-8").splitlines()
    )
    return tuple(json.dumps(line["event"]) for line in lines if line["from"] == "server")


def spoilt(message: str, choose: Choose) -> str:
    """Give *message* with something wrong in it: one to four changes, then perhaps in the text."""
    tree = _tree(message)
    for _ in range(1 + choose(_MOST_CHANGES)):
        tree = _changed(tree, choose)
    text = _written(tree)
    match choose(8):
        case 0:
            return text[: choose(len(text) + 1)]
        case 1:
            at = choose(len(text) + 1)
            return f"{text[:at]}{_any(STRANGE, choose).text}{text[at:]}"
        case 2:
            at = choose(len(text) + 1)
            return text[:at] + text[at + 1 + choose(9) :]
        case _:
            return text


def receive(session: Session, message: str | bytes) -> None:
    """Have *session* receive it, and object to whatever must not come of that."""
    before = session.state
    try:
        event = session.receive(message)
    except RemoteProtocolError:
        assert session.state is before, "what is out of turn moves nothing"
        return
    if isinstance(event, Skipped):
        assert session.state is before, "what nobody understands moves nothing"
        assert len(event.detail) <= 200
        assert len(event.type) <= 80
        assert set(event.detail + event.type) <= _HARMLESS
    else:
        assert type(event) in SERVER_EVENTS.values()
        repr(event).encode()
    assert read(message)[0] == event
    assert session.state in State
    for tally in (session.skipped, session.unknown_fields):
        assert len(tally) <= MOST_NAMES
        assert all(len(name) < 250 and set(name) <= _HARMLESS for name in tally)
    assert session.responses_beside <= MOST_BESIDE


# --- how it is done -------------------------------------------------------------------------------


def _tree(message: str) -> Any:
    def frozen_object(pairs: list[tuple[str, Any]]) -> Object:
        return Object(tuple(pairs))

    return json.loads(message, object_pairs_hook=frozen_object)


def _any(things: tuple[Any, ...], choose: Choose) -> Any:
    return things[choose(len(things))]


def _changed(tree: Any, choose: Choose) -> Any:
    """Change something in *tree*: here, or (mostly) deeper."""
    match tree:
        case Object(pairs) if pairs and choose(8):
            at = choose(len(pairs))
            return Object((*pairs[:at], *_field(pairs[at], choose), *pairs[at + 1 :]))
        case [_, *_] if choose(8):
            at = choose(len(tree))
            new = _changed(tree[at], choose)
            return [*tree[:at], *([], [new], [new, tree[at]])[choose(3)], *tree[at + 1 :]]
        case _:
            return _any(STRANGE, choose)


def _field(pair: tuple[str, Any], choose: Choose) -> list[tuple[str, Any]]:
    name, value = pair
    match choose(8):
        case 0:
            return []
        case 1:
            return [pair, (name, _any(STRANGE, choose))]
        case 2:
            return [(_any(NAMES, choose), value)]
        case 3:
            return [pair, (_any(NAMES, choose), _any(STRANGE, choose))]
        case 4 if name == "type":
            return [(name, _any(tuple(sorted(SERVER_EVENTS)), choose))]
        case 5:
            return [(name, [value])]
        case _:
            return [(name, _changed(value, choose))]


def _written(tree: Any) -> str:
    match tree:
        case Raw(text):
            return text
        case Object(pairs):
            return (
                f"{{{','.join(f'{json.dumps(name)}:{_written(inner)}' for name, inner in pairs)}}}"
            )
        case list():
            return f"[{','.join(map(_written, tree))}]"
        case _:
            return json.dumps(tree)
