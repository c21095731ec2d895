"""A entrance without a socket: callers come in over memory, with the rights that the story gives them."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import attrs
import trio
import trio.testing

from voiced.control.rights import ALL, Right
from voiced.edges.control_socket import Lines
from voiced.ports import Caller

Json = dict[str, Any]


@attrs.define(eq=False)
class Client:
    """Whoever has come in: asks, and keeps what is told meanwhile."""

    stream: trio.abc.Stream
    events: list[Json] = attrs.field(factory=list)
    _come: bytearray = attrs.field(factory=bytearray, init=False)
    _asked: int = attrs.field(default=0, init=False)

    async def asks(self, method: str, **params: Any) -> Json:
        """Make a request; return the whole reply. Events that come before it are kept."""
        self._asked += 1
        await self.says({"jsonrpc": "2.0", "id": self._asked, "method": method, "params": params})
        while True:
            message = await self.hears()
            if "id" in message:
                assert message["id"] == self._asked
                return message
            self.events.append(message)

    async def does(self, method: str, **params: Any) -> Any:
        """Make a request that is granted; return the result."""
        reply = await self.asks(method, **params)
        assert "result" in reply, reply
        return reply["result"]

    async def is_refused(self, method: str, **params: Any) -> tuple[int, str]:
        """Make a request that is not granted; return code and sentence."""
        error = (await self.asks(method, **params))["error"]
        return error["code"], error["message"]

    async def says(self, message: Any) -> None:
        """Send one line."""
        await self.stream.send_all(json.dumps(message).encode() + b"\n")

    async def hears(self) -> Json:
        """Read one line; EndOfChannel if there will be none."""
        while b"\n" not in self._come:
            piece = await self.stream.receive_some(65_536)
            if not piece:
                raise trio.EndOfChannel
            self._come += piece
        line, _, rest = bytes(self._come).partition(b"\n")
        self._come = bytearray(rest)
        message: Json = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        return message

    async def gathers(self) -> None:
        """Keep all events that are there already."""
        await trio.testing.wait_all_tasks_blocked()
        while True:
            with trio.move_on_after(0.001) as hurry:  # of the story
                self.events.append(await self.hears())
            if hurry.cancelled_caught:
                return

    def told(self, topic: str) -> list[Json]:
        """The events of that topic."""
        return [each["params"] for each in self.events if each["method"] == topic]

    async def leaves(self) -> None:
        """Go, without a word."""
        await self.stream.aclose()


@attrs.define(eq=False)
class FakeEntrance:
    """As the port says; stories call `lets_in`."""

    _attend: Callable[[Caller], Awaitable[None]] | None = None
    _nursery: trio.Nursery | None = None

    async def serve(self, attend: Callable[[Caller], Awaitable[None]]) -> NoReturn:
        """As the port says."""
        async with trio.open_nursery() as nursery:
            self._attend, self._nursery = attend, nursery
            await trio.sleep_forever()
        raise AssertionError

    async def lets_in(self, rights: frozenset[Right] = ALL, *, narrow: bool = False) -> Client:
        """Somebody with these rights comes in; by a *narrow* way nothing is under way: what the
        client does not read, the daemon can't send.
        """
        assert self._nursery is not None
        way = trio.testing.lockstep_stream_pair if narrow else trio.testing.memory_stream_pair
        ours, theirs = way()
        self._nursery.start_soon(self._show_in, theirs, rights)
        await trio.testing.wait_all_tasks_blocked()
        return Client(ours)

    async def _show_in(self, stream: trio.abc.Stream, rights: frozenset[Right]) -> None:
        assert self._attend is not None
        async with stream:
            await self._attend(Lines(stream, rights, "somebody"))
