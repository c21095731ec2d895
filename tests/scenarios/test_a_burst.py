"""Ten thousand events at once, sane and insane: nothing is lost that should not be, nothing adds up."""

import gc
import json
import os
import random
import tracemalloc
from collections.abc import Iterator
from typing import Final

import pytest
import trio
from trio.testing import MockClock

from tests.fakes.census import take_census
from tests.fakes.server import Event
from tests.fakes.story import Story
from tests.fakes.visitors import Visitor
from tests.fakes.years import CountingEars
from tests.realtime.strange import recorded, spoilt
from voiced.notices import Phase

EVENTS: Final = 10_000
MOST_GROWTH: Final = 2_000_000  # bytes, of all Python objects
MOST_A_MINUTE: Final = 6
SEEDS: Final = int(os.environ.get("VOICED_SEEDS", "2"))  # `scripts/fuzz` takes more

UNREADABLE: Final[tuple[str | bytes, ...]] = (
    "{not json",
    "[" * 5000,
    '{"type": "something.new", "event_id": "e"}',
    '{"type": "response.output_audio.delta", "delta": "*"}',
    b"\x00\x01binary",
)
HARMLESS: Final[tuple[Event, ...]] = (
    {"type": "rate_limits.updated", "rate_limits": [{"name": "tokens", "limit": 9}]},
    {"type": "conversation.item.added", "item": {"id": "item_x", "type": "message"}},
    {"type": "conversation.item.input_audio_transcription.delta", "delta": "word " * 20},
    {"type": "response.output_audio_transcript.delta", "delta": "word " * 20},
    {"type": "response.output_audio.delta", "item_id": "item_of_nobody", "delta": "AAAA"},
    {"type": "response.created", "response": {"conversation_id": None}},
    {"type": "error", "error": {"code": "response_cancel_not_active"}},
)


def crowd(chance: random.Random) -> Iterator[str | bytes]:
    """Events that must change nothing, each under a name of its own where it has one."""
    for number in range(EVENTS):
        if number % 3 == 0:
            yield chance.choice(UNREADABLE)
            continue
        event = {"item_id": f"item_{number:07}", **chance.choice(HARMLESS)}
        if "response" in event:
            event["response"] = {**event["response"], "id": f"resp_{number:07}"}
        yield json.dumps(event)


async def test_a_burst_takes_no_time_loses_nothing_and_leaves_nothing(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.ears = CountingEars()
    await story.begin(nursery)
    story.server.speaks(200)  # whatever is made once is made before it is weighed
    await story.for_ms(1000)
    answer = story.server.begins()
    await story.settled()
    story.user.says(1000)
    await story.for_ms(500)
    gc.collect()
    tracemalloc.start()
    try:
        weight, _ = tracemalloc.get_traced_memory()
        sent, began = len(story.server.appended), trio.current_time()
        messages = list(crowd(random.Random(1)))
        unreadable = sum(message in UNREADABLE for message in messages)
        for number, message in enumerate(messages):
            story.server.wire.deliver(message)
            if number % 50 == 0:
                answer.sends(20, delta_ms=20)
        answer.ends()
        del messages
        await story.settled()
        assert trio.current_time() == began, "somebody waited while there was more to hear"
        await story.for_ms(5000)
        assert len(story.server.appended) - sent == 5000 * 48, "what is said goes up meanwhile"
        story.notices.clear()
        story.server.wire.heard.clear()
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - weight
        assert grown < MOST_GROWTH
    finally:
        tracemalloc.stop()
    assert story.ears.sounding_ms() == 200 + 20 * EVENTS // 50
    assert story.daemon.counts.skipped_events == unreadable
    assert story.server.connected_at == [0]
    assert story.phase() is Phase.LISTENING


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("interruption", ["immediate", "confirmed", "never"])
async def test_bursts_of_nonsense_end_sessions_at_most(
    story: Story,
    nursery: trio.Nursery,
    autojump_clock: MockClock,
    seed: int,
    interruption: str,
) -> None:
    chance = random.Random(seed)
    story.user, story.ears = Visitor(), CountingEars()
    story.set("turns", interruption=interruption)
    await story.begin(nursery)
    for burst in range(20):
        for _ in range(EVENTS // 20):
            message = chance.choice(recorded())
            if chance.random() < 0.7:
                message = spoilt(message, chance.randrange)
            story.server.wire.deliver(message)
        if burst % 4 == 0:
            story.user.says(200)
        await story.for_ms(20_000)
        story.notices.clear()
        take_census()
        if story.phase() is Phase.FAULT:  # a recorded conversation is that of a bad key
            story.daemon.supervisor.reconnect()
    await story.for_ms(150_000)
    at = story.server.connected_at
    assert all(b - a >= 60 for a, b in zip(at, at[MOST_A_MINUTE:], strict=False)), at
    assert story.phase() is Phase.LISTENING, story
    heard = story.ears.sounding_ms()
    story.server.speaks(500)
    await story.for_ms(1500)
    assert story.ears.sounding_ms() - heard == 500


@pytest.mark.parametrize("interruption", ["immediate", "confirmed", "never"])
@pytest.mark.parametrize(
    "event",
    [
        {"type": "input_audio_buffer.speech_started"},
        {"type": "input_audio_buffer.speech_stopped"},
        {"type": "input_audio_buffer.committed"},
        {"type": "response.output_item.added", "item": {"type": "message"}},
        {"type": "response.output_audio.delta", "delta": "AAAA"},
        {"type": "conversation.item.input_audio_transcription.completed", "transcript": "no"},
        {"type": "conversation.item.input_audio_transcription.failed"},
        {"type": "response.done", "response": {"status": "completed"}},
    ],
    ids=lambda event: str(event["type"]),
)
@pytest.mark.parametrize("nameless", [False, True], ids=["each its own", "nameless"])
async def test_one_kind_of_event_without_end_fills_nothing(
    story: Story,
    nursery: trio.Nursery,
    autojump_clock: MockClock,
    event: Event,
    interruption: str,
    nameless: bool,
) -> None:
    story.user, story.ears = Visitor(), CountingEars()
    story.set("turns", interruption=interruption)
    await story.begin(nursery)
    story.server.begins().sends(2000)
    for number in range(2000):
        name = "" if nameless else f"item_x{number}"
        item = {"item": {**event["item"], "id": name}} if "item" in event else {}
        story.server.says({"item_id": name, **event, **item})
        if number % 100 == 99:
            await story.for_ms(10)
    story.notices.clear()
    take_census()
    await story.for_ms(90_000)
    assert story.phase() is Phase.LISTENING, story
