"""Stories of a loudspeaker beside a microphone: the assistant's voice comes back, and is not taken for the
user's.
"""

from typing import Final

import numpy as np
import pytest
import trio
from trio.testing import MockClock

from tests.fakes.canceller import FakeCanceller
from tests.fakes.echo import DELAY_MS, HeardLoudspeaker, KnowingCanceller, UserWithEcho
from tests.fakes.story import Story
from tests.fakes.wake import FakeWakeWord
from voiced.audio.convert import Pcm
from voiced.notices import Moment

WORD: Final = 9001
ANSWER: Final = 5000  # the value of its samples


@pytest.fixture
def echoing(story: Story) -> Story:
    """A story in which the microphone hears the loudspeaker."""
    story.user = UserWithEcho(ears=story.ears)
    story.far_end = HeardLoudspeaker(story.ears)
    story.set("echo", mode="half_duplex")
    return story


def appended(story: Story) -> Pcm:
    return np.frombuffer(story.server.appended, "<i2")


async def answering(story: Story, ms: int = 2000) -> None:
    """A question was asked, and the answer has begun to sound."""
    story.server.hears_speech()
    story.server.hears_silence()
    story.server.speaks(ms)
    await story.for_ms(200)
    assert story.moments(Moment.FIRST_SOUND)


