"""Answers over a real socket: which may begin, what they hold, how they end."""

import json
from typing import Any

import pytest

from tests.local.client import (
    AT_ONCE,
    PUSH_TO_TALK,
    SPEECH,
    Client,
    Watcher,
    connected,
    serving,
    talking,
    text_item,
)
from voiced.local.brain import Reply, SmallBrain
from voiced.local.ears import PlainEars
from voiced.local.errors import RecognitionFailed, SpeechFailed
from voiced.local.wire import Json

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


async def ask(client: Client, text: str, **response: Any) -> Json:
    """Type a question and read the whole answer."""
    await client.send("conversation.item.create", item=text_item(text))
    await client.send("response.create", **({"response": response} if response else {}))
    return await client.answer()


async def test_a_typed_question_is_answered_aloud() -> None:
    async with talking(AT_ONCE, brain=SmallBrain()) as client:
        response = await ask(client, "what is seven times six")

    (item,) = response["output"]
    assert item["content"] == [
        {"type": "output_audio", "transcript": "Seven times six is forty-two."}
    ]
    deltas = client.all("response.output_audio_transcript.delta")
    assert "".join(event["delta"] for event in deltas) == "Seven times six is forty-two."
    assert len(client.sound()) == len("Seven times six is forty-two.") * 60 * 48


async def test_given_words_are_said_and_belong_to_the_conversation() -> None:
    async with talking(AT_ONCE, brain=SmallBrain()) as client:
        await client.send("conversation.item.create", item=text_item("what is seven times six"))
        asked = {"instructions": "Say exactly: good morning.", "input": []}
        await client.send("response.create", response=asked)
        response = await client.answer()
        (item,) = response["output"]
        await client.send("conversation.item.retrieve", item_id=item["id"])
        await client.until("conversation.item.retrieved")

    assert response["conversation_id"] is not None
    assert item["content"] == [{"type": "output_audio", "transcript": "good morning."}]


async def test_every_key_of_a_response_is_there_from_the_beginning() -> None:
    async with talking(AT_ONCE) as client:
        done = await ask(client, "hello", metadata={"topic": "x"})
        created = client.all("response.created")[0]["response"]

    assert created | {"id": "", "conversation_id": ""} == {
        "object": "realtime.response",
        "id": "",
        "status": "in_progress",
        "status_details": None,
        "output": [],
        "conversation_id": "",
        "output_modalities": ["audio"],
        "max_output_tokens": "inf",
        "audio": {"output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin"}},
        "usage": None,
        "metadata": {"topic": "x"},
    }
    assert set(done) == set(created)
    assert done["status"] == "completed"
    assert done["status_details"] is None
    assert done["usage"] == {
        "total_tokens": 2 + 3 + 20,
        "input_tokens": 2,
        "output_tokens": 3 + 20,
        "input_token_details": {
            "text_tokens": 2,
            "audio_tokens": 0,
            "image_tokens": 0,
            "cached_tokens": 0,
            "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0},
        },
        "output_token_details": {"text_tokens": 3, "audio_tokens": 20},
    }


async def test_an_empty_conversation_is_greeted() -> None:
    async with talking(AT_ONCE, brain=SmallBrain()) as client:
        await client.send("response.create")
        response = await client.answer()

    assert response["output"][0]["content"][0]["transcript"].startswith("I am here")


async def test_one_response_at_a_time() -> None:
    async with talking(answers=["[tone 60000]"]) as client:
        await client.send("response.create")
        created = await client.until("response.created")
        error = await client.refused("response.create", event_id="second")
        await client.send("response.cancel")
        await client.answer()
        await client.send("response.create")
        await client.until("response.created")

    assert error == {
        "type": "invalid_request_error",
        "code": "conversation_already_has_active_response",
        "message": "Conversation already has an active response in progress: "
        f"{created['response']['id']}. Wait until the response is finished before creating a new "
        "one.",
        "param": None,
        "event_id": "second",
    }


