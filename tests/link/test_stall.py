"""Counters that ought to move."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.link.stall import Stall


def first_alarm_s(counts: list[int], *, every_s: float = 0.75, rests: range = range(0)) -> float:
    stall = Stall(3.0)
    for place, count in enumerate(counts):
        if stall.look(place * every_s, count, due=place not in rests):
            return place * every_s
    return float("inf")


@pytest.mark.parametrize(
    ("counts", "rests", "alarm_s"),
    [
        ([0] * 10, range(0), 3.0),  # it never began
        (list(range(100)), range(0), float("inf")),
        ([1, 2, 3, *[3] * 10], range(0), 1.5 + 3.0),
        ([1, 1, 1, 1, 2, 2, 2, 2, 3], range(0), float("inf")),
        ([5] * 100, range(100), float("inf")),
        ([5] * 20, range(10), 10 * 0.75 + 3.0),  # only from when it is due
        ([5, 5, 5, 1, 1, 1, 1, 1, 1], range(0), 2.25 + 3.0),  # a counter may begin anew
    ],
)
def test_standing_still_counts_while_it_is_due(
    counts: list[int], rests: range, alarm_s: float
) -> None:
    assert first_alarm_s(counts, rests=rests) == alarm_s


def test_a_machine_that_slept_has_not_seen_the_device_fail() -> None:
    stall = Stall(3.0)
    assert not stall.look(0.0, 7)
    assert not stall.look(3600.0, 7)
    assert not stall.look(3600.75, 8)
    assert stall.stood_s == 0


@given(
    limit_s=st.floats(0.5, 60.0),
    lags_s=st.lists(st.floats(0.0, 0.1), min_size=10, max_size=10),
)
def test_a_stall_is_noticed_within_one_and_a_half_limits(
    limit_s: float, lags_s: list[float]
) -> None:
    stall = Stall(limit_s)
    now_s = 0.0
    stall.look(now_s, 1)
    for lag_s in lags_s:
        now_s += stall.look_every_s * (1 + lag_s)
        if stall.look(now_s, 1):
            break
    assert 0.99 * limit_s <= now_s <= 1.5 * limit_s


def test_what_was_just_started_may_take_longer_until_it_moves() -> None:
    stall = Stall(0.5, first_s=3.0)
    now_s, count = 0.0, 7
    while not stall.look(now_s, count):
        now_s += stall.look_every_s
    assert 3.0 <= now_s <= 3.8

    stall, now_s = Stall(0.5, first_s=3.0), 0.0
    for count in range(20):
        assert not stall.look(now_s, count)
        now_s += stall.look_every_s
    stood_from_s = now_s
    while not stall.look(now_s, 19):
        now_s += stall.look_every_s
    assert 0.3 <= now_s - stood_from_s <= 0.6


def test_one_that_rested_is_started_again() -> None:
    stall = Stall(0.5, first_s=3.0)
    for look in range(10):
        stall.look(look / 10, look)
    stall.look(1.0, 10, due=False)
    assert stall.look_every_s == 0.75
