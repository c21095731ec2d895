"""Turns over a real socket: what comes, in which order, with which positions."""

import base64

import pytest

from tests.local.client import (
    AT_ONCE,
    PUSH_TO_TALK,
    SILENCE,
    SPEECH,
    connected,
    serving,
    talking,
    text_item,
)
from voiced.local import sound
from voiced.local.sound import WireFormat

SPOKEN_ANSWER = [
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
    "rate_limits.updated",
]
FOUND_TURN = [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
]


async def test_a_spoken_turn_has_the_order_of_the_live_server() -> None:
    async with talking(AT_ONCE) as client:
        await client.append(SILENCE + SPEECH + SILENCE)
        await client.until("rate_limits.updated")

    assert client.types() == [
        "session.created",
        *FOUND_TURN,
        "response.created",
        *SPOKEN_ANSWER,
    ]
    assert len(client.sound()) == 1000 * 48


async def test_the_links_between_items_and_the_quirk_of_the_first_answer() -> None:
    async with talking(AT_ONCE) as client:
        for _ in range(2):
            await client.append(SILENCE + SPEECH + SILENCE)
            await client.until("rate_limits.updated")

    added = client.all("conversation.item.added")
    done = client.all("conversation.item.done")
    ids = [event["item"]["id"] for event in added]
    assert [event["previous_item_id"] for event in added] == [None, *ids[:-1]]
    assert [event["previous_item_id"] for event in done] == [None, None, ids[1], ids[2]]
    committed = client.all("input_audio_buffer.committed")
    assert [event["previous_item_id"] for event in committed] == [None, ids[1]]


async def test_the_quirk_can_be_switched_off() -> None:
    async with talking(AT_ONCE, "null_previous_item_id=no") as client:
        await client.append(SILENCE + SPEECH + SILENCE)
        await client.answer()

    user, answer = client.all("conversation.item.done")
    assert answer["previous_item_id"] == user["item"]["id"]


async def test_positions_count_appended_audio_and_the_item_holds_exactly_that() -> None:
    async with talking(AT_ONCE) as client:
        await client.append(SILENCE + SPEECH + SILENCE)
        await client.answer()
        for piece in (SILENCE, SPEECH, SILENCE):
            for start in range(0, len(piece), 960):
                await client.append(piece[start : start + 960])
        await client.answer()
        first, second = client.all("input_audio_buffer.committed")
        await client.send("conversation.item.retrieve", item_id=second["item_id"])
        item = (await client.until("conversation.item.retrieved"))["item"]

    started = [e["audio_start_ms"] for e in client.all("input_audio_buffer.speech_started")]
    stopped = [e["audio_end_ms"] for e in client.all("input_audio_buffer.speech_stopped")]
    assert started == [500, 2700]
    assert stopped == [1900, 4100]
    pcm = base64.b64decode(item["content"][0]["audio"])
    assert pcm == bytes(300 * 48) + SPEECH + bytes(500 * 48)
    assert first["item_id"] == client.all("input_audio_buffer.speech_started")[0]["item_id"]
    usage = client.all("response.done")[0]["response"]["usage"]
    assert usage["input_token_details"]["audio_tokens"] == 14


async def test_push_to_talk() -> None:
    async with talking(AT_ONCE) as client:
        session = await client.update(audio=PUSH_TO_TALK)
        assert session["audio"]["input"]["turn_detection"] is None
        await client.append(SILENCE + SPEECH + SILENCE)
        await client.send("input_audio_buffer.commit")
        await client.send("response.create")
        await client.until("rate_limits.updated")

    assert client.types() == [
        *("session.created", "session.updated"),
        *("input_audio_buffer.committed", "conversation.item.added", "conversation.item.done"),
        *("response.created", *SPOKEN_ANSWER),
    ]


@pytest.mark.parametrize(("length_ms", "told"), [(0, "0.00ms"), (99, "99.00ms")])
async def test_too_little_cannot_be_committed(length_ms: int, told: str) -> None:
    async with talking() as client:
        await client.update(audio=PUSH_TO_TALK)
        await client.append(bytes(length_ms * 48))
        error = await client.refused("input_audio_buffer.commit", event_id="mine")

    assert error == {
        "type": "invalid_request_error",
        "code": "input_audio_buffer_commit_empty",
        "message": "Error committing input audio buffer: buffer too small. Expected at least "
        f"100ms of audio, but buffer only has {told} of audio.",
        "param": None,
        "event_id": "mine",
    }


