"""Every refusal of a shape: its code, its words, its path."""

import json
from typing import Any

import pytest

from voiced.local import validation
from voiced.local.refusals import Refusal
from voiced.local.wire import Json

VAD = "session.audio.input.turn_detection"


def session(**fields: Any) -> Json:
    return {"type": "session.update", "session": {"type": "realtime", **fields}}


def audio_in(**fields: Any) -> Json:
    return session(audio={"input": fields})


def audio_out(**fields: Any) -> Json:
    return session(audio={"output": fields})


def create(**item: Any) -> Json:
    return {"type": "conversation.item.create", "item": item}


def message(role: str, *content: Any) -> Json:
    return create(type="message", role=role, content=list(content))


def respond(**response: Any) -> Json:
    return {"type": "response.create", "response": response}


GOOD: list[Json] = [
    session(),
    session(
        output_modalities=["text"],
        instructions="",
        tools=[],
        tool_choice="required",
        max_output_tokens="inf",
        truncation="disabled",
        tracing="auto",
        prompt=None,
        include=["item.input_audio_transcription.logprobs"],
        parallel_tool_calls=True,
        reasoning={"effort": "low"},
    ),
    session(max_output_tokens=4096, tool_choice={"type": "function", "name": "f"}),
    session(truncation={"type": "retention_ratio", "retention_ratio": 0.8}),
    session(tracing={"workflow_name": "kiosk", "metadata": {"any": 1}}),
    session(tools=[{"type": "function", "name": "f", "parameters": {"type": "object"}}]),
    session(
        tools=[
            {"type": "mcp", "server_label": "l", "server_url": "https://x", "headers": {"a": "b"}}
        ]
    ),
    audio_in(format={"type": "audio/pcm", "rate": 24000}, noise_reduction=None),
    audio_in(format={"type": "audio/pcmu"}, noise_reduction={"type": "far_field", "strength": 0.5}),
    audio_in(turn_detection=None, transcription=None),
    audio_in(turn_detection={"type": "server_vad", "idle_timeout_ms": 5000, "threshold": 1}),
    audio_in(turn_detection={"type": "semantic_vad", "eagerness": "high"}),
    audio_in(transcription={"model": "gpt-transcribe", "language": "de", "keywords": ["voiced"]}),
    audio_in(transcription={"model": "my-deployment", "prompt": "x", "delay": "low"}),
    audio_out(voice={"id": "voice_123"}, speed=0.25),
    {"type": "session.update", "session": {"type": "transcription", "audio": {"input": {}}}},
    {"type": "input_audio_buffer.append", "audio": "", "event_id": "x" * 512},
    {"type": "input_audio_buffer.commit"},
    {"type": "input_audio_buffer.clear"},
    message("user", {"type": "input_text", "text": "hello"}),
    message("user", {"type": "input_audio", "audio": "", "transcript": "hello"}),
    message("user", {"type": "input_image", "image_url": "data:image/png;base64,AA=="}),
    message("system", {"type": "input_text", "text": "be brief"}),
    message("assistant", {"type": "output_text", "text": "hello"}),
    create(type="function_call", name="f", arguments="{}"),
    create(type="function_call_output", call_id="call_1", output="{}"),
    create(type="mcp_approval_response", approval_request_id="a", approve=True),
    {"type": "conversation.item.truncate", "item_id": "i", "content_index": 0, "audio_end_ms": 0},
    {"type": "conversation.item.delete", "item_id": "i"},
    {"type": "conversation.item.retrieve", "item_id": "i"},
    {"type": "response.create"},
    respond(conversation="none", metadata={"topic": "x"}, input=[]),
    respond(input=[{"type": "item_reference", "id": "i"}], audio={"output": {"voice": "ash"}}),
    {"type": "response.cancel"},
    {"type": "response.cancel", "response_id": "resp_1"},
]


@pytest.mark.parametrize("event", GOOD, ids=lambda event: json.dumps(event)[:60])
def test_a_good_event_is_accepted(event: Json) -> None:
    validation.check(event)


