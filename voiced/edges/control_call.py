"""One question to a daemon over its control socket, for those who look whether it lives.

JSON-RPC 2.0, one object a line, as the README tells it. A reply is bounded in length and time; whoever
answers anything else is not voiced.
"""

import json
from pathlib import Path
from typing import Any, Final

import trio

from voiced.faults import VoicedError

_LIMIT_S: Final = 5.0  # a daemon that lives answers at once
_LONGEST_BYTES: Final = 1 << 20  # all of `status` is some kilobytes

Told = dict[str, Any]


class NotThere(VoicedError):
    """Nobody listens at that place."""


class NotForUs(VoicedError):
    """We may not even knock."""


class NoAnswer(VoicedError):
    """Somebody is there, but does not answer as a daemon of ours does."""


async def call(path: Path, method: str) -> Told:
    """Ask the daemon at *path*, and give its result."""
    try:
        with trio.fail_after(_LIMIT_S):
            async with await trio.open_unix_socket(str(path)) as stream:
                return _result(path, await _exchange(stream, method))
    except trio.TooSlowError as error:
        told = f"the daemon at {path} does not answer within {_LIMIT_S:g} s"
        raise NoAnswer(told) from error
    except PermissionError as error:
        raise NotForUs(f"{path} is not for this user") from error
    except (OSError, ValueError) as error:  # the latter: no address can be so long
        reason = getattr(error, "strerror", None) or error
        raise NotThere(f"nobody listens at {path}: {reason}") from error
    except trio.BrokenResourceError as error:
        raise NoAnswer(f"the daemon at {path} hung up") from error


async def _exchange(stream: trio.abc.Stream, method: str) -> bytes:
    question = {"jsonrpc": "2.0", "id": 1, "method": method}
    await stream.send_all(json.dumps(question).encode() + b"\n")
    come = bytearray()
    while b"\n" not in come and len(come) < _LONGEST_BYTES:
        piece = await stream.receive_some()
        if not piece:
            break
        come += piece
    return bytes(come.partition(b"\n")[0])


def _result(path: Path, line: bytes) -> Told:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        message = None
    match message:
        case {"result": dict() as result}:
            return result
        case {"error": {"message": str() as sentence}}:
            raise NoAnswer(f"the daemon at {path} refuses: {sentence}")
        case _:
            raise NoAnswer(f"what answers at {path} is not voiced")
