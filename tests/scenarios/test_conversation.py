"""Stories of a conversation that goes well, and of interruptions."""

import numpy as np
import pytest
import trio
from trio.testing import MockClock

from tests.fakes.story import Story
from voiced.notices import Moment, Phase


async def test_nothing_goes_up_before_the_session_is_granted(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.server.withholds.add("session.updated")
    await story.begin(nursery, until_ready=False)
    story.user.says(ms=500)
    await story.for_ms(1000)
    assert story.server.was_told("input_audio_buffer.append") == []

    story.server.grants()
    await story.settled()
    assert len(story.server.was_told("input_audio_buffer.append")) <= 25  # no burst: at most 4x
    await story.for_ms(400)

    appends = story.server.was_told("input_audio_buffer.append")
    assert len(appends) == 70
    assert {len(e["audio"]) for e in appends} == {1280}  # 960 bytes in base64
    sound = np.frombuffer(story.server.appended, "<i2")
    assert np.count_nonzero(sound) == 500 * 24  # not a syllable lost, and in order
    assert np.count_nonzero(sound[: 500 * 24]) == 500 * 24


async def test_speech_while_opening_is_bounded_and_the_oldest_is_dropped(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.server.withholds.add("session.updated")
    story.set("uplink", keep_ms=400)
    await story.begin(nursery, until_ready=False)
    story.user.says(ms=600, value=1)
    story.user.says(ms=300, value=2)
    await story.for_ms(900)
    story.server.grants()
    await story.for_ms(200)

    sound = np.frombuffer(story.server.appended, "<i2")
    assert sound.size == (400 + 200) * 24
    assert np.count_nonzero(sound == 2) == 300 * 24
    assert story.daemon.frames.tally.dropped == 25


async def test_speech_gets_too_old_when_the_session_cannot_be_opened(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.server.withholds.add("session.updated")
    await story.begin(nursery, until_ready=False)
    story.user.says(ms=1000, value=7)
    await story.for_ms(5001)  # updated_limit_s
    assert story.phase() is Phase.COOLING_DOWN
    assert story.daemon.frames.tally.dropped == 150  # five seconds, less keep_ms

    story.server.withholds.clear()
    await story.for_ms(1000)
    assert story.phase() is Phase.LISTENING
    assert 7 not in np.frombuffer(story.server.appended, "<i2")


async def test_an_answer_is_heard_whole(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.speaks(ms=3000)
    await story.for_ms(3500)

    assert story.ears.sounding_ms() == 3000
    assert story.server.was_told("conversation.item.truncate") == []
    assert story.phases[-2:] == [Phase.SPEAKING, Phase.LISTENING]


@pytest.mark.parametrize("ms", [1, 20, 30, 100, 300, 600])
async def test_an_answer_is_never_too_short_to_be_heard(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, ms: int
) -> None:
    await story.begin(nursery)
    story.server.speaks(ms=ms)
    await story.for_ms(1000)
    assert story.ears.sounding_ms() == ms


async def test_the_user_interrupts_and_the_server_learns_what_was_heard(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    item = story.server.speaks(ms=3000)
    await story.for_ms(1200)
    story.server.hears_speech()
    await story.settled()

    truncations = story.server.was_told("conversation.item.truncate")
    assert [(t["item_id"], t["content_index"]) for t in truncations] == [(item, 0)]
    await story.for_ms(2000)
    assert story.ears.sounding_ms() == pytest.approx(truncations[0]["audio_end_ms"], abs=1)
    assert truncations[0]["audio_end_ms"] == 1205  # what had sounded, and the fade
    assert story.phase() is Phase.HEARING


async def test_late_deltas_of_a_cut_answer_stay_silent(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    answer = story.server.begins()
    answer.sends(1000)
    await story.for_ms(500)
    story.server.hears_speech()
    await story.settled()
    answer.sends(1000)
    answer.opens_item()
    answer.sends(500)
    answer.ends("cancelled", type="cancelled", reason="turn_detected")
    await story.for_ms(3000)

    assert story.ears.sounding_ms() == pytest.approx(505, abs=1)  # the fade ends in zeros
    assert story.daemon.counts.late_deltas == 6
    assert len(story.server.was_told("conversation.item.truncate")) == 1


async def test_an_answer_that_was_not_heard_at_all_is_deleted(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("playout", min_ms=200)
    await story.begin(nursery)
    answer = story.server.begins()
    answer.sends(100)
    await story.settled()
    story.server.hears_speech()
    await story.for_ms(500)

    assert story.ears.sounding_ms() == 0
    assert [e["item_id"] for e in story.server.was_told("conversation.item.delete")] == [
        answer.item_id
    ]
    assert story.server.was_told("conversation.item.truncate") == []


async def test_two_answers_in_line_are_both_cut(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    first = story.server.speaks(ms=2000)
    second = story.server.speaks(ms=2000)
    await story.for_ms(500)
    story.server.hears_speech()
    await story.for_ms(5000)

    assert story.ears.sounding_ms() == pytest.approx(505, abs=1)  # the fade ends in zeros
    assert [e["item_id"] for e in story.server.was_told("conversation.item.truncate")] == [first]
    assert [e["item_id"] for e in story.server.was_told("conversation.item.delete")] == [second]


async def test_a_stall_is_an_underrun_and_what_was_heard_stays_true(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    answer = story.server.begins()
    answer.sends(1000)
    await story.for_ms(3000)  # a second of sound, two of stall
    answer.sends(1000)
    await story.for_ms(400)
    story.server.hears_speech()
    await story.settled()

    assert story.daemon.counts.underruns == 1
    assert story.daemon.counts.underrun_samples == 2000 * 24
    assert [e["audio_end_ms"] for e in story.server.was_told("conversation.item.truncate")] == [
        1405
    ]


async def test_an_answer_with_two_items_is_heard_in_order(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    answer = story.server.begins()
    answer.sends(300, value=111)
    answer.closes_item()
    answer.opens_item()
    answer.sends(300, value=222)
    answer.ends()
    await story.for_ms(1000)
    heard = story.ears.heard()
    assert [v for v in (111, 222) if v in heard] == [111, 222]
    assert np.flatnonzero(heard == 222).min() > np.flatnonzero(heard == 111).max()
    assert story.ears.sounding_ms() == 600


async def test_the_microphone_goes_on_while_the_assistant_speaks(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.speaks(ms=2000)
    before = len(story.server.appended)
    await story.for_ms(1000)
    assert len(story.server.appended) - before == 50 * 960


async def test_a_slow_loudspeaker_never_holds_up_the_receiving(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.speaks(ms=60_000)
    await story.for_ms(100)
    story.server.hears_speech()  # a minute of sound lies before it; it must be read at once
    await story.settled()
    assert story.phase() is Phase.HEARING
    assert len(story.moments(Moment.CUT)) == 1


async def test_an_answer_longer_than_allowed_is_cut_at_its_end_and_counted(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("playout", longest_ms=1000)
    await story.begin(nursery)
    story.server.speaks(ms=2000)
    await story.for_ms(3000)
    assert story.daemon.counts.long_frames > 0
    assert story.ears.sounding_ms() + story.daemon.counts.long_frames * 20 == 2000


async def test_the_phases_of_a_turn(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.hears_speech()
    await story.for_ms(1000)
    story.server.hears_silence(at_ms=1000)
    await story.for_ms(300)
    story.server.speaks(ms=500)
    await story.for_ms(1000)
    assert story.phases == [
        Phase.CONNECTING,
        Phase.LISTENING,
        Phase.HEARING,
        Phase.THINKING,
        Phase.SPEAKING,
        Phase.LISTENING,
    ]


async def test_batches_group_the_writes_and_lose_nothing(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("uplink", batch_ms=100)
    await story.begin(nursery)
    await story.for_ms(90)
    assert story.server.was_told("input_audio_buffer.append") == []
    await story.for_ms(20)
    assert len(story.server.was_told("input_audio_buffer.append")) == 5


async def test_a_response_of_many_items_without_sound_is_settled_whole(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    answer = story.server.begins()
    answer.sends(1000)
    items = {answer.item_id, *(answer.opens_item() for _ in range(30))}
    await story.for_ms(500)
    story.server.hears_speech()
    await story.for_ms(100)

    settled = [
        event["item_id"]
        for kind in ("conversation.item.delete", "conversation.item.truncate")
        for event in story.server.was_told(kind)
    ]
    assert sorted(settled) == sorted(items)
    assert len(story.server.was_told("conversation.item.truncate")) == 1
