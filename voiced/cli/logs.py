"""How the log is written: for a person at a terminal, or for the journal."""

import logging
import os
import sys
from typing import Final

_PRIORITY: Final = {"DEBUG": 7, "INFO": 6, "WARNING": 4, "ERROR": 3, "CRITICAL": 2}
"""syslog levels, which journald reads from a `<N>` prefix."""


class _ForJournal(logging.Formatter):
    """No time stamp: the journal has its own."""

    def format(self, record: logging.LogRecord) -> str:
        return f"<{_PRIORITY.get(record.levelname, 6)}>{super().format(record)}"


def set_up(*, verbose: bool, least: str = "INFO") -> None:
    """Log to stderr from now on: from level *least* on, or everything."""
    handler = logging.StreamHandler(sys.stderr)
    if os.environ.get("JOURNAL_STREAM"):
        handler.setFormatter(_ForJournal("%(message)s"))
    else:
        clear = "\r\x1b[K" if sys.stderr.isatty() else ""  # `show` may have a moving line there
        pattern = f"{clear}%(asctime)s.%(msecs)03d %(levelname)-7s %(message)s"
        handler.setFormatter(logging.Formatter(pattern, "%H:%M:%S"))
    root = logging.getLogger("voiced")
    root.addHandler(handler)
    root.setLevel("DEBUG" if verbose else least)
