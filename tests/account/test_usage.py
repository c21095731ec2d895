"""From the service's usage objects to our kinds: every token once, whatever is missing."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from openai.types.realtime import (
    ConversationItemInputAudioTranscriptionCompletedEvent as Completed,
)
from openai.types.realtime import RealtimeResponseUsage

from tests.account.strategies import used
from voiced.account.usage import Kind, Used, of_response, of_transcription
from voiced.realtime.codec import decode
from voiced.realtime.objects import Usage
from voiced.realtime.reading import read_object
from voiced.realtime.response_events import ResponseDone
from voiced.realtime.server_events import TranscriptionCompleted

counts = st.integers(0, 100_000)


@st.composite
def official_usages(draw: st.DrawFn) -> RealtimeResponseUsage:
    """Of one response, all of it said, as OpenAI's own types have it."""
    text, audio, image = draw(counts), draw(counts), draw(counts)
    text_out, audio_out = draw(counts), draw(counts)
    cached = {
        "text_tokens": draw(st.integers(0, text)),
        "audio_tokens": draw(st.integers(0, audio)),
        "image_tokens": draw(st.integers(0, image)),
    }
    total_in, total_out = text + audio + image, text_out + audio_out
    return RealtimeResponseUsage.model_validate(
        {
            "total_tokens": total_in + total_out,
            "input_tokens": total_in,
            "output_tokens": total_out,
            "input_token_details": {
                "text_tokens": text,
                "audio_tokens": audio,
                "image_tokens": image,
                "cached_tokens": sum(cached.values()),
                "cached_tokens_details": cached,
            },
            "output_token_details": {"text_tokens": text_out, "audio_tokens": audio_out},
        }
    )


@given(official_usages())
def test_every_token_of_a_response_is_of_one_kind(official: RealtimeResponseUsage) -> None:
    ours = of_response(read_object(Usage, json.loads(official.model_dump_json())))
    given_in, made = official.input_token_details, official.output_token_details
    assert given_in is not None
    assert made is not None
    assert given_in.cached_tokens_details is not None
    cached = given_in.cached_tokens_details
    assert ours.tokens == official.total_tokens
    assert ours.of(Kind.TEXT_IN) + ours.of(Kind.CACHED_TEXT_IN) == given_in.text_tokens
    assert ours.of(Kind.AUDIO_IN) + ours.of(Kind.CACHED_AUDIO_IN) == given_in.audio_tokens
    assert ours.of(Kind.IMAGE_IN) + ours.of(Kind.CACHED_IMAGE_IN) == given_in.image_tokens
    assert ours.of(Kind.CACHED_TEXT_IN) == cached.text_tokens
    assert ours.of(Kind.CACHED_AUDIO_IN) == cached.audio_tokens
    assert ours.of(Kind.TEXT_OUT) == made.text_tokens
    assert ours.of(Kind.AUDIO_OUT) == made.audio_tokens


@given(official_usages(), st.data())
def test_whatever_is_missing_no_token_is(
    official: RealtimeResponseUsage, data: st.DataObject
) -> None:
    """Any part may be absent or null; what is then unsorted counts as sound, which is the dearest."""
    message = json.loads(official.model_dump_json())
    for place in (
        message["input_token_details"],
        message["input_token_details"]["cached_tokens_details"],
        message["output_token_details"],
        message,
    ):
        for name in data.draw(st.sets(st.sampled_from(sorted(place)))):
            if name in {"input_tokens", "output_tokens"}:
                continue  # then nobody knows
            if data.draw(st.booleans()):
                place[name] = None
            else:
                del place[name]
    ours = of_response(read_object(Usage, message))
    assert ours.tokens == message["input_tokens"] + message["output_tokens"]


@given(st.builds(Usage), used)
def test_what_is_empty_adds_nothing(nothing: Usage, some: Used) -> None:
    assert not of_response(nothing)
    assert some + of_response(nothing) == some


@given(st.lists(st.integers(-(10**6), 10**6), min_size=8, max_size=8))
def test_a_server_that_makes_no_sense_is_believed_in_nothing_negative(told: list[int]) -> None:
    text, audio, image, cached_text, cached_audio, total_in, text_out, total_out = told
    usage = read_object(
        Usage,
        {
            "input_tokens": total_in,
            "output_tokens": total_out,
            "input_token_details": {
                "text_tokens": text,
                "audio_tokens": audio,
                "image_tokens": image,
                "cached_tokens_details": {
                    "text_tokens": cached_text,
                    "audio_tokens": cached_audio,
                },
            },
            "output_token_details": {"text_tokens": text_out},
        },
    )
    assert all(count > 0 for count in of_response(usage).counts.values())
    assert all(count > 0 for count in of_transcription(usage).counts.values())


def completed(usage: dict[str, Any]) -> TranscriptionCompleted:
    """The event as OpenAI's own types write it."""
    official = Completed.model_validate(
        {
            "type": "conversation.item.input_audio_transcription.completed",
            "event_id": "event_1",
            "item_id": "item_1",
            "content_index": 0,
            "transcript": "hello",
            "usage": usage,
        }
    )
    event = decode(official.model_dump_json())
    assert isinstance(event, TranscriptionCompleted)
    return event


def test_a_transcription_is_billed_by_tokens_or_by_time() -> None:
    by_tokens = completed(
        {
            "type": "tokens",
            "input_tokens": 14,
            "output_tokens": 5,
            "total_tokens": 19,
            "input_token_details": {"text_tokens": 3, "audio_tokens": 11},
        }
    ).usage
    unsorted = completed(
        {"type": "tokens", "input_tokens": 14, "output_tokens": 5, "total_tokens": 19}
    ).usage
    by_time = completed({"type": "duration", "seconds": 3.5}).usage
    assert by_tokens is not None
    assert unsorted is not None
    assert by_time is not None
    assert of_transcription(by_tokens) == Used(
        {
            Kind.TRANSCRIPTION_TEXT_IN: 3,
            Kind.TRANSCRIPTION_AUDIO_IN: 11,
            Kind.TRANSCRIPTION_OUT: 5,
        }
    )
    assert of_transcription(unsorted) == Used(
        {Kind.TRANSCRIPTION_AUDIO_IN: 14, Kind.TRANSCRIPTION_OUT: 5}
    )
    assert of_transcription(by_time) == Used({Kind.TRANSCRIPTION_MS: 3500})


def test_a_response_that_failed_may_not_say_what_it_took() -> None:
    event = decode('{"type":"response.done","response":{"status":"failed","usage":null}}')
    assert isinstance(event, ResponseDone)
    assert event.response.usage is None


@given(st.lists(used))
def test_sums_do_not_depend_on_the_order(all_of_it: list[Used]) -> None:
    there = sum(all_of_it, Used())
    assert there == sum(reversed(all_of_it), Used())
    for kind in Kind:
        assert there.of(kind) == sum(each.of(kind) for each in all_of_it)
