"""`voicectl watch`: the daemon on a live screen, until somebody has seen enough.

Theory of operation. One loop waits for what comes first: a message of the daemon, a key, or the time of
the next frame. Messages change the picture (`picture.py`); a frame is drawn (`drawing.py`) ten times a
second at most, and sends the terminal only the rows that have changed. A daemon that goes away is
looked for again, at a pace that grows, while the last picture stays.
"""

import os
import select
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn, Protocol

import attrs

from voiced.cli.caller import Connection, NotRunning, Refused, connected
from voiced.cli.picture import Picture
from voiced.cli.terminal import keys_at_once, screen_of_our_own, write
from voiced.control.commands import Topic

_FRAME_S: Final = 0.1
_STILL_S: Final = 1.0  # a frame all the same: durations grow, and terminals are resized
_CARD_S: Final = 5.0
_CARD_SOON_S: Final = 0.3  # after what changes it
_PAUSES_S: Final = (1.0, 2.0, 5.0)  # before the daemon is looked for again; the last one stays
_RECALLED: Final = 20  # of what was said before
_LEAVE: Final = frozenset(b"qQ\x04")  # Ctrl-D
_REDRAW: Final = 0x0C  # Ctrl-L

HOW_TO_INSTALL: Final = (
    "watch draws with the Python package rich, which is not installed here: "
    f'{sys.executable} -m pip install "voiced[screen]"'
)


class Canvas(Protocol):
    """Draws pictures: `drawing.Painter`."""

    def forget(self) -> None:
        """Draw all of it next time."""

    def paint(self, picture: Picture, now_s: float, columns: int, lines: int) -> str:
        """What the terminal must be sent."""


class _Left(Exception):
    """Somebody has seen enough."""


def watch(daemon: Connection, named: Path | None) -> int:
    """Show *daemon*, and whichever is found at *named* after it, until a key says to end.

    Raises:
        Refused: there is nothing to draw on, or nothing to draw with, or we may not watch.
        NotRunning: it has gone before there was anything to see.
    """
    if not sys.stdout.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        raise Refused("watch draws on a terminal, and this is none; elsewhere: voicectl events")
    canvas = _canvas()
    daemon.ask("hello")  # whoever may not watch is told so before the screen is taken
    with screen_of_our_own(sys.stdout.fileno()), _keys() as keys:
        try:
            _Watching(canvas, sys.stdout.fileno(), keys).run(daemon, named)
        except _Left:
            return 0


def _canvas() -> Canvas:
    try:
        from rich.console import Console  # noqa: PLC0415  an optional package

        from voiced.cli.drawing import Painter  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "rich":
            raise
        raise Refused(HOW_TO_INSTALL) from None
    return Painter(Console(highlight=False, markup=False, emoji=False))


@contextmanager
def _keys() -> Iterator[int | None]:
    """Where keys come from; None if that is not a terminal."""
    if not sys.stdin.isatty():
        yield None
        return
    with keys_at_once(sys.stdin.fileno()) as keys:
        yield keys


def _now_s() -> float:
    return time.monotonic()  # noqa: TID251  no Trio here


@attrs.define(eq=False)
class _Watching:
    """The loop, and what it needs from one turn of it to the next."""

    canvas: Canvas
    terminal: int
    keys: int | None
    picture: Picture = attrs.field(factory=Picture, init=False)
    _asked: dict[int, str] = attrs.field(factory=dict, init=False)
    _card_due_s: float = attrs.field(default=float("inf"), init=False)
    _drawn_s: float = attrs.field(default=float("-inf"), init=False)
    _changed: bool = attrs.field(default=True, init=False)

    def run(self, daemon: Connection, named: Path | None) -> NoReturn:
        """Ends by `_Left` only."""
        self._visit(daemon)
        pauses = iter(_PAUSES_S)
        pause_s = next(pauses)
        while True:
            self._wait(None, _now_s() + pause_s)
            try:
                with connected(named) as again:
                    pauses = iter(_PAUSES_S)
                    self._visit(again)
            except (NotRunning, Refused) as why:
                self._miss(why)
            pause_s = next(pauses, _PAUSES_S[-1])

    def _visit(self, daemon: Connection) -> None:
        """Watch this daemon until it is gone."""
        self.picture, self._asked, self._card_due_s = Picture(), {}, float("inf")
        try:
            self._ask(daemon, "hello")
            while True:
                if self._wait(daemon, self._card_due_s):
                    for message in daemon.arrived():
                        self._take(daemon, message)
                if _now_s() >= self._card_due_s:
                    self._card_due_s = float("inf")
                    self._ask(daemon, "status")
        except (NotRunning, Refused) as why:
            self._miss(why)

    def _miss(self, why: NotRunning | Refused) -> None:
        gone = isinstance(why, NotRunning)
        self.picture.absence = "voiced is not running" if gone else "voiced refuses"
        self.picture.away, self._changed = str(why), True

    # --- messages

    def _ask(self, daemon: Connection, method: str, **params: Any) -> None:
        self._asked[daemon.request(method, params)] = method
        self.picture.asks(_now_s())

    def _take(self, daemon: Connection, message: dict[str, Any]) -> None:
        self._changed = True
        if "method" in message:
            if self.picture.event(message["method"], message["params"], _now_s()):
                self._card_due_s = min(self._card_due_s, _now_s() + _CARD_SOON_S)
            return
        if "error" in message:
            raise Refused(message["error"]["message"])
        self.picture.hears()
        self._answered(daemon, self._asked.pop(message["id"]), message["result"])

    def _answered(self, daemon: Connection, method: str, result: dict[str, Any]) -> None:
        match method:
            case "hello":
                self.picture.meets(result)
                topics = [topic.value for topic in Topic if topic.value in result["topics"]]
                if "history" in result["methods"]:
                    self._ask(daemon, "history", most=_RECALLED)
                self._ask(daemon, "subscribe", topics=topics)
            case "history":
                self.picture.recalls(result)
            case "subscribe":
                self.picture.reads(result["status"], _now_s())
                self._card_due_s = _now_s() + _CARD_S
            case _:
                self.picture.reads(result, _now_s())
                self._card_due_s = _now_s() + _CARD_S

    # --- waiting and drawing

    def _wait(self, daemon: Connection | None, until_s: float) -> bool:
        """Draw, and wait until the daemon says something (True), or until that time. `_Left`: a key."""
        while True:
            now_s = _now_s()
            if now_s >= self._frame_due_s(now_s):
                self._draw(now_s)
            wake_s = min(until_s, self._frame_due_s(now_s))
            watched = [each for each in (daemon, self.keys) if each is not None]
            ready, _, _ = select.select(watched, [], [], max(0.0, wake_s - now_s))
            if self.keys in ready:
                self._key()
            if daemon in ready and daemon is not None:
                return True
            if _now_s() >= until_s:
                return False

    def _frame_due_s(self, now_s: float) -> float:
        moves = self._changed or self.picture.moves(now_s)
        return self._drawn_s + (_FRAME_S if moves else _STILL_S)

    def _draw(self, now_s: float) -> None:
        size = os.get_terminal_size(self.terminal)
        columns, lines = size.columns or 80, size.lines or 24  # a serial line may not know
        drawn = self.canvas.paint(self.picture, now_s, columns, lines)
        write(self.terminal, drawn.encode(sys.stdout.encoding, "replace"))
        self._drawn_s, self._changed = now_s, False

    def _key(self) -> None:
        typed = os.read(self.keys or 0, 1024)
        if not typed or _LEAVE & frozenset(typed):
            raise _Left
        if _REDRAW in typed:
            self.canvas.forget()
            self._changed = True
