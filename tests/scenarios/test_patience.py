"""Stories of steps that do not come: each has a limit, and one thing that is done then."""

import pytest
import trio
from trio.testing import MockClock

from tests.fakes.story import Story
from voiced.notices import Moment, Phase


def told(story: Story) -> list[str]:
    """What the server was told, but settings, signs of life, and sound."""
    told = [event["type"] for event in story.server.wire.heard]
    return [kind for kind in told if "append" not in kind and kind != "session.update"]


async def test_speech_that_never_ends_is_committed_and_answered(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.hears_speech()
    await story.for_ms(59_999)
    assert told(story) == []
    await story.for_ms(2)
    assert told(story) == ["input_audio_buffer.commit"]
    story.server.commits()
    await story.settled()
    # A commit of ours makes no response by itself.
    assert told(story) == ["input_audio_buffer.commit", "response.create"]
    assert story.phase() is Phase.THINKING


async def test_speech_stopped_without_committed_is_committed_then_given_up(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.hears_speech()
    story.server.hears_end()
    await story.for_ms(3001)
    assert told(story) == ["input_audio_buffer.commit"]
    assert story.phase() is Phase.THINKING
    await story.for_ms(3001)
    assert story.phase() is Phase.LISTENING
    assert story.moments(Moment.DISMISSED)


async def test_committed_without_a_response_is_asked_for_once_more_then_the_session_ends(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.hears_speech()
    story.server.hears_silence()
    await story.for_ms(4999)
    assert told(story) == []
    await story.for_ms(2)
    assert told(story) == ["response.create"]
    await story.for_ms(5001)
    assert story.server.was_told("response.create") == [{"type": "response.create"}]
    fault = story.daemon.board.status.link.fault
    assert "went silent in the middle of a turn" in fault
    assert "session=sess_story event=" in fault
    assert story.server.connected_at == [0, 10]  # somebody waits: the first time, at once
    assert story.phase() is Phase.LISTENING


async def test_a_response_of_ours_that_is_not_created_is_asked_for_once_more(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("turns", interruption="never")
    await story.begin(nursery)
    story.server.hears_speech()
    story.server.hears_silence()
    await story.settled()
    assert told(story) == ["response.create"]
    await story.for_ms(5001)
    assert told(story) == ["response.create"] * 2
    await story.for_ms(5001)
    assert len(story.server.was_told("response.create")) == 2
    assert len(story.server.connected_at) == 2


async def test_a_response_without_sound_ends_the_session(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.hears_speech()
    story.server.hears_silence()
    story.server.says(
        {"type": "response.created", "response": {"id": "resp_x", "status": "in_progress"}}
    )
    await story.for_ms(15_001)
    assert "brings no sound" in story.daemon.board.status.link.fault
    assert story.phase() is Phase.LISTENING
    assert len(story.server.connected_at) == 2
    story.server.hears_speech()
    story.server.hears_silence()
    story.server.speaks(500)
    await story.for_ms(1000)
    assert story.ears.sounding_ms() == 500


async def test_deltas_that_stop_end_the_answer_where_it_is(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("earcons", error=False)
    await story.begin(nursery)
    answer = story.server.begins()
    answer.sends(1000)
    await story.for_ms(10_001)
    assert told(story) == ["response.cancel"]
    assert story.ears.sounding_ms() == 1004  # and what decays where it broke off
    await story.for_ms(500)
    assert story.phase() is Phase.LISTENING


async def test_an_interruption_that_the_server_does_not_do_is_asked_for(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    answer = story.server.begins()
    answer.sends(1000)
    await story.for_ms(500)
    story.server.hears_speech()
    await story.for_ms(2999)
    assert "response.cancel" not in told(story)
    await story.for_ms(2)
    assert told(story)[-1] == "response.cancel"


async def test_a_collision_is_survived_and_the_turn_answered_after_it(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("turns", interruption="never")
    await story.begin(nursery)
    story.server.hears_speech()
    story.server.hears_silence()
    await story.settled()
    story.server.refuses("conversation_already_has_active_response")
    await story.for_ms(1000)
    assert told(story) == ["response.create"]
    story.server.says(
        {"type": "response.done", "response": {"id": "resp_y", "status": "completed", "output": []}}
    )
    await story.settled()
    assert told(story) == ["response.create"] * 2


@pytest.mark.parametrize("interruption", ["immediate", "never", "confirmed"])
async def test_thinking_always_ends(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, interruption: str
) -> None:
    story.set("turns", interruption=interruption)
    await story.begin(nursery)
    story.server.hears_speech()
    story.server.hears_silence()
    await story.settled()
    assert story.phase() is Phase.THINKING
    await story.for_ms(60_000)
    assert story.phase() is Phase.LISTENING
