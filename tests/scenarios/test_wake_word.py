"""Stories of conversations that a word begins: nothing before it, every word after it."""

from typing import Final

import numpy as np
import pytest
import trio
from trio.testing import MockClock

from tests.fakes.story import Story
from tests.fakes.wake import FakeWakeWord
from tests.scenarios.test_activation import appended, every_frame_is_accounted_for, said_ms
from voiced.link.door import State
from voiced.notices import Moment, Phase

WAKE: Final = 9001  # values of sounds, which can be told apart
STOP: Final = 9002
WORDS: Final = {WAKE: "okay_nabu", STOP: "/etc/stop.json"}
FIRST: Final = 100  # of the frames of a question: each has a value of its own


async def waiting(
    story: Story,
    nursery: trio.Nursery,
    late_ms: int = 200,
    *,
    tone: bool = False,
    **settings: object,
) -> FakeWakeWord:
    """A daemon that waits for a word, and says with a *tone* that it has heard it."""
    usual = {"mode": "wake_word", "stop_words": (WORDS[STOP],)}
    story.set("activation", **{**usual, **settings})
    story.set("earcons", wake=tone)
    detector = FakeWakeWord(WORDS, late_ms)
    story.wake_word = detector
    await story.begin(nursery, until_ready=False)
    assert story.phase() is Phase.IDLE
    return detector


def calls(story: Story, word: int = WAKE, ms: int = 600) -> None:
    """The user says the word."""
    story.user.says(ms, value=word)


def asks(story: Story, frames: int) -> None:
    """The user says something of which each 20 ms can be found."""
    for value in range(FIRST, FIRST + frames):
        story.user.says(20, value=value)


def heard(story: Story) -> list[int]:
    """What went up of a question, in order."""
    up = [int(value) for value in appended(story)[::480]]
    return [value for value in up if FIRST <= value < WAKE]


async def in_conversation(story: Story) -> None:
    """Somebody has called, and the session is open."""
    calls(story)
    await story.for_ms(1500)
    assert story.phase() is Phase.LISTENING


async def answered(story: Story, ms: int = 1000) -> None:
    """A question, and its answer to the end."""
    story.server.hears_speech()
    story.server.hears_silence()
    story.server.speaks(ms)
    await story.for_ms(ms + 200)


# --- before the word ------------------------------------------------------------------------------


