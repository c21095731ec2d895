"""Repeats: the first at once, sums after that, and nothing lost between them."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from voiced.logbook.throttle import Summary, Throttle


def test_a_burst_has_its_first_line_and_a_sum() -> None:
    throttle = Throttle(10.0)
    assert throttle.passes("a", 0.0)
    assert not any(throttle.passes("a", n / 50) for n in range(1, 313))
    assert throttle.due(9.9) == []
    assert throttle.due(10.0) == [Summary("a", 312, 6.24)]
    assert throttle.due(30.0) == []
    assert throttle.passes("a", 31.0)


def test_what_goes_on_has_one_sum_per_window_and_a_last_one() -> None:
    throttle, sums = Throttle(10.0), list[Summary]()
    passed = 0
    for n in range(251):
        sums += throttle.due(n / 8)
        passed += throttle.passes("a", n / 8)
    assert passed == 1
    assert [each.count for each in sums] == [79, 80, 80]
    assert throttle.due(40.0) == [Summary("a", 11, 1.375)]
    assert throttle.due(55.0) == throttle.end() == []


def test_kinds_are_apart() -> None:
    throttle = Throttle(10.0)
    assert all(throttle.passes(key, 0.0) for key in "abc")
    assert not throttle.passes("b", 1.0)
    assert throttle.due(10.0) == [Summary("b", 1, 1.0)]


def test_some_may_be_let_through_in_each_window() -> None:
    throttle = Throttle(10.0, burst=3)
    passed = 0
    for n in range(5):
        throttle.due(n)
        passed += throttle.passes("a", n)
    assert passed == 3
    assert throttle.end() == [Summary("a", 2, 2.0)]


def test_at_the_end_what_is_held_back_is_told() -> None:
    throttle = Throttle(10.0)
    throttle.passes("a", 0.0)
    throttle.passes("a", 1.0)
    assert throttle.end() == [Summary("a", 1, 1.0)]
    assert throttle.end() == []


def test_memory_is_bounded_and_what_gives_way_is_summed_up() -> None:
    throttle, told = Throttle(1e9), 0
    for n in range(10_000):
        told += sum(each.count for each in throttle.due(n))
        told += sum(throttle.passes(str(n), n) for _ in range(2))
    assert len(throttle._runs) < 300
    assert told + sum(each.count for each in throttle.end()) == 20_000


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(-1, 30))),
    st.integers(1, 4),
    st.floats(0.1, 20),
)
def test_the_counts_add_up(steps: list[tuple[str, float]], burst: int, window_s: float) -> None:
    """Whatever comes when, and even if the clock is set back: passed and summed up is all there was."""
    throttle, now = Throttle(window_s, burst), 0.0
    noted, told = Counter[str](), Counter[str]()
    for key, step_s in steps:
        now += step_s
        for each in throttle.due(now):
            told[each.key] += each.count
            assert each.in_s >= 0
        noted[key] += 1
        told[key] += throttle.passes(key, now)
    for each in throttle.end():
        told[each.key] += each.count
    assert told == noted
