"""Stories of a loudspeaker whose sink swallows the first 300 ms after a rest."""

import attrs
import numpy as np
import pytest
import trio
from trio.testing import MockClock

from tests.fakes.room import SleepyLoudspeaker
from tests.fakes.story import Story
from tests.scenarios.test_reload import Owner
from voiced.config.changes import Reach
from voiced.notices import Moment, TurnEnded

MS = 24  # wire samples
ANSWER = 5000  # the value of its samples
FADE_MS = 5


@attrs.define(eq=False)
class SleepyStory(Story):
    """With such a loudspeaker, and an owner who knows it."""

    sink: SleepyLoudspeaker = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.sink = self.ears.speaker = SleepyLoudspeaker(self.ears.pcm.extend)
        self.set("playout", wake_sink_ms=300)


@pytest.fixture
async def story() -> SleepyStory:
    """A story of one."""
    assert isinstance(trio.lowlevel.current_clock(), MockClock), "ask for one"
    return SleepyStory()


async def asked(story: Story, speech_ms: int = 1000, answer_ms: int = 1000) -> None:
    """Somebody speaks; 400 ms after that the answer begins to come."""
    story.server.hears_speech()
    await story.for_ms(speech_ms)
    story.server.hears_silence()
    await story.for_ms(400)
    story.server.speaks(answer_ms)


def whole(story: Story, ms: int) -> bool:
    """Whether an answer of that length has sounded, all of it, after a short rise."""
    heard = story.ears.heard()
    sound = heard[np.flatnonzero(heard)]
    rise, rest = sound[: -ms * MS + FADE_MS * MS], sound[-ms * MS + FADE_MS * MS :]
    rises = bool((np.diff(rise) >= 0).all() and rise[0] < 50)
    return rises and 0 < rise.size <= FADE_MS * MS and bool((rest == ANSWER).all())


async def test_the_first_syllable_comes_whole_and_not_a_moment_later(
    story: SleepyStory, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.sink.starts_in_s = 0.05
    await story.begin(nursery)
    await story.for_ms(60_000)
    assert story.sink.woken_at == []
    began_s = trio.current_time()
    await asked(story)
    await story.for_ms(3000)
    assert story.sink.woken_at == [began_s + 0.05], "as soon as somebody spoke"
    assert story.sink.swallowed == 0
    assert whole(story, 1000)
    (sounded_s,) = story.moments(Moment.FIRST_SOUND)
    assert sounded_s - began_s == pytest.approx(1.4, abs=0.001), "as without any silence before it"


async def test_without_the_setting_it_would_be_swallowed(
    story: SleepyStory, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("playout", wake_sink_ms=0)
    story.sink.swallows_ms = 2000
    await story.begin(nursery)
    await asked(story)
    await story.for_ms(3000)
    assert story.sink.swallowed == 600 * MS


async def test_an_answer_nobody_expected_waits_for_the_sink_and_for_nothing_more(
    story: SleepyStory, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    await story.for_ms(60_000)
    began_s = trio.current_time()
    story.server.speaks(1000)
    await story.for_ms(3000)
    assert whole(story, 1000)
    assert story.sink.swallowed == 0
    (sounded_s,) = story.moments(Moment.FIRST_SOUND)
    assert sounded_s - began_s == pytest.approx(0.3, abs=0.001)


async def test_the_silence_is_no_part_of_what_was_heard(
    story: SleepyStory, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.speaks(5000)
    await story.for_ms(300 + 700)
    story.server.hears_speech()
    await story.for_ms(100)
    (truncation,) = story.server.was_told("conversation.item.truncate")
    assert truncation["audio_end_ms"] == 700 + FADE_MS
    assert story.ears.sounding_ms() == pytest.approx(700 + FADE_MS, abs=1)


async def test_an_answer_that_is_cut_before_the_sink_is_awake_was_not_heard_at_all(
    story: SleepyStory, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.speaks(5000)
    await story.for_ms(250)
    story.server.hears_speech()
    await story.for_ms(200)
    assert story.server.was_told("conversation.item.truncate") == []
    assert len(story.server.was_told("conversation.item.delete")) == 1
    assert story.ears.sounding_ms() == 0
    story.server.hears_silence()
    story.server.speaks(1000)
    await story.for_ms(3000)
    assert story.sink.swallowed == 0
    assert whole(story, 1000)
    ended = [n.turn.heard_ms for n in story.notices if isinstance(n, TurnEnded)]
    assert ended[-1] == 1000


async def test_the_sink_stays_awake_while_an_answer_is_long_in_coming(
    story: SleepyStory, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("playout", rest_after_s=2.0)
    await story.begin(nursery)
    await story.for_ms(10_000)
    story.server.hears_speech()
    await story.for_ms(1000)
    story.server.hears_silence()
    await story.for_ms(12_000)
    story.server.speaks(1000)
    await story.for_ms(1500)
    assert len(story.sink.woken_at) == 1
    assert story.sink.rested_at == []
    await story.for_ms(2000)
    assert len(story.sink.rested_at) == 1, "once it was given, as soon as ever"


async def test_a_sink_that_is_kept_awake_is_woken_once_and_never_rests(
    story: SleepyStory, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("playout", keep_awake=True)
    await story.begin(nursery)
    await story.for_ms(600_000)
    assert story.sink.woken_at == [0.0]
    began_s = trio.current_time()
    story.server.speaks(1000)
    await story.for_ms(2000)
    assert story.moments(Moment.FIRST_SOUND) == [pytest.approx(began_s, abs=0.001)]
    assert story.sink.rested_at == []
    assert story.sink.swallowed == 0


async def test_a_sink_that_was_lost_sleeps_again(
    story: SleepyStory, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    await asked(story)
    await story.for_ms(3000)
    story.sink.plug.ends()
    await story.for_ms(2000)
    before = story.ears.sounding_ms()
    story.server.speaks(1000)
    await story.for_ms(3000)
    assert story.ears.sounding_ms() - before in {999, 1000}
    assert len(story.sink.woken_at) == 2
    assert story.sink.swallowed == 0


async def test_all_of_it_changes_while_it_runs(
    story: SleepyStory, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("playout", wake_sink_ms=0)
    await story.begin(nursery)
    owner = Owner(story)
    nursery.start_soon(owner.reload.run)
    await story.for_ms(60_000)
    reach = owner.sets("playout", wake_sink_ms=300, keep_awake=True, max_volume_percent=50)
    assert reach is Reach.LIVE
    await story.for_ms(1000)
    assert len(story.sink.woken_at) == 1
    story.server.speaks(1000)
    await story.for_ms(2000)
    assert story.sink.swallowed == 0
    assert story.ears.heard().max() == 500
