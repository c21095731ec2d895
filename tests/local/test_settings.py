"""The effective session: defaults as seen live, merging, and what cannot change."""

from typing import Any

import pytest

from voiced.local import settings, validation
from voiced.local.refusals import Refusal
from voiced.local.settings import Settings
from voiced.local.sound import WireFormat
from voiced.local.wire import Json

FRESH = settings.realtime("sess_1", "gpt-realtime-2.1", 1_795_003_600)


def after(before: Settings = FRESH, *, has_spoken: bool = False, **session: Any) -> Settings:
    update = {"type": before.wire["type"], **session}
    validation.check({"type": "session.update", "session": update})
    return before.updated(update, has_spoken=has_spoken)


def audio_in(now: Settings) -> Json:
    found: Json = now.wire["audio"]["input"]
    return found


def test_a_speech_session_begins_with_every_key_of_the_live_one() -> None:
    wire = FRESH.echo()
    wire["instructions"] = ""

    assert wire == {
        "type": "realtime",
        "object": "realtime.session",
        "id": "sess_1",
        "model": "gpt-realtime-2.1",
        "output_modalities": ["audio"],
        "instructions": "",
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "tracing": None,
        "truncation": "auto",
        "prompt": None,
        "expires_at": 1_795_003_600,
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": 24000},
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": {
                    "type": "server_vad",
                    "threshold": 0.5,
                    "prefix_padding_ms": 300,
                    "silence_duration_ms": 500,
                    "idle_timeout_ms": None,
                    "create_response": True,
                    "interrupt_response": True,
                },
            },
            "output": {
                "format": {"type": "audio/pcm", "rate": 24000},
                "voice": "marin",
                "speed": 1.0,
            },
        },
        "include": None,
    }


def test_the_first_generation_has_another_voice_and_less_patience() -> None:
    old = settings.realtime("sess_1", "gpt-realtime", 0)

    assert old.wire["audio"]["output"]["voice"] == "alloy"
    assert audio_in(old)["turn_detection"]["silence_duration_ms"] == 200


def test_a_transcription_session_knows_nothing_of_answers() -> None:
    wire = settings.transcription("sess_1", 0).echo()

    assert wire["object"] == "realtime.transcription_session"
    assert set(wire) == {"type", "object", "id", "expires_at", "audio", "include"}
    assert set(wire["audio"]) == {"input"}
    assert "create_response" not in wire["audio"]["input"]["turn_detection"]


def test_what_is_omitted_stays() -> None:
    vad = {"type": "server_vad", "silence_duration_ms": 900}
    now = after(audio={"input": {"turn_detection": vad}}, instructions="Be brief.")

    assert audio_in(now)["turn_detection"]["silence_duration_ms"] == 900
    assert audio_in(now)["turn_detection"]["threshold"] == 0.5
    assert now.wire["audio"]["output"] == FRESH.wire["audio"]["output"]
    assert after(now, tools=[]).wire["instructions"] == "Be brief."


def test_another_kind_of_turn_detection_begins_with_its_own_defaults() -> None:
    now = after(audio={"input": {"turn_detection": {"type": "semantic_vad"}}})

    assert audio_in(now)["turn_detection"] == {
        "type": "semantic_vad",
        "eagerness": "auto",
        "create_response": True,
        "interrupt_response": True,
    }


def test_null_clears_and_a_format_is_replaced_whole() -> None:
    now = after(audio={"input": {"turn_detection": None, "format": {"type": "audio/pcmu"}}})

    assert audio_in(now)["turn_detection"] is None
    assert audio_in(now)["format"] == {"type": "audio/pcmu"}
    assert now.input_format is WireFormat.ULAW
    assert now.turn_rules is None


def test_transcription_is_echoed_with_nulls_and_noise_reduction_with_its_strength() -> None:
    now = after(
        audio={
            "input": {
                "transcription": {"model": "gpt-transcribe"},
                "noise_reduction": {"type": "far_field"},
            }
        }
    )

    expected = {"model": "gpt-transcribe", "language": None, "prompt": None}
    assert audio_in(now)["transcription"] == expected
    assert audio_in(now)["noise_reduction"] == {"type": "far_field", "strength": 1.0}


def test_transcription_needs_a_model_at_first() -> None:
    with pytest.raises(Refusal, match=r"session\.audio\.input\.transcription\.model"):
        after(audio={"input": {"transcription": {"language": "de"}}})


@pytest.mark.parametrize(("eagerness", "silence_ms"), [("low", 1200), ("auto", 700), ("high", 400)])
def test_eagerness_is_patience(eagerness: str, silence_ms: int) -> None:
    vad = {"type": "semantic_vad", "eagerness": eagerness}
    rules = after(audio={"input": {"turn_detection": vad}}).turn_rules

    assert rules is not None
    assert rules.silence_ms == silence_ms


def test_the_type_and_the_model_of_a_session_are_fixed() -> None:
    with pytest.raises(Refusal) as kind:
        FRESH.updated({"type": "transcription"}, has_spoken=False)
    with pytest.raises(Refusal) as model:
        after(model="gpt-realtime-2")

    assert kind.value.param == "session.type"
    assert model.value.param == "session.model"
    assert after(model="gpt-realtime-2.1") == FRESH


def test_a_voice_that_was_heard_is_fixed() -> None:
    other = {"output": {"voice": "cedar"}}

    assert after(audio=other).wire["audio"]["output"]["voice"] == "cedar"
    with pytest.raises(Refusal) as caught:
        after(audio=other, has_spoken=True)
    assert caught.value.code == "cannot_update_voice"
    assert caught.value.param is None
    assert after(audio={"output": {"voice": "marin"}}, has_spoken=True) == FRESH


def test_a_refused_update_changes_nothing() -> None:
    before = FRESH.echo()
    with pytest.raises(Refusal):
        after(model="gpt-realtime-2", instructions="lost", audio={"output": {"speed": 1.2}})

    assert FRESH.wire == before


def test_streaming_whisper_wants_no_turn_detection_when_only_transcribing() -> None:
    fresh = settings.transcription("sess_1", 0)
    whisper = {"transcription": {"model": "gpt-realtime-whisper"}}

    with pytest.raises(Refusal) as caught:
        after(fresh, audio={"input": whisper})
    assert caught.value.param == "session.audio.input.turn_detection"
    assert after(fresh, audio={"input": whisper | {"turn_detection": None}}).transcription
    assert after(audio={"input": whisper}).transcription
