"""How voicectl talks with the daemon: plain blocking sockets, so that a command starts in no time.

Law of this file: it carries requests and replies, and says in a person's words why it can't. What they
mean is `voicectl.py`'s.
"""

import errno
import json
import os
import socket
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs

from voiced.control.address import is_temporary, places
from voiced.control.rpc import VERSION
from voiced.faults import VoicedError

REPLY_S: Final = 30.0
"""A daemon that lives answers at once; one that does not for so long hangs."""

_PIECE_BYTES: Final = 65_536

Json = dict[str, Any]


class NotRunning(VoicedError):
    """There is no daemon where we looked."""


class Refused(VoicedError):
    """The daemon said no, or we may not even ask."""


@attrs.define(eq=False)
class Connection:
    """One visit to the daemon."""

    path: Path
    _socket: socket.socket
    _come: bytes = attrs.field(default=b"", init=False, repr=False)
    _asked: int = attrs.field(default=0, init=False)

    def ask(self, method: str, params: Mapping[str, Any] | None = None) -> Json:
        """Make a request and give its result; `Refused` with the daemon's own sentence."""
        self.request(method, params)
        while (message := self._next()).get("method") is not None:
            pass  # an event that was under way
        if "error" in message:
            raise Refused(message["error"]["message"])
        result: Json = message["result"]
        return result

    def request(self, method: str, params: Mapping[str, Any] | None = None) -> int:
        """Make a request, and do not wait; its reply will have this id."""
        self._asked += 1
        request = {"jsonrpc": VERSION, "id": self._asked, "method": method, "params": params or {}}
        self._socket.settimeout(REPLY_S)
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
        except BrokenPipeError:
            pass  # it has shown us out: what it said is still there to be read
        except OSError as error:
            raise self._broken(error) from error
        return self._asked

    def fileno(self) -> int:
        """For select(2): when there is something to be read, `arrived` does not wait."""
        return self._socket.fileno()

    def arrived(self) -> list[Json]:
        """Replies and events, those that have come whole."""
        self._read()
        *lines, self._come = self._come.split(b"\n")
        return [self._message(line) for line in lines]

    def events(self) -> Iterator[tuple[str, Json]]:
        """Topics and what is told, for as long as the daemon lives."""
        self._socket.settimeout(None)
        while True:
            message = self._next()
            if "method" in message:
                yield message["method"], message["params"]

    def _next(self) -> Json:
        while b"\n" not in self._come:
            self._read()
        line, _, self._come = self._come.partition(b"\n")
        return self._message(line)

    def _read(self) -> None:
        try:
            piece = self._socket.recv(_PIECE_BYTES)
        except OSError as error:
            raise self._broken(error) from error
        if not piece:
            raise NotRunning(f"voiced has ended, or closed {self.path}")
        self._come += piece

    def _message(self, line: bytes) -> Json:
        try:
            message = json.loads(line)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            raise Refused(f"what answers at {self.path} is not voiced")
        return message

    def _broken(self, error: OSError) -> VoicedError:
        if isinstance(error, TimeoutError):
            return NotRunning(f"voiced does not answer at {self.path}: it hangs, or is very busy")
        return NotRunning(f"voiced has ended, or closed {self.path}: {error.strerror or error}")


@contextmanager
def connected(named: Path | None) -> Iterator[Connection]:
    """A connection to the daemon at *named*, or to the first that is found.

    Raises:
        NotRunning: there is none; the sentence names where it was looked for.
        Refused: there may be one, but this user must not reach it.
    """
    candidates = (named,) if named else places(os.environ, os.geteuid())
    forbidden: Path | None = None
    for path in candidates:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            try:
                _check(path)
                line.connect(str(path))
            except PermissionError:
                forbidden = forbidden or path
                continue
            except OSError as error:
                if error.errno == errno.EAGAIN or "AF_UNIX path too long" in str(error):
                    raise NotRunning(f"{path}: {error.strerror or error}") from error
                continue
            yield Connection(path, line)
            return
    if forbidden is not None:
        raise Refused(
            f"you may not use {forbidden}: it is for its owner, root and its group (voiced, unless "
            "[control] group says otherwise); become a member, log in again, and try again"
        )
    where = " or ".join(map(str, candidates))
    raise NotRunning(
        f"voiced is not running here: no socket at {where}. Start it (systemctl start voiced, or "
        "voiced run), or say where it is with --socket"
    )


def _check(path: Path) -> None:
    """In a place where anybody might have been first, only our own daemon is believed."""
    if is_temporary(path, os.geteuid()):
        about = path.parent.lstat()
        if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid():
            raise FileNotFoundError(path)
