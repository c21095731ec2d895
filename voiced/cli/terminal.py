"""The terminal, borrowed: its keys one by one, and its screen.

Law of this file: whatever happens, an exception, a signal or a key, the terminal is given back as it
was. What is read from it and drawn on it is somebody else's.
"""

import os
import signal
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

# What XTerm's control sequences (invisible-island.net/xterm/ctlseqs) call them; what a terminal does
# not know, it ignores.
_TAKE: Final = b"\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"  # another screen, no cursor, no wrapping
_GIVE: Final = b"\x1b[?2026l\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"


@contextmanager
def keys_at_once(terminal: int) -> Iterator[int]:
    """Give each key as it is typed, and show none; Ctrl-C still ends us, and so do signals, in order."""
    before = termios.tcgetattr(terminal)
    with signals_end_us():
        try:
            tty.setcbreak(terminal)
            modes = termios.tcgetattr(terminal)
            modes[6][termios.VSUSP] = b"\0"  # who suspends us would get a terminal without echo
            termios.tcsetattr(terminal, termios.TCSANOW, modes)
            yield terminal
        finally:
            with suppress(termios.error):  # it has hung up
                termios.tcsetattr(terminal, termios.TCSADRAIN, before)


@contextmanager
def screen_of_our_own(terminal: int) -> Iterator[None]:
    """An empty screen to draw on; afterwards, the one that was there before."""
    with signals_end_us():
        try:
            write(terminal, _TAKE)
            yield
        finally:
            with suppress(OSError):  # it has hung up
                write(terminal, _GIVE)


@contextmanager
def signals_end_us() -> Iterator[None]:
    """Have the usual signals end us by an exception, so that all is put in order first."""
    numbers = (signal.SIGTERM, signal.SIGHUP)
    handlers = {number: signal.signal(number, _leave) for number in numbers}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def write(terminal: int, drawn: bytes) -> None:
    """Write all of it, at once: nothing waits in a buffer for an end that may never come."""
    while drawn:
        drawn = drawn[os.write(terminal, drawn) :]