async def test_an_out_of_band_response_leaves_no_trace_and_runs_beside() -> None:
    async with talking(answers=["[tone 60000]", "[tone 500]"]) as client:
        await client.send("response.create")
        await client.until("response.output_audio.delta")
        aside = {"conversation": "none", "metadata": {"topic": "aside"}, "input": []}
        await client.send("response.create", response=aside)
        response = await client.answer()
        await client.send("conversation.item.create", item=text_item("next"))
        added = await client.until("conversation.item.done")

    assert response["metadata"] == {"topic": "aside"}
    assert response["conversation_id"] is None
    (item,) = response["output"]
    announced = [event["item"]["id"] for event in client.all("conversation.item.added")]
    assert item["id"] not in announced
    assert added["previous_item_id"] == announced[0]


async def test_out_of_band_responses_are_bounded_and_cancelled_by_id() -> None:
    async with talking("max_out_of_band=1", answers=["[tone 60000]"]) as client:
        await client.send("response.create", response={"conversation": "none"})
        running = (await client.until("response.created"))["response"]["id"]
        error = await client.refused("response.create", response={"conversation": "none"})
        assert error["code"] == "rate_limit_exceeded"
        assert (await client.refused("response.cancel"))["code"] == "response_cancel_not_active"
        await client.send("response.cancel", response_id=running)
        response = await client.answer()

    assert response["id"] == running
    assert response["status"] == "cancelled"


async def test_the_input_of_a_response_can_be_given() -> None:
    async with talking(AT_ONCE, brain=SmallBrain()) as client:
        await ask(client, "what is one plus one")
        asked = client.all("conversation.item.done")[0]["item"]["id"]
        await client.send(
            "response.create", response={"input": [text_item("what is two plus two")]}
        )
        given = await client.answer()
        reference = {"type": "item_reference", "id": asked}
        await client.send("response.create", response={"input": [reference]})
        referred = await client.answer()
        error = await client.refused(
            "response.create", response={"input": [{"type": "item_reference", "id": "nobody"}]}
        )

    assert said(given) == "Two plus two is four."
    assert said(referred) == "One plus one is two."
    assert (error["code"], error["param"]) == ("invalid_value", "response.input[0].id")


async def test_a_given_recording_is_known_by_its_transcript() -> None:
    part = {"type": "input_audio", "audio": "AAA=", "transcript": "what is two plus two"}
    item = {"type": "message", "role": "user", "content": [part]}
    async with talking(AT_ONCE, brain=SmallBrain()) as client:
        await client.send("response.create", response={"input": [item]})

        assert said(await client.answer()) == "Two plus two is four."


async def test_terms_can_be_overridden_for_one_response() -> None:
    output = {"voice": "ash", "format": {"type": "audio/pcmu"}}
    async with talking(AT_ONCE) as client:
        telephone = await ask(client, "hello", audio={"output": output})
        assert len(client.sound()) == 1000 * 8
        written = await ask(client, "hello", output_modalities=["text"])
        usual = await ask(client, "hello")

    assert telephone["audio"]["output"] == output
    assert written["output_modalities"] == ["text"]
    assert usual["audio"]["output"]["voice"] == "marin"


