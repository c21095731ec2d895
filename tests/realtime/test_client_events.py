"""What we say is what OpenAI's types expect, key by key; what is not fit to be sent cannot be made."""

import base64
import json
from typing import Any

import pydantic
import pytest
from hypothesis import given
from openai.types.realtime import RealtimeClientEvent

from voiced.realtime import client_events as say
from voiced.realtime.codec import encode
from voiced.realtime.settings import (
    KEEP,
    AudioFormat,
    CustomVoice,
    FunctionChoice,
    FunctionTool,
    SemanticVad,
    ServerVad,
    Transcription,
)

from .strategies import BY_CLASS, client_events

ADAPTER: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(RealtimeClientEvent)


def strangers(value: object, path: str = "") -> list[str]:
    """Name the keys that OpenAI's models merely tolerate."""
    if isinstance(value, pydantic.BaseModel):
        found = [f"{path}.{name}" for name in value.model_extra or {}]
        for name in type(value).model_fields:
            found += strangers(getattr(value, name), f"{path}.{name}")
        return found
    if isinstance(value, list):
        return [each for n, one in enumerate(value) for each in strangers(one, f"{path}[{n}]")]
    return []


def assert_official(text: str) -> None:
    model = ADAPTER.validate_json(text)
    assert strangers(model) == []
    assert json.loads(model.model_dump_json(exclude_unset=True)) == json.loads(text)


@given(client_events)
def test_all_we_can_say_is_in_openais_types(event: say.ClientEvent) -> None:
    assert_official(encode(event))
    hash(event)  # facts can be kept in sets


FULL = say.Configure(
    event_id="e1",
    output_modality="audio",
    instructions="Be brief.",
    input_format=AudioFormat.PCM,
    output_format=AudioFormat.PCMU,
    turn_detection=ServerVad(idle_timeout_ms=6000),
    transcription=Transcription("gpt-transcribe", "en", "museum"),
    noise_reduction="far_field",
    voice=CustomVoice("voice_9"),
    speed=1.25,
    tools=(FunctionTool("now", "The time.", '{"type":"object","properties":{}}'),),
    tool_choice=FunctionChoice("now"),
    max_output_tokens=1000,
)
SPOKEN: list[say.ClientEvent] = [
    FULL,
    say.Append(b"\1\2", event_id="e2"),
    say.Commit(event_id="e3"),
    say.Clear(event_id="e4"),
    say.CreateItem(say.UserText("hello"), "item_1", "root"),
    say.CreateItem(say.AssistantText("hello")),
    say.CreateItem(say.SystemText("hush")),
    say.CreateItem(say.FunctionCall("call_1", "now", "{}")),
    say.CreateItem(say.FunctionCallOutput("call_1", "noon")),
    say.RetrieveItem("item_1"),
    say.DeleteItem("item_1"),
    say.Truncate("item_1", 1200, event_id="e5"),
    say.CreateResponse(
        instructions="Sum up.", output_modality="text", conversation="none", metadata={"a": "b"}
    ),
    say.CreateResponse(instructions="Say: hello.", without_context=True),
    say.CancelResponse("resp_1"),
]


def misspelt(value: Any) -> list[Any]:
    """Give copies of a JSON value, each with one key written wrong."""
    if isinstance(value, list):
        return [
            [*value[:n], bad, *value[n + 1 :]]
            for n, one in enumerate(value)
            for bad in misspelt(one)
        ]
    if not isinstance(value, dict):
        return []
    copies: list[Any] = []
    for key, inner in value.items():
        copies.append({f"{name}s" if name == key else name: v for name, v in value.items()})
        if key not in ("parameters", "metadata"):  # their keys are anybody's
            copies += [{**value, key: bad} for bad in misspelt(inner)]
    return copies


def test_the_judge_notices_every_misspelt_key() -> None:
    assert {type(event) for event in SPOKEN} == set(BY_CLASS)
    for event in SPOKEN:
        text = encode(event)
        assert_official(text)
        for wrong in misspelt(json.loads(text)):
            with pytest.raises((AssertionError, pydantic.ValidationError)):
                assert_official(json.dumps(wrong))


def test_a_configure_says_each_setting_where_the_ga_dialect_wants_it() -> None:
    assert json.loads(encode(FULL)) == {
        "type": "session.update",
        "event_id": "e1",
        "session": {
            "type": "realtime",
            "output_modalities": ["audio"],
            "instructions": "Be brief.",
            "audio": {
                "input": {
                    "format": {"type": "audio/pcm", "rate": 24000},
                    "turn_detection": {
                        "type": "server_vad",
                        "threshold": 0.5,
                        "prefix_padding_ms": 300,
                        "silence_duration_ms": 500,
                        "idle_timeout_ms": 6000,
                        "create_response": True,
                        "interrupt_response": True,
                    },
                    "transcription": {
                        "model": "gpt-transcribe",
                        "language": "en",
                        "prompt": "museum",
                    },
                    "noise_reduction": {"type": "far_field"},
                },
                "output": {
                    "format": {"type": "audio/pcmu"},
                    "voice": {"id": "voice_9"},
                    "speed": 1.25,
                },
            },
            "tools": [
                {
                    "type": "function",
                    "name": "now",
                    "description": "The time.",
                    "parameters": {"type": "object", "properties": {}},
                }
            ],
            "tool_choice": {"type": "function", "name": "now"},
            "max_output_tokens": 1000,
        },
    }