async def test_clearing_forgets_what_was_appended_and_a_turn_in_progress() -> None:
    async with talking() as client:
        await client.append(SILENCE + SPEECH)
        await client.until("input_audio_buffer.speech_started")
        await client.send("input_audio_buffer.clear")
        await client.until("input_audio_buffer.cleared")
        error = await client.refused("input_audio_buffer.commit")
        assert error["code"] == "input_audio_buffer_commit_empty"
        await client.append(SILENCE)
        assert (await client.refused("response.cancel"))["code"] == "response_cancel_not_active"

    assert "input_audio_buffer.speech_stopped" not in client.types()


async def test_a_commit_closes_a_turn_in_progress_without_saying_that_it_stopped() -> None:
    async with talking() as client:
        await client.append(SILENCE + SPEECH)
        started = await client.until("input_audio_buffer.speech_started")
        await client.send("input_audio_buffer.commit")
        committed = await client.until("input_audio_buffer.committed")
        await client.append(SILENCE)
        error = await client.refused("response.cancel")

    assert committed["item_id"] == started["item_id"]
    assert error["code"] == "response_cancel_not_active"
    assert "input_audio_buffer.speech_stopped" not in client.types()


async def test_turns_without_answers() -> None:
    vad = {"type": "server_vad", "create_response": False, "interrupt_response": False}
    async with talking(AT_ONCE) as client:
        await client.update(audio={"input": {"turn_detection": vad}})
        await client.append(SILENCE + SPEECH + SILENCE)
        await client.until("conversation.item.done")
        await client.send("response.create")
        await client.answer()

    assert client.types()[2:8] == [*FOUND_TURN, "response.created"]


async def test_semantic_turn_detection_is_served_by_patience() -> None:
    vad = {"type": "semantic_vad", "eagerness": "high"}
    async with talking(AT_ONCE) as client:
        await client.update(audio={"input": {"turn_detection": vad}})
        await client.append(SILENCE + SPEECH + SILENCE)
        stopped = await client.until("input_audio_buffer.speech_stopped")

    assert stopped["audio_end_ms"] == 800 + 600 + 400


async def test_an_update_in_mid_turn_keeps_the_turn_unless_turn_detection_changes() -> None:
    async with talking(AT_ONCE) as client:
        await client.append(SILENCE + SPEECH)
        await client.update(instructions="Be brief.")
        await client.append(SILENCE)
        await client.until("input_audio_buffer.speech_stopped")
        await client.answer()
        await client.append(SPEECH)
        await client.update(audio=PUSH_TO_TALK)
        await client.append(SILENCE)
        assert (await client.refused("response.cancel"))["code"] == "response_cancel_not_active"

    assert len(client.all("input_audio_buffer.speech_stopped")) == 1


@pytest.mark.parametrize("wire", [WireFormat.ULAW, WireFormat.ALAW])
async def test_telephone_formats_go_in_and_out(wire: WireFormat) -> None:
    telephone = {"format": {"type": wire.value}}
    async with talking(AT_ONCE) as client:
        await client.update(audio={"input": telephone, "output": telephone})
        await client.append(sound.to_wire(SILENCE + SPEECH + SILENCE, wire))
        response = await client.answer()

    assert response["audio"]["output"]["format"] == {"type": wire.value}
    assert len(client.sound()) == 1000 * 8
    started = client.all("input_audio_buffer.speech_started")[0]
    assert abs(started["audio_start_ms"] - 500) <= 20
    deltas = client.all("response.output_audio.delta")
    assert len(base64.b64decode(deltas[0]["delta"])) == 250 * 8


# --- transcription ------------------------------------------------------------------------------

TRANSCRIPTION = "conversation.item.input_audio_transcription"


async def transcribed(model: str, *settings: str, **session: object) -> list[dict[str, object]]:
    async with talking(AT_ONCE, *settings) as client:
        await client.update(audio={"input": {"transcription": {"model": model}}}, **session)
        await client.append(SILENCE + SPEECH + SILENCE)
        await client.answer()
    return [event for event in client.seen if event["type"].startswith(TRANSCRIPTION)]