async def test_an_answer_stops_at_its_token_limit() -> None:
    async with talking(AT_ONCE, answers=["[tone 10000]"]) as client:
        response = await ask(client, "hello", max_output_tokens=30)
        await client.send("conversation.item.create", item=text_item("go on"))
        await client.until("conversation.item.done")

    assert response["status"] == "incomplete"
    assert response["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
    assert response["output"][0]["status"] == "incomplete"
    assert 1000 * 48 < len(client.sound()) < 2500 * 48


async def test_written_answers_have_a_limit_too() -> None:
    async with talking(answers=["one two three four five six seven"]) as client:
        await client.update(output_modalities=["text"])
        response = await ask(client, "hello", max_output_tokens=3)

    assert response["status"] == "incomplete"
    assert response["output"][0]["content"][0]["text"] == "one two three"


async def test_a_response_can_hold_several_messages_and_a_call() -> None:
    reply = Reply("[tone 100]", then=("[tone 200]",))
    async with talking(AT_ONCE, answers=[reply]) as client:
        response = await ask(client, "hello")

    assert [item["type"] for item in response["output"]] == ["message", "message"]
    added = client.all("response.output_item.added")
    assert [event["output_index"] for event in added] == [0, 1]
    assert len(client.sound()) == 300 * 48


# --- function calls -----------------------------------------------------------------------------


async def test_a_function_call_and_its_result() -> None:
    async with talking(AT_ONCE) as client:
        await client.update(tools=[WEATHER])
        response = await ask(client, "use the tool get weather")
        await client.until("rate_limits.updated")
        (call,) = response["output"]
        result = {"type": "function_call_output", "call_id": call["call_id"]}
        await client.send("conversation.item.create", item={**result, "output": '{"wind": 5}'})
        await client.send("response.create")
        told = await client.answer()

    assert client.types()[4:16] == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
    ]
    added = client.all("response.output_item.added")[0]["item"]
    assert added == call | {"status": "in_progress", "arguments": ""}
    assert json.loads(call["arguments"]) == {}
    done = client.all("response.function_call_arguments.done")[0]
    assert (done["name"], done["call_id"]) == ("get_weather", call["call_id"])
    assert call["call_id"].startswith("call_")
    assert call["id"] != call["call_id"]
    assert said(told) == "The tool says: wind is 5."


async def test_arguments_come_in_pieces() -> None:
    tool = {**WEATHER, "parameters": {**WEATHER["parameters"], "required": ["city"]}}  # type: ignore[dict-item]
    async with talking(AT_ONCE) as client:
        await client.update(tools=[tool], tool_choice={"type": "function", "name": "get_weather"})
        response = await ask(client, "please")

    deltas = client.all("response.function_call_arguments.delta")
    assert len(deltas) > 1
    assert "".join(event["delta"] for event in deltas) == response["output"][0]["arguments"]
    assert json.loads(response["output"][0]["arguments"]) == {"city": "city"}


# --- the conversation ---------------------------------------------------------------------------


async def test_items_are_created_deleted_and_retrieved() -> None:
    async with talking() as client:
        await client.send("conversation.item.create", item={"id": "one", **text_item("1")})
        await client.send("conversation.item.create", item={"id": "two", **text_item("2")})
        await client.send(
            "conversation.item.create",
            item={"id": "nil", **text_item("0")},
            previous_item_id="root",
        )
        taken = await client.refused(
            "conversation.item.create", item={"id": "one", **text_item("1")}
        )
        lost = await client.refused(
            "conversation.item.create", item=text_item("x"), previous_item_id="nobody"
        )
        await client.send("conversation.item.retrieve", item_id="two")
        retrieved = await client.until("conversation.item.retrieved")
        await client.send("conversation.item.delete", item_id="two")
        deleted = await client.until("conversation.item.deleted")
        gone = await client.refused("conversation.item.retrieve", item_id="two")

    assert [event["previous_item_id"] for event in client.all("conversation.item.added")] == [
        *(None, "one", None),
    ]
    assert client.types()[1:3] == ["conversation.item.added", "conversation.item.done"]
    assert taken["code"] == "item_create_duplicate_item_id"
    assert lost["param"] == "previous_item_id"
    assert retrieved["item"] == {"id": "two", "status": "completed", **text_item("2")}
    assert deleted["item_id"] == "two"
    assert gone["code"] == "item_retrieve_invalid_item_id"


async def test_a_voice_that_was_heard_cannot_change() -> None:
    async with talking(AT_ONCE) as client:
        await ask(client, "hello")
        session = {"type": "realtime", "audio": {"output": {"voice": "cedar"}}}
        error = await client.refused("session.update", session=session)
        same = await client.update(audio={"output": {"voice": "marin"}})

    assert error["code"] == "cannot_update_voice"
    assert same["audio"]["output"]["voice"] == "marin"


async def test_a_refused_update_leaves_nothing_behind() -> None:
    async with talking() as client:
        session = {"type": "realtime", "instructions": "lost", "temperature": 0.8}
        error = await client.refused("session.update", session=session, event_id="u1")
        effective = await client.update()

    assert error["param"] == "session.temperature"
    assert error["event_id"] == "u1"
    assert effective["instructions"] != "lost"


