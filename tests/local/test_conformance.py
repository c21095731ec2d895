"""Conversations held by a client this project did not write: the official package.

Every event it receives is validated against the package's own typed union, and again without the
leniency of its parser: a known class, no field missing. The client is synchronous and lives in a
thread; sound is real, spoken by flite, found by Silero and understood by pocketsphinx.
"""

import base64
import json
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import trio
from openai import OpenAI
from openai.resources.realtime.realtime import RealtimeConnection
from openai.types.realtime import RealtimeServerEvent
from pydantic import BaseModel, TypeAdapter

from tests.local.client import KEY, MODEL, PATIENCE_S, serving
from voiced.local import hearing, speech
from voiced.local.brain import SmallBrain
from voiced.local.sound import silence
from voiced.local.voice import Voice

NOON = datetime(2026, 11, 20, 12, 30)
KNOWN: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
FRAME_BYTES = 960
# Seen on the live wire, but absent from the package's types.
UNTYPED = {"obfuscation", "object", "id", "expires_at"}


def extras(thing: object) -> set[str]:
    """The fields at any depth for which the package has no name."""
    if isinstance(thing, BaseModel):
        known = [getattr(thing, name) for name in type(thing).model_fields]
        return set(thing.model_extra or ()).union(*map(extras, known))
    if isinstance(thing, list):
        return set().union(*map(extras, thing))
    return set()


class Official:
    """The official client, in the words of these stories."""

    def __init__(self, connection: RealtimeConnection) -> None:
        self.wire = connection
        self.events: list[Any] = []

    def next(self) -> Any:
        """Receive one event, and judge its shape."""
        raw = self.wire.recv_bytes()
        event = self.wire.parse_event(raw)
        strict = KNOWN.validate_python(json.loads(raw))
        assert type(strict) is type(event)
        assert extras(strict) <= UNTYPED, strict
        self.events.append(event)
        return event

    def until(self, kind: str) -> Any:
        while True:
            event = self.next()
            if event.type == kind:
                return event
            assert event.type != "error", event

    def speak(self, pcm: bytes) -> None:
        """Append speech in frames of 20 ms."""
        for start in range(0, len(pcm), FRAME_BYTES):
            frame = pcm[start : start + FRAME_BYTES]
            self.wire.input_audio_buffer.append(audio=base64.b64encode(frame).decode())

    def types(self) -> list[str]:
        return [event.type for event in self.events]

    def sound(self) -> bytes:
        deltas = [e.delta for e in self.events if e.type == "response.output_audio.delta"]
        return b"".join(map(base64.b64decode, deltas))


async def converse(
    story: Callable[[Official, Callable[[str], bytes]], None], *settings: str
) -> None:
    """Let the official client live one story against a server with real ears and a real voice."""
    voice: Voice = speech.find_voice()

    def say(sentence: str) -> bytes:
        pcm: bytes = trio.from_thread.run(voice.speak, sentence, 1.0)
        return silence(300) + pcm + silence(900)

    def tell(port: int) -> None:
        client = OpenAI(api_key=KEY, websocket_base_url=f"ws://127.0.0.1:{port}/v1")
        with client, client.realtime.connect(model=MODEL) as connection:
            official = Official(connection)
            official.until("session.created")
            story(official, say)

    with trio.fail_after(PATIENCE_S):
        real = {"ears": hearing.open_ears(), "voice": voice, "brain": SmallBrain(lambda: NOON)}
        async with serving(*settings, **real) as port:  # type: ignore[arg-type]
            await trio.to_thread.run_sync(partial(tell, port))


async def test_a_spoken_turn() -> None:
    def story(client: Official, say: Callable[[str], bytes]) -> None:
        client.wire.session.update(
            session={
                "type": "realtime",
                "output_modalities": ["audio"],
                "audio": {
                    "input": {
                        "format": {"type": "audio/pcm", "rate": 24000},
                        "transcription": {"model": "gpt-transcribe"},
                        "turn_detection": {"type": "server_vad", "silence_duration_ms": 500},
                    }
                },
            }
        )
        client.until("session.updated")
        client.speak(say("What time is it?"))
        response = client.until("response.done").response
        client.until("rate_limits.updated")

        (item,) = response.output
        assert item.content[0].transcript == "It is twelve thirty in the afternoon."
        heard = [e for e in client.events if e.type.endswith("transcription.completed")]
        assert heard[0].transcript == "what time is it"
        assert 1000 < len(client.sound()) / 48 < 6000
        order = [name for name in client.types() if name.startswith("input_audio_buffer.")]
        assert order == [
            "input_audio_buffer.speech_started",
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
        ]

    await converse(story, "burst_factor=50")


