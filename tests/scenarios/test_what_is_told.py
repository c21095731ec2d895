"""Stories of what people are told: words as heard, one line for each turn, a status at any time."""

import logging

import pytest
import trio
from trio.testing import MockClock

from tests.fakes.story import Story
from voiced.notices import Party, Phase, Transcribed, TurnEnded
from voiced.turns.figures import Figure, Outcome, Percentiles, Turn

TEXT = "It is half past three, and the sun is shining."  # 46 characters


def words(story: Story, who: Party) -> list[tuple[str, bool]]:
    """All that was told of a party's words: text, and whether it was final."""
    return [(n.text, n.final) for n in story.notices if isinstance(n, Transcribed) and n.who is who]


def turns(story: Story) -> list[Turn]:
    return [n.turn for n in story.notices if isinstance(n, TurnEnded)]


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [m for m in caplog.messages if m.startswith("turn ")]


async def ask(story: Story, *, spoken_ms: int = 1000) -> None:
    """The user asks, and the server notices the end of it 500 ms later."""
    story.server.hears_speech()
    await story.for_ms(spoken_ms + 500)
    story.server.hears_silence(at_ms=len(story.server.appended) // 48)
    await story.settled()


def answer(story: Story, ms: int, text: str = TEXT) -> None:
    """The server sends all at once, words first."""
    answer = story.server.begins()
    answer.writes(text[:20])
    answer.writes(text[20:])
    answer.sends(ms)
    answer.writes(text, final=True)
    answer.ends()


# --- words ----------------------------------------------------------------------------------------


async def test_an_answers_words_follow_its_sound_and_all_of_them_are_final(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    with story.daemon.board.watch():
        answer(story, 1000)
        await story.for_ms(1100)
    told = words(story, Party.ASSISTANT)
    assert told[:3] == [("It", False), ("It is", False), ("It is half", False)]
    assert told[-1] == (TEXT, True)
    assert len(told) == 11  # ten looks at eleven words, of which two are short; and the end


async def test_nobody_looks_while_nobody_watches(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    answer(story, 1000)
    await story.for_ms(1100)
    assert words(story, Party.ASSISTANT) == [(TEXT, True)]


class Steps(trio.abc.Instrument):
    """Counts how often the scribe's task is woken."""

    count = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.count += task.name == "scribe"


async def test_the_scribe_sleeps_while_nothing_sounds_or_nobody_watches(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    steps = Steps()
    trio.lowlevel.add_instrument(steps)
    answer(story, 5000)
    await story.for_ms(10_000)
    assert steps.count == 1  # it looks whether anybody is there
    with story.daemon.board.watch():
        await story.for_ms(10_000)
        assert steps.count == 2  # somebody is, but nothing sounds
        answer(story, 5000)
        await story.for_ms(10_000)
    assert steps.count == pytest.approx(2 + 50, abs=2)


async def test_a_text_without_end_is_cut_and_counted(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    for _ in range(5):
        story.server.understands("item_u", "o" * 10_000)
    await story.settled()
    assert len(story.daemon.board.status.user_words) == 32_000
    assert story.daemon.counts.long_text_chars == 18_000


async def test_who_comes_in_the_middle_of_an_answer_sees_it_grow_from_there(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    answer(story, 2000)
    await story.for_ms(1010)
    with story.daemon.board.watch():
        await story.for_ms(500)
    told = words(story, Party.ASSISTANT)
    assert told[0] == ("It is half past three,", False)
    assert len(told) > 2


async def test_a_cut_answer_is_told_up_to_where_it_was_heard(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    answer(story, 2000)
    await story.for_ms(1000)
    story.server.hears_speech()
    await story.for_ms(1000)
    assert words(story, Party.ASSISTANT) == [("It is half past three,", True)]
    assert story.daemon.board.status.assistant_words == "It is half past three,"


async def test_words_that_come_after_the_cut_are_not_told(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    answer = story.server.begins()
    answer.writes("One two three four")
    answer.sends(1000)
    await story.for_ms(500)
    story.server.hears_speech()
    await story.settled()
    answer.writes(" five six")
    answer.writes("One two three four five six", final=True)
    answer.ends("cancelled", type="cancelled", reason="turn_detected")
    await story.for_ms(1000)
    assert words(story, Party.ASSISTANT) == [("One two", True)]


async def test_an_answer_that_outlives_its_session_is_told_as_far_as_it_was_received(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "voiced.actors.scribe")
    await story.begin(nursery)
    answer = story.server.begins()
    answer.writes("One two three four five six seven eight nine ten eleven twelve thirteen")
    answer.sends(1000)
    await story.for_ms(200)
    story.server.hangs_up()
    await story.for_ms(2000)
    assert words(story, Party.ASSISTANT) == [("One two three four five", True)]
    (line,) = lines(caplog)
    assert line.startswith("turn outcome=answered ")
    assert line.endswith(" heard_ms=1000 of_ms=1000 session=sess_story")


async def test_a_users_words_grow_as_they_come_and_may_be_final_long_after_the_answer(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.hears_speech()
    story.server.understands("item_u", "what")  # before its commit: such models there are
    story.server.understands("item_u", " time")
    await story.settled()
    assert words(story, Party.USER) == [("what", False), ("what time", False)]
    assert story.daemon.board.status.user_words == "what time"

    story.server.hears_silence(at_ms=100)
    answer(story, 500)
    await story.for_ms(5000)
    story.server.understands("item_u", "What time is it?", final=True)
    await story.settled()
    assert words(story, Party.USER)[2:] == [("What time is it?", True)]
    assert story.daemon.board.status.user_words == "What time is it?"


async def test_words_that_never_become_final_do_so_with_their_session(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.understands("item_u", "what time")
    story.server.hangs_up()
    await story.for_ms(2000)
    assert words(story, Party.USER) == [("what time", False), ("what time", True)]


# --- the line -------------------------------------------------------------------------------------


async def test_each_turn_has_one_line(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "voiced.actors.scribe")
    await story.begin(nursery)
    await ask(story)
    await story.for_ms(300)
    answer(story, 1000)
    await story.for_ms(1500)
    assert turns(story)[0].figures_ms[Figure.TOTAL] == 800
    (line,) = lines(caplog)
    assert line.startswith("turn outcome=answered stopped_ms=500 ")
    assert line.endswith(
        " total_ms=800 heard_ms=1000 of_ms=1000 total_p50_ms=800 total_p95_ms=800"
        " session=sess_story"
    )
    assert "sun" not in caplog.text


async def test_an_interruption_has_its_latency_on_the_line_of_what_it_cut(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "voiced.actors.scribe")
    await story.begin(nursery)
    await ask(story)
    answer(story, 3000)
    await story.for_ms(1200)
    await ask(story)
    (line,) = lines(caplog)
    assert line.startswith("turn outcome=cut ")
    assert " silence_ms=5 heard_ms=1205 of_ms=3000" in line
    truncated = story.server.was_told("conversation.item.truncate")[0]["audio_end_ms"]
    assert turns(story)[0].heard_ms == truncated

    answer(story, 300)
    await story.for_ms(1000)
    assert [turn.outcome for turn in turns(story)] == [Outcome.CUT, Outcome.ANSWERED]


async def test_a_turn_without_an_answer_is_told_too(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    await ask(story)
    story.server.begins().ends()
    await story.settled()
    assert [turn.outcome for turn in turns(story)] == [Outcome.UNANSWERED]


async def test_the_last_turn_is_told_when_the_daemon_stops_in_its_midst(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    answer(story, 2000)
    await story.for_ms(1000)
    story.daemon.supervisor.stop()
    await story.for_ms(1000)
    (turn,) = turns(story)
    assert (turn.outcome, turn.heard_ms, turn.of_ms) == (Outcome.CUT, 1000, 2000)
    assert words(story, Party.ASSISTANT) == [("It is half past three,", True)]


async def test_a_ninth_waiting_answer_is_no_part_of_a_turn(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    for _ in range(10):
        answer(story, 400)
    await story.for_ms(10_000)
    assert sum(turn.heard_ms for turn in turns(story)) == 9 * 400
    assert {turn.outcome for turn in turns(story)} == {Outcome.ANSWERED}


# --- the status -----------------------------------------------------------------------------------


async def test_the_status_may_be_read_at_any_time(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    await ask(story)
    answer(story, 2000)
    await story.for_ms(1000)
    status = story.daemon.board.status
    assert status.phase is Phase.SPEAKING
    assert status.since_s == pytest.approx(1.5)
    assert status.assistant_words == "It is half past three,"  # though nobody watches
    assert (status.turns, status.latencies) == ({}, {})

    await story.for_ms(1500)
    status = story.daemon.board.status
    assert status.phase is Phase.LISTENING
    assert status.assistant_words == TEXT
    assert status.turns == {Outcome.ANSWERED: 1}
    assert status.latencies[Figure.TOTAL] == Percentiles(500, 500)


async def test_the_status_says_why(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.refuses("rate_limit_exceeded")
    await story.settled()
    status = story.daemon.board.status
    assert status.phase is Phase.COOLING_DOWN
    assert "slow down" in status.why
