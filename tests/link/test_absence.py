"""When to try again with a device that is gone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.link.absence import Absence


def pauses_s(absence: Absence, now_s: float, *, attempt_s: float = 0.0) -> list[float]:
    """All pauses until it gives up, if no attempt succeeds."""
    pauses: list[float] = []
    while (pause_s := absence.pause_s(now_s)) is not None:
        pauses.append(pause_s)
        now_s += pause_s + attempt_s
    return pauses


def lost(now_s: float = 100.0) -> Absence:
    absence = Absence(0.2, 30.0, 600.0)
    absence.opened(0.0)
    assert absence.pause_s(now_s) == 0.2
    return absence


def test_one_that_was_never_there_is_not_waited_for() -> None:
    assert Absence(0.2, 30.0, 600.0).pause_s(0.0) is None


def test_pauses_double_then_grow_with_the_absence_and_end_with_patience() -> None:
    absence = Absence(0.2, 30.0, 600.0)
    absence.opened(0.0)
    pauses = pauses_s(absence, 100.0)
    assert pauses[:6] == pytest.approx([0.2, 0.4, 0.8, 1.6, 1.6, 1.6])
    assert pauses == sorted(pauses)
    assert 25 < pauses[-1] <= 30
    assert 600 <= sum(pauses) < 630
    assert len(pauses) < 100


@given(st.floats(0.0, 500.0))
def test_what_was_away_for_less_than_half_a_minute_is_looked_for_soon(away_s: float) -> None:
    absence, now_s, pause_s = lost(0.0), 0.2, 0.2
    while now_s < away_s:
        pause_s = absence.pause_s(now_s) or 0.0
        now_s += pause_s
    assert now_s - away_s <= max(1.6, away_s / 20)


def test_news_makes_pauses_short_again() -> None:
    absence = lost()
    assert pauses_s(absence, 300.0)[0] > 0.2
    absence = lost()
    absence.pause_s(300.0)
    absence.stirs()
    assert absence.pause_s(300.0) == 0.2


def test_a_service_waits_for_one_that_was_not_there_at_its_start() -> None:
    absence = Absence(0.2, 30.0, 600.0, waits_at_start=True)
    pauses = pauses_s(absence, 5.0)
    assert pauses[0] == 0.2
    assert 600 <= sum(pauses) < 630


def test_with_no_patience_it_is_given_up_at_once() -> None:
    absence = Absence(0.2, 30.0, 0.0)
    absence.opened(0.0)
    assert absence.pause_s(1.0) is None


def test_one_that_was_back_for_a_while_begins_anew() -> None:
    absence = lost()
    absence.opened(105.0)
    assert absence.pause_s(115.0) == 0.2
    assert absence.since_s == 115.0


def test_one_that_comes_and_goes_is_tried_less_and_less_and_given_up_at_last() -> None:
    absence = lost()
    now_s, pauses = 100.0, []
    while (pause_s := absence.pause_s(now_s)) is not None:
        pauses.append(pause_s)
        absence.opened(now_s + pause_s)
        now_s += pause_s + 3.0
    assert pauses == sorted(pauses)
    assert 700 <= now_s < 735


def test_a_sound_system_that_hangs_is_given_up_sooner() -> None:
    absence = lost()
    assert absence.pause_s(105.0, hung=True) is not None
    assert absence.pause_s(134.0, hung=True) is not None
    assert absence.pause_s(135.0, hung=True) is None


def test_it_must_hang_all_the_time() -> None:
    absence = lost()
    assert absence.pause_s(105.0, hung=True) is not None
    assert absence.pause_s(120.0) is not None
    assert absence.pause_s(140.0, hung=True) is not None
    absence.opened(150.0)
    assert absence.pause_s(175.0, hung=True) is not None


@given(st.lists(st.tuples(st.floats(0.0, 60.0), st.booleans(), st.booleans()), max_size=200))
def test_never_more_attempts_than_the_pauses_allow(steps: list[tuple[float, bool, bool]]) -> None:
    absence = Absence(0.2, 30.0, 600.0)
    absence.opened(0.0)
    now_s = 0.0
    for passes_s, works, hung in steps:
        now_s += passes_s
        pause_s = absence.pause_s(now_s, hung=hung)
        if pause_s is None:
            return
        assert 0.2 <= pause_s <= 30.0
        assert absence.since_s is not None
        assert now_s - absence.since_s < 600.0
        now_s += pause_s
        if works:
            absence.opened(now_s)