UNKNOWN: list[tuple[Json, str]] = [
    ({"type": "input_audio_buffer.commit", "extra": 1}, "extra"),
    (session(modalities=["text"]), "session.modalities"),
    (session(input_audio_format="pcm16"), "session.input_audio_format"),
    (session(temperature=0.8), "session.temperature"),
    (session(id="sess_1"), "session.id"),
    (session(voice="ash"), "session.voice"),
    (session(tools=[{"type": "function", "name": "f", "strict": True}]), "session.tools[0].strict"),
    (session(tools=[{"type": "function", "function": {}}]), "session.tools[0].function"),
    (audio_in(transcription={"enabled": True}), "session.audio.input.transcription.enabled"),
    (audio_in(format={"type": "audio/pcmu", "rate": 8000}), "session.audio.input.format.rate"),
    (
        audio_in(turn_detection={"type": "semantic_vad", "idle_timeout_ms": 6000}),
        f"{VAD}.idle_timeout_ms",
    ),
    (audio_in(turn_detection={"type": "semantic_vad", "threshold": 0.5}), f"{VAD}.threshold"),
    (audio_in(turn_detection={"type": "server_vad", "eagerness": "low"}), f"{VAD}.eagerness"),
    (
        {"type": "session.update", "session": {"type": "transcription", "tools": []}},
        "session.tools",
    ),
    (message("user", {"type": "input_text", "text": "", "x": 1}), "item.content[0].x"),
    (respond(session="x"), "response.session"),
    (
        respond(input=[{"type": "item_reference", "id": "i", "x": 1}]),
        "response.input[0].x",
    ),
    (respond(audio={"output": {"speed": 1.0}}), "response.audio.output.speed"),
]


@pytest.mark.parametrize(("event", "path"), UNKNOWN)
def test_an_unknown_field_at_any_depth_refuses_the_event(event: Json, path: str) -> None:
    refusal = refused(event)

    assert refusal.code == "unknown_parameter"
    assert refusal.param == path
    assert refusal.message == f"Unknown parameter: '{path}'."
    assert refusal.kind == "invalid_request_error"


MISSING: list[tuple[Json, str]] = [
    ({"type": "session.update"}, "session"),
    ({"type": "session.update", "session": {}}, "session.type"),
    ({"type": "input_audio_buffer.append"}, "audio"),
    (audio_in(format={"type": "audio/pcm"}), "session.audio.input.format.rate"),
    (audio_out(format={"type": "audio/pcm"}), "session.audio.output.format.rate"),
    (audio_in(turn_detection={"silence_duration_ms": 200}), f"{VAD}.type"),
    (session(tools=[{"type": "function"}]), "session.tools[0].name"),
    (session(tools=[{"type": "mcp", "server_label": "l"}]), "session.tools[0].server_url"),
    ({"type": "conversation.item.create"}, "item"),
    (create(role="user", content=[]), "item.type"),
    (create(type="message", content=[]), "item.role"),
    (create(type="function_call_output", output=""), "item.call_id"),
    (message("user", {"type": "input_text"}), "item.content[0].text"),
    (message("assistant", {"type": "output_audio", "audio": ""}), "item.content[0].text"),
    (
        {"type": "conversation.item.truncate", "item_id": "i", "content_index": 0},
        "audio_end_ms",
    ),
    (
        {"type": "conversation.item.truncate", "item_id": "i", "audio_end_ms": 0},
        "content_index",
    ),
    ({"type": "conversation.item.delete"}, "item_id"),
]


@pytest.mark.parametrize(("event", "path"), MISSING)
def test_a_missing_field_is_named(event: Json, path: str) -> None:
    refusal = refused(event)

    assert refusal.code == "missing_required_parameter"
    assert refusal.param == path
    assert refusal.message == f"Missing required parameter: '{path}'."


