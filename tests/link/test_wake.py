"""When a word counts as said, and where it ends."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.link.wake import Trigger, cutoff, tail_frames

CUTOFFS = st.floats(0.5, 0.99)
SENSITIVITIES = st.floats(0.0, 1.0)


@given(CUTOFFS)
def test_in_the_middle_it_is_as_its_maker_set_it(usual: float) -> None:
    assert cutoff(usual, 0.5) == usual
    assert cutoff(usual, 1.0) == pytest.approx(0.5)
    assert cutoff(usual, 0.0) == pytest.approx(0.99)


@given(CUTOFFS, SENSITIVITIES, SENSITIVITIES)
def test_more_sensitivity_never_wants_more(usual: float, one: float, another: float) -> None:
    less, more = sorted((one, another))
    assert cutoff(usual, more) <= cutoff(usual, less) + 1e-9
    assert 0.5 - 1e-9 <= cutoff(usual, more) < 1.0


def test_a_model_that_is_surer_than_we_thought_stays_as_it_is() -> None:
    assert cutoff(0.995, 0.0) == 0.995
    assert cutoff(0.3, 1.0) == 0.3


def pulls(probabilities: list[float], step_s: float = 0.03) -> list[int]:
    trigger = Trigger(0.9)
    return [at for at, each in enumerate(probabilities) if trigger.pull(each, at * step_s)]


def test_a_word_is_said_once_however_long_it_is_sure() -> None:
    assert pulls([0.0] * 5 + [0.95] * 200 + [0.0] * 5) == [5]


def test_what_wavers_around_the_cutoff_is_one_word() -> None:
    assert pulls([0.0, 0.95, 0.85] * 1 + [0.95, 0.85] * 100) == [1]


def test_an_echo_of_the_room_is_no_second_word() -> None:
    assert pulls([0.95, 0.1] * 10) == [0]


def test_it_can_be_said_again() -> None:
    assert pulls([0.95] + [0.1] * 40 + [0.95]) == [0, 41]


@given(st.lists(st.floats(0.0, 1.0), max_size=400))
def test_never_twice_in_a_second_and_never_below(probabilities: list[float]) -> None:
    found = pulls(probabilities)
    assert all(probabilities[at] > 0.9 for at in found)
    assert all(later - sooner >= 33 for sooner, later in pairwise(found))


@pytest.mark.parametrize(
    ("levels", "tail"),
    [
        ([], 0),
        ([-20.0] * 15, 0),  # speech follows at once: nothing of it may be lost
        ([-60.0] * 15, 0),
        ([-20.0] * 6 + [-60.0] * 9, 6),
        ([-20.0] * 6 + [-60.0] * 4 + [-18.0] * 5, 6),
        ([-20.0, -60.0, -20.0, -60.0, -60.0], 3),  # one frame is no pause
        ([-60.0] * 4 + [-20.0] * 11, 0),  # recognised late: the word is over already
        ([-20.0] * 14 + [-60.0], 0),
    ],
)
def test_the_word_ends_where_the_first_pause_begins(levels: list[float], tail: int) -> None:
    assert tail_frames(levels) == tail


@given(st.lists(st.floats(-96.0, 0.0), max_size=40))
def test_what_follows_a_pause_is_never_taken_for_the_word(levels: list[float]) -> None:
    tail = tail_frames(levels)
    assert 0 <= tail <= max(0, len(levels) - 2)
    if tail:
        assert all(level < max(levels) - 20 for level in levels[tail : tail + 2])