async def test_push_to_talk() -> None:
    def story(client: Official, say: Callable[[str], bytes]) -> None:
        client.wire.session.update(
            session={"type": "realtime", "audio": {"input": {"turn_detection": None}}}
        )
        client.until("session.updated")
        client.speak(say("What is seven times six?"))
        client.wire.input_audio_buffer.commit()
        client.wire.response.create()
        response = client.until("response.done").response

        assert response.output[0].content[0].transcript == "Seven times six is forty-two."
        assert not [name for name in client.types() if "speech" in name]

    await converse(story, "burst_factor=50")


async def test_a_function_call() -> None:
    def story(client: Official, say: Callable[[str], bytes]) -> None:
        schema = {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        }
        client.wire.session.update(
            session={
                "type": "realtime",
                "tools": [{"type": "function", "name": "get_weather", "parameters": schema}],
            }
        )
        client.until("session.updated")
        client.speak(say("Use the tool get weather."))
        (call,) = client.until("response.done").response.output
        assert (call.type, call.name) == ("function_call", "get_weather")
        assert json.loads(call.arguments) == {"city": "city"}
        client.wire.conversation.item.create(
            item={
                "type": "function_call_output",
                "call_id": call.call_id,
                "output": '{"sky": "clear"}',
            }
        )
        client.wire.response.create()
        told = client.until("response.done").response
        assert told.output[0].content[0].transcript == "The tool says: sky is clear."

    await converse(story, "burst_factor=50")


async def test_an_interruption_and_a_truncation() -> None:
    def story(client: Official, say: Callable[[str], bytes]) -> None:
        client.speak(say("Tell me a longer story."))
        first = client.until("response.output_audio.delta")
        for _ in range(3):
            client.until("response.output_audio.delta")
        client.speak(say("Never mind."))
        client.until("input_audio_buffer.speech_started")
        cut = client.until("response.done").response
        assert cut.status == "cancelled"
        assert cut.status_details.reason == "turn_detected"
        assert cut.output[0].status == "incomplete"
        client.wire.conversation.item.truncate(
            item_id=first.item_id, content_index=0, audio_end_ms=480
        )
        assert client.until("conversation.item.truncated").audio_end_ms == 480
        client.wire.conversation.item.retrieve(item_id=first.item_id)
        kept = client.until("conversation.item.retrieved").item.content[0]
        assert len(base64.b64decode(kept.audio)) == 480 * 48
        assert kept.transcript is None
        while (done := client.until("response.done").response).status != "completed":
            pass
        assert done.output[0].content[0].transcript == "All right."

    await converse(story, "burst_factor=4")


async def test_errors_and_everything_else_the_client_can_say() -> None:
    def story(client: Official, say: Callable[[str], bytes]) -> None:
        del say
        wire = client.wire
        wire.conversation.item.create(
            item={
                "id": "mine",
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "what is two plus two"}],
            }
        )
        client.until("conversation.item.done")
        wire.response.create(response={"output_modalities": ["text"], "conversation": "none"})
        response = client.until("response.done").response
        assert response.output[0].content[0].text == "Two plus two is four."
        wire.conversation.item.delete(item_id="mine")
        client.until("conversation.item.deleted")
        wire.input_audio_buffer.clear()
        client.until("input_audio_buffer.cleared")
        wire.response.cancel(event_id="blame me")
        while (event := client.next()).type != "error":
            pass
        assert event.error.code == "response_cancel_not_active"
        assert event.error.event_id == "blame me"
        wire.send({"type": "output_audio_buffer.clear"})
        while (event := client.next()).type != "error":
            pass
        assert event.error.param == "type"
        server = {"type": "mcp", "server_label": "x", "server_url": "https://x.invalid"}
        wire.session.update(session={"type": "realtime", "tools": [server]})  # type: ignore[list-item]
        client.until("mcp_list_tools.failed")

    await converse(story, "burst_factor=inf")
