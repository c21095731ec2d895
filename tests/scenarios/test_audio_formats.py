"""Stories told in each format of the wire: only what travels differs, never what is heard, when it
was said, or what the server learns of it.
"""

import base64

import numpy as np
import pytest
import trio
from trio.testing import MockClock

from tests.fakes.story import Story
from voiced.audio.convert import Pcm
from voiced.local import g711
from voiced.notices import Moment, Phase

FORMATS = ["pcm", "pcmu", "pcma"]
TELEPHONE = ["pcmu", "pcma"]


async def begin(story: Story, nursery: trio.Nursery, audio_format: str) -> None:
    story.set("realtime", audio_format=audio_format)
    await story.begin(nursery)


def pieces(story: Story) -> list[bytes]:
    """What was appended, one by one."""
    appends = story.server.was_told("input_audio_buffer.append")
    return [base64.b64decode(event["audio"]) for event in appends]


def sent(story: Story, audio_format: str) -> Pcm:
    """What was appended, as samples of its own rate, decoded by code that is not the daemon's."""
    if audio_format == "pcm":
        return np.frombuffer(story.server.appended, "<i2")
    decode = g711.decode_ulaw if audio_format == "pcmu" else g711.decode_alaw
    return decode(story.server.appended)


@pytest.mark.parametrize("audio_format", FORMATS)
async def test_the_server_is_asked_for_the_format_in_both_directions(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, audio_format: str
) -> None:
    await begin(story, nursery, audio_format)
    (update,) = story.server.was_told("session.update")
    audio = update["session"]["audio"]
    told = {"type": f"audio/{audio_format}"} | ({"rate": 24000} if audio_format == "pcm" else {})
    assert audio["input"]["format"] == told
    assert audio["output"]["format"] == told


@pytest.mark.parametrize("audio_format", TELEPHONE)
async def test_a_frame_is_160_bytes_on_the_wire_fifty_times_a_second(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, audio_format: str
) -> None:
    await begin(story, nursery, audio_format)
    before = len(pieces(story))
    await story.for_ms(1000)
    appended = pieces(story)
    assert {len(piece) for piece in appended} == {160}
    assert len(appended) - before == pytest.approx(50, abs=1)  # the very first waits for the second


@pytest.mark.parametrize("audio_format", TELEPHONE)
async def test_what_the_user_says_goes_up_whole(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, audio_format: str
) -> None:
    story.server.withholds.add("session.updated")
    story.set("realtime", audio_format=audio_format)
    await story.begin(nursery, until_ready=False)
    story.user.says(ms=500, value=4000)
    await story.for_ms(400)
    story.server.grants()  # what was said before is kept in the house's format
    await story.for_ms(400)
    loud = np.flatnonzero(np.abs(sent(story, audio_format)) > 2000)
    assert loud.size == pytest.approx(500 * 8, abs=3)
    assert loud[-1] - loud[0] + 1 == loud.size  # in one piece


@pytest.mark.parametrize("audio_format", FORMATS)
async def test_an_answer_is_heard_whole_in_any_format(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, audio_format: str
) -> None:
    await begin(story, nursery, audio_format)
    story.server.speaks(ms=3000)
    await story.for_ms(3500)
    assert story.ears.sounding_ms() == 3000
    assert story.server.was_told("conversation.item.truncate") == []
    middle = story.ears.heard()[24_000:48_000]
    assert np.all(np.abs(middle - 5000.0) < 5000 / 32)  # half a step of the code


@pytest.mark.parametrize("audio_format", TELEPHONE)
@pytest.mark.parametrize("ms", [1, 20, 30, 100, 300, 600])
async def test_an_answer_over_the_telephone_is_never_too_short_to_be_heard(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, audio_format: str, ms: int
) -> None:
    await begin(story, nursery, audio_format)
    story.server.speaks(ms=ms)
    await story.for_ms(1000)
    assert story.ears.sounding_ms() == ms


