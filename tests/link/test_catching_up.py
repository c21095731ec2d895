"""A backlog goes up at four times real time, and what is on time does not wait."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.link.catching_up import Pace


def test_frames_on_time_never_wait() -> None:
    pace = Pace()
    assert [pace.wait_s(at * 0.02, 1) for at in range(100)] == [0] * 100


def test_a_lump_of_a_tenth_of_a_second_is_no_backlog() -> None:
    pace = Pace()
    assert [pace.wait_s(1.0, 5 - sent) for sent in range(5)] == [0] * 5


def test_a_batch_goes_together() -> None:
    pace = Pace()
    assert [pace.wait_s(at * 0.2, 10, together=10) for at in range(20)] == [0] * 20


def test_a_backlog_of_two_seconds_takes_about_half_a_second() -> None:
    pace, now_s = Pace(), 50.0
    for sent in range(100):
        now_s += pace.wait_s(now_s, 100 - sent)
    assert now_s - 50 == pytest.approx(0.5, abs=0.04)


@given(st.lists(st.floats(0.0, 0.2), max_size=300), st.integers(6, 100))
def test_never_more_than_four_times_real_time(pauses: list[float], waiting: int) -> None:
    pace, now_s, sent_s = Pace(), 0.0, []
    for pause_s in pauses:
        now_s += pause_s
        now_s += pace.wait_s(now_s, waiting)
        sent_s.append(now_s)
    for first, began_s in enumerate(sent_s):
        in_a_stretch = sum(began_s <= at <= began_s + 0.2 for at in sent_s[first:])
        assert in_a_stretch <= 40
