"""A Realtime server made of verbs. It speaks JSON of its own and shares nothing with voiced.realtime."""

import base64
import json
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import numpy as np
import trio

from voiced.faults import LinkClosed, LinkError, Trouble, VoicedError
from voiced.local import g711

Event = dict[str, Any]

SESSION: Event = {
    "type": "realtime",
    "object": "realtime.session",
    "id": "sess_story",
    "model": "gpt-realtime-2.1",
    "expires_at": 3600,
    "output_modalities": ["audio"],
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24000},
            "transcription": None,
            "noise_reduction": None,
            "turn_detection": {"type": "server_vad", "silence_duration_ms": 500},
        },
        "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin", "speed": 1.0},
    },
}


def session_in(audio_format: str, turn_detection: Event | None) -> Event:
    """The session as it is granted, both directions in that format."""
    told = {"type": audio_format} | ({"rate": 24000} if audio_format == "audio/pcm" else {})
    audio = {side: {**settings, "format": told} for side, settings in SESSION["audio"].items()}
    audio["input"]["turn_detection"] = turn_detection
    return {**SESSION, "audio": audio}


def constant(audio_format: str, value: int, ms: int) -> bytes:
    """Constant sound as it travels."""
    if audio_format == "audio/pcm":
        return value.to_bytes(2, "little", signed=True) * 24 * ms
    encode = g711.encode_ulaw if audio_format == "audio/pcmu" else g711.encode_alaw
    return encode(np.full(8 * ms, value, np.int16))


@attrs.define(eq=False)
class FakeWire:
    """One socket: what the server said waits in memory, what it is told is kept."""

    server: "FakeServer"
    heard: list[Event] = attrs.field(factory=list)
    stuck: trio.Event | None = None  # while set and not fired, the server reads nothing
    closed: VoicedError | None = None
    closed_by_us: bool = False
    _outlet: trio.MemorySendChannel[str | bytes] = attrs.field(init=False)
    _inlet: trio.MemoryReceiveChannel[str | bytes] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._outlet, self._inlet = trio.open_memory_channel[str | bytes](math.inf)

    async def send(self, text: str) -> None:
        """As the port says."""
        await trio.lowlevel.checkpoint()
        if self.stuck is not None:
            await self.stuck.wait()
        if self.closed is not None:
            raise self.closed
        assert isinstance(text, str), "never a binary frame"
        event = json.loads(text)
        self.heard.append(event)
        self.server.hear(self, event)

    async def receive(self) -> str | bytes:
        """As the port says."""
        try:
            return await self._inlet.receive()
        except trio.EndOfChannel:
            assert self.closed is not None
            raise self.closed from None

    async def keep_alive(self) -> None:
        """As the port says: this link is always alive until it is closed."""
        await trio.sleep_forever()

    def deliver(self, message: str | bytes) -> None:
        """Let the client receive *message*."""
        if self.closed is None:
            self._outlet.send_nowait(message)

    def close(self, fault: VoicedError) -> None:
        """End the wire; what was delivered before is still received."""
        if self.closed is None:
            self.closed = fault
            self._outlet.close()


