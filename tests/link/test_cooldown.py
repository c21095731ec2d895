"""How long to wait: growing pauses, drawn by chance, under a budget that nothing can exceed."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.link.cooldown import Cooldown


def test_the_longest_pauses_double_up_to_their_limit() -> None:
    cooldown = Cooldown()
    pauses = [cooldown.strike(1.0) for _ in range(8)]
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]


def test_limits_are_the_owners() -> None:
    cooldown = Cooldown(first_s=0.5, longest_s=3.0)
    assert [cooldown.strike(1.0) for _ in range(5)] == [0.5, 1, 2, 3, 3]


def test_chance_shortens_a_pause_down_to_nothing() -> None:
    assert Cooldown().strike(0.0) == 0.0
    assert Cooldown().strike(0.25) == 0.25


def test_a_pause_is_bounded_however_long_an_outage_lasts() -> None:
    cooldown = Cooldown(strikes=10_000)
    assert cooldown.strike(1.0) == 30


@pytest.mark.parametrize(
    ("lasted_s", "healthy"), [(0.0, False), (59.9, False), (60.0, True), (3600.0, True)]
)
def test_only_a_session_that_lasted_forgives_the_strikes(lasted_s: float, healthy: bool) -> None:
    cooldown = Cooldown(strikes=5)
    assert cooldown.ended(lasted_s) is healthy
    assert cooldown.strikes == (0 if healthy else 5)


def test_six_attempts_are_free_and_the_seventh_waits_for_its_minute() -> None:
    cooldown = Cooldown()
    for at in (0.0, 1.0, 2.0, 3.0, 4.0, 5.0):
        assert cooldown.budget_wait(at) == 0
        cooldown.begin(at)
    assert cooldown.budget_wait(5.0) == 55
    assert cooldown.budget_wait(59.0) == 1
    assert cooldown.budget_wait(60.0) == 0
    cooldown.begin(60.0)
    assert cooldown.budget_wait(60.0) == 1  # the second attempt was at 1


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 200), st.booleans()), min_size=7, max_size=60),
    st.floats(0.1, 5.0),
)
def test_no_series_of_faults_makes_more_than_six_attempts_in_any_minute(
    series: list[tuple[float, float, bool]], first_s: float
) -> None:
    """Whatever chance draws, however long each session lasts, whether a pause is skipped or not."""
    cooldown = Cooldown(first_s=first_s)
    now, attempts = 1000.0, []
    for chance, lasted_s, skips_the_pause in series:
        now += cooldown.budget_wait(now)
        attempts.append(now)
        cooldown.begin(now)
        now += lasted_s
        cooldown.ended(lasted_s)
        pause_s = cooldown.strike(chance)
        now += 0.0 if skips_the_pause else pause_s
    seven_apart = zip(attempts, attempts[6:], strict=False)
    assert all(seventh - first >= 60 - 1e-9 for first, seventh in seven_apart)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_the_ceiling_never_shrinks_while_faults_go_on(chances: list[float]) -> None:
    ceilings = []
    for strikes, chance in enumerate(chances):
        ceilings.append(Cooldown(strikes=strikes).strike(1.0))
        assert 0 <= Cooldown(strikes=strikes).strike(chance) <= ceilings[-1]
    assert all(a <= b for a, b in pairwise(ceilings))