async def test_what_was_understood_is_told_word_by_word() -> None:
    *deltas, completed = await transcribed("gpt-transcribe")

    assert [event["delta"] for event in deltas] == ["what", " time", " is", " it"]
    assert all(event["obfuscation"] for event in deltas)
    assert completed["transcript"] == "what time is it"
    assert completed["usage"] == {
        "type": "tokens",
        "input_tokens": 14,
        "output_tokens": 4,
        "total_tokens": 18,
        "input_token_details": {"text_tokens": 0, "audio_tokens": 14},
    }
    assert "logprobs" not in completed


async def test_whisper_tells_all_at_once_and_counts_seconds() -> None:
    include = ["item.input_audio_transcription.logprobs"]
    delta, completed = await transcribed("whisper-1", include=include)

    assert delta["delta"] == "what time is it"
    assert completed["usage"] == {"type": "duration", "seconds": 1.4}
    assert completed["logprobs"] == []


async def test_a_transcript_lands_in_the_item() -> None:
    async with talking(AT_ONCE) as client:
        await client.update(audio={"input": {"transcription": {"model": "gpt-transcribe"}}})
        await client.append(SILENCE + SPEECH + SILENCE)
        completed = await client.until(f"{TRANSCRIPTION}.completed")
        await client.send("conversation.item.retrieve", item_id=completed["item_id"])
        item = (await client.until("conversation.item.retrieved"))["item"]

    assert item["content"][0]["transcript"] == "what time is it"


async def test_transcription_can_fail_and_the_answer_comes_all_the_same() -> None:
    (failed,) = await transcribed("gpt-transcribe", "fault=transcription_failed")

    assert failed["type"] == f"{TRANSCRIPTION}.failed"
    assert failed["error"] == {
        "type": "server_error",
        "code": "transcription_failed",
        "message": "Input transcription failed for this item.",
        "param": None,
    }


async def test_a_transcription_may_begin_before_the_turn_is_committed() -> None:
    async with talking(AT_ONCE, "fault=early_transcription") as client:
        await client.append(SILENCE + SPEECH + SILENCE)
        committed = await client.until("input_audio_buffer.committed")

    assert client.seen[-2]["type"] == f"{TRANSCRIPTION}.delta"
    assert client.seen[-2]["item_id"] == committed["item_id"]


async def test_a_transcription_session_transcribes() -> None:
    async with serving() as port, connected(port, "intent=transcription") as client:
        audio = {"input": {"transcription": {"model": "gpt-transcribe"}}}
        await client.send("session.update", session={"type": "transcription", "audio": audio})
        await client.append(SILENCE + SPEECH + SILENCE)
        completed = await client.until(f"{TRANSCRIPTION}.completed")

    assert completed["transcript"] == "what time is it"
    assert "response.created" not in client.types()


async def test_a_client_can_hand_in_a_recording() -> None:
    part = {"type": "input_audio", "audio": base64.b64encode(SPEECH).decode()}
    async with talking(AT_ONCE) as client:
        await client.update(audio={"input": {"transcription": {"model": "gpt-transcribe"}}})
        item = {"type": "message", "role": "user", "content": [part]}
        await client.send("conversation.item.create", item=item)
        added = await client.until("conversation.item.done")
        await client.send("response.create")
        await client.answer()

    assert "audio" not in added["item"]["content"][0]
    assert client.all(f"{TRANSCRIPTION}.completed")[0]["transcript"] == "what time is it"


async def test_text_only() -> None:
    async with talking(answers=["It is noon."]) as client:
        await client.update(output_modalities=["text"])
        await client.send("conversation.item.create", item=text_item("what time is it"))
        await client.send("response.create")
        await client.until("rate_limits.updated")

    assert client.types()[4:] == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    assert [e["delta"] for e in client.all("response.output_text.delta")] == ["It", " is", " noon."]
    (item,) = client.all("response.done")[0]["response"]["output"]
    assert item["content"] == [{"type": "output_text", "text": "It is noon."}]
    assert client.all("response.content_part.added")[0]["part"] == {"type": "text", "text": ""}