@attrs.define(eq=False)
class FakeServer:
    """A server that grants what is asked, says what the story tells it to, and remembers all."""

    wires: list[FakeWire] = attrs.field(factory=list)
    connected_at: list[float] = attrs.field(factory=list)
    models: list[str] = attrs.field(factory=list)  # that were asked for instead of the usual one
    withholds: set[str] = attrs.field(factory=set)  # event types it does not send by itself
    down: bool = False  # nobody can be reached, for as long as this is so
    unreachable: list[VoicedError] = attrs.field(factory=list)  # what the next dials meet
    speaking_item: str = ""  # the user's, from speech_started to committed
    audio_format: str = "audio/pcm"  # what was asked for last
    turn_detection: Event | None = None  # the same
    usage: Event | None = None  # what each response took, if it says so
    transcription_usage: Event | None = None  # the same, of each turn that was written down
    insists_on: str = ""  # a format that it grants whatever is asked for
    _numbers: Iterator[int] = attrs.field(factory=lambda: iter(range(1, 10**9)))

    # --- the port

    @asynccontextmanager
    async def dial(self, model: str = "") -> AsyncIterator[FakeWire]:
        """As the port says."""
        self.models.append(model)
        await trio.lowlevel.checkpoint()
        self.connected_at.append(round(trio.current_time(), 3))
        if self.down:
            raise LinkError("no route", Trouble.UNREACHABLE)
        if self.unreachable:
            raise self.unreachable.pop(0)
        if "connection" in self.withholds:
            await trio.sleep_forever()
        wire = FakeWire(self)
        self.wires.append(wire)
        if "session.created" not in self.withholds:
            self.says({"type": "session.created", "session": SESSION})
        try:
            yield wire
        finally:
            wire.closed_by_us = wire.closed is None
            wire.close(LinkClosed(1000, "closed by us"))

    def hear(self, wire: FakeWire, event: Event) -> None:
        """Answer what a server answers by itself."""
        if event["type"] == "conversation.item.create":
            if "conversation.item.added" not in self.withholds:
                self.adds(event["item"])
            return
        if event["type"] != "session.update":
            return
        audio = event["session"].get("audio")
        if audio is None:  # nothing is to be changed: whoever asks wants a sign of life
            if "signs of life" not in self.withholds:
                self.grants()
            return
        self.audio_format = audio["output"]["format"]["type"]
        self.turn_detection = audio["input"]["turn_detection"]
        if "session.updated" not in self.withholds:
            self.grants()

    # --- what the story looks at

    @property
    def wire(self) -> FakeWire:
        """The socket of now."""
        return self.wires[-1]

    def was_told(self, kind: str) -> list[Event]:
        """All events of that type, on all wires, in order."""
        return [event for wire in self.wires for event in wire.heard if event["type"] == kind]

    @property
    def appended(self) -> bytes:
        """The sound that was sent up on the wire of now."""
        appends = (e for e in self.wire.heard if e["type"] == "input_audio_buffer.append")
        return b"".join(base64.b64decode(e["audio"]) for e in appends)

    # --- verbs

    def says(self, *events: Event) -> None:
        """Send events as they are."""
        for event in events:
            self.wire.deliver(json.dumps({"event_id": self._id("event"), **event}))

    def grants(self) -> None:
        """Send `session.updated`."""
        session = session_in(self.insists_on or self.audio_format, self.turn_detection)
        self.says({"type": "session.updated", "session": session})

    def hears_speech(self, at_ms: int | None = None) -> str:
        """Voice activity begins, by default where sound has come to; return the item's id."""
        self.speaking_item = self._id("item")
        self.says(
            {
                "type": "input_audio_buffer.speech_started",
                "audio_start_ms": len(self.appended) // 48 if at_ms is None else at_ms,
                "item_id": self.speaking_item,
            }
        )
        return self.speaking_item

    def hears_silence(self, at_ms: int = 0) -> None:
        """Voice activity ends and the turn is committed."""
        self.hears_end(at_ms)
        self.commits()

    def hears_end(self, at_ms: int = 0) -> None:
        """Voice activity ends."""
        self.speaking_item = self.speaking_item or self._id("item")
        self.says(
            {
                "type": "input_audio_buffer.speech_stopped",
                "audio_end_ms": at_ms,
                "item_id": self.speaking_item,
            }
        )

    def commits(self) -> str:
        """The turn is an item; return its id."""
        item, self.speaking_item = self.speaking_item or self._id("item"), ""
        self.says(
            {
                "type": "input_audio_buffer.committed",
                "item_id": item,
                "previous_item_id": None,
            }
        )
        return item

    def understands(self, item_id: str, words: str, *, final: bool = False) -> None:
        """Words of the user's: a stretch of them, or (final) all."""
        kind, field = ("completed", "transcript") if final else ("delta", "delta")
        self.says(
            {
                "type": f"conversation.item.input_audio_transcription.{kind}",
                "item_id": item_id,
                "content_index": 0,
                field: words,
                **({"usage": self.transcription_usage} if final else {}),
            }
        )

    def begins(self) -> "Answer":
        """Begin a response with one audio item; the rest is the story's to tell."""
        answer = Answer(self, self._id("resp"))
        self.says(
            {
                "type": "response.created",
                "response": {"id": answer.response_id, "status": "in_progress"},
            }
        )
        answer.opens_item()
        return answer

    def speaks(self, ms: int, *, delta_ms: int = 250) -> str:
        """A whole answer of *ms*, faster than real time, as servers do; return its item's id."""
        answer = self.begins()
        answer.sends(ms, delta_ms=delta_ms)
        answer.ends()
        return answer.item_id

    def adds(self, item: Event) -> None:
        """An item of the client's is in the conversation."""
        placed = {"previous_item_id": None, "item": {"id": self._id("item"), **item}}
        self.says({"type": "conversation.item.added", **placed})
        self.says({"type": "conversation.item.done", **placed})

    def limits(self, remaining: int, reset_s: float) -> None:
        """What is left of the only allowance, and when it is whole again."""
        limit = {"name": "tokens", "limit": 100, "remaining": remaining, "reset_seconds": reset_s}
        self.says({"type": "rate_limits.updated", "rate_limits": [limit]})

    def refuses(
        self,
        code: str | None,
        *,
        kind: str = "invalid_request_error",
        message: str = "no",
        blamed: str | None = None,
    ) -> None:
        """An `error` event."""
        self.says(
            {
                "type": "error",
                "error": {
                    "type": kind,
                    "code": code,
                    "message": message,
                    "param": None,
                    "event_id": blamed,
                },
            }
        )

    def hangs_up(self, code: int = 1006) -> None:
        """The socket ends: with a close frame, or (1006) without."""
        self.wire.close(LinkClosed(code, f"the server closed with {code}"))

    def _id(self, kind: str) -> str:
        return f"{kind}_{next(self._numbers)}"


