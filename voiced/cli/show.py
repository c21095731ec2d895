"""The conversation on a terminal, as it happens: phases, words, levels."""

import shutil
import sys
import unicodedata
from typing import Final, TextIO

import attrs

from voiced.notices import (
    Happened,
    LevelMeasured,
    Moment,
    Notice,
    NoticeBoard,
    Party,
    PhaseChanged,
    Transcribed,
)

_LOUDEST_DBFS: Final = 0.0
_QUIETEST_DBFS: Final = -60.0
_BAR: Final = 10
_METER_EVERY_S: Final = 0.1
_CLEAR: Final = "\r\x1b[K"


async def show(board: NoticeBoard, out: TextIO = sys.stdout) -> None:
    """Print what *board* tells until cancelled."""
    screen = Screen(out, live=out.isatty())
    with board.watch() as notices:
        async for notice in notices:
            screen.tell(notice)


@attrs.define(eq=False)
class Screen:
    """Lines for what happened; on a terminal (*live*) also one that moves: levels, growing words."""

    out: TextIO
    live: bool
    _start_s: float | None = attrs.field(default=None, init=False)
    _levels: dict[Party, float] = attrs.field(factory=dict, init=False)
    _metered_s: float = attrs.field(default=0.0, init=False)
    _meters: str = attrs.field(default="", init=False)
    _growing: dict[Party, str] = attrs.field(factory=dict, init=False, repr=False)

    def tell(self, notice: Notice) -> None:
        """Show one notice."""
        if self._start_s is None:
            self._start_s = notice.at_s
        match notice:
            case LevelMeasured():
                self._level(notice)
            case PhaseChanged(phase=phase, why=why):
                self._line(notice.at_s, f"({phase.value})" + (f" {why}" if why else ""))
            case Transcribed():
                self._words(notice)
            case Happened(moment=Moment.CUT):
                self._line(notice.at_s, "(interrupted)")
            case _:
                pass

    def _line(self, at_s: float, text: str) -> None:
        clear = _CLEAR if self.live else ""
        seconds = at_s - (self._start_s or 0.0)
        print(f"{clear}{seconds:7.2f} s  {text}", file=self.out, flush=True)

    def _words(self, words: Transcribed) -> None:
        text = printable(words.text)
        if not words.final:
            self._growing[words.who] = text
            self._draw()
            return
        self._growing.pop(words.who, None)
        if text:
            self._line(words.at_s, f"{words.who.value:>9}: {text}")

    def _level(self, level: LevelMeasured) -> None:
        self._levels[level.who] = max(level.dbfs, self._levels.get(level.who, level.dbfs))
        if not self.live or level.at_s - self._metered_s < _METER_EVERY_S:
            return
        self._metered_s = level.at_s
        self._meters = "  ".join(
            f"{who.value} {bar(self._levels.get(who, _QUIETEST_DBFS))}" for who in Party
        )
        self._levels.clear()
        self._draw()

    def _draw(self) -> None:
        """The moving line: it must not wrap, or what wrapped would stay on the screen."""
        if self.live:
            words = "  ".join(f"{who.value}: {text}" for who, text in self._growing.items())
            room = shutil.get_terminal_size().columns - 1
            left = f"           {self._meters}  "[:room]
            right = tail(words, room - len(left))
            print(f"{_CLEAR}{left}{right}", end="", file=self.out, flush=True)


def printable(text: str) -> str:
    """One line without control characters: words come from far away, and a terminal obeys."""
    return "".join(char if char.isprintable() else " " for char in text).strip()


def tail(text: str, columns: int) -> str:
    """The end of *text*, as much as fits into *columns* of a terminal."""
    for start in range(len(text), 0, -1):
        columns -= 2 if unicodedata.east_asian_width(text[start - 1]) in "WF" else 1
        if columns < 0:
            return text[start:]
    return text


def bar(dbfs: float) -> str:
    """A level as a bar of fixed width."""
    share = (dbfs - _QUIETEST_DBFS) / (_LOUDEST_DBFS - _QUIETEST_DBFS)
    full = round(_BAR * min(1.0, max(0.0, share)))
    return "[" + "#" * full + "-" * (_BAR - full) + "]"
