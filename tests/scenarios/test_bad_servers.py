"""Stories of servers that misbehave: each a counted skip or a clear fault, and nothing else is lost."""

import json

import pytest
import trio
from trio.testing import MockClock

from tests.fakes.story import Story
from voiced.notices import Phase


@pytest.mark.parametrize(
    "nonsense",
    [
        "{not json",
        "[]",
        '{"no": "type"}',
        '{"type": "response.output_audio.delta", "delta": "*"}',
        '{"type": "something.new", "event_id": "e"}',
        b"\x00\x01binary",
        json.dumps({"type": "something.big", "blob": "x" * 4_000_000}),
    ],
    ids=["malformed", "list", "untyped", "bad base64", "unknown", "binary", "4 MB"],
)
async def test_nonsense_is_skipped_and_counted_and_the_answer_goes_on(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, nonsense: str | bytes
) -> None:
    await story.begin(nursery)
    answer = story.server.begins()
    answer.sends(500)
    story.server.wire.deliver(nonsense)
    answer.sends(500)
    answer.ends()
    await story.for_ms(2000)
    assert story.ears.sounding_ms() == 1000
    assert story.daemon.counts.skipped_events == 1
    assert story.server.connected_at == [0]


async def test_odd_deltas_become_whole_samples(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    answer = story.server.begins()
    sound = (5000).to_bytes(2, "little") * 24 * 300
    for at in range(0, len(sound), 1001):
        answer.sends_pcm(sound[at : at + 1001])
    answer.ends()
    await story.for_ms(1000)
    heard = story.ears.heard()
    assert story.ears.sounding_ms() == 300
    assert set(heard.tolist()) == {0, 5000}
    assert story.daemon.counts.odd_bytes == 0


async def test_half_a_sample_at_the_end_is_dropped_and_counted(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    answer = story.server.begins()
    answer.sends(100)
    answer.sends_pcm(b"\x01")
    answer.ends()
    await story.for_ms(1000)
    assert story.ears.sounding_ms() == 100
    assert story.daemon.counts.odd_bytes == 1


async def test_a_delta_of_an_item_never_announced_is_not_played(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    answer = story.server.begins()
    announced, answer.item_id = answer.item_id, "item_of_nobody"
    answer.sends(500)
    answer.item_id = announced
    answer.sends(500)
    answer.ends()
    await story.for_ms(2000)
    assert story.ears.sounding_ms() == 500
    assert story.daemon.counts.stray_deltas == 2


async def test_a_harmless_error_changes_nothing(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    answer = story.server.begins()
    answer.sends(500)
    story.server.refuses("response_cancel_not_active")
    story.server.refuses("something_unheard_of")
    answer.sends(500)
    answer.ends()
    await story.for_ms(2000)
    assert story.ears.sounding_ms() == 1000
    assert story.server.connected_at == [0]
    assert story.phase() is Phase.LISTENING


async def test_a_response_that_says_nothing_does_not_leave_us_thinking(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.hears_speech()
    story.server.hears_silence()
    await story.settled()
    assert story.phase() is Phase.THINKING
    answer = story.server.begins()
    answer.ends("incomplete", type="incomplete", reason="max_output_tokens")
    await story.settled()
    assert story.phase() is Phase.LISTENING


async def test_a_response_done_that_never_began_is_survived(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.says({"type": "response.done", "response": {"id": "r", "status": "completed"}})
    story.server.speaks(ms=200)
    await story.for_ms(1000)
    assert story.ears.sounding_ms() == 200


async def test_an_answer_without_an_end_is_spoken_when_the_response_is_done(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    answer = story.server.begins()
    answer.sends(30)  # less than the jitter buffer wants, and no output_audio.done
    answer.server.says(
        {"type": "response.done", "response": {"id": answer.response_id, "status": "completed"}}
    )
    await story.for_ms(500)
    assert story.ears.sounding_ms() == 30


async def test_an_answer_ends_with_a_response_that_ends_without_its_name(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.begins().sends(500)
    story.server.says({"type": "response.done", "response": {"status": "completed"}})
    await story.for_ms(1000)
    assert story.ears.sounding_ms() == 500
    assert story.phase() is Phase.LISTENING


async def test_an_answer_without_an_end_ends_with_the_next_ones_beginning(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.begins().sends(500)
    await story.for_ms(100)
    story.server.speaks(ms=500)
    await story.for_ms(2000)
    assert story.ears.sounding_ms() == 1000
    assert story.phase() is Phase.LISTENING


async def test_an_item_without_an_id_is_nobodys_and_its_sound_a_stray(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    answer = story.server.begins()
    story.server.says({"type": "response.output_item.added", "item": {"type": "message"}})
    story.server.says({"type": "response.output_audio.delta", "item_id": "", "delta": "AAAA"})
    story.server.hears_speech()
    await story.settled()
    assert story.daemon.counts.stray_deltas == 1
    told = story.server.was_told("conversation.item.delete")
    assert [event["item_id"] for event in told] == [answer.item_id]


async def test_what_is_being_heard_is_not_forgotten_for_whatever_is_announced(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    answer = story.server.begins()
    answer.sends(500)
    for number in range(1000):
        item = {"id": f"item_x{number}", "type": "message"}
        story.server.says({"type": "response.output_item.added", "item": item})
    answer.ends()
    await story.for_ms(1000)
    assert story.ears.sounding_ms() == 500
    assert story.phase() is Phase.LISTENING
