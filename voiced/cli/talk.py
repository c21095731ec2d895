"""`voicectl talk`: a key of the terminal as the talk button.

Law of this file: whatever happens, the button is let go; it is the daemon's promise too, should we be
killed. That the terminal is given back is `terminal.py`'s.
"""

import os
import select
import sys
import time
from typing import Final

from voiced.cli.caller import Connection, Refused
from voiced.cli.holding import Holding
from voiced.cli.terminal import keys_at_once

_BUTTON: Final = frozenset(b" \r\n")
_LEAVE: Final = frozenset(b"q\x1b\x04")  # q, Escape, Ctrl-D

HELP: Final = "Hold space or Enter while you speak; q ends.\n"


def talk_for(daemon: Connection, seconds: float) -> int:
    """Hold the button for so long."""
    daemon.ask("talk.start")
    time.sleep(seconds)
    _let_go(daemon)
    return 0


def talk(daemon: Connection) -> int:
    """Hold the button while a key of the terminal is held, until somebody has talked enough."""
    if not sys.stdin.isatty():
        raise Refused("talk needs a terminal for its key; in scripts: voicectl talk --seconds 5")
    sys.stderr.write(HELP)
    holding = Holding()
    with keys_at_once(sys.stdin.fileno()) as terminal:
        while True:
            keys = _keys(terminal, holding.until_s)
            if keys is None or _LEAVE & keys:
                break
            if _BUTTON & keys and holding.key(time.monotonic()):  # noqa: TID251  no Trio here
                _press(daemon, holding)
            elif holding.waited(time.monotonic()):  # noqa: TID251
                _let_go(daemon)
                _say("let go\n")
        if holding.waited(float("inf")):
            _let_go(daemon)
    return 0


def _press(daemon: Connection, holding: Holding) -> None:
    try:
        daemon.ask("talk.start")
        _say("listening ... ")
    except Refused as why:
        holding.waited(float("inf"))
        _say(f"{why}\n")


def _let_go(daemon: Connection) -> None:
    try:
        daemon.ask("talk.stop")
    except Refused as why:  # the longest turn is over, perhaps
        _say(f"{why}\n")


def _say(words: str) -> None:
    sys.stderr.write(words)
    sys.stderr.flush()


def _keys(terminal: int, until_s: float) -> frozenset[int] | None:
    """What was typed before that time; empty: nothing; None: the terminal is gone."""
    wait_s = max(0.0, until_s - time.monotonic())  # noqa: TID251
    ready, _, _ = select.select([terminal], [], [], wait_s if wait_s < float("inf") else None)
    if not ready:
        return frozenset()
    typed = os.read(terminal, 1024)
    return frozenset(typed) if typed else None