async def test_binary_frames_and_broken_json_are_refused_and_the_session_goes_on() -> None:
    async with talking() as client:
        await client.socket.send_message(b"\0\1")
        binary = await client.until("error")
        await client.socket.send_message('{"type":')
        broken = await client.until("error")
        unknown = await client.refused("output_audio_buffer.clear")
        await client.update()

    assert binary["error"]["code"] == "invalid_event"
    assert broken["error"]["code"] == "invalid_json"
    assert unknown["param"] == "type"


async def test_mcp_servers_are_named_and_not_reached() -> None:
    server = {"type": "mcp", "server_label": "shop", "server_url": "https://shop.invalid/mcp"}
    async with talking() as client:
        await client.update(tools=[server])
        await client.until("conversation.item.done")
        await client.update(tools=[server])

    assert client.types() == [
        "session.created",
        "session.updated",
        "conversation.item.added",
        "mcp_list_tools.in_progress",
        "mcp_list_tools.failed",
        "conversation.item.done",
        "session.updated",
    ]


# --- what is ill --------------------------------------------------------------------------------


class Hoarse:
    async def speak(self, sentence: str, speed: float) -> bytes:
        raise SpeechFailed("no voice today")


class Deaf(PlainEars):
    async def recognise(self, pcm: bytes, hints: object) -> str:
        raise RecognitionFailed("no ears today")


async def test_an_answer_that_cannot_be_spoken_fails() -> None:
    async with talking(voice=Hoarse()) as client:
        response = await ask(client, "hello")

    assert response["status"] == "failed"
    assert response["status_details"]["error"]["code"] == "server_error"
    assert response["output"][0]["status"] == "incomplete"


async def test_speech_that_cannot_be_recognised_is_owned_up_to() -> None:
    async with talking(AT_ONCE, ears=Deaf(), brain=SmallBrain()) as client:
        transcription = {"transcription": {"model": "gpt-transcribe"}, "turn_detection": None}
        await client.update(audio={"input": transcription})
        await client.append(SPEECH)
        await client.send("input_audio_buffer.commit")
        await client.send("response.create")
        response = await client.answer()

    assert "I only understand a few sentences." in said(response)
    assert client.all("conversation.item.input_audio_transcription.failed")


async def test_the_watcher_sees_both_directions_with_trios_time() -> None:
    watch = Watcher()
    async with talking(AT_ONCE, watch=watch) as client:
        await client.update(audio=PUSH_TO_TALK)
        await client.socket.send_message("nonsense")
        await client.until("error")

    times = [one.at_s for one in watch.traffic]
    told = [(one.direction.value, one.event["type"], one.session) for one in watch.traffic]
    assert told == [
        ("to_client", "session.created", 1),
        ("from_client", "session.update", 1),
        ("to_client", "session.updated", 1),
        ("from_client", "", 1),
        ("to_client", "error", 1),
    ]
    assert times == sorted(times)


async def test_sessions_do_not_know_each_other() -> None:
    async with serving(AT_ONCE) as port, connected(port) as one, connected(port) as two:
        await one.until("session.created")
        await two.until("session.created")
        await one.send("conversation.item.create", item={"id": "mine", **text_item("1")})
        await one.until("conversation.item.done")
        error = await two.refused("conversation.item.retrieve", item_id="mine")

    assert error["code"] == "item_retrieve_invalid_item_id"
    ids = [client.seen[0]["session"]["id"] for client in (one, two)]
    assert ids[0] != ids[1]


@pytest.mark.parametrize("knob", ["no", "yes"])
async def test_errors_may_or_may_not_say_whom_they_blame(knob: str) -> None:
    async with talking(f"null_error_event_id={knob}") as client:
        error = await client.refused("response.cancel", event_id="mine")

    assert error["event_id"] == (None if knob == "yes" else "mine")


def said(response: Json) -> str:
    text: str = response["output"][0]["content"][0]["transcript"]
    return text