async def test_before_the_word_nothing_leaves_the_machine(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    detector = await waiting(story, nursery)
    assert story.daemon.board.status.why == "waiting for the wake word"
    story.user.says(60_000, value=7)
    await story.for_ms(60_000)
    assert story.server.connected_at == []
    assert detector.heard_frames > 2990
    assert story.daemon.door.state is State.SHUT
    every_frame_is_accounted_for(story)


async def test_another_word_wakes_nobody_nor_does_the_stop_word(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await waiting(story, nursery)
    calls(story, 8000)
    calls(story, STOP)
    await story.for_ms(5000)
    assert story.server.connected_at == []
    assert story.moments(Moment.WOKEN) == []


async def test_who_is_muted_calls_in_vain(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await waiting(story, nursery)
    story.daemon.supervisor.mute()
    calls(story)
    await story.for_ms(5000)
    assert story.server.connected_at == []


async def test_off_is_off_though_somebody_says_the_word(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await waiting(story, nursery)
    await in_conversation(story)
    story.daemon.supervisor.deactivate()
    await story.settled()
    assert story.daemon.board.status.why == "deactivated"
    calls(story)
    await story.for_ms(5000)
    assert len(story.server.connected_at) == 1


async def test_without_a_budget_the_word_does_nothing(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await waiting(story, nursery)
    story.daemon.supervisor.switch.forbid("the budget is spent")
    calls(story)
    await story.for_ms(3000)
    assert story.server.connected_at == []
    story.daemon.supervisor.switch.permit()
    await story.settled()
    assert story.daemon.board.status.why == "waiting for the wake word"


# --- the word, and what follows it at once --------------------------------------------------------


@pytest.mark.parametrize("late_ms", [0, 20, 100, 200, 350])
@pytest.mark.parametrize("opening_ms", [100, 700, 1400])
async def test_no_word_is_lost_that_follows_the_wake_word(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, late_ms: int, opening_ms: int
) -> None:
    await waiting(story, nursery, late_ms)
    story.server.withholds.add("session.updated")
    story.user.says(3000, value=7)
    calls(story)
    asks(story, 100)
    await story.for_ms(3600 + late_ms + opening_ms)
    story.server.grants()
    await story.for_ms(4000)
    assert heard(story) == list(range(FIRST, FIRST + 100))
    assert said_ms(story, 7) == 0, "nothing that was said before"
    assert said_ms(story, WAKE) <= 420, "of the word itself a syllable, as nobody paused after it"
    assert story.daemon.frames.tally.dropped == 0
    every_frame_is_accounted_for(story)


async def test_a_detector_that_is_behind_loses_no_word_either(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    detector = await waiting(story, nursery)
    detector.works_s = 0.055  # for 60 ms
    calls(story)
    asks(story, 100)
    await story.for_ms(6000)
    assert heard(story) == list(range(FIRST, FIRST + 100))


async def test_what_a_detector_cannot_follow_is_lost_to_it_alone_and_counted(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    detector = await waiting(story, nursery)
    detector.works_s = 0.12  # for 60 ms
    story.user.says(10_000, value=7)
    await story.for_ms(10_000)
    numbers = story.daemon.tallies.numbers()
    assert numbers["wake_word_frames_dropped"] > 200
    assert story.daemon.tallies.losses()["wake word frames"]() > 200
    assert story.daemon.sound.blocks.tally.dropped == 0, "nobody waits for it"
    every_frame_is_accounted_for(story)


async def test_who_pauses_after_the_word_sends_nothing_of_it(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await waiting(story, nursery)
    calls(story)
    story.user.says(1000, value=0)
    asks(story, 50)
    await story.for_ms(4000)
    assert said_ms(story, WAKE) == 0
    assert heard(story) == list(range(FIRST, FIRST + 50))
    every_frame_is_accounted_for(story)


async def test_the_word_goes_up_where_its_owner_wants_that(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await waiting(story, nursery, send_wake_word=True, pre_roll_ms=1000)
    story.user.says(2000, value=7)
    calls(story)
    asks(story, 50)
    await story.for_ms(5000)
    assert said_ms(story, WAKE) == 600
    assert heard(story) == list(range(FIRST, FIRST + 50))
    every_frame_is_accounted_for(story)


async def test_it_is_told_that_the_word_was_heard_and_nobody_is_greeted(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("realtime", greeting="Welcome.")
    await waiting(story, nursery)
    await in_conversation(story)
    assert len(story.moments(Moment.WOKEN)) == 1
    assert not story.server.was_told("response.create")


# --- what follows it later ------------------------------------------------------------------------


async def test_who_calls_and_says_nothing_is_waited_for_and_no_longer(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await waiting(story, nursery, wake_patience_s=5.0)
    calls(story)
    await story.for_ms(5500)
    assert story.phase() is Phase.LISTENING
    await story.for_ms(1500)
    assert story.phase() is Phase.IDLE
    assert story.daemon.board.status.why == "waiting for the wake word"
    assert story.server.wire.closed_by_us


async def test_after_an_answer_one_goes_on_without_the_word(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await waiting(story, nursery, wake_patience_s=5.0, follow_up_s=12.0)
    await in_conversation(story)
    await answered(story)
    await story.for_ms(10_000)
    asks(story, 50)
    story.server.hears_speech()
    await story.for_ms(1500)
    story.server.hears_silence()
    story.server.speaks(1000)
    await story.for_ms(1200)
    assert heard(story) == list(range(FIRST, FIRST + 50))
    assert story.server.connected_at == story.server.connected_at[:1]
    await story.for_ms(11_000)
    assert story.phase() is Phase.LISTENING
    await story.for_ms(1500)
    assert story.phase() is Phase.IDLE
    asks(story, 50)
    await story.for_ms(5000)
    assert len(story.server.wires) == 1, "now it takes the word again"


async def test_without_a_follow_up_the_door_shuts_with_the_answer(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await waiting(story, nursery, follow_up_s=0.0)
    await in_conversation(story)
    await answered(story)
    await story.for_ms(300)
    assert story.phase() is Phase.IDLE
    assert story.ears.sounding_ms() == 1000, "and not before its end"


async def test_a_second_call_opens_a_second_conversation_that_knows_the_first(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await waiting(story, nursery, follow_up_s=0.0)
    await in_conversation(story)
    item = story.server.hears_speech()
    story.server.hears_silence()
    story.server.understands(item, "Who was Ada Lovelace?", final=True)
    answer = story.server.begins()
    answer.sends(1000)
    answer.writes("The first programmer.", final=True)
    answer.ends()
    await story.for_ms(3000)
    assert story.phase() is Phase.IDLE
    await in_conversation(story)
    assert len(story.server.wires) == 2
    assert len(story.server.was_told("conversation.item.create")) == 2


# --- over an answer -------------------------------------------------------------------------------


async def test_the_word_over_an_answer_cuts_it_and_listens(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("turns", interruption="never")
    await waiting(story, nursery, wake_patience_s=5.0, follow_up_s=30.0)
    await in_conversation(story)
    story.server.hears_speech()
    story.server.hears_silence()
    story.server.speaks(20_000)
    await story.for_ms(2000)
    assert story.phase() is Phase.SPEAKING
    calls(story, ms=400)
    await story.for_ms(1000)
    assert len(story.moments(Moment.CUT)) == 1
    assert story.phase() is Phase.LISTENING
    heard_ms = story.ears.sounding_ms()
    await story.for_ms(3000)
    assert story.ears.sounding_ms() == heard_ms
    assert story.phase() is Phase.LISTENING
    await story.for_ms(3000)
    assert story.phase() is Phase.IDLE, "who called is waited for like the first time"


async def test_the_stop_word_cuts_the_answer_and_ends_the_conversation(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("turns", interruption="never")
    await waiting(story, nursery)
    await in_conversation(story)
    story.server.hears_speech()
    story.server.hears_silence()
    story.server.speaks(20_000)
    await story.for_ms(2000)
    calls(story, STOP, ms=400)
    await story.for_ms(700)
    assert story.phase() is Phase.IDLE
    assert story.daemon.board.status.why == "waiting for the wake word"
    heard_ms = story.ears.sounding_ms()
    assert heard_ms < 3000
    await story.for_ms(5000)
    assert story.ears.sounding_ms() == heard_ms, "a cut is a cut"
    assert story.server.wire.closed_by_us
    every_frame_is_accounted_for(story)

    await in_conversation(story)
    assert np.count_nonzero(appended(story) == STOP) == 0, "nor is it answered in the next one"


async def test_the_word_before_the_answer_to_it_cancels_nothing(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """It is recognised a little late: what is made meanwhile answers this very sentence."""
    await waiting(story, nursery, late_ms=350)
    await in_conversation(story)
    calls(story)
    await story.for_ms(620)
    story.server.hears_speech()
    story.server.hears_silence()
    answer = story.server.begins()
    await story.for_ms(400)
    answer.sends(1000)
    answer.ends()
    await story.for_ms(1500)
    assert not story.server.was_told("response.cancel")
    assert story.ears.sounding_ms() == 1000


# --- links and devices ----------------------------------------------------------------------------


async def test_a_link_that_is_down_is_given_up_with_the_patience(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await waiting(story, nursery, wake_patience_s=5.0)
    story.server.down = True
    calls(story)
    await story.for_ms(10_000)
    assert story.phase() is Phase.IDLE
    attempts = len(story.server.connected_at)
    story.server.down = False
    await story.for_ms(120_000)
    assert len(story.server.connected_at) == attempts, "nobody waits any more"
    await in_conversation(story)


async def test_a_microphone_that_comes_back_is_listened_to(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await waiting(story, nursery)
    story.user.microphone.plug.pulled_out()
    await story.for_ms(5000)
    story.user.microphone.plug.put_back()
    await story.for_ms(60_000)
    await in_conversation(story)
