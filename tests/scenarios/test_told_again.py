"""Stories of turns that one session did not answer: the next one hears them, once, and nothing stale."""

import base64
from collections.abc import Mapping

import numpy as np
import pytest
import trio
from trio.testing import MockClock

from tests.fakes.server import FakeWire
from tests.fakes.story import Story
from voiced.notices import Moment, Phase

WORD = 555
HEALTHY_MS = 61_000


def word_ms(wire: FakeWire, value: int = WORD) -> int:
    """How many milliseconds of that word a session was sent."""
    appends = (e["audio"] for e in wire.heard if e["type"] == "input_audio_buffer.append")
    sound = np.frombuffer(b"".join(base64.b64decode(each) for each in appends), "<i2")
    return int(np.count_nonzero(sound == value)) // 24


async def somebody_asks(story: Story) -> None:
    """A turn of a second, committed, after a minute of health."""
    await story.for_ms(HEALTHY_MS)
    story.user.says(ms=1_000, value=WORD)
    await story.for_ms(200)
    story.server.hears_speech(at_ms=HEALTHY_MS)
    await story.for_ms(1_500)
    story.server.hears_silence()
    await story.for_ms(100)


async def test_an_error_and_a_close_cost_the_user_nothing(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    await somebody_asks(story)
    story.server.refuses("server_error", kind="server_error", message="The server had an error")
    await story.for_ms(500)
    assert len(story.server.wires) == 1, "the session may live on"
    story.server.hangs_up(1006)
    await story.for_ms(1_000)
    first, second = story.server.wires
    assert word_ms(first) == word_ms(second) == 1_000
    assert "the server had an error" in story.daemon.board.status.link.fault
    assert "session=sess_story" in story.daemon.board.status.link.fault


async def test_a_turn_that_stalls_is_told_again_once_and_then_given_up_by_name(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    await somebody_asks(story)
    await story.for_ms(12_000)  # no response, though asked again
    assert len(story.server.wires) == 2
    assert word_ms(story.server.wires[1]) == 1_000
    story.server.hears_speech(at_ms=0)
    story.server.hears_silence()
    await story.for_ms(12_000)
    assert len(story.server.wires) == 2
    assert len(story.moments(Moment.UNANSWERED)) == 1
    assert story.phase() is Phase.LISTENING


async def test_after_an_outage_only_what_is_fresh_is_told(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    await story.for_ms(HEALTHY_MS)
    story.user.says(ms=5_000, value=WORD)
    await story.for_ms(200)
    story.server.hears_speech(at_ms=HEALTHY_MS)
    await story.for_ms(4_800)
    story.server.hangs_up(1006)  # the pause is a second
    await story.for_ms(4_000)
    assert 900 <= word_ms(story.server.wires[1]) <= 1_040  # the last second of five


async def test_the_question_is_not_told_twice_as_sound_and_as_text(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    await story.for_ms(HEALTHY_MS)
    story.user.says(ms=1_000, value=WORD)
    await story.for_ms(200)
    item = story.server.hears_speech(at_ms=HEALTHY_MS)
    await story.for_ms(1_500)
    story.server.hears_silence()
    story.server.understands(item, "What time is it?", final=True)
    await story.for_ms(100)
    story.server.refuses("session_expired")
    story.server.hangs_up(1001)
    await story.for_ms(2_000)
    assert word_ms(story.server.wires[1]) == 1_000
    assert story.server.was_told("conversation.item.create") == []


@pytest.mark.parametrize("held", [True, False], ids=["still held", "let go"])
async def test_a_held_turn_is_told_again_and_ended_as_it_was(
    held: bool, story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("turns", detection="push_to_talk")
    await story.begin(nursery)
    await story.for_ms(HEALTHY_MS)
    operator = story.daemon.supervisor
    assert operator.press()
    story.user.says(ms=1_000, value=WORD)
    await story.for_ms(1_200)
    if not held:
        operator.release()
        await story.for_ms(500)
        assert len(story.server.was_told("input_audio_buffer.commit")) == 1
    story.server.refuses("session_expired")
    story.server.hangs_up(1001)
    await story.for_ms(2_000)
    second = story.server.wires[1]
    assert word_ms(second) == 1_000
    commits = _count(second)["input_audio_buffer.commit"]
    assert commits == (0 if held else 1)
    if held:
        assert operator.release()
        await story.for_ms(500)
        assert _count(second)["input_audio_buffer.commit"] == 1
    story.server.says({"type": "input_audio_buffer.committed", "item_id": "item_again"})
    await story.for_ms(100)
    assert _count(second)["response.create"] == 1


async def test_half_a_question_is_not_told_by_a_button(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """It would be committed, and answered like a whole one."""
    story.set("turns", detection="push_to_talk")
    await story.begin(nursery)
    operator = story.daemon.supervisor
    operator.press()
    story.user.says(ms=4_000, value=WORD)
    await story.for_ms(4_100)
    operator.release()
    await story.for_ms(500)
    story.server.hangs_up(1006)
    await story.for_ms(3_000)
    assert len(story.server.wires) == 2
    assert story.server.appended == b""


async def test_no_more_than_four_seconds_of_speech_go_up_in_a_second(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    await somebody_asks(story)
    story.server.refuses("session_expired")
    story.server.hangs_up(1001)
    before = 0
    for _ in range(20):
        await story.for_ms(100)
        now = len(story.server.appended)
        assert now - before <= (400 + 100) * 48  # and what is no backlog
        before = now


def _count(wire: FakeWire) -> Mapping[str, int]:
    kinds = [event["type"] for event in wire.heard]
    return {
        kind: kinds.count(kind) for kind in (*kinds, "input_audio_buffer.commit", "response.create")
    }
