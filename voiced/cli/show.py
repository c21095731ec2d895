"""The conversation on a terminal, as it happens: phases, words, levels."""

import sys
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
_BAR: Final = 20
_METER_EVERY_S: Final = 0.1


async def show(board: NoticeBoard, out: TextIO = sys.stdout) -> None:
    """Print what *board* tells until cancelled."""
    screen = Screen(out, live=out.isatty())
    with board.watch() as notices:
        async for notice in notices:
            screen.tell(notice)


@attrs.define(eq=False)
class Screen:
    """Lines for what happened; on a terminal (*live*) also one line of meters that moves."""

    out: TextIO
    live: bool
    _start_s: float | None = attrs.field(default=None, init=False)
    _levels: dict[Party, float] = attrs.field(factory=dict, init=False)
    _metered_s: float = attrs.field(default=0.0, init=False)

    def tell(self, notice: Notice) -> None:
        """Show one notice."""
        if self._start_s is None:
            self._start_s = notice.at_s
        match notice:
            case LevelMeasured():
                self._level(notice)
            case PhaseChanged(phase=phase, why=why):
                self._line(notice.at_s, f"({phase.value})" + (f" {why}" if why else ""))
            case Transcribed(final=True, who=who, text=text):
                self._line(notice.at_s, f"{who.value:>9}: {text}")
            case Happened(moment=Moment.CUT):
                self._line(notice.at_s, "(interrupted)")
            case _:
                pass

    def _line(self, at_s: float, text: str) -> None:
        clear = "\r\x1b[K" if self.live else ""
        seconds = at_s - (self._start_s or 0.0)
        print(f"{clear}{seconds:7.2f} s  {text}", file=self.out, flush=True)

    def _level(self, level: LevelMeasured) -> None:
        self._levels[level.who] = max(level.dbfs, self._levels.get(level.who, level.dbfs))
        if not self.live or level.at_s - self._metered_s < _METER_EVERY_S:
            return
        self._metered_s = level.at_s
        meters = "  ".join(
            f"{who.value} {bar(self._levels.get(who, _QUIETEST_DBFS))}" for who in Party
        )
        self._levels.clear()
        print(f"\r\x1b[K           {meters}", end="", file=self.out, flush=True)


def bar(dbfs: float) -> str:
    """A level as a bar of fixed width."""
    share = (dbfs - _QUIETEST_DBFS) / (_LOUDEST_DBFS - _QUIETEST_DBFS)
    full = round(_BAR * min(1.0, max(0.0, share)))
    return "[" + "#" * full + "-" * (_BAR - full) + "]"
