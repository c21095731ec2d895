"""Answers that arrive unevenly, and are heard evenly."""

import random

import pytest
import trio
from trio.testing import MockClock

from tests.fakes.story import Story
from voiced.notices import Moment


async def speaks_unevenly(
    story: Story, total_ms: int, *, spread_ms: int = 0, stall_ms: int = 0, each_ms: int = 1000
) -> None:
    """An answer in real time, each 100 ms of it early or late; nothing arrives during a stall."""
    chance = random.Random(total_ms)
    began_s = trio.current_time()
    answer = story.server.begins()
    for at in range(0, total_ms, 100):
        due_ms = at + spread_ms + chance.uniform(-spread_ms, spread_ms)
        into_ms = due_ms % each_ms
        if into_ms > each_ms - stall_ms:
            due_ms += each_ms - into_ms
        await trio.sleep_until(began_s + due_ms / 1000)
        answer.sends(100)
    answer.ends()


def longest_gap_ms(story: Story) -> float:
    """Silence inside of all that was heard."""
    (loud,) = story.ears.heard().nonzero()
    return float((loud[1:] - loud[:-1]).max() - 1) / 24


async def test_a_minute_over_a_link_with_80_ms_of_jitter_has_no_gap(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    await speaks_unevenly(story, 60_000, spread_ms=80)
    await story.for_ms(1000)
    assert story.daemon.counts.underruns == 0
    assert story.ears.sounding_ms() == 60_000
    assert longest_gap_ms(story) == 0


async def test_stalls_of_300_ms_are_heard_once_and_then_no_more(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    await speaks_unevenly(story, 10_000, stall_ms=300)
    await story.for_ms(1000)
    assert story.daemon.counts.underruns == 1
    for _ in range(2):
        await speaks_unevenly(story, 60_000, stall_ms=300)
        await story.for_ms(1000)
    assert story.daemon.counts.underruns == 1


async def test_a_fixed_jitter_buffer_learns_nothing(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("playout", min_ms=60, max_ms=60)
    await story.begin(nursery)
    await speaks_unevenly(story, 10_000, stall_ms=300)
    await story.for_ms(1000)
    assert story.daemon.counts.underruns > 3


@pytest.mark.parametrize("ms", [100, 300, 600])
async def test_a_short_answer_over_a_link_that_stalled_before_is_heard_whole(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, ms: int
) -> None:
    await story.begin(nursery)
    await speaks_unevenly(story, 10_000, stall_ms=300)
    await story.for_ms(1000)
    before_ms = story.ears.sounding_ms()
    asked_s = trio.current_time()
    story.server.speaks(ms=ms)
    await story.for_ms(1000)
    assert story.ears.sounding_ms() - before_ms == ms
    assert story.moments(Moment.FIRST_SOUND)[-1] == asked_s  # complete: nothing to wait for


async def test_a_cut_while_it_is_held_back_again_names_what_was_heard_before_the_gap(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    answer = story.server.begins()
    answer.sends(500)
    await story.for_ms(1500)
    answer.sends(100)  # after a pause it is held back anew
    await story.for_ms(20)
    story.server.hears_speech()
    await story.settled()
    (truncation,) = story.server.was_told("conversation.item.truncate")
    assert truncation["audio_end_ms"] == 500
