"""Stories of an owner who pays: what was used is known, and once it is enough the day is over."""

import logging
import math
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
import trio
import trio.lowlevel
from trio.testing import MockClock

from tests.fakes.server import Event
from tests.fakes.story import Story
from voiced.account.budget import Level
from voiced.account.usage import Kind, Used
from voiced.edges.ledger_file import LedgerFile
from voiced.notices import Moment, Phase, TurnEnded

USAGE: Event = {
    "total_tokens": 205,
    "input_tokens": 41,
    "output_tokens": 164,
    "input_token_details": {
        "text_tokens": 14,
        "audio_tokens": 27,
        "image_tokens": 0,
        "cached_tokens": 10,
        "cached_tokens_details": {"text_tokens": 4, "audio_tokens": 6, "image_tokens": 0},
    },
    "output_token_details": {"text_tokens": 28, "audio_tokens": 136},
}
USED = Used(
    {
        Kind.TEXT_IN: 10,
        Kind.CACHED_TEXT_IN: 4,
        Kind.AUDIO_IN: 21,
        Kind.CACHED_AUDIO_IN: 6,
        Kind.TEXT_OUT: 28,
        Kind.AUDIO_OUT: 136,
    }
)
PRICES = {
    "currency": "EUR",
    "text_in_per_million": 4.0,
    "audio_in_per_million": 32.0,
    "text_out_per_million": 16.0,
    "audio_out_per_million": 64.0,
    "transcription_per_minute": 0.006,
}
TODAY = date(2026, 11, 21)
REACHED = "budget reached until midnight"


async def opens(story: Story, nursery: trio.Nursery) -> None:
    story.server.usage = USAGE
    await story.begin(nursery)


async def turn(story: Story, ms: int = 1000) -> None:
    """The user asks, is answered, and hears it to the end."""
    story.server.hears_speech()
    story.server.hears_silence()
    story.server.speaks(ms)
    await story.for_ms(ms + 500)


def closings(story: Story) -> list[bool]:
    return [wire.closed_by_us for wire in story.server.wires]


# --- what is counted ------------------------------------------------------------------------------


