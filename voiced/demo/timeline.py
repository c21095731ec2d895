"""What was told of a conversation, and tables of it. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from voiced.channel import Tally
from voiced.counts import Counts
from voiced.notices import Happened, Notice, PhaseChanged, TurnEnded
from voiced.turns.figures import Figure, Turn


@attrs.define(eq=False)
class Timeline:
    """All notices of a conversation but the levels, in order of time."""

    notices: list[Notice] = attrs.field(factory=list)

    def add(self, notice: Notice) -> None:
        """Keep a notice."""
        self.notices.append(notice)

    @property
    def moments(self) -> list[Happened]:
        """What happened, in order."""
        happened = (notice for notice in self.notices if isinstance(notice, Happened))
        return sorted(happened, key=lambda notice: notice.at_s)

    @property
    def phases(self) -> list[PhaseChanged]:
        """The phases, in order."""
        return [notice for notice in self.notices if isinstance(notice, PhaseChanged)]

    @property
    def turns(self) -> list[Turn]:
        """The turns, in the order in which they ended."""
        return [notice.turn for notice in self.notices if isinstance(notice, TurnEnded)]


_COLUMNS: Final = {
    Figure.STOPPED: "noticed",
    Figure.COMMITTED: "committed",
    Figure.CREATED: "created",
    Figure.FIRST_DELTA: "delta",
    Figure.FIRST_SOUND: "sound",
    Figure.TOTAL: "in all",
    Figure.SILENCE: "silence",
}


def latency_table(turns: Sequence[Turn]) -> str:
    """Each turn's steps in ms, and how much of its answer was heard, as text."""
    rows = [
        (
            str(number),
            turn.outcome.value,
            *(str(turn.figures_ms.get(figure, "-")) for figure in _COLUMNS),
            f"{turn.heard_ms / 1000:.1f} of {turn.of_ms / 1000:.1f} s",
        )
        for number, turn in enumerate(turns, start=1)
    ]
    return _table([("turn", "outcome", *_COLUMNS.values(), "heard"), *rows])


def count_table(counts: Counts, frames: Tally) -> str:
    """What was carried and lost, as text."""
    rows = [
        ("frames sent", str(counts.frames_sent)),
        ("frames dropped", str(frames.dropped + frames.discarded)),
        ("deltas late (after a cut)", str(counts.late_deltas)),
        ("underruns", f"{counts.underruns} ({counts.underrun_samples // 24} ms)"),
        ("device underflows", str(counts.underflows)),
        ("device overflows", str(counts.overflows)),
        ("microphone blocks lost", str(counts.lost_blocks)),
        ("events skipped", str(counts.skipped_events)),
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"  {name:<{width}}  {value}" for name, value in rows)


def _table(rows: Iterable[Sequence[str]]) -> str:
    columns = list(zip(*rows, strict=True))
    widths = [max(len(cell) for cell in column) for column in columns]
    return "\n".join(
        "  "
        + "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in zip(*columns, strict=True)
    )
