"""JSON-RPC 2.0, one object per line: requests in, replies and events out.

Law of this file: whatever bytes come in, either a call or a refusal comes out, never an exception; and
what goes out is one line of UTF-8. What a method means stands in `commands.py`. Batches are refused:
a line holds one object, and who has more to say sends more lines.
"""

import enum
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn, TypeAlias

from attrs import field, frozen

VERSION: Final = "2.0"

Id: TypeAlias = str | int | float | None
Params: TypeAlias = Mapping[str, Any] | Sequence[Any]

_LONGEST_NAME: Final = 64  # of a method that a refusal repeats; the longest of ours has twelve
_MEMBERS: Final = frozenset({"jsonrpc", "id", "method", "params"})


class Code(enum.IntEnum):
    """Why something is refused. The first five are JSON-RPC's own."""

    NO_JSON = -32700
    NO_REQUEST = -32600
    NO_SUCH_METHOD = -32601
    WRONG_PARAMS = -32602
    NOT_PERMITTED = -32001
    NOT_NOW = -32002  # understood and permitted, but it would do nothing
    LINE_TOO_LONG = -32003
    LINE_TOO_SLOW = -32004
    TOO_MANY_CLIENTS = -32005
    BAD_SETTINGS = -32006  # the file as it is now can't be used; the settings of before go on


@frozen
class Refusal:
    """No, and why: a sentence for whoever asked."""

    code: Code
    sentence: str
    request_id: Id = None


@frozen
class Call:
    """One method that is wanted, its name and parameters unchecked."""

    method: str
    params: Params = field(factory=dict, repr=False)  # they may hold words
    request_id: Id = None
    wants_reply: bool = True  # a notification wants none, not even a refusal


def parse(line: bytes) -> Call | Refusal:
    """Understand one line."""
    try:
        message = json.loads(line.decode("utf-8"), parse_constant=_no_constant)
    except UnicodeDecodeError:
        return Refusal(Code.NO_JSON, "this line is not UTF-8")
    except (ValueError, RecursionError):
        return Refusal(Code.NO_JSON, "this line is not JSON")
    match message:
        case dict():
            return _request(message)
        case list():
            return Refusal(Code.NO_REQUEST, "no batches: send one object per line")
        case _:
            return Refusal(Code.NO_REQUEST, "a request is an object")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _request(message: dict[str, Any]) -> Call | Refusal:
    request_id = message.get("id")
    if not _is_id(request_id):
        return Refusal(Code.NO_REQUEST, '"id" must be text or a number')
    method, params = message.get("method"), message.get("params", {})
    wrong = ""
    if message.get("jsonrpc") != VERSION:
        wrong = '"jsonrpc" must be "2.0"'
    elif not isinstance(method, str):
        wrong = '"method" must be text'
    elif not isinstance(params, dict | list):
        wrong = '"params" must be an object or an array'
    elif unknown := message.keys() - _MEMBERS:
        wrong = f"a request has no {_quoted(min(unknown))}"
    if wrong:
        return Refusal(Code.NO_REQUEST, wrong, request_id)
    return Call(str(method), params, request_id, wants_reply="id" in message)


def _is_id(value: object) -> bool:
    """Text, a number or null; a float may be too great to be told again (1e999 is read as infinity)."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, Id) and not isinstance(value, bool)


def _quoted(name: str) -> str:
    return json.dumps(name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}...")


def no_such_method(call: Call, known: Sequence[str]) -> Refusal:
    """There is none of that name."""
    sentence = f"there is no method {_quoted(call.method)}; there is {', '.join(known)}"
    return Refusal(Code.NO_SUCH_METHOD, sentence, call.request_id)


def render_result(request_id: Id, result: Mapping[str, Any]) -> bytes:
    """A request's good reply, as a line."""
    return _line({"jsonrpc": VERSION, "id": request_id, "result": result})


def render_refusal(refusal: Refusal) -> bytes:
    """A refusal, as a line; what could not be understood has the id null, as JSON-RPC wants it."""
    error = {"code": int(refusal.code), "message": refusal.sentence}
    return _line({"jsonrpc": VERSION, "id": refusal.request_id, "error": error})


def render_event(topic: str, params: Mapping[str, Any]) -> bytes:
    """Something that happened, as a line: a notification of ours."""
    return _line({"jsonrpc": VERSION, "method": topic, "params": params})


def _line(message: Mapping[str, Any]) -> bytes:
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # Words come from far away and may hold half a surrogate pair, which is no UTF-8.
    return text.encode("utf-8", "replace") + b"\n"
