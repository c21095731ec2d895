"""The budget: near at four fifths, spent at the whole, and open again in time."""

from datetime import date, datetime, timedelta

import attrs
from hypothesis import given
from hypothesis import strategies as st

from tests.account.strategies import walls
from voiced.account.budget import LOOKS_EVERY_S, Budget, Level, Limits, Standing
from voiced.account.prices import Bill, Cost
from voiced.account.report import Report
from voiced.account.usage import Kind, Used

NOON = datetime(2026, 11, 21, 12)
HOUR_S = 3600.0


def bill(tokens: int = 0, amount: float = 0.0) -> Bill:
    return Bill(Used({Kind.AUDIO_OUT: tokens}), Cost(amount, "EUR"))


def stands(budget: Budget, used: Bill | None = None, *, now_s: float = 0.0) -> Standing:
    wall = NOON + timedelta(seconds=now_s)
    return budget.standing(now_s, wall, used or Bill())


def test_without_limits_nothing_is_ever_spent() -> None:
    assert stands(Budget(), bill(10**12, 10.0**9)) == Standing()


def test_money() -> None:
    budget = Budget(Limits(daily=5.0))
    assert stands(budget, bill(amount=3.99)).level is Level.WITHIN
    near = stands(budget, bill(amount=4.0))
    assert (near.level, near.share) == (Level.NEAR, 0.8)
    assert near.why == "budget nearly reached (daily: 4.00 EUR of 5.00)"
    spent = stands(budget, bill(amount=5.02))
    assert spent.level is Level.SPENT
    assert spent.why == "budget reached until midnight (daily: 5.02 EUR of 5.00)"


def test_tokens() -> None:
    budget = Budget(Limits(daily_tokens=1000))
    assert stands(budget, bill(799)).level is Level.WITHIN
    assert stands(budget, bill(999)).level is Level.NEAR
    spent = stands(budget, bill(1000))
    assert spent.why == "budget reached until midnight (daily_tokens: 1000 of 1000)"


def test_the_limit_that_is_nearest_is_told_and_one_that_is_spent_first() -> None:
    budget = Budget(Limits(daily=10.0, daily_tokens=1000))
    assert stands(budget, bill(850, 9.0)).why == "budget nearly reached (daily: 9.00 EUR of 10.00)"
    assert "daily_tokens" in stands(budget, bill(1000, 9.99)).why


def test_turns_of_an_hour() -> None:
    budget = Budget(Limits(turns_per_hour=20))
    for minute in range(20):
        assert stands(budget, now_s=60.0 * minute).level is not Level.SPENT
        budget.turn_begins(60.0 * minute)
    full = stands(budget, now_s=1140.0)
    assert full.level is Level.SPENT
    assert full.why == "budget reached until 13:01 (turns_per_hour: 20 of 20)"
    assert stands(budget, now_s=HOUR_S).level is Level.SPENT  # one turn is no session
    assert stands(budget, now_s=HOUR_S + 60).level is Level.NEAR


def test_a_single_turn_an_hour_is_allowed_each_hour() -> None:
    budget = Budget(Limits(turns_per_hour=1))
    budget.turn_begins(100.0)
    assert stands(budget, now_s=100.0).level is Level.SPENT
    assert stands(budget, now_s=100.0 + HOUR_S).level is Level.WITHIN


def test_lifted_it_warns_until_midnight_and_holds_again_after_it() -> None:
    budget = Budget(Limits(daily_tokens=10, turns_per_hour=1))
    budget.turn_begins(0.0)
    budget.lift(NOON.date())
    lifted = stands(budget, bill(11))
    assert lifted.level is Level.NEAR
    assert lifted.why == "budget lifted until midnight (daily_tokens: 11 of 10)"
    budget.turn_begins(1.0)
    assert stands(budget, now_s=1.0).level is Level.NEAR
    tomorrow = budget.standing(2.0, NOON + timedelta(days=1), bill(11))
    assert tomorrow.level is Level.SPENT


@given(st.lists(st.floats(0, 10 * HOUR_S), max_size=200), st.integers(1, 30))
def test_no_hour_has_more_turns_than_allowed_and_room_always_comes(
    wishes: list[float], most: int
) -> None:
    budget = Budget(Limits(turns_per_hour=most))
    taken: list[float] = []
    for now_s in sorted(wishes):
        if stands(budget, now_s=now_s).level is not Level.SPENT:
            budget.turn_begins(now_s)
            taken.append(now_s)
    for at_s in taken:
        assert sum(1 for each in taken if at_s <= each < at_s + HOUR_S) <= most
    later_s = 11 * HOUR_S
    assert stands(budget, now_s=later_s).level is Level.WITHIN


@given(walls, st.floats(0, 10**7), st.floats(0, 10**7))
def test_it_never_sleeps_past_midnight_nor_past_a_minute(
    wall: datetime, turn_s: float, later_s: float
) -> None:
    budget = Budget(Limits(turns_per_hour=1))
    budget.turn_begins(turn_s)
    wait_s = budget.wakes_in_s(turn_s + later_s, wall)
    assert 0 < wait_s <= LOOKS_EVERY_S
    assert (wall + timedelta(seconds=wait_s)).date() <= wall.date() + timedelta(days=1)
    if wait_s < LOOKS_EVERY_S and later_s > HOUR_S:
        assert (wall + timedelta(seconds=wait_s)).date() == wall.date() + timedelta(days=1)


@given(st.lists(walls, min_size=1), st.integers(0, 20))
def test_the_clock_may_be_set_as_it_likes(clock: list[datetime], tokens: int) -> None:
    """Only what is used of the day that it shows just then counts."""
    budget = Budget(Limits(daily_tokens=10))
    used: dict[date, int] = {}
    for wall in clock:
        used[wall.date()] = used.get(wall.date(), 0) + tokens
        level = budget.standing(0.0, wall, bill(used[wall.date()])).level
        assert (level is Level.SPENT) is (used[wall.date()] >= 10)


def test_the_report_can_be_had_as_numbers_and_words() -> None:
    took = Used({Kind.AUDIO_OUT: 70, Kind.CACHED_TEXT_IN: 7, Kind.TRANSCRIPTION_MS: 1500})
    today = Bill(took, Cost(0.25, "EUR", whole=False))
    report = Report(today=today, budget=Standing(Level.NEAR, 0.9, "budget nearly reached"))
    plain = report.plain()
    assert plain["today"] == {
        "tokens": {"cached_text_in": 7, "audio_out": 70},
        "total_tokens": 77,
        "transcription_s": 1.5,
        "cost": 0.25,
        "cost_is_whole": False,
        "currency": "EUR",
    }
    assert plain["budget"] == {"level": "near", "share": 0.9, "why": "budget nearly reached"}
    unknown = Report(month=Bill(took, Cost(0.0, "EUR", whole=False))).plain()["month"]
    assert isinstance(unknown, dict)
    assert unknown["cost"] is None
    assert {field.name for field in attrs.fields(Report)} == set(plain)
