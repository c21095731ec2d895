"""From notices to numbers: how long each step of each turn took. Pure."""

from collections.abc import Iterable, Sequence

import attrs
from attrs import frozen

from voiced.channel import Tally
from voiced.counts import Counts
from voiced.notices import Happened, Moment, Notice, Party, PhaseChanged, Transcribed


@frozen
class Turn:
    """One turn of the user and what became of it; times in Trio seconds, None: it never came."""

    speech_end_s: float
    stopped_s: float | None = None
    first_delta_s: float | None = None
    first_sound_s: float | None = None
    interrupted_s: float | None = None  # the server heard the user speak over the answer
    silent_s: float | None = None  # and this is when the answer fell silent


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
    def words(self) -> list[tuple[Party, str]]:
        """Who said what."""
        return [
            (notice.who, notice.text)
            for notice in self.notices
            if isinstance(notice, Transcribed) and notice.final
        ]

    def turns(self) -> list[Turn]:
        """One entry for each end of the user's speech."""
        turns: list[Turn] = []
        interrupted_s: float | None = None
        for happened in self.moments:
            match happened.moment:
                case Moment.SPEECH_START:
                    interrupted_s = happened.at_s
                case Moment.SPEECH_END:
                    turns.append(Turn(happened.at_s))
                case Moment.CUT if turns:
                    turns[-1] = attrs.evolve(
                        turns[-1], interrupted_s=interrupted_s, silent_s=happened.at_s
                    )
                case moment if turns and moment in _FIELDS:
                    field = _FIELDS[moment]
                    if getattr(turns[-1], field) is None:
                        turns[-1] = attrs.evolve(turns[-1], **{field: happened.at_s})
                case _:
                    pass
        return turns


_FIELDS = {
    Moment.SPEECH_STOPPED: "stopped_s",
    Moment.FIRST_DELTA: "first_delta_s",
    Moment.FIRST_SOUND: "first_sound_s",
}


def latency_table(turns: Sequence[Turn]) -> str:
    """Each turn's steps in milliseconds, as text."""
    head = ("turn", "end of speech", "first delta", "first sound", "speech over", "answer to")
    sub = ("", "-> noticed", "after end", "after delta", "the answer", "silence")
    rows = [
        (
            str(number),
            _ms(turn.speech_end_s, turn.stopped_s),
            _ms(turn.speech_end_s, turn.first_delta_s),
            _ms(turn.first_delta_s, turn.first_sound_s),
            "yes" if turn.silent_s is not None else "no",
            _ms(turn.interrupted_s, turn.silent_s),
        )
        for number, turn in enumerate(turns, start=1)
    ]
    return _table([head, sub, *rows])


def count_table(counts: Counts, frames: Tally) -> str:
    """What was carried and lost, as text."""
    rows = [
        ("frames sent", str(counts.frames_sent)),
        ("frames dropped", str(frames.dropped + frames.discarded)),
        ("deltas late (after a cut)", str(counts.late_deltas)),
        ("underruns", f"{counts.underruns} ({counts.underrun_samples // 24} ms)"),
        ("microphone blocks lost", str(counts.lost_blocks)),
        ("events skipped", str(counts.skipped_events)),
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"  {name:<{width}}  {value}" for name, value in rows)


def _ms(start_s: float | None, end_s: float | None) -> str:
    if start_s is None or end_s is None:
        return "-"
    return f"{(end_s - start_s) * 1000:.0f} ms"


def _table(rows: Iterable[Sequence[str]]) -> str:
    columns = list(zip(*rows, strict=True))
    widths = [max(len(cell) for cell in column) for column in columns]
    return "\n".join(
        "  "
        + "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in zip(*columns, strict=True)
    )