@attrs.define(eq=False)
class Answer:
    """A response in the making."""

    server: FakeServer
    response_id: str
    item_id: str = ""
    sent_ms: int = 0

    def opens_item(self) -> str:
        """Announce an item."""
        self.item_id = self.server._id("item")
        item = {"id": self.item_id, "type": "message", "role": "assistant", "status": "in_progress"}
        self.server.says(
            {
                "type": "response.output_item.added",
                "response_id": self.response_id,
                "output_index": 0,
                "item": {**item, "content": []},
            },
            {
                "type": "response.content_part.added",
                **self._place(),
                "part": {"type": "audio", "transcript": ""},
            },
        )
        return self.item_id

    def sends(self, ms: int, *, delta_ms: int = 250, value: int = 5000) -> None:
        """Deltas of constant sound."""
        for at in range(0, ms, delta_ms):
            some_ms = min(delta_ms, ms - at)
            self.sends_pcm(constant(self.server.audio_format, value, some_ms))
        self.sent_ms += ms

    def sends_pcm(self, pcm: bytes) -> None:
        """One delta, as it travels."""
        delta = base64.b64encode(pcm).decode()
        self.server.says({"type": "response.output_audio.delta", **self._place(), "delta": delta})

    def writes(self, words: str, *, final: bool = False) -> None:
        """Words of this item: a stretch of them, or (final) all."""
        kind, field = ("done", "transcript") if final else ("delta", "delta")
        event = {"type": f"response.output_audio_transcript.{kind}", **self._place(), field: words}
        self.server.says(event)

    def closes_item(self) -> None:
        """No more sound of this item."""
        self.server.says({"type": "response.output_audio.done", **self._place()})

    def ends(self, status: str = "completed", **details: Any) -> None:
        """The response is done."""
        if status == "completed":
            self.closes_item()
        self.server.says(
            {
                "type": "response.done",
                "response": {
                    "id": self.response_id,
                    "status": status,
                    "status_details": details or None,
                    "output": [],
                    "usage": self.server.usage,
                },
            }
        )

    def fails(self, code: str | None, kind: str = "server_error") -> None:
        """The response comes to nothing."""
        error = {"type": kind, "code": code, "message": "Sorry about that!"}
        self.ends("failed", type="failed", error=error)

    def _place(self) -> Event:
        return {
            "response_id": self.response_id,
            "item_id": self.item_id,
            "output_index": 0,
            "content_index": 0,
        }
