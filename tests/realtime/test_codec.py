"""No message is too strange to be read: it becomes an event, or a reason why not."""

import json
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.realtime import response_events as gen
from voiced.realtime import server_events as heard
from voiced.realtime.client_events import Append
from voiced.realtime.codec import Skipped, SkipReason, decode, encode, printable, read
from voiced.realtime.server_events import SERVER_EVENTS

from .strategies import messages

kinds = st.sampled_from(sorted(SERVER_EVENTS))
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def assert_total(message: str | bytes) -> None:
    event = decode(message)
    if isinstance(event, Skipped):
        assert len(event.detail) <= 200
        assert len(event.type) <= 80
        assert set(event.detail + event.type) <= set(string.printable) - set("\n\r\t\v\f")
    else:
        assert type(event) in SERVER_EVENTS.values()
        repr(event).encode()
    assert read(message)[0] == event


@given(st.text() | st.binary())
def test_any_text_and_any_bytes_are_read(message: str | bytes) -> None:
    assert_total(message)


@given(json_values)
def test_any_json_is_read(value: Any) -> None:
    assert_total(json.dumps(value))


@given(
    kinds, st.dictionaries(st.text() | st.sampled_from(["item", "delta", "response"]), json_values)
)
def test_any_fields_in_an_event_are_read(kind: str, fields: dict[str, Any]) -> None:
    assert_total(json.dumps({**fields, "type": kind}))


def spoilt(value: Any, data: st.DataObject, strange: st.SearchStrategy[Any]) -> Any:
    """Give *value* with something in it replaced."""
    inside = (
        list(value)
        if isinstance(value, dict)
        else list(range(len(value)))
        if isinstance(value, list)
        else []
    )
    if not inside or data.draw(st.integers(0, 3)) == 0:
        return data.draw(strange)
    place = data.draw(st.sampled_from(inside))
    copy = value.copy()
    copy[place] = spoilt(value[place], data, strange)
    return copy


@given(kind=kinds, data=st.data())
def test_a_spoilt_event_is_read(kind: str, data: st.DataObject) -> None:
    good = json.loads(data.draw(messages(kind)))
    assert_total(
        json.dumps(
            {"type": kind}
            | {n: spoilt(v, data, json_values) for n, v in good.items() if n != "type"}
        )
    )


@given(kind=kinds, data=st.data())
def test_a_broken_text_is_read(kind: str, data: st.DataObject) -> None:
    good = data.draw(messages(kind))
    start = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(start, len(good)))
    assert_total(good[:start] + data.draw(st.text(max_size=3)) + good[end:])


@given(kind=kinds, data=st.data())
def test_a_reason_never_tells_what_was_said(kind: str, data: st.DataObject) -> None:
    good = json.loads(data.draw(messages(kind)))
    bad = {
        **good,
        **{
            name: spoilt(good[name], data, st.just(["hush-hush"]))
            for name in good
            if name != "type"
        },
    }
    event = decode(json.dumps(bad))
    if isinstance(event, Skipped):
        assert "hush" not in event.detail + event.type
    assert "hush" not in str(decode(json.dumps(bad)[:-1]))


DELTA = {"type": "response.output_audio.delta", "item_id": "i", "delta": "AAAA"}
STARTED = {"type": "input_audio_buffer.speech_started", "item_id": "i"}
STRANGE: list[tuple[str | bytes, Skipped]] = [
    (b'{"type":"error"}', Skipped(SkipReason.BINARY, "", "16 bytes")),
    ("", Skipped(SkipReason.NOT_JSON, "", "Expecting value at character 0")),
    ('{"type":"error"} x', Skipped(SkipReason.NOT_JSON, "", "Extra data at character 17")),
    ("[NaN]", Skipped(SkipReason.NOT_JSON, "", "NaN, Infinity or a number far too long")),
    ("-Infinity", Skipped(SkipReason.NOT_JSON, "", "NaN, Infinity or a number far too long")),
    ("1" * 5000, Skipped(SkipReason.NOT_JSON, "", "NaN, Infinity or a number far too long")),
    ("[" * 200_000, Skipped(SkipReason.TOO_DEEP)),
    ('{"type":' * 200_000, Skipped(SkipReason.TOO_DEEP)),
    ("[]", Skipped(SkipReason.NOT_AN_OBJECT, "", "array")),
    ("null", Skipped(SkipReason.NOT_AN_OBJECT, "", "null")),
    ("{}", Skipped(SkipReason.NO_TYPE, "", "type is null")),
    ('{"type":["error"]}', Skipped(SkipReason.NO_TYPE, "", "type is array")),
    ('{"type":"session.ended"}', Skipped(SkipReason.UNKNOWN_TYPE, "session.ended")),
    ('{"type":"a\\nb\\ud800"}', Skipped(SkipReason.UNKNOWN_TYPE, "a b ")),
    (json.dumps({"type": "x" * 99}), Skipped(SkipReason.UNKNOWN_TYPE, "x" * 80)),
]


@pytest.mark.parametrize(("message", "skipped"), STRANGE, ids=range(len(STRANGE)))
def test_what_cannot_be_read_is_skipped_with_a_reason(
    message: str | bytes, skipped: Skipped
) -> None:
    assert decode(message) == skipped


