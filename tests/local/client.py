"""A server on loopback and a bare client for it, on real sockets and the real clock.

Law of this file: it shows what came over the wire and judges nothing. Every wait is bounded by
`PATIENCE_S`, a guard against hanging and no measure of speed.
"""

import base64
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

import trio
from attrs import define, field
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_client_stream

from voiced.local.brain import Brain, Reply, ScriptedBrain
from voiced.local.ears import Ears, PlainEars
from voiced.local.options import Options
from voiced.local.server import serve, wall_s
from voiced.local.voice import ToneVoice, Voice, tone
from voiced.local.wire import Json, Traffic

PATIENCE_S: Final = 60.0
MODEL: Final = "gpt-realtime-2.1"
KEY: Final = "any-key"
AT_ONCE: Final = "burst_factor=inf"
SPEECH: Final = tone(600)
SILENCE: Final = bytes(48 * 800)


@define(eq=False)
class Client:
    """One session, seen from outside."""

    socket: WebSocketConnection
    seen: list[Json] = field(init=False, factory=list)
    """Every event so far, in order."""

    async def send(self, kind: str, **fields: Any) -> None:
        """Send one event."""
        await self.socket.send_message(json.dumps({"type": kind, **fields}))

    async def append(self, pcm: bytes) -> None:
        """Append audio in one event."""
        audio = base64.b64encode(pcm).decode()
        await self.send("input_audio_buffer.append", audio=audio)

    async def frame(self) -> str | bytes:
        """Read the next frame."""
        with trio.fail_after(PATIENCE_S):
            return await self.socket.get_message()

    async def event(self) -> Json:
        """Read the next event."""
        event: Json = json.loads(await self.frame())
        self.seen.append(event)
        return event

    async def until(self, kind: str) -> Json:
        """Read on until an event of this type has come; return it."""
        while True:
            event = await self.event()
            if event["type"] == kind:
                return event
            assert event["type"] != "error", event["error"]["message"]

    async def refused(self, kind: str, **fields: Any) -> Json:
        """Send an event and return the inner object of the error it earns."""
        await self.send(kind, **fields)
        event = await self.until("error")
        error: Json = event["error"]
        return error

    async def update(self, **session: Any) -> Json:
        """Update the session; return the effective one."""
        await self.send("session.update", session={"type": "realtime", **session})
        updated: Json = (await self.until("session.updated"))["session"]
        return updated

    async def closed(self) -> tuple[int, str | None]:
        """Read on until the connection is closed; return code and reason."""
        while True:
            try:
                await self.event()
            except ConnectionClosed:
                reason = self.socket.closed
                assert reason is not None
                return reason.code, reason.reason

    async def answer(self) -> Json:
        """Read on until a response is over; return it."""
        response: Json = (await self.until("response.done"))["response"]
        return response

    def types(self) -> list[str]:
        """The types of all events so far, runs of the same type told once."""
        names = [event["type"] for event in self.seen]
        return [name for i, name in enumerate(names) if i == 0 or names[i - 1] != name]

    def all(self, kind: str) -> list[Json]:
        """All events of one type so far."""
        return [event for event in self.seen if event["type"] == kind]

    def sound(self) -> bytes:
        """All audio that came."""
        deltas = self.all("response.output_audio.delta")
        return b"".join(base64.b64decode(event["delta"]) for event in deltas)


@define(eq=False)
class Watcher:
    """Sees every event as the server does."""

    patience_s: float = PATIENCE_S
    traffic: list[Traffic] = field(init=False, factory=list)
    _news: trio.Event = field(init=False, factory=trio.Event)

    def __call__(self, one: Traffic) -> None:
        self.traffic.append(one)
        self._news.set()
        self._news = trio.Event()

    def kinds(self) -> list[str]:
        """The types of all events so far."""
        return [one.event["type"] for one in self.traffic]

    async def until(self, kind: str, count: int = 1) -> None:
        """Wait until so many events of a type have passed."""
        with trio.fail_after(self.patience_s):
            while self.kinds().count(kind) < count:
                await self._news.wait()


@asynccontextmanager
async def serving(
    *settings: str,
    answers: Sequence[str | Reply] = ("[tone 1000]",),
    texts: Sequence[str] = ("what time is it",),
    ears: Ears | None = None,
    voice: Voice | None = None,
    brain: Brain | None = None,
    watch: Watcher | None = None,
    now_s: Callable[[], float] = wall_s,
) -> AsyncIterator[int]:
    """Serve with plain ears, a humming voice and scripted answers; hand over the port."""
    start = partial(
        serve,
        Options.parse(settings),
        ears=ears or PlainEars(texts),
        voice=voice or ToneVoice(),
        brain=brain or ScriptedBrain(answers),
        watch=watch,
        now_s=now_s,
    )
    async with trio.open_nursery() as nursery:
        yield await nursery.start(start)
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def connected(
    port: int,
    query: str = f"model={MODEL}",
    *,
    headers: Sequence[tuple[str, str]] = (("Authorization", f"Bearer {KEY}"),),
    protocols: Sequence[str] | None = None,
    queue: int = 64,
) -> AsyncIterator[Client]:
    """Open a session; `session.created` has not been read.

    The stream is ours: the library's own `open_websocket` leaves it open when the server closes.
    """
    with trio.fail_after(PATIENCE_S):
        async with (
            await trio.open_tcp_stream("127.0.0.1", port) as stream,
            trio.open_nursery() as nursery,
        ):
            socket = await wrap_client_stream(
                nursery,
                stream,
                f"127.0.0.1:{port}",
                f"/v1/realtime?{query}",
                subprotocols=protocols,
                extra_headers=[(name.encode(), value.encode()) for name, value in headers],
                max_message_size=64 << 20,
                message_queue_size=queue,
                receive_buffer_size=64 << 10,
            )
            yield Client(socket)
            with trio.move_on_after(1):
                await socket.aclose()
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def talking(*settings: str, **parts: Any) -> AsyncIterator[Client]:
    """Serve, connect, and read `session.created`."""
    async with serving(*settings, **parts) as port, connected(port) as client:
        await client.until("session.created")
        yield client


PUSH_TO_TALK: Final[Json] = {"input": {"turn_detection": None}}


def text_item(text: str) -> Json:
    """Make a user's message of text."""
    content = [{"type": "input_text", "text": text}]
    return {"type": "message", "role": "user", "content": content}
