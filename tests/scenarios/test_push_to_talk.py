"""Stories of a button that is held while one speaks."""

import numpy as np
import pytest
import trio
from trio.testing import MockClock

from tests.fakes.story import Story
from voiced.notices import Moment, Phase


async def begun(story: Story, nursery: trio.Nursery) -> None:
    """A session with a button, and two seconds of a room in which a radio plays."""
    story.set("turns", detection="push_to_talk")
    await story.begin(nursery)
    story.user.says(20_000, value=3)
    await story.for_ms(2000)


def sent_ms(story: Story) -> int:
    return len(story.server.appended) // 48


async def test_the_server_is_told_that_a_button_ends_turns(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await begun(story, nursery)
    update = story.server.was_told("session.update")[0]
    assert update["session"]["audio"]["input"]["turn_detection"] is None
    assert sent_ms(story) == 0


async def test_what_is_said_around_the_press_is_a_turn(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await begun(story, nursery)
    assert story.daemon.supervisor.press()
    assert story.phase() is Phase.HEARING
    await story.for_ms(1000)
    assert sent_ms(story) == 1300  # pre-roll: the first syllable is not lost
    assert story.daemon.supervisor.release()
    await story.for_ms(500)

    assert sent_ms(story) == 1500  # the tail
    told = [e["type"] for e in story.server.wire.heard if "append" not in e["type"]]
    assert told[1:] == ["input_audio_buffer.commit", "response.create"]
    assert story.phase() is Phase.THINKING
    assert np.count_nonzero(np.frombuffer(story.server.appended, "<i2")) == 1500 * 24


async def test_telephone_sound_is_sent_to_its_last_millisecond_before_the_commit(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("realtime", audio_format="pcmu")
    await begun(story, nursery)
    for turn in (1, 2):
        story.daemon.supervisor.press()
        await story.for_ms(1000)
        story.daemon.supervisor.release()
        await story.for_ms(500)
        assert len(story.server.appended) // 8 == turn * 1520  # filled up to whole pieces
        assert len(story.server.was_told("input_audio_buffer.commit")) == turn


async def test_a_tap_is_no_turn(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await begun(story, nursery)
    story.daemon.supervisor.press()
    await story.for_ms(60)
    story.daemon.supervisor.release()
    await story.for_ms(500)
    told = [e["type"] for e in story.server.wire.heard if "append" not in e["type"]]
    assert told[1:] == ["input_audio_buffer.clear"]
    assert story.phase() is Phase.LISTENING


async def test_pressing_cuts_the_answer_and_cancels_what_is_still_made(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await begun(story, nursery)
    answer = story.server.begins()
    answer.sends(3000)
    await story.for_ms(1000)
    story.daemon.supervisor.press()
    await story.settled()
    await story.for_ms(20)

    assert len(story.moments(Moment.CUT)) == 1
    told = [e["type"] for e in story.server.wire.heard if "append" not in e["type"]]
    assert sorted(told[1:]) == ["conversation.item.truncate", "response.cancel"]
    await story.for_ms(500)
    story.daemon.supervisor.release()
    await story.for_ms(300)
    assert story.server.was_told("response.create") == []  # the other one is not over yet
    answer.ends("cancelled", type="cancelled", reason="client_cancelled")
    await story.settled()
    assert len(story.server.was_told("response.create")) == 1


async def test_pressing_again_within_the_tail_goes_on_with_the_turn(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await begun(story, nursery)
    story.daemon.supervisor.press()
    await story.for_ms(500)
    story.daemon.supervisor.release()
    await story.for_ms(100)
    story.daemon.supervisor.press()
    await story.for_ms(500)
    story.daemon.supervisor.release()
    await story.for_ms(500)
    assert len(story.server.was_told("input_audio_buffer.commit")) == 1
    assert sent_ms(story) == 300 + 500 + 100 + 500 + 200


async def test_a_button_that_is_stuck_is_let_go(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("limits", max_turn_ms=5000)
    await begun(story, nursery)
    story.daemon.supervisor.press()
    await story.for_ms(6000)
    assert len(story.server.was_told("input_audio_buffer.commit")) == 1
    assert sent_ms(story) == pytest.approx(300 + 5000 + 200, abs=20)


async def test_without_a_session_or_a_button_nothing_happens_and_one_is_told(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.server.withholds.add("session.updated")
    story.set("turns", detection="push_to_talk")
    await story.begin(nursery, until_ready=False)
    supervisor = story.daemon.supervisor
    assert (supervisor.press(), supervisor.release(), supervisor.interrupt()) == (False,) * 3
    story.server.grants()
    await story.settled()
    assert not supervisor.release()
    assert supervisor.press()
    assert not supervisor.press()


async def test_somebody_wants_silence(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    answer = story.server.begins()
    answer.sends(3000)
    await story.for_ms(1000)
    assert story.daemon.supervisor.interrupt()
    await story.for_ms(100)
    assert story.moments(Moment.CUT)
    assert len(story.server.was_told("response.cancel")) == 1
    assert story.phase() is Phase.LISTENING
