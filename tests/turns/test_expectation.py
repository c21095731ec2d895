"""When something will have to be played soon."""

import pytest

from voiced.turns.expectation import ANNOUNCES, LONGEST_S, SETTLES, Expectation
from voiced.turns.moments import Moment


def test_at_first_nothing_is_expected() -> None:
    assert Expectation().until_s < 0


@pytest.mark.parametrize("moment", sorted(ANNOUNCES, key=str))
def test_what_announces_an_answer_has_it_expected_for_a_while(moment: Moment) -> None:
    expectation = Expectation()
    assert expectation.follows(moment, 100.0)
    assert expectation.until_s == 100.0 + LONGEST_S


@pytest.mark.parametrize("moment", sorted(SETTLES, key=str))
def test_what_settles_it_ends_that(moment: Moment) -> None:
    expectation = Expectation()
    expectation.follows(Moment.COMMITTED, 100.0)
    assert not expectation.follows(moment, 101.0)
    assert expectation.until_s < 0


@pytest.mark.parametrize("moment", sorted(set(Moment) - ANNOUNCES - SETTLES, key=str))
def test_all_else_changes_nothing(moment: Moment) -> None:
    expectation = Expectation()
    expectation.follows(Moment.SPEECH_START, 100.0)
    assert not expectation.follows(moment, 101.0)
    assert expectation.until_s == 100.0 + LONGEST_S