def test_what_is_kept_is_not_sent_and_what_is_turned_off_is_null() -> None:
    session = json.loads(encode(say.Configure()))["session"]
    assert session == {"type": "realtime"}
    off = say.Configure(turn_detection=None, transcription=None, noise_reduction=None)
    assert json.loads(encode(off))["session"]["audio"] == {
        "input": {"turn_detection": None, "transcription": None, "noise_reduction": None}
    }
    cleared = json.loads(encode(say.Configure(instructions="", tools=())))["session"]
    assert cleared == {"type": "realtime", "instructions": "", "tools": []}


def test_semantic_detection_never_carries_the_fields_it_refuses() -> None:
    spoken = json.loads(encode(say.Configure(turn_detection=SemanticVad(eagerness="low"))))
    assert spoken["session"]["audio"]["input"]["turn_detection"] == {
        "type": "semantic_vad",
        "eagerness": "low",
        "create_response": True,
        "interrupt_response": True,
    }


@pytest.mark.parametrize("event_id", [None, "e1"])
def test_the_fast_way_to_append_says_what_the_slow_one_does(event_id: str | None) -> None:
    pcm = bytes(range(256)) * 4
    spoken = json.loads(encode(say.Append(pcm[:960], event_id=event_id)))
    assert base64.b64decode(spoken.pop("audio")) == pcm[:960]
    assert spoken == {"type": "input_audio_buffer.append"} | (
        {} if event_id is None else {"event_id": event_id}
    )


def test_a_forced_commit_looks_like_any_other_on_the_wire() -> None:
    assert encode(say.Commit(forced=True)) == encode(say.Commit())


UNFIT: list[tuple[type, dict[str, Any], type[Exception]]] = [
    (say.Append, {"audio": b""}, ValueError),
    (say.Append, {"audio": "text"}, TypeError),
    (say.Append, {"audio": bytes(say.LONGEST_APPEND_BYTES + 1)}, ValueError),
    (say.Truncate, {"item_id": "i", "audio_end_ms": -1}, ValueError),
    (say.Truncate, {"item_id": "i", "audio_end_ms": True}, TypeError),
    (say.Truncate, {"item_id": "i", "audio_end_ms": 1.5}, TypeError),
    (say.Truncate, {"item_id": "i", "audio_end_ms": "1"}, TypeError),
    (say.Truncate, {"item_id": "", "audio_end_ms": 1}, ValueError),
    (say.Commit, {"event_id": "x" * 513}, ValueError),
    (say.Commit, {"forced": 1}, TypeError),
    (say.CreateItem, {"item": "hello"}, TypeError),
    (say.CreateItem, {"item": say.UserText("x"), "item_id": "x" * 33}, ValueError),
    (say.CreateResponse, {"conversation": "conv_1"}, ValueError),
    (say.CreateResponse, {"metadata": {str(n): "" for n in range(17)}}, ValueError),
    (say.CreateResponse, {"metadata": {"a": 1}}, TypeError),
    (say.Configure, {"output_modality": "both"}, ValueError),
    (say.Configure, {"input_format": "pcm16"}, TypeError),
    (say.Configure, {"turn_detection": "server_vad"}, TypeError),
    (say.Configure, {"noise_reduction": "near"}, ValueError),
    (say.Configure, {"speed": 2}, ValueError),
    (say.Configure, {"speed": float("nan")}, ValueError),
    (say.Configure, {"tools": [FunctionTool("x")]}, TypeError),
    (say.Configure, {"tool_choice": "any"}, ValueError),
    (say.Configure, {"max_output_tokens": 0}, ValueError),
    (say.Configure, {"max_output_tokens": "all"}, TypeError),
    (ServerVad, {"threshold": 1.1}, ValueError),
    (ServerVad, {"threshold": True}, TypeError),
    (ServerVad, {"silence_duration_ms": 0.5}, TypeError),
    (ServerVad, {"idle_timeout_ms": 4999}, ValueError),
    (SemanticVad, {"eagerness": "eager"}, ValueError),
    (FunctionTool, {"name": "x", "parameters": "[]"}, ValueError),
    (FunctionTool, {"name": "x", "parameters": "{"}, ValueError),
    (FunctionTool, {"name": "x", "parameters": '{"maximum": 1e999}'}, ValueError),
]


@pytest.mark.parametrize(("cls", "fields", "error"), UNFIT)
def test_what_is_not_fit_to_be_sent_cannot_be_made(
    cls: type, fields: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        cls(**fields)


def test_speech_is_not_shown_by_repr() -> None:
    shown = repr([say.Append(b"ab"), say.CreateItem(say.UserText("my secret"))])
    assert "secret" not in shown
    assert "<bytes of 2>" in shown


def test_keep_is_not_none() -> None:
    assert KEEP is not None
    assert say.Configure().turn_detection is KEEP