async def test_with_off_the_service_hears_the_assistant(
    echoing: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """The room of these stories is one that would be noticed."""
    echoing.set("echo", mode="off")
    await echoing.begin(nursery)
    await answering(echoing)
    await echoing.for_ms(3000)
    assert np.abs(appended(echoing)).max() == ANSWER // 4
    assert echoing.daemon.board.status.echo == "off: as [echo] mode says"


async def test_half_duplex_sends_silence_while_the_loudspeaker_sounds_and_a_little_longer(
    echoing: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await echoing.begin(nursery)
    echoing.user.says(400, 111)
    await echoing.for_ms(600)
    await answering(echoing)
    await echoing.for_ms(500)
    echoing.user.says(300, 222)
    await echoing.for_ms(4000)
    echoing.user.says(300, 333)
    await echoing.for_ms(1000)

    up = appended(echoing)
    assert set(np.unique(up)) == {0, 111, 333}, "no echo; and who speaks over it is not heard"
    assert np.count_nonzero(up == 333) == 300 * 24
    frames = echoing.daemon.frames.tally
    assert up.size == (frames.offered - len(echoing.daemon.frames)) * 480, "silence, no gap"
    assert 2000 / 20 < echoing.daemon.counts.echo_silenced < 3000 / 20


async def test_half_duplex_leaves_other_ways_to_interrupt(
    echoing: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await echoing.begin(nursery)
    await answering(echoing, 5000)
    assert echoing.daemon.supervisor.interrupt()
    await echoing.for_ms(1000)
    assert echoing.moments(Moment.CUT)
    echoing.user.says(300, 333)
    await echoing.for_ms(500)
    assert np.count_nonzero(appended(echoing) == 333) == 300 * 24, "the room is silent, it hears"


async def test_a_wake_word_is_heard_though_half_duplex_silences_the_frame(
    echoing: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    echoing.set("activation", mode="wake_word")
    echoing.set("echo", tail_ms=2000)
    detector = FakeWakeWord({WORD: "okay_nabu"}, late_ms=200)
    echoing.wake_word = detector
    await echoing.begin(nursery, until_ready=False)
    echoing.user.says(600, WORD)
    await echoing.for_ms(1500)
    await answering(echoing, 1000)
    await echoing.for_ms(1500)  # it has sounded; the tail lasts
    echoing.user.says(600, WORD)
    await echoing.for_ms(1000)
    assert len(echoing.moments(Moment.WOKEN)) == 2


async def test_a_canceller_is_given_both_ends_in_step_and_the_reference_first(
    echoing: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    echoing.set("echo", mode="webrtc")
    canceller = echoing.canceller = KnowingCanceller()
    await echoing.begin(nursery)
    await answering(echoing, 1000)
    await echoing.for_ms(3000)
    echoing.user.says(300, 333)
    await echoing.for_ms(500)

    up = appended(echoing)
    assert set(np.unique(up)) == {0, 333}, "what it gives back is what goes up"
    assert np.count_nonzero(up == 333) == 300 * 24
    near, far = (
        np.frombuffer(b"".join(each[side] for each in canceller.given), "<i2") for side in (0, 1)
    )
    assert near.size == far.size
    lead = int(np.flatnonzero(near == ANSWER // 4)[0]) - int(np.flatnonzero(far)[0])
    assert 5 * 24 <= lead <= DELAY_MS * 24
    assert np.count_nonzero(far) == pytest.approx(1000 * 24, abs=48), "all that was played, once"


@pytest.mark.parametrize(
    ("interruption", "softer_db"), [("immediate", -20.0), ("confirmed", -20.0), ("never", 0.0)]
)
async def test_an_answer_makes_way_as_soon_as_somebody_seems_to_speak_over_it(
    echoing: Story,
    nursery: trio.Nursery,
    autojump_clock: MockClock,
    interruption: str,
    softer_db: float,
) -> None:
    echoing.set("echo", mode="webrtc")
    echoing.set("turns", interruption=interruption)
    echoing.canceller = FakeCanceller()
    await echoing.begin(nursery)
    await answering(echoing, 7000)
    await echoing.for_ms(4000)  # it knows the room by now
    assert echoing.daemon.volume.yielding_db == 0.0
    echoing.user.says(300, WORD)
    await echoing.for_ms(150)
    assert echoing.daemon.volume.yielding_db == softer_db
    await echoing.for_ms(1200)
    assert echoing.daemon.volume.yielding_db == 0.0, "nobody has said more"


async def asked_behind_a_canceller(story: Story, nursery: trio.Nursery, answer_ms: int) -> None:
    """Which is only as good as it may be; the first answer begins to sound."""
    story.set("echo", mode="webrtc")
    story.canceller = KnowingCanceller()
    await story.begin(nursery)
    assert story.daemon.supervisor.ask("What time is it?")
    story.server.speaks(answer_ms)


async def test_a_press_over_the_first_answer_loses_no_word(
    echoing: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """By voice the microphone would still be silent then: the canceller does not know the room yet."""
    echoing.set("turns", detection="push_to_talk", pre_roll_ms=0)
    await asked_behind_a_canceller(echoing, nursery, 3000)
    await echoing.for_ms(500)
    assert echoing.daemon.supervisor.press()
    await echoing.for_ms(200)  # what the loudspeaker held, and its echo
    echoing.user.says(600, 333)
    await echoing.for_ms(800)
    assert np.count_nonzero(appended(echoing) == 333) == 600 * 24


async def test_frames_of_a_loudspeaker_that_nobody_took_are_counted(
    echoing: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    assert isinstance(echoing.far_end, HeardLoudspeaker)
    echoing.far_end.lost_blocks = 7
    await echoing.begin(nursery)
    await echoing.for_ms(100)
    assert echoing.daemon.tallies.losses()["far-end blocks"]() == 7
    assert echoing.daemon.tallies.numbers()["lost_far_blocks"] == 7


@pytest.mark.parametrize("mode", ["auto", "half_duplex", "off", "system"])
async def test_where_nobody_tells_what_is_played_not_a_bit_is_changed(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, mode: str
) -> None:
    """Files are such devices."""
    story.set("echo", mode=mode)
    await story.begin(nursery)
    await answering(story, 1000)
    story.user.says(1000, 222)
    await story.for_ms(1500)
    assert np.count_nonzero(appended(story) == 222) == 1000 * 24
    assert story.daemon.board.status.echo == ""


@pytest.mark.parametrize("loss", ["lost_blocks", "overflows"])
async def test_a_microphone_that_lost_sound_is_silent_until_the_echo_is_found_again(
    echoing: Story, nursery: trio.Nursery, autojump_clock: MockClock, loss: str
) -> None:
    """Behind it the loudspeaker's sound comes sooner or later than before."""
    await asked_behind_a_canceller(echoing, nursery, 12_000)
    await echoing.for_ms(6000)
    before = echoing.daemon.counts.echo_silenced
    setattr(echoing.user.microphone, loss, 3)
    await echoing.for_ms(1000)
    assert echoing.daemon.counts.echo_silenced > before + 20
