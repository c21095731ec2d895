"""The ledger: whatever the clock does, sums add up."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.account.strategies import days, used
from voiced.account.ledger import MOST_DAYS, Ledger
from voiced.account.usage import Kind, Used

DAY = date(2026, 11, 21)
ONE = Used({Kind.TEXT_OUT: 1})


def total(ledger: Ledger) -> Used:
    return sum(ledger.days.values(), Used())


@given(st.lists(st.tuples(days, used), max_size=60))
def test_a_clock_that_jumps_loses_nothing_and_doubles_nothing(
    charges: list[tuple[date, Used]],
) -> None:
    ledger = Ledger()
    for day, amount in charges:
        ledger.charge(day, amount)
    everything = sum((amount for _, amount in charges), Used())
    assert total(ledger) == ledger.session == ledger.turn == everything
    for day, _ in charges:
        on_that_day = sum((amount for each, amount in charges if each == day), Used())
        in_that_month = sum(
            (a for d, a in charges if (d.year, d.month) == (day.year, day.month)), Used()
        )
        assert ledger.on(day) == on_that_day
        assert ledger.in_month(day) == in_that_month


@given(st.lists(st.tuples(days, used), max_size=20), st.integers(0, 20))
def test_a_restart_changes_no_day(charges: list[tuple[date, Used]], lives: int) -> None:
    once, often = Ledger(), Ledger()
    for place, (day, amount) in enumerate(charges):
        once.charge(day, amount)
        often.charge(day, amount)
        if place % 3 == lives % 3:
            kept, often = often.days, Ledger()
            often.recall(kept)
    assert once.days == often.days


@given(st.lists(used | st.none()))
def test_turns_add_up_to_what_was_used(story: list[Used | None]) -> None:
    ledger = Ledger()
    turns = []
    for each in story:
        if each is None:
            turns.append(ledger.turn_ends())
        else:
            ledger.charge(DAY, each)
    assert sum(turns, ledger.turn) == ledger.on(DAY)


def test_a_session_begins_with_nothing_and_a_day_goes_on() -> None:
    ledger = Ledger()
    ledger.charge(DAY, ONE)
    ledger.session_begins()
    assert (ledger.session, ledger.on(DAY)) == (Used(), ONE)


def test_the_oldest_days_go_but_never_the_one_that_is() -> None:
    ledger = Ledger()
    for number in range(MOST_DAYS):
        ledger.charge(DAY + timedelta(days=number), ONE)
    ledger.charge(date(1970, 1, 1), ONE)  # a machine without a battery
    ledger.charge(date(1970, 1, 1), ONE)
    assert len(ledger.days) == MOST_DAYS
    assert ledger.on(date(1970, 1, 1)) == ONE + ONE
    assert ledger.on(DAY) == Used()
    ledger.charge(DAY + timedelta(days=MOST_DAYS), ONE)
    assert len(ledger.days) == MOST_DAYS
    assert ledger.on(date(1970, 1, 1)) == Used()
