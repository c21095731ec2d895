"""Where lines of the log go: to a person at a terminal, to the journal, or as JSON to a program."""

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, Protocol, TextIO

import attrs

from voiced.edges.journal import Journal
from voiced.logbook.entry import Entry, Value
from voiced.logbook.rendering import as_datagram, as_json

_PRIORITY: Final = {"DEBUG": 7, "INFO": 6, "WARNING": 4, "ERROR": 3, "CRITICAL": 2}
"""syslog's, which the journal knows."""
_COLOURS: Final = {"DEBUG": "2", "WARNING": "33", "ERROR": "31", "CRITICAL": "1;31"}  # ECMA-48, SGR
_CLEAR: Final = "\r\x1b[K"  # `show` may have a moving line there


@attrs.frozen
class Line:
    """An entry, and what is known of its record."""

    entry: Entry
    level: str
    logger: str
    at: datetime
    session_ms: int | None = None  # since the session began; None: the timeline is not wanted

    @property
    def about(self) -> dict[str, Value]:
        """For machines."""
        stamp = {} if self.session_ms is None else {"session_ms": self.session_ms}
        return {"logger": self.logger, **stamp}


class Writer(Protocol):
    """Where lines go."""

    def write(self, line: Line) -> None:
        """Write it; `OSError` or `ValueError` (a closed file) if that can't be."""

    def close(self) -> None:
        """Let go of all but the stream, which is somebody else's."""


@attrs.define(eq=False)
class OnTerminal:
    """Time, level, text; in colours where there are any."""

    out: TextIO
    colours: bool

    def write(self, line: Line) -> None:
        """As the protocol says."""
        clear = _CLEAR if self.out.isatty() else ""
        stamp = "" if line.session_ms is None else f"{line.session_ms:+8d} "
        level, text = f"{line.level:<7}", f"{line.entry}"
        if self.colours and (code := _COLOURS.get(line.level)):
            level = f"\x1b[{code}m{level}\x1b[0m"
        when = f"{line.at:%H:%M:%S}.{line.at.microsecond // 1000:03d}"
        print(f"{clear}{when} {stamp}{level} {text}", file=self.out, flush=True)

    def close(self) -> None:
        """As the protocol says."""


@attrs.define(eq=False)
class AsJson:
    """One object on each line."""

    out: TextIO

    def write(self, line: Line) -> None:
        """As the protocol says."""
        about: dict[str, Value] = {
            "at": line.at.astimezone().isoformat(timespec="milliseconds"),
            "level": line.level.lower(),
            "priority": _PRIORITY.get(line.level, 6),
            **line.about,
        }
        print(as_json(line.entry, about), file=self.out, flush=True)

    def close(self) -> None:
        """As the protocol says."""


@attrs.define(eq=False)
class ToJournal:
    """By its own protocol; what it does not take that way goes to stderr, with its priority before it."""

    out: TextIO
    journal: Journal

    def write(self, line: Line) -> None:
        """As the protocol says. No time: the journal has its own."""
        priority = _PRIORITY.get(line.level, 6)
        if not self.journal.takes(as_datagram(line.entry, priority, line.about)):
            stamp = "" if line.session_ms is None else f"{line.session_ms:+d} "
            print(f"<{priority}>{stamp}{line.entry}", file=self.out, flush=True)

    def close(self) -> None:
        """As the protocol says."""
        self.journal.close()


def writer_for(
    form: str, out: TextIO, environ: Mapping[str, str], journal: Callable[[], Journal] = Journal
) -> Writer:
    """Whoever writes *form*: text, json, journal; auto: journal where *out* leads there, else text."""
    if form == "json":
        return AsJson(out)
    if form == "journal" or (form == "auto" and _leads_to_journal(out, environ)):
        return ToJournal(out, journal())
    plain = environ.get("NO_COLOR") or environ.get("TERM") == "dumb"
    return OnTerminal(out, colours=out.isatty() and not plain)


def _leads_to_journal(out: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether systemd.exec(5)'s JOURNAL_STREAM names *out* itself: children inherit the variable, and may
    have their stderr elsewhere.
    """
    try:
        about = os.fstat(out.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{about.st_dev}:{about.st_ino}"
