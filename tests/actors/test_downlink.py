"""The Downlink and servers that say things twice, too late, or in the wrong order."""

import pytest
import trio

from tests.fakes.story import Story
from voiced.notices import Phase


async def test_sound_after_the_end_of_its_item_is_late_and_harms_nobody(
    story: Story, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    await story.begin(nursery)
    answer = story.server.begins()
    answer.sends(500)
    answer.closes_item()
    answer.sends(500)
    answer.ends()
    story.server.speaks(ms=200)
    await story.for_ms(2000)
    assert story.ears.sounding_ms() == 700
    assert story.daemon.counts.late_deltas == 2
    assert story.server.connected_at == [0]


async def test_sound_of_an_item_that_ended_without_any_does_not_hold_up_the_next(
    story: Story, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    await story.begin(nursery)
    answer = story.server.begins()
    answer.closes_item()
    answer.sends(500)
    answer.ends()
    story.server.speaks(ms=200)
    await story.for_ms(2000)
    assert story.ears.sounding_ms() == 200
    assert story.daemon.counts.late_deltas == 2


async def test_an_item_may_be_announced_and_ended_twice(
    story: Story, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    await story.begin(nursery)
    answer = story.server.begins()
    answer.sends(100)
    answer.server.says(
        {
            "type": "response.output_item.added",
            "response_id": answer.response_id,
            "output_index": 0,
            "item": {"id": answer.item_id, "type": "message", "role": "assistant"},
        }
    )
    answer.sends(100)
    answer.closes_item()
    answer.closes_item()
    answer.ends()
    await story.for_ms(1000)
    assert story.ears.sounding_ms() == 200
    assert story.phase() is Phase.LISTENING


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_an_interruption_said_several_times_cuts_and_truncates_once(
    story: Story, nursery: trio.Nursery, autojump_clock: trio.abc.Clock, times: int
) -> None:
    await story.begin(nursery)
    story.server.speaks(ms=2000)
    await story.for_ms(500)
    for _ in range(times):
        story.server.hears_speech()
    await story.for_ms(3000)
    assert len(story.server.was_told("conversation.item.truncate")) == 1
    assert story.ears.sounding_ms() <= 505


async def test_an_interruption_after_the_answer_was_heard_changes_nothing(
    story: Story, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    await story.begin(nursery)
    story.server.speaks(ms=500)
    await story.for_ms(1000)
    story.server.hears_speech()
    await story.for_ms(1000)
    assert story.server.was_told("conversation.item.truncate") == []
    assert story.server.was_told("conversation.item.delete") == []
    assert story.ears.sounding_ms() == 500


async def test_a_ninth_waiting_answer_is_dropped_and_the_server_told_so(
    story: Story, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    await story.begin(nursery)
    items = [story.server.speaks(ms=400) for _ in range(10)]
    await story.for_ms(10_000)
    assert story.daemon.playouts.tally.dropped == 1  # one plays, eight wait
    assert [e["item_id"] for e in story.server.was_told("conversation.item.delete")] == items[9:]
    assert story.ears.sounding_ms() == 9 * 400