@pytest.mark.parametrize(
    ("event", "detail"),
    [
        ({**DELTA, "delta": "AAA"}, "delta: is not base64"),
        ({**DELTA, "delta": "AA AA"}, "delta: is not base64"),
        ({**DELTA, "delta": "ÄÄÄÄ"}, "delta: is not base64"),
        ({**DELTA, "delta": None}, "delta: expected string, got null"),
        ({**DELTA, "delta": 7}, "delta: expected string, got int"),
        ({**DELTA, "item_id": 7, "delta": "?"}, "item_id: expected string, got int; delta: is not base64"),
        ({**STARTED, "audio_start_ms": 1.0}, "audio_start_ms: expected int, got float"),
        ({**STARTED, "audio_start_ms": True}, "audio_start_ms: expected int, got bool"),
        ({**STARTED, "audio_start_ms": "1"}, "audio_start_ms: expected int, got string"),
        ({**STARTED, "audio_start_ms": 1 << 63}, "audio_start_ms: is out of range"),
        ({"type": "error", "error": "no"}, "error: expected object, got string"),
        ({"type": "error"}, "error: is missing"),
        (
            {"type": "response.done", "response": {"output": {}}},
            "response.output: expected array, got object",
        ),
        (
            {"type": "response.done", "response": {"output": [{}, {"content": [{"text": 1}]}]}},
            "response.output[1].content[0].text: expected string, got int",
        ),
        (
            {"type": "response.done", "response": {"metadata": {"a": 1}}},
            "response.metadata: expected string, got int",
        ),
        (
            {"type": "session.created", "session": {"audio": {"output": {"speed": "1"}}}},
            "session.audio.output.speed: expected float, got string",
        ),
        (
            {"type": "rate_limits.updated", "rate_limits": [{"limit": "x"}] * 9},
            "; ".join(f"rate_limits[{n}].limit: expected int, got string" for n in range(3)),
        ),
    ],
)  # fmt: skip
def test_a_malformed_event_is_skipped_and_says_where_and_why(
    event: dict[str, Any], detail: str
) -> None:
    assert decode(json.dumps(event)) == Skipped(SkipReason.MALFORMED, event["type"], detail)


def test_a_number_beyond_all_bounds_is_malformed_where_it_is_read() -> None:
    event = '{"type":"session.created","session":{"audio":{"output":{"speed":1e999}}}}'
    assert decode(event) == Skipped(
        SkipReason.MALFORMED, "session.created", "session.audio.output.speed: is out of range"
    )


def test_an_integer_may_stand_for_a_float() -> None:
    event = decode('{"type":"session.created","session":{"audio":{"output":{"speed":1}}}}')
    assert isinstance(event, heard.SessionCreated)
    assert type(event.session.audio.output.speed) is float


def test_null_counts_as_absent_where_none_means_nothing() -> None:
    nulls = {"event_id": None, "response_id": None, "output_index": None, "content_index": None}
    assert decode(json.dumps({**DELTA, **nulls})) == gen.AudioDelta(item_id="i", audio=bytes(3))


def test_null_is_kept_where_it_means_something() -> None:
    started = decode('{"type":"response.created","response":{"conversation_id":null}}')
    assert isinstance(started, gen.ResponseCreated)
    assert started.response.out_of_band
    unsaid = decode('{"type":"response.created","response":{}}')
    assert isinstance(unsaid, gen.ResponseCreated)
    assert not unsaid.response.out_of_band


def test_turn_detection_is_manual_if_null_and_the_servers_if_unsaid() -> None:
    null = decode(
        '{"type":"session.created","session":{"audio":{"input":{"turn_detection":null}}}}'
    )
    assert isinstance(null, heard.SessionCreated)
    assert null.session.audio.input.turn_detection is None
    unsaid = decode('{"type":"session.created","session":{}}')
    assert isinstance(unsaid, heard.SessionCreated)
    assert unsaid.session.audio.input.turn_detection is not None


def test_half_a_surrogate_pair_becomes_a_replacement_character() -> None:
    event = decode('{"type":"response.output_text.delta","item_id":"i","delta":"\\ud83d!"}')
    assert event == gen.TextDelta(item_id="i", delta="�!")
    whole = decode('{"type":"response.output_text.delta","item_id":"i","delta":"\\ud83d\\ude00"}')
    assert whole == gen.TextDelta(item_id="i", delta="\N{GRINNING FACE}")


def test_fields_nobody_knows_are_named_by_their_place() -> None:
    event = {
        "type": "response.done",
        "event_id": "e",
        "weather": {"sunny": True},
        "response": {"id": "r", "mood": 1, "output": [{"id": "i", "content": [{"hue": 2}]}]},
    }
    done, unknown = read(json.dumps(event))
    assert isinstance(done, gen.ResponseDone)
    assert unknown == ("weather", "response.mood", "response.output.content.hue")


def test_documented_fields_of_no_use_to_us_are_not_news() -> None:
    event = {
        "type": "response.output_text.delta",
        "item_id": "i",
        "delta": "a",
        "obfuscation": "zz",
    }
    assert read(json.dumps(event)) == (gen.TextDelta(item_id="i", delta="a"), ())


@given(st.text(), st.integers(0, 50))
def test_printable_text_is_short_and_harmless(text: str, longest: int) -> None:
    shown = printable(text, longest)
    assert len(shown) <= longest
    assert shown.isprintable()
    assert shown.isascii()


@given(st.binary(min_size=2, max_size=64).map(lambda b: b + b))
def test_sound_survives_both_ways(pcm: bytes) -> None:
    spoken = json.loads(encode(Append(pcm)))
    event = decode(json.dumps({**DELTA, "delta": spoken["audio"]}))
    assert event == gen.AudioDelta(item_id="i", audio=pcm)