INVALID: list[tuple[Json, str]] = [
    (session(output_modalities=["text", "audio"]), "session.output_modalities"),
    (session(output_modalities=[]), "session.output_modalities"),
    (session(max_output_tokens=0), "session.max_output_tokens"),
    (session(max_output_tokens=4097), "session.max_output_tokens"),
    (session(max_output_tokens=True), "session.max_output_tokens"),
    (session(tool_choice="maybe"), "session.tool_choice"),
    (session(tools=[{"type": "function", "name": "a b"}]), "session.tools[0].name"),
    (session(tools={}), "session.tools"),
    (session(instructions=7), "session.instructions"),
    (session(audio=None), "session.audio"),
    ({"type": "session.update", "session": {"type": "live"}}, "session.type"),
    (audio_in(format="pcm16"), "session.audio.input.format"),
    (audio_in(format={"type": "audio/pcm", "rate": 16000}), "session.audio.input.format.rate"),
    (audio_in(format={"type": "audio/opus"}), "session.audio.input.format.type"),
    (audio_in(turn_detection={"type": "none"}), f"{VAD}.type"),
    (audio_in(turn_detection={"type": "server_vad", "threshold": 1.1}), f"{VAD}.threshold"),
    (audio_in(turn_detection={"type": "server_vad", "threshold": "x"}), f"{VAD}.threshold"),
    (
        audio_in(turn_detection={"type": "server_vad", "silence_duration_ms": 1.5}),
        f"{VAD}.silence_duration_ms",
    ),
    (
        audio_in(turn_detection={"type": "server_vad", "idle_timeout_ms": 4999}),
        f"{VAD}.idle_timeout_ms",
    ),
    (
        audio_in(turn_detection={"type": "server_vad", "idle_timeout_ms": 30001}),
        f"{VAD}.idle_timeout_ms",
    ),
    (
        audio_in(turn_detection={"type": "semantic_vad", "eagerness": "keen"}),
        f"{VAD}.eagerness",
    ),
    (
        audio_in(transcription={"model": "gpt-transcribe", "delay": "low"}),
        "session.audio.input.transcription.delay",
    ),
    (
        audio_in(transcription={"model": "gpt-realtime-whisper", "prompt": "x"}),
        "session.audio.input.transcription.prompt",
    ),
    (
        audio_in(transcription={"model": "whisper-1", "keywords": ["x"]}),
        "session.audio.input.transcription.keywords",
    ),
    (audio_out(voice="nova"), "session.audio.output.voice"),
    (audio_out(speed=0.2), "session.audio.output.speed"),
    (audio_out(speed=1.6), "session.audio.output.speed"),
    ({"type": "input_audio_buffer.append", "audio": 5}, "audio"),
    ({"type": "input_audio_buffer.commit", "event_id": "x" * 513}, "event_id"),
    ({"type": "input_audio_buffer.commit", "event_id": 5}, "event_id"),
    (create(type="item"), "item.type"),
    (create(id="x" * 33, type="function_call_output", call_id="c", output=""), "item.id"),
    (create(type="message", role="user", content=[]), "item.content"),
    (message("user", {"type": "output_text", "text": ""}), "item.content[0].type"),
    (message("assistant", {"type": "text", "text": ""}), "item.content[0].type"),
    (message("user", "hello"), "item.content[0]"),
    (
        {"type": "conversation.item.truncate", "item_id": "i", "content_index": 0}
        | {"audio_end_ms": 12.5},
        "audio_end_ms",
    ),
    (
        {"type": "conversation.item.truncate", "item_id": "i", "content_index": 0}
        | {"audio_end_ms": -1},
        "audio_end_ms",
    ),
    (respond(conversation="some"), "response.conversation"),
    (respond(metadata={str(n): "" for n in range(17)}), "response.metadata"),
    (respond(metadata={"k": "v" * 513}), "response.metadata.k"),
    (respond(input=[{"type": "nothing"}]), "response.input[0].type"),
    ({"type": "response.create", "response": None}, "response"),
]


@pytest.mark.parametrize(("event", "path"), INVALID)
def test_an_impossible_value_is_refused(event: Json, path: str) -> None:
    refusal = refused(event)

    assert refusal.code == "invalid_value"
    assert refusal.param == path


def test_a_beta_format_gets_the_words_of_the_live_server() -> None:
    assert refused(audio_in(format="pcm16")).message.startswith("Invalid value: 'pcm16'")


@pytest.mark.parametrize("name", ["output_audio_buffer.clear", "session.close", "nonsense"])
def test_an_unknown_event_is_told_what_there_is(name: str) -> None:
    refusal = refused({"type": name})

    assert (refusal.code, refusal.param) == ("invalid_value", "type")
    assert "'session.update', 'input_audio_buffer.append'" in refusal.message
    assert "and 'session.input_audio_buffer.append'" in refusal.message


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"{}", "invalid_event"),
        ("{", "invalid_json"),
        ("", "invalid_json"),
        ('{"type": NaN}', "invalid_json"),
        ("[" * 100_000, "invalid_json"),
        ("[]", "invalid_event"),
        ("{}", "invalid_event"),
        ('{"type": 5}', "invalid_event"),
    ],
)
def test_a_frame_that_is_no_event_is_refused(frame: str | bytes, code: str) -> None:
    with pytest.raises(Refusal) as caught:
        validation.parse(frame)

    assert caught.value.code == code


def refused(event: Json) -> Refusal:
    with pytest.raises(Refusal) as caught:
        validation.check(validation.parse(json.dumps(event)))
    return caught.value
