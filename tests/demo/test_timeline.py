"""The demonstration's tables."""

from voiced.channel import Tally
from voiced.counts import Counts
from voiced.demo.timeline import Timeline, count_table, latency_table
from voiced.notices import Happened, Moment, Phase, PhaseChanged, TurnEnded
from voiced.turns.figures import Figure, Outcome, Turn

TURN = Turn(Outcome.CUT, {Figure.STOPPED: 512, Figure.TOTAL: 930, Figure.SILENCE: 22}, 2400, 12_000)


def test_a_row_for_each_turn_with_what_is_known_of_it() -> None:
    *_, row = latency_table([TURN]).splitlines()
    assert row.split() == [
        *("1", "cut", "512", "-", "-", "-", "-", "930", "22"),
        *("2.4", "of", "12.0", "s"),
    ]


def test_a_table_without_turns_is_a_head() -> None:
    assert len(latency_table([]).splitlines()) == 1


def test_what_was_lost_has_a_name_and_a_number() -> None:
    assert "deltas late (after a cut)  7" in count_table(Counts(late_deltas=7), Tally())


def test_the_timeline_sorts_what_was_told() -> None:
    timeline = Timeline()
    late, early = Happened(2.0, Moment.FIRST_SOUND), Happened(1.0, Moment.FIRST_DELTA)
    for notice in (late, PhaseChanged(0.0, Phase.LISTENING), early, TurnEnded(3.0, TURN)):
        timeline.add(notice)
    assert timeline.moments == [early, late]
    assert timeline.turns == [TURN]
