"""The conversation's text in a file, for the next life of the daemon: private, bounded, short-lived.

All of this blocks, and is meant for a worker thread or for the start. Nothing here raises: whoever
can't remember begins anew, and says so in one line. The wall clock is used because the time that
counts goes on while we do not.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import attrs

from voiced.edges.state_file import Unfit, read_private, replace_private, unfinished
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

_AHEAD_S: Final = 60  # by how much a clock may have been set back without anybody wondering
_LATEST_S: Final = 1e12  # beyond it, no clock of ours wrote it

_KINDS: Final[Mapping[str, type[NewItem]]] = {
    "user": UserText,
    "assistant": AssistantText,
    "call": FunctionCall,
    "output": FunctionCallOutput,
}
_NAMES: Final = {kind: name for name, kind in _KINDS.items()}


class _Stale(Unfit):
    """It never will be of use again."""


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
            entries = self._entries(read_private(path, MOST_BYTES))
        except FileNotFoundError:
            return ()
        except Unfit as why:
            log.warning("context file ignored path=%s: %s", path, why)
            if isinstance(why, _Stale):
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
            replace_private(self.directory / NAME, data)

    def remove(self) -> None:
        """As the port says."""
        path = self.directory / NAME
        for each in (path, unfinished(path)):
            with self._complaining("removed"):
                each.unlink(missing_ok=True)

    @contextmanager
    def _complaining(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            log.warning(
                "context file not %s path=%s: %s", what, self.directory / NAME, error.strerror
            )

    def _entries(self, text: str) -> tuple[Entry, ...]:
        try:
            message = json.loads(text)
            version, saved_at_s = message["version"], message["saved_at_s"]
        except (ValueError, RecursionError, TypeError, KeyError):
            raise Unfit("it is broken") from None  # the text is in their context
        if version != VERSION:
            raise Unfit("it is of another version")
        if not isinstance(saved_at_s, int | float) or not abs(saved_at_s) < _LATEST_S:
            raise Unfit("it is broken")
        age_s = self.now_s() - saved_at_s
        if not -_AHEAD_S <= age_s <= self.keep_s:
            raise _Stale(f"it is {age_s:.0f} s old")
        try:
            return tuple(_entry(n, kept) for n, kept in enumerate(message["entries"], start=1))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise Unfit("it is broken") from None


def _told(item: NewItem) -> dict[str, Any]:
    return {"kind": _NAMES[type(item)], **attrs.asdict(item)}


def _entry(number: int, kept: Any) -> Entry:
    """`ValueError`, `TypeError` or `KeyError` if it is none: our own items check themselves."""
    items = ({**told} for told in kept)
    return Entry(number, tuple(_KINDS[told.pop("kind")](**told) for told in items))
