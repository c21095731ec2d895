"""Stories of speech over an answer that has to prove itself, or changes nothing."""

import numpy as np
import pytest
import trio
from trio.testing import MockClock

from tests.fakes.server import Answer
from tests.fakes.story import Story
from voiced.notices import Moment, Phase

LOUD = 1000  # -30 dBFS: a voice
SPEAKING_MS = 5000


async def answering(story: Story, nursery: trio.Nursery, interruption: str) -> Answer:
    """An answer sounds, and nobody has said anything over it."""
    story.set("turns", interruption=interruption)
    await story.begin(nursery)
    story.server.hears_speech()
    story.server.hears_silence()
    await story.settled()
    answer = story.server.begins()
    answer.sends(SPEAKING_MS)
    answer.ends()
    await story.for_ms(1000)
    assert story.phase() is Phase.SPEAKING
    return answer


def created(story: Story) -> int:
    """How many responses were asked for."""
    return len(story.server.was_told("response.create"))


async def says_over_it(story: Story, ms: int) -> str:
    """The user speaks; the server hears it 100 ms later, as servers do."""
    at_ms = len(story.server.appended) // 48
    story.user.says(ms, value=LOUD)
    await story.for_ms(100)
    item = story.server.hears_speech(at_ms)
    await story.settled()
    return item


@pytest.mark.parametrize("interruption", ["confirmed", "never"])
async def test_the_server_is_told_that_turns_are_ours(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, interruption: str
) -> None:
    await answering(story, nursery, interruption)
    detection = story.server.was_told("session.update")[0]["session"]["audio"]["input"][
        "turn_detection"
    ]
    assert (detection["create_response"], detection["interrupt_response"]) == (False, False)
    assert created(story) == 1


async def test_speech_that_lasts_ends_the_answer_when_it_has_lasted(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    answer = await answering(story, nursery, "confirmed")
    await says_over_it(story, ms=1500)
    assert story.moments(Moment.DUCKED)
    assert story.phase() is Phase.SPEAKING
    await story.for_ms(250)
    assert story.moments(Moment.CUT) == []
    await story.for_ms(100)  # 450 ms after the onset: confirm_ms, and the frame that tells

    assert len(story.moments(Moment.CUT)) == 1
    assert story.phase() is Phase.HEARING
    truncations = story.server.was_told("conversation.item.truncate")
    assert [each["item_id"] for each in truncations] == [answer.item_id]
    assert story.server.was_told("response.cancel") == []  # it was done long ago

    await story.for_ms(1500)
    story.server.hears_silence()
    await story.settled()
    assert created(story) == 2


async def test_a_response_in_the_making_is_cancelled_when_speech_is_meant(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("turns", interruption="confirmed")
    await story.begin(nursery)
    story.server.hears_speech()
    story.server.hears_silence()
    await story.settled()
    answer = story.server.begins()
    answer.sends(3000)
    await story.for_ms(500)
    await says_over_it(story, ms=800)
    await story.for_ms(700)
    assert len(story.server.was_told("response.cancel")) == 1

    story.server.hears_silence()
    await story.settled()
    assert created(story) == 1  # not before the other one is over
    answer.ends("cancelled", type="cancelled", reason="client_cancelled")
    await story.settled()
    assert created(story) == 2


async def test_a_cough_lowers_the_answer_and_ends_nothing(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await answering(story, nursery, "confirmed")
    cough = await says_over_it(story, ms=200)
    await story.for_ms(500)  # the server's silence has not passed: the level is back by then
    assert len(story.moments(Moment.DUCKED)) == len(story.moments(Moment.RESTORED)) == 1
    assert story.moments(Moment.RESTORED)[0] - story.moments(Moment.DUCKED)[0] < 0.4
    story.server.hears_silence()
    story.server.understands(cough, "", final=True)
    await story.for_ms(4500)

    assert story.moments(Moment.CUT) == []
    assert story.ears.sounding_ms() == SPEAKING_MS
    deleted = story.server.was_told("conversation.item.delete")
    assert [each["item_id"] for each in deleted] == [cough]
    assert story.server.was_told("conversation.item.truncate") == []
    assert created(story) == 1
    assert Phase.HEARING not in story.phases[-2:]
    assert story.phase() is Phase.LISTENING


@pytest.mark.parametrize(("words", "cuts"), [("Stop!", 1), ("Uh-huh.", 0), ("Mhm", 0), ("nein", 1)])
async def test_short_speech_is_judged_by_its_words(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, words: str, cuts: int
) -> None:
    await answering(story, nursery, "confirmed")
    item = await says_over_it(story, ms=300)
    await story.for_ms(700)
    story.server.hears_silence()
    await story.for_ms(200)
    assert story.moments(Moment.CUT) == []
    story.server.understands(item, words, final=True)
    await story.settled()

    assert len(story.moments(Moment.CUT)) == cuts
    assert len(story.server.was_told("conversation.item.delete")) == 1 - cuts
    assert created(story) == 1 + cuts
    assert story.phase() is (Phase.THINKING if cuts else Phase.SPEAKING)


async def test_a_short_turn_without_words_in_time_is_dismissed(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await answering(story, nursery, "confirmed")
    item = await says_over_it(story, ms=300)
    await story.for_ms(700)
    story.server.hears_silence()
    await story.for_ms(3001)  # words_ms
    assert [e["item_id"] for e in story.server.was_told("conversation.item.delete")] == [item]
    assert story.moments(Moment.DISMISSED)


async def test_without_transcription_a_short_turn_is_dismissed_at_once(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("realtime", transcription_model="")
    await answering(story, nursery, "confirmed")
    await says_over_it(story, ms=200)
    await story.for_ms(700)
    story.server.hears_silence()
    await story.settled()
    assert len(story.server.was_told("conversation.item.delete")) == 1


async def test_the_answer_is_softer_while_it_is_doubted(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await answering(story, nursery, "confirmed")
    await says_over_it(story, ms=200)
    await story.for_ms(1500)
    levels = set(np.abs(story.ears.heard()).tolist())
    assert max(levels) == 5000
    assert any(abs(level - 5000 * 10 ** (-12 / 20)) < 2 for level in levels)
    assert np.abs(story.ears.heard())[-240:].min() == 5000  # as loud as before


async def test_never_keeps_speech_as_the_next_turn(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await answering(story, nursery, "never")
    await says_over_it(story, ms=1500)
    await story.for_ms(2000)
    story.server.hears_silence()
    await story.for_ms(500)
    assert story.phase() is Phase.SPEAKING
    assert created(story) == 1

    await story.for_ms(2000)
    assert story.ears.sounding_ms() == SPEAKING_MS
    assert story.moments(Moment.CUT) == []
    assert created(story) == 2
    assert story.phase() is Phase.THINKING


async def test_never_waits_for_a_user_who_still_speaks_when_the_answer_ends(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await answering(story, nursery, "never")
    await story.for_ms(3000)
    await says_over_it(story, ms=3000)
    await story.for_ms(1500)
    assert story.phase() is Phase.HEARING
    assert created(story) == 1
    await story.for_ms(2000)
    story.server.hears_silence()
    await story.settled()
    assert created(story) == 2


async def test_speech_that_goes_on_after_all_is_meant(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await answering(story, nursery, "confirmed")
    await says_over_it(story, ms=100)
    await story.for_ms(500)
    assert story.moments(Moment.RESTORED)
    story.user.says(300, value=LOUD)  # within the server's silence: the same turn
    await story.for_ms(100)
    assert len(story.moments(Moment.CUT)) == 1