async def test_each_response_counts_however_it_ended(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await opens(story, nursery)
    await turn(story)
    cut = story.server.begins()
    cut.sends(500)
    story.server.hears_speech()
    cut.ends("cancelled", type="cancelled", reason="turn_detected")
    story.server.hears_silence()
    story.server.begins().ends("incomplete", type="incomplete", reason="max_output_tokens")
    beside = {"id": "r", "status": "completed", "conversation_id": None, "usage": USAGE}
    story.server.says({"type": "response.done", "response": beside})
    story.server.begins().fails("server_error")
    await story.settled()
    five = sum([USED] * 5, Used())
    usage = story.daemon.board.status.usage
    assert usage.today.used == usage.session.used == usage.month.used == five
    assert five.tokens == 5 * 205
    assert story.daemon.counts.unmetered == 0


async def test_what_ended_the_session_was_billed_as_well(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await opens(story, nursery)
    story.server.begins().fails("insufficient_quota")
    await story.settled()
    assert story.phase() is Phase.FAULT
    assert story.daemon.board.status.usage.today.used == USED


async def test_a_transcription_counts_by_tokens_or_by_time_and_silence_about_it_is_counted(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    item = story.server.hears_speech()
    story.server.hears_silence()
    for usage in (
        {"type": "duration", "seconds": 3.5},
        {"type": "tokens", "input_tokens": 14, "output_tokens": 5, "total_tokens": 19},
        None,
    ):
        story.server.transcription_usage = usage
        story.server.understands(item, "hello", final=True)
    story.server.speaks(100)
    await story.for_ms(500)
    assert story.daemon.board.status.usage.today.used == Used(
        {
            Kind.TRANSCRIPTION_MS: 3500,
            Kind.TRANSCRIPTION_AUDIO_IN: 14,
            Kind.TRANSCRIPTION_OUT: 5,
        }
    )
    assert story.daemon.counts.unmetered == 2  # the third, and the response


async def test_a_turns_line_tells_what_it_took_and_what_that_cost(
    story: Story,
    nursery: trio.Nursery,
    autojump_clock: MockClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    story.set("prices", **PRICES)
    await opens(story, nursery)
    await turn(story)
    (line,) = [each for each in caplog.messages if each.startswith("turn ")]
    assert line.endswith(" tokens=205 cost=0.0101 session=sess_story")
    (ended,) = [n for n in story.notices if isinstance(n, TurnEnded)]
    assert ended.bill.used == USED
    assert str(story.daemon.board.status.usage.today.cost) == "0.01 EUR"


async def test_a_session_that_takes_over_begins_at_nothing_and_the_day_goes_on(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await opens(story, nursery)
    await turn(story)
    story.daemon.supervisor.reconnect()
    await story.for_ms(1000)
    assert story.moments(Moment.RENEWED) != []
    await turn(story)
    usage = story.daemon.board.status.usage
    assert (usage.session.used, usage.today.used) == (USED, USED + USED)


# --- what is enough -------------------------------------------------------------------------------


async def test_an_answer_is_finished_then_the_day_is_over_and_the_next_one_begins_at_midnight(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.midnight_in_s = 90.0
    story.set("budget", daily_tokens=205)
    await opens(story, nursery)
    story.server.hears_speech()
    story.server.hears_silence()
    story.server.speaks(3000)  # it is done at once, and sounds for three seconds
    await story.for_ms(1000)
    assert story.phase() is Phase.SPEAKING
    assert story.daemon.board.status.usage.budget.level is Level.SPENT
    await story.for_ms(3000)
    assert story.ears.sounding_ms() == 3000
    assert story.phase() is Phase.IDLE
    assert story.daemon.board.status.why == f"{REACHED} (daily_tokens: 205 of 205)"
    assert closings(story) == [True]
    assert story.server.wires[0].heard[-1]["type"] != "response.cancel"
    await trio.sleep_until(89.0)
    assert len(story.server.wires) == 1
    await trio.sleep_until(90.5)
    await story.settled()
    assert story.phase() is Phase.LISTENING
    usage = story.daemon.board.status.usage
    assert (usage.today.used, usage.month.used) == (Used(), USED)
    assert usage.budget.level is Level.WITHIN
    assert story.daemon.board.link.strikes == 0


async def test_at_four_fifths_there_is_a_warning_and_nothing_else(
    story: Story,
    nursery: trio.Nursery,
    autojump_clock: MockClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    story.set("budget", daily_tokens=1000)
    await opens(story, nursery)
    for _ in range(4):
        await turn(story)
    assert story.phase() is Phase.LISTENING
    assert len(story.moments(Moment.BUDGET)) == 1
    near = "budget nearly reached (daily_tokens: 820 of 1000)"
    assert story.daemon.board.status.usage.budget.why == near
    assert caplog.messages.count(near) == 1
    await turn(story)
    assert story.phase() is Phase.IDLE
    assert len(story.moments(Moment.BUDGET)) == 2


async def test_money_is_counted_by_the_owners_prices(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("prices", **PRICES)
    story.set("budget", daily=0.02)
    await opens(story, nursery)
    await turn(story)
    assert story.phase() is Phase.LISTENING
    await turn(story)
    assert story.phase() is Phase.IDLE
    assert story.daemon.board.status.why == f"{REACHED} (daily: 0.02 EUR of 0.02)"


async def test_an_hour_has_only_so_many_turns(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("budget", turns_per_hour=2)
    await story.begin(nursery)
    await turn(story)
    await story.for_ms(10_000)
    assert story.phase() is Phase.LISTENING
    await turn(story)
    assert story.ears.sounding_ms() == 2000  # the last one allowed is answered
    assert story.phase() is Phase.IDLE
    autojump_clock.jump(3580.0)  # at once: nobody listens to what the room says meanwhile
    await trio.sleep_until(3599.0)
    assert story.phase() is Phase.IDLE
    await trio.sleep_until(3602.0)
    await story.settled()
    assert story.phase() is Phase.LISTENING
    await turn(story)
    assert story.phase() is Phase.IDLE


async def test_who_talks_on_and_on_is_heard_for_a_minute(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("budget", daily_tokens=205)
    story.set("limits", max_turn_ms=600_000)
    await opens(story, nursery)
    story.server.hears_speech()
    beside = {"id": "r", "status": "completed", "conversation_id": None, "usage": USAGE}
    story.server.says({"type": "response.done", "response": beside})
    await story.for_ms(59_000)
    assert story.phase() is Phase.HEARING
    await story.for_ms(2000)
    assert story.phase() is Phase.IDLE


async def test_an_operator_may_lift_it_until_midnight(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.midnight_in_s = 90.0
    story.set("budget", daily_tokens=205)
    await opens(story, nursery)
    await turn(story)
    assert story.phase() is Phase.IDLE
    story.daemon.supervisor.override_budget()
    await story.settled()
    assert story.phase() is Phase.LISTENING
    await turn(story)
    assert story.phase() is Phase.LISTENING
    assert story.daemon.board.status.usage.budget.why.startswith("budget lifted until midnight")
    await trio.sleep_until(91.0)
    await turn(story)
    assert story.phase() is Phase.IDLE


async def test_a_link_that_is_lost_when_the_budget_is_spent_is_not_looked_for(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("budget", daily_tokens=205)
    await opens(story, nursery)
    story.server.speaks(3000)
    await story.for_ms(500)
    story.server.hangs_up()
    await story.for_ms(10_000)
    assert story.phase() is Phase.IDLE
    assert len(story.server.wires) == 1
    assert story.ears.sounding_ms() == 3000


async def test_it_can_be_stopped_while_it_rests(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("budget", daily_tokens=205)
    await opens(story, nursery)
    await turn(story)
    story.daemon.supervisor.stop()
    await story.settled()
    assert story.moments(Moment.STOPPED) != []


# --- the clock on the wall ------------------------------------------------------------------------


async def test_a_clock_that_jumps_is_noticed_within_a_minute_and_nothing_is_lost_by_it(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("budget", daily_tokens=205)
    await opens(story, nursery)
    story.midnight_in_s += 56 * 365.25 * 86_400  # a machine without a battery
    await turn(story)
    assert story.phase() is Phase.IDLE
    story.midnight_in_s = 36_000.0  # and now NTP has answered
    await story.for_ms(61_000)
    assert story.phase() is Phase.LISTENING
    await turn(story)
    assert story.phase() is Phase.IDLE
    days = story.daemon.accountant.ledger.days
    assert max(days) == TODAY
    assert list(days.values()) == [USED, USED]
    story.midnight_in_s += 86_400.0  # a day back
    await story.for_ms(61_000)
    assert story.phase() is Phase.LISTENING
    story.midnight_in_s -= 86_400.0  # and forward again: that day is spent
    await story.for_ms(61_000)
    assert story.phase() is Phase.IDLE
    assert story.daemon.accountant.ledger.days == days


# --- across lives ---------------------------------------------------------------------------------


class Shelf:
    """Books in memory; what a daemon wrote is there for the next."""

    def __init__(self, days: Mapping[date, Used]) -> None:
        self.days = days
        self.writings = 0
        self.is_open = False

    def open(self) -> Mapping[date, Used]:
        self.is_open = True
        return self.days

    def write(self, days: Mapping[date, Used]) -> None:
        self.days = days
        self.writings += 1

    def close(self) -> None:
        self.is_open = False


async def test_a_life_that_begins_with_a_spent_budget_dials_nobody_before_midnight(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.books = Shelf({TODAY: USED})
    story.midnight_in_s = 90.0
    story.set("budget", daily_tokens=205)
    await story.begin(nursery, until_ready=False)
    await trio.sleep_until(89.0)
    assert story.server.connected_at == []
    assert story.phase() is Phase.IDLE
    assert story.daemon.board.status.why.startswith(REACHED)
    await trio.sleep_until(91.0)
    await story.settled()
    assert story.phase() is Phase.LISTENING


async def test_each_turn_is_kept_and_the_next_life_knows_it(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, tmp_path: Path
) -> None:
    story.books = LedgerFile(tmp_path)
    await opens(story, nursery)
    await turn(story)
    # From here on a thread is at work, whose time is not the story's.
    autojump_clock.autojump_threshold = math.inf
    with trio.fail_after(math.inf):
        story.daemon.supervisor.stop()
        while nursery.child_tasks:
            await trio.lowlevel.checkpoint()
    again = LedgerFile(tmp_path)
    assert again.open() == {TODAY: USED}
    again.close()


async def test_usage_is_written_at_once_but_not_with_every_word(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    shelf = Shelf({})
    story.books = shelf
    await opens(story, nursery)
    for _ in range(50):
        story.server.begins().ends()
    await story.for_ms(20_000)
    assert shelf.days == {TODAY: sum([USED] * 50, Used())}
    assert shelf.writings <= 4