@pytest.mark.parametrize("audio_format", TELEPHONE)
@pytest.mark.parametrize("size", [1, 7, 159, 161, 2001])
async def test_deltas_of_any_size_make_the_same_answer(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, audio_format: str, size: int
) -> None:
    await begin(story, nursery, audio_format)
    sound = bytes([0x80]) * 8 * 300  # loud in both codes
    answer = story.server.begins()
    for at in range(0, len(sound), size):
        answer.sends_pcm(sound[at : at + size])
    answer.ends()
    await story.for_ms(1000)
    assert story.ears.sounding_ms() == 300
    assert story.daemon.counts.odd_bytes == 0


@pytest.mark.parametrize("audio_format", FORMATS)
@pytest.mark.parametrize("at_ms", [60, 1200, 2990])
async def test_an_interruption_is_told_to_the_same_millisecond(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, audio_format: str, at_ms: int
) -> None:
    await begin(story, nursery, audio_format)
    story.server.speaks(ms=3000)
    await story.for_ms(at_ms)
    story.server.hears_speech()
    await story.settled()
    truncations = story.server.was_told("conversation.item.truncate")
    assert [t["audio_end_ms"] for t in truncations] == [at_ms + 5]  # and the fade


@pytest.mark.parametrize("audio_format", FORMATS)
async def test_a_truncation_never_names_more_than_was_received(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, audio_format: str
) -> None:
    """An answer of 101 ms is played in six frames; the padding of the last was never sent."""
    await begin(story, nursery, audio_format)
    answer = story.server.begins()
    answer.sends(101)
    answer.closes_item()
    await story.for_ms(119)
    story.server.hears_speech()
    await story.for_ms(500)
    told = story.server.was_told("conversation.item.truncate")
    assert [t["audio_end_ms"] for t in told if t["audio_end_ms"] > 101] == []
    assert story.ears.sounding_ms() == 101


@pytest.mark.parametrize("audio_format", TELEPHONE)
async def test_a_stalled_answer_resumes_where_it_stopped(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, audio_format: str
) -> None:
    await begin(story, nursery, audio_format)
    answer = story.server.begins()
    answer.sends(1000)
    await story.for_ms(3000)
    answer.sends(1000)
    answer.ends()
    await story.for_ms(2000)
    assert story.ears.sounding_ms() == 2004  # and what decays where it broke off
    assert story.daemon.counts.underruns == 1


@pytest.mark.parametrize("audio_format", FORMATS)
async def test_when_the_user_stopped_is_known_as_well(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, audio_format: str
) -> None:
    """The server speaks in milliseconds of what it was sent; the clock gives them back as time."""
    await begin(story, nursery, audio_format)
    await story.for_ms(1000)
    story.user.says(ms=500, value=4000)
    began_s = trio.current_time()
    await story.for_ms(1500)
    per_ms = 24 if audio_format == "pcm" else 8
    last_ms = int(np.flatnonzero(np.abs(sent(story, audio_format)) > 2000)[-1]) // per_ms
    story.server.hears_silence(at_ms=last_ms + story.config.turns.silence_duration_ms)
    await story.settled()
    (stopped_s,) = story.moments(Moment.SPEECH_END)
    assert stopped_s - began_s == pytest.approx(0.5, abs=0.0015)


@pytest.mark.parametrize("audio_format", FORMATS)
async def test_what_came_before_the_link_was_lost_is_heard_to_its_last_sample(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, audio_format: str
) -> None:
    await begin(story, nursery, audio_format)
    story.server.begins().sends(250)
    await story.for_ms(100)
    story.server.hangs_up()
    await story.for_ms(500)
    assert story.ears.sounding_ms() == 250  # twelve frames and a half


async def test_a_server_that_grants_another_format_is_not_listened_to(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.server.insists_on = "audio/pcm"
    story.set("realtime", audio_format="pcmu")
    await story.begin(nursery, until_ready=False)
    await story.for_ms(1000)
    assert story.phase() is Phase.FAULT
    assert pieces(story) == []
