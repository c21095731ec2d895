"""A whole session without sockets, so that Trio's mock clock may run it: hours in milliseconds.

Law of this file: only the socket is false. Session, line and desk are the real ones.
"""

import json
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import trio
from attrs import define, field
from trio.testing import memory_stream_pair
from trio_websocket import WebSocketConnection

from tests.local.client import MODEL, Watcher
from voiced.local import settings
from voiced.local.brain import ScriptedBrain
from voiced.local.conversation import Conversation
from voiced.local.desk import Desk
from voiced.local.ears import PlainEars
from voiced.local.line import Line
from voiced.local.mischief import Mischief
from voiced.local.options import Options
from voiced.local.session import Session
from voiced.local.voice import ToneVoice
from voiced.local.wire import Json


@define(eq=False)
class Puppet:
    """A socket made of two lists; what is said to the client is heard by the line's watcher."""

    watch: Watcher
    pings: list[float] = field(init=False, factory=list)
    closed_with: tuple[int, str] | None = field(init=False, default=None)
    _to_server: trio.MemorySendChannel[str] = field(init=False)
    _from_client: trio.MemoryReceiveChannel[str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._to_server, self._from_client = trio.open_memory_channel[str](16)

    # --- as the server sees it ---

    async def get_message(self) -> str:
        return await self._from_client.receive()

    async def send_message(self, frame: str) -> None:
        del frame
        await trio.lowlevel.checkpoint()

    async def ping(self) -> None:
        self.pings.append(trio.current_time())

    async def aclose(self, code: int, reason: str) -> None:
        self.closed_with = (code, reason)

    # --- as a test sees it ---

    async def send(self, kind: str, **fields: Any) -> None:
        await self._to_server.send(json.dumps({"type": kind, **fields}))

    def times(self, kind: str) -> list[float]:
        """When events of a type were handed to the socket, in seconds since the start."""
        return [round(one.at_s, 6) for one in self.watch.traffic if one.event["type"] == kind]

    def all(self, kind: str) -> list[Json]:
        return [one.event for one in self.watch.traffic if one.event["type"] == kind]


def lay(
    nursery: trio.Nursery, options: Options, answers: Sequence[str], watch: Watcher | None = None
) -> Desk:
    """Lay a desk; nobody works at it yet."""
    line = Line(options, 1, watch)
    return Desk(
        options,
        line,
        settings.realtime("sess_1", MODEL, 0),
        Conversation(60_000),
        nursery,
        Mischief(line, "sess_1", nursery),
        PlainEars(["what time is it"]),
        ToneVoice(),
        ScriptedBrain(answers),
    )


@asynccontextmanager
async def in_memory(
    *knobs: str, answers: Sequence[str] = ("[tone 1000]",)
) -> AsyncIterator[Puppet]:
    """Hold a session with a puppet."""
    puppet = Puppet(Watcher(patience_s=math.inf))  # its clock is false, too
    socket = cast("WebSocketConnection", puppet)
    stream, _ = memory_stream_pair()
    async with trio.open_nursery() as nursery:
        desk = lay(nursery, Options.parse(knobs), answers, puppet.watch)
        nursery.start_soon(Session(desk).run, socket)
        nursery.start_soon(desk.line.run, socket, stream)
        await puppet.watch.until("session.created")
        yield puppet
        nursery.cancel_scope.cancel()
