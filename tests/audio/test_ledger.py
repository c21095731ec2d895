"""The books of a loudspeaker: positions only grow, and never beyond what was handed over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from voiced.audio.ledger import Intake, Ledger

RATES = [24_000, 48_000, 44_100, 96_000, 32_000, 16_000]


class Books(RuleBasedStateMachine):
    """A device that takes samples, somebody who hands frames over, and cuts at any time.

    The model keeps each stretch between two closings of the books as (wire samples, device
    samples); the device takes no more than it was given.
    """

    @initialize(rate=st.sampled_from(RATES), fade=st.integers(0, 800))
    def begin(self, rate: int, fade: int) -> None:
        self.rate, self.fade = rate, fade
        self.ledger = Ledger(rate)
        self.taken = 0
        self.base = 0  # device samples at the last closing
        self.closed = 0  # position at the last closing
        self.handed = 0  # wire samples since
        self.highest = 0

    @property
    def left(self) -> int:
        return self.handed * self.rate // 24_000 - (self.taken - self.base)

    @rule(frames=st.integers(1, 20))
    def hand_over(self, frames: int) -> None:
        self.ledger.hand_over(frames * 480)
        self.handed += frames * 480

    @rule(share=st.floats(0, 1))
    def take(self, share: float) -> None:
        self.taken += int(self.left * share)

    @rule()
    def take_all(self) -> None:
        self.taken += self.left

    @precondition(lambda self: self.taken >= self.base or not self.handed)
    @rule()
    def cut(self) -> None:
        """The device has yet to take a fade; until then, nothing can be cut but that."""
        end = self.taken + min(self.fade, self.left)
        assert self.ledger.rebase(end) == self.ledger.end
        self.closed = self.ledger.end
        self.base, self.handed = end, 0

    @invariant()
    def the_position_only_grows(self) -> None:
        position = self.ledger.position(self.taken)
        assert position >= self.highest
        self.highest = position

    @invariant()
    def the_position_is_never_beyond_the_end(self) -> None:
        assert self.ledger.position(self.taken) <= self.ledger.end
        assert self.ledger.end == self.closed + self.handed

    @invariant()
    def the_position_is_exact_to_the_sample(self) -> None:
        exact = (self.taken - self.base) * 24_000 / self.rate
        assert abs(exact - (self.ledger.position(self.taken) - self.closed)) < 1

    @invariant()
    def when_all_is_taken_all_was_heard(self) -> None:
        if not self.left:
            assert self.ledger.end - self.ledger.position(self.taken) <= 24_000 / self.rate


TestBooks = Books.TestCase


def test_a_second_at_48_khz_is_a_second_of_the_wire() -> None:
    ledger = Ledger(48_000)
    ledger.hand_over(24_000)
    assert [ledger.position(n) for n in (0, 1, 2, 24_000, 48_000)] == [0, 0, 1, 12_000, 24_000]


def test_the_device_cannot_have_played_more_than_it_was_given() -> None:
    ledger = Ledger(48_000)
    ledger.hand_over(480)
    assert ledger.position(10**9) == 480


def test_a_cut_takes_back_what_was_not_heard_and_the_next_answer_begins_there() -> None:
    ledger = Ledger(48_000)
    ledger.hand_over(24_000)
    assert ledger.rebase(10_000) == 5_000
    assert ledger.end == 5_000
    ledger.hand_over(480)
    assert ledger.position(10_000) == 5_000
    assert ledger.position(10_000 + 960) == ledger.end == 5_480


def test_books_closed_ahead_of_the_device_wait_for_it() -> None:
    """A cut names the end of the fade, which the device has yet to take."""
    ledger = Ledger(24_000)
    ledger.hand_over(1_000)
    assert ledger.position(500) == 500
    assert ledger.rebase(700) == 700
    assert [ledger.position(n) for n in (500, 600, 700, 800)] == [500, 600, 700, 700]
    ledger.hand_over(50)
    assert [ledger.position(n) for n in (600, 700, 720, 800)] == [600, 700, 720, 750]


# --- what has left the loudspeaker --------------------------------------------------------------


@pytest.mark.parametrize(
    ("blocks", "latency", "left"),
    [
        ([], 0, 0),
        ([(1000, 0)], 0, 1000),
        ([(1000, 0)], 300, 700),  # sound flows: the latest of it is still inside
        ([(1000, 100)], 300, 800),  # silence pushes it on
        ([(1000, 300)], 300, 1000),
        ([(1000, 300), (0, 9000)], 300, 1000),  # but more silence makes no more sound
        ([(100, 0)], 300, 0),  # nothing has come out yet
        ([(0, 5000), (100, 0)], 300, 0),
        ([(1000, 200), (50, 0)], 300, 950),  # after a break: 50 new, 200 silent and 50 old inside
        ([(1000, 200), (50, 0), (50, 0)], 300, 1000),
        ([(1000, 200), (50, 100), (50, 0)], 300, 1000),
        ([(1000, 200), (50, 100), (50, 0), (150, 0)], 300, 1050),
    ],
)
def test_what_is_still_inside_the_device_was_not_heard(
    blocks: list[tuple[int, int]], latency: int, left: int
) -> None:
    intake = Intake()
    for real, silence in blocks:
        intake.take(real, silence)
    assert intake.audible(latency) == left


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=50),
    st.integers(0, 200),
)
def test_it_is_exact_whatever_silence_was_put_where(
    blocks: list[tuple[int, int]], latency: int
) -> None:
    """Against a list that remembers for each sample whether it was real."""
    intake, taken = Intake(), list[bool]()
    for real, silence in blocks:
        intake.take(real, silence)
        taken += [True] * real + [False] * silence
        assert intake.audible(latency) == sum(taken[: max(0, len(taken) - latency)])
        assert intake.taken == sum(taken)
