"""Stories of a microphone's gain and filter: what the server hears of it, and what is counted."""

import numpy as np
import trio
from trio.testing import MockClock

from tests.fakes.story import Story
from voiced.audio.convert import Pcm


async def hears(story: Story, value: int) -> Pcm:
    """What the server is told of half a second at that level; the user says it now."""
    before = len(story.server.appended)
    story.user.says(500, value)
    await story.for_ms(600)
    return np.frombuffer(story.server.appended[before:], "<i2")


async def test_without_a_gain_the_server_hears_what_was_said(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    assert set((await hears(story, 1000)).tolist()) == {0, 1000}
    assert story.daemon.counts.frames_clipped == 0


async def test_with_a_gain_the_server_hears_it_louder_and_what_is_cut_off_is_counted(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("capture", gain_db=20.0)
    await story.begin(nursery)
    assert set((await hears(story, 1000)).tolist()) == {0, 10_000}
    assert story.daemon.counts.frames_clipped == 0
    assert (await hears(story, 5000)).max() == 32767
    assert story.daemon.counts.frames_clipped == 25
    assert story.daemon.tallies.numbers()["frames_clipped"] == 25


async def test_with_a_filter_an_offset_is_not_heard(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("capture", high_pass_hz=80)
    story.user.hum = 1500
    await story.begin(nursery)
    await story.for_ms(500)
    heard = np.frombuffer(story.server.appended, "<i2")
    assert heard.size > 4800
    assert not heard.any()
