"""The conversation's text in a file, for the next life of the daemon: private, bounded, short-lived.

All of this blocks, and is meant for a worker thread or for the start. Nothing here raises: whoever
can't remember begins anew, and says so in one line. The wall clock is used because the time that
counts goes on while we do not.
"""

import errno
import json
import logging
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import attrs

from voiced.link.memory import Entry
from voiced.realtime.client_events import (
    AssistantText,
    FunctionCall,
    FunctionCallOutput,
    NewItem,
    UserText,
)

log = logging.getLogger(__name__)

NAME: Final = "context.json"
VERSION: Final = 1
MOST_BYTES: Final = 2 << 20  # the largest budget, each character of it escaped, takes half of it

_NEW: Final = f"{NAME}.new"  # one name, so that a crash leaves one file, and `remove` finds it
_AHEAD_S: Final = 60  # by how much a clock may have been set back without anybody wondering
_LATEST_S: Final = 1e12  # beyond it, no clock of ours wrote it
_OTHERS: Final = 0o077

_KINDS: Final[Mapping[str, type[NewItem]]] = {
    "user": UserText,
    "assistant": AssistantText,
    "call": FunctionCall,
    "output": FunctionCallOutput,
}
_NAMES: Final = {kind: name for name, kind in _KINDS.items()}


class _Unfit(Exception):
    """Why a file is not to be used; `stale` if it never will be again."""

    def __init__(self, why: str, *, stale: bool = False) -> None:
        self.stale = stale
        super().__init__(why)


def state_directory(environ: Mapping[str, str]) -> Path | None:
    """Where a service or a user keeps what outlives a process; None if there is no such place."""
    if directory := environ.get("STATE_DIRECTORY", "").split(":")[0]:  # systemd may name several
        return Path(directory)
    if (directory := environ.get("XDG_STATE_HOME", "")) and Path(directory).is_absolute():
        return Path(directory) / "voiced"
    if home := environ.get("HOME"):
        return Path(home) / ".local" / "state" / "voiced"
    return None


def _wall_clock_s() -> float:
    return datetime.now(UTC).timestamp()


@attrs.frozen
class MemoryFile:
    """As the port says. Written by renaming, so that it is whole at any time; for our eyes only."""

    directory: Path
    keep_s: float
    now_s: Callable[[], float] = _wall_clock_s  # Unix seconds

    def read(self) -> tuple[Entry, ...]:
        """As the port says."""
        path = self.directory / NAME
        try:
            entries = self._entries(_text(path))
        except FileNotFoundError:
            return ()
        except _Unfit as why:
            log.warning("context file ignored path=%s: %s", path, why)
            if why.stale:
                self.remove()
            return ()
        except OSError as error:
            log.warning("context file ignored path=%s: %s", path, error.strerror or error)
            return ()
        log.info("context file read entries=%d", len(entries))
        return entries

    def write(self, entries: Sequence[Entry]) -> None:
        """As the port says."""
        kept = [[_told(item) for item in entry.items] for entry in entries]
        message = {"version": VERSION, "saved_at_s": self.now_s(), "entries": kept}
        data = json.dumps(message, separators=(",", ":")).encode("ascii")
        if len(data) > MOST_BYTES:
            log.warning("context not kept: %d bytes are too many", len(data))
            return
        with self._complaining("written"):
            self._replace(data)

    def remove(self) -> None:
        """As the port says."""
        for name in (NAME, _NEW):
            with self._complaining("removed"):
                (self.directory / name).unlink(missing_ok=True)

    @contextmanager
    def _complaining(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            log.warning(
                "context file not %s path=%s: %s", what, self.directory / NAME, error.strerror
            )

    def _replace(self, data: bytes) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self.directory / _NEW
        new.unlink(missing_ok=True)
        # Exclusive, and so never through a link that somebody else has put there.
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(file, "wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
            new.replace(self.directory / NAME)
        except OSError:
            new.unlink(missing_ok=True)
            raise
        directory = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _entries(self, text: str) -> tuple[Entry, ...]:
        try:
            message = json.loads(text)
            version, saved_at_s = message["version"], message["saved_at_s"]
        except (ValueError, RecursionError, TypeError, KeyError):
            raise _Unfit("it is broken") from None  # the text is in their context
        if version != VERSION:
            raise _Unfit("it is of another version")
        if not isinstance(saved_at_s, int | float) or not abs(saved_at_s) < _LATEST_S:
            raise _Unfit("it is broken")
        age_s = self.now_s() - saved_at_s
        if not -_AHEAD_S <= age_s <= self.keep_s:
            raise _Unfit(f"it is {age_s:.0f} s old", stale=True)
        try:
            return tuple(_entry(n, kept) for n, kept in enumerate(message["entries"], start=1))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise _Unfit("it is broken") from None


def _text(path: Path) -> str:
    """What a file of ours holds. No link is followed, and nothing but a file is waited for."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise _Unfit("it is a link") from error
    try:
        about = os.fstat(file)
        if not stat.S_ISREG(about.st_mode):
            raise _Unfit("it is no file")
        if about.st_uid != os.geteuid() or about.st_mode & _OTHERS:
            raise _Unfit("it is not ours alone (owner, or mode other than 0600)")
        with os.fdopen(file, "rb", closefd=False) as source:
            data = source.read(MOST_BYTES + 1)
    finally:
        os.close(file)
    if len(data) > MOST_BYTES:
        raise _Unfit("it is too large")
    try:
        return data.decode("ascii")
    except UnicodeDecodeError:
        raise _Unfit("it is broken") from None


def _told(item: NewItem) -> dict[str, Any]:
    return {"kind": _NAMES[type(item)], **attrs.asdict(item)}


def _entry(number: int, kept: Any) -> Entry:
    """`ValueError`, `TypeError` or `KeyError` if it is none: our own items check themselves."""
    items = ({**told} for told in kept)
    return Entry(number, tuple(_KINDS[told.pop("kind")](**told) for told in items))
