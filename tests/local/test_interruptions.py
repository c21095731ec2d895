"""Cutting an answer: by speaking, by cancelling, by truncating; while it comes, and after."""

import pytest

from tests.local.client import AT_ONCE, SILENCE, SPEECH, Client, talking
from voiced.local.voice import RecordedVoice
from voiced.local.wire import Json

LONG = ["[tone 60000]", "[tone 500]"]
CLOSING = [
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
]


async def begin(client: Client) -> Json:
    """Have an answer begun, and read its first delta."""
    await client.send("response.create")
    return await client.until("response.output_audio.delta")


async def test_speaking_cancels_the_answer_and_closes_it_in_order() -> None:
    async with talking(answers=LONG) as client:
        delta = await begin(client)
        await client.append(SPEECH)
        await client.until("input_audio_buffer.speech_started")
        before = len(client.seen)
        response = await client.answer()
        closing = [event["type"] for event in client.seen[before:]]
        await client.append(SILENCE)
        await client.answer()

    assert closing == CLOSING
    assert response["status"] == "cancelled"
    assert response["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert response["output"][0]["status"] == "incomplete"
    after = [e for e in client.seen[before:] if e["type"] == "response.output_audio.delta"]
    assert delta["item_id"] not in {event["item_id"] for event in after}
    assert len(client.all("response.created")) == len(client.all("response.done")) == 2


async def test_done_events_hold_what_was_generated() -> None:
    async with talking(answers=["[tone 60000] and a few more words"]) as client:
        await begin(client)
        await client.send("response.cancel")
        response = await client.answer()

    words = "".join(e["delta"] for e in client.all("response.output_audio_transcript.delta"))
    assert client.all("response.output_audio_transcript.done")[0]["transcript"] == words
    assert response["output"][0]["content"][0]["transcript"] == words


async def test_a_client_cancels() -> None:
    async with talking(answers=LONG) as client:
        await begin(client)
        await client.send("response.cancel")
        response = await client.answer()
        again = await client.refused("response.cancel")

    assert response["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    assert again["code"] == "response_cancel_not_active"
    assert again["message"] == "Cancellation failed: no active response found"


async def test_cancelling_an_answer_that_has_not_begun_to_speak() -> None:
    async with talking("first_delta_delay_ms=60000") as client:
        await client.send("response.create")
        await client.until("response.created")
        await client.send("response.cancel")
        response = await client.answer()

    assert response["output"] == []
    assert client.types()[1:3] == ["response.created", "response.done"]


async def test_an_answer_that_is_over_is_not_cancelled_by_speaking() -> None:
    async with talking(AT_ONCE) as client:
        await begin(client)
        first = await client.answer()
        await client.append(SPEECH)
        await client.until("input_audio_buffer.speech_started")
        assert (await client.refused("response.cancel"))["code"] == "response_cancel_not_active"

    assert first["status"] == "completed"
    assert len(client.all("response.done")) == 1


async def test_without_interruption_the_second_answer_is_refused_and_nobody_is_blamed() -> None:
    vad = {"type": "server_vad", "interrupt_response": False}
    async with talking(answers=LONG) as client:
        await client.update(audio={"input": {"turn_detection": vad}})
        await begin(client)
        await client.append(SPEECH + SILENCE)
        error = (await client.until("error"))["error"]

    assert error["code"] == "conversation_already_has_active_response"
    assert error["event_id"] is None
    assert "input_audio_buffer.committed" in client.types()
    assert "response.done" not in client.types()


async def test_truncating_while_the_answer_still_comes() -> None:
    async with talking(answers=LONG) as client:
        delta = await begin(client)
        place = {"item_id": delta["item_id"], "content_index": 0}
        await client.send("conversation.item.truncate", **place, audio_end_ms=200)
        truncated = await client.until("conversation.item.truncated")
        await client.until("response.output_audio.delta")
        await client.send("response.cancel")
        await client.answer()
        await client.send("conversation.item.retrieve", item_id=delta["item_id"])
        item = (await client.until("conversation.item.retrieved"))["item"]

    assert truncated["audio_end_ms"] == 200
    assert item["content"][0]["transcript"] is None
    assert len(item["content"][0]["audio"]) == 200 * 48 * 4 // 3


async def test_the_limit_of_truncation_is_what_was_generated() -> None:
    async with talking(AT_ONCE, answers=["[tone 3700]"]) as client:
        delta = await begin(client)
        await client.answer()
        place = {"item_id": delta["item_id"], "content_index": 0}
        beyond = await client.refused(
            "conversation.item.truncate", **place, audio_end_ms=3760, event_id="t1"
        )
        await client.send("conversation.item.truncate", **place, audio_end_ms=3700)
        await client.until("conversation.item.truncated")
        nobody = await client.refused(
            "conversation.item.truncate", item_id="x", content_index=0, audio_end_ms=0
        )

    assert beyond == {
        "type": "invalid_request_error",
        "code": None,
        "message": "Audio content of 3700ms is already shorter than 3760ms",
        "param": None,
        "event_id": "t1",
    }
    assert nobody["code"] == "item_truncate_invalid_item_id"


@pytest.mark.parametrize("kind", ["pcmu", "pcma"])
@pytest.mark.parametrize("samples", [2421, 2422, 2423])
async def test_a_telephone_answer_is_as_long_here_as_on_the_wire(kind: str, samples: int) -> None:
    """Sentences that are no whole number of telephone samples must not add up to more than is here."""
    voice = RecordedVoice(bytes(2 * samples))
    async with talking(AT_ONCE, answers=["One. Two. Three."], voice=voice) as client:
        await client.update(audio={"output": {"format": {"type": f"audio/{kind}"}}})
        await begin(client)
        response = await client.answer()
        received_ms = len(client.sound()) // 8
        place = {"item_id": response["output"][0]["id"], "content_index": 0}
        await client.refused("conversation.item.truncate", **place, audio_end_ms=received_ms + 1)
        await client.send("conversation.item.truncate", **place, audio_end_ms=received_ms)
        await client.until("conversation.item.truncated")


@pytest.mark.parametrize("count", [1, 3])
async def test_stragglers_come_after_a_cancel_and_before_the_end(count: int) -> None:
    async with talking(f"stragglers={count}", answers=LONG) as client:
        await begin(client)
        await client.append(SPEECH)
        await client.until("input_audio_buffer.speech_started")
        before = len(client.seen)
        await client.answer()

    kinds = [event["type"] for event in client.seen[before:]]
    assert kinds == ["response.output_audio.delta"] * count + CLOSING


async def test_a_cancel_can_be_confirmed_late() -> None:
    async with talking("cancel_delay_ms=50", answers=LONG) as client:
        await begin(client)
        await client.send("response.cancel")
        await client.send("response.create")
        error = (await client.until("error"))["error"]
        assert "response.done" not in client.types()
        response = await client.answer()

    assert error["code"] == "conversation_already_has_active_response"
    assert response["status"] == "cancelled"


async def test_a_late_confirmation_never_costs_a_turn() -> None:
    async with talking("cancel_delay_ms=60000", answers=LONG) as client:
        await begin(client)
        await client.append(SPEECH + SILENCE)
        first = await client.answer()
        second = await client.answer()

    assert (first["status"], second["status"]) == ("cancelled", "completed")


async def test_nothing_is_said_of_a_response_after_its_end() -> None:
    async with talking(
        AT_ONCE, "delta_bytes=480", answers=[" ".join(["[tone 1000]."] * 5)]
    ) as client:
        for _ in range(40):
            await begin(client)
            await client.send("response.cancel")
            await client.answer()

    ended: set[str] = set()
    for event in client.seen:
        assert event.get("response_id") not in ended, event
        if event["type"] == "response.done":
            assert event["response"]["id"] not in ended
            ended.add(event["response"]["id"])
    assert len(ended) == 40
