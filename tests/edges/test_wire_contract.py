"""What every wire promises: the one in memory that the stories use, and a real WebSocket."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import attrs
import pytest
import trio
import trio_websocket

from tests.fakes.server import FakeServer
from voiced.edges.credentials import FixedKey
from voiced.edges.recording import RecordingDialler
from voiced.edges.websocket import Endpoint, WebSocketDialler
from voiced.edges.wire_folder import WireFolder
from voiced.faults import LinkClosed, LinkError, LinkRefused, VoicedError
from voiced.ports import Dialler, Wire
from voiced.verdicts import gravest

Event = dict[str, Any]


class Peer(Protocol):
    """The server's side of a wire, and how to reach it."""

    @property
    def dialler(self) -> Dialler: ...

    @property
    def told(self) -> list[Event]:
        """All that it received."""

    async def says(self, message: str | bytes) -> None: ...

    async def hangs_up(self, code: int) -> None:
        """End the wire with a close frame."""

    async def breaks(self) -> None:
        """End the wire without a word."""

    async def saw_the_end(self) -> int:
        """Wait until the wire has ended; with which code?"""

    def refuses_the_next(self, status: int) -> None:
        """Answer the next attempt with an HTTP status."""


Promise = Callable[[Peer], Awaitable[None]]


@asynccontextmanager
async def dialled(peer: Peer) -> AsyncIterator[Wire]:
    """Nothing that is asked of a wire in these tests may take for ever."""
    with trio.fail_after(20):
        async with peer.dialler.dial() as wire:
            yield wire


async def until(happened: Callable[[], bool]) -> None:
    while not happened():  # noqa: ASYNC110  what the other side has received rings no bell here
        await trio.sleep(0.001)


def text(number: int, **more: Any) -> str:
    return json.dumps({"type": "test", "number": number, **more})


async def end_of(wire: Wire) -> LinkClosed:
    """How the wire ended."""
    with pytest.raises(LinkClosed) as closed:
        await wire.receive()
    assert str(closed.value), "no sentence"
    return closed.value


# --- the promises ---------------------------------------------------------------------------------


async def texts_go_both_ways_in_order(peer: Peer) -> None:
    async with dialled(peer) as wire:
        for number in range(20):
            await wire.send(text(number))
            await peer.says(text(100 + number))
        heard = [json.loads(await wire.receive())["number"] for _ in range(20)]
        await until(lambda: len(peer.told) == 20)
    assert heard == list(range(100, 120))
    assert [event["number"] for event in peer.told] == list(range(20))


async def words_of_all_languages_arrive_as_they_are(peer: Peer) -> None:
    words = 'grün 日本語 🎤 \u2028 "\\'
    async with dialled(peer) as wire:
        await wire.send(text(1, words=words))
        await peer.says(text(2, words=words))
        assert json.loads(await wire.receive())["words"] == words
        await until(lambda: len(peer.told) == 1)
    assert peer.told[0]["words"] == words


async def a_binary_message_arrives_as_bytes(peer: Peer) -> None:
    async with dialled(peer) as wire:
        await peer.says(b"\x00\xff")
        await peer.says(text(1))
        assert await wire.receive() == b"\x00\xff"
        assert await wire.receive() == text(1)


async def a_long_message_is_whole(peer: Peer) -> None:
    async with dialled(peer) as wire:
        long = text(1, blob="x" * 4_000_000)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(peer.says, long)
            assert await wire.receive() == long


async def who_waits_hears_what_comes(peer: Peer) -> None:
    async with dialled(peer) as wire, trio.open_nursery() as nursery:

        async def speak_later() -> None:
            await trio.testing.wait_all_tasks_blocked(0.01)
            await peer.says(text(7))

        nursery.start_soon(speak_later)
        assert await wire.receive() == text(7)


async def giving_up_waiting_loses_nothing(peer: Peer) -> None:
    async with dialled(peer) as wire:
        with trio.move_on_after(0.01) as patience:
            await wire.receive()
        assert patience.cancelled_caught
        await peer.says(text(7))
        assert await wire.receive() == text(7)


async def a_close_is_told_with_its_code(peer: Peer) -> None:
    for code in (1000, 1001, 1011, 1013, 3000, 4000):
        async with dialled(peer) as wire:
            await peer.hangs_up(code)
            assert (await end_of(wire)).code == code


async def a_link_that_breaks_is_told_as_1006(peer: Peer) -> None:
    async with dialled(peer) as wire:
        await peer.breaks()
        assert (await end_of(wire)).code == 1006


async def what_was_said_before_the_end_is_still_heard(peer: Peer) -> None:
    async with dialled(peer) as wire:
        for number in range(5):
            await peer.says(text(number))
        await peer.hangs_up(1001)
        heard = [json.loads(await wire.receive())["number"] for _ in range(5)]
        assert heard == list(range(5))
        assert (await end_of(wire)).code == 1001


async def the_end_is_told_to_whoever_asks_again(peer: Peer) -> None:
    async with dialled(peer) as wire:
        await peer.hangs_up(1011)
        assert [(await end_of(wire)).code for _ in range(3)] == [1011] * 3


async def nothing_can_be_sent_after_the_end(peer: Peer) -> None:
    async with dialled(peer) as wire:
        await peer.hangs_up(1011)
        await end_of(wire)
        with pytest.raises(LinkError):
            await wire.send(text(1))


async def leaving_closes_with_1000(peer: Peer) -> None:
    async with dialled(peer) as wire:
        await wire.send(text(1))
    with trio.fail_after(20):
        assert await peer.saw_the_end() == 1000


async def leaving_while_being_cancelled_closes_with_1000_all_the_same(peer: Peer) -> None:
    with trio.CancelScope() as scope:
        async with dialled(peer) as wire:
            await wire.send(text(1))
            scope.cancel()
            await wire.receive()
    assert scope.cancelled_caught
    with trio.fail_after(20):
        assert await peer.saw_the_end() == 1000


async def leaving_for_a_fault_closes_with_1000_and_tells_the_fault(peer: Peer) -> None:
    async def fail() -> None:
        async with dialled(peer) as wire:
            await wire.send(text(1))
            raise VoicedError("trouble elsewhere")

    faults: list[VoicedError] = []
    try:
        await fail()
    except* VoicedError as group:
        faults.append(gravest(group))
    assert [str(fault) for fault in faults] == ["trouble elsewhere"]
    with trio.fail_after(20):
        assert await peer.saw_the_end() == 1000


async def leaving_after_the_end_is_quiet(peer: Peer) -> None:
    for end in (peer.breaks, lambda: peer.hangs_up(1001)):
        async with dialled(peer) as wire:
            await end()
            await end_of(wire)


async def a_living_link_is_kept_alive_without_complaint(peer: Peer) -> None:
    async with dialled(peer) as wire:
        with trio.move_on_after(0.2) as enough:
            await wire.keep_alive()
        assert enough.cancelled_caught


async def a_refusal_is_told_with_its_status(peer: Peer) -> None:
    for status in (401, 404, 429, 500):
        peer.refuses_the_next(status)
        faults: list[VoicedError] = []
        try:
            async with dialled(peer):
                pytest.fail("connected")
        except* VoicedError as group:
            faults.append(gravest(group))
        (fault,) = faults
        assert isinstance(fault, LinkRefused)
        assert fault.status == status
        assert str(status) in str(fault)


async def it_can_be_dialled_again(peer: Peer) -> None:
    for number in range(3):
        async with dialled(peer) as wire:
            await wire.send(text(number))
            await until(lambda number=number: len(peer.told) == number + 1)  # type: ignore[misc]  # mypy can't infer a lambda's default


PROMISES: list[Promise] = [
    texts_go_both_ways_in_order,
    words_of_all_languages_arrive_as_they_are,
    a_binary_message_arrives_as_bytes,
    a_long_message_is_whole,
    who_waits_hears_what_comes,
    giving_up_waiting_loses_nothing,
    a_close_is_told_with_its_code,
    a_link_that_breaks_is_told_as_1006,
    what_was_said_before_the_end_is_still_heard,
    the_end_is_told_to_whoever_asks_again,
    nothing_can_be_sent_after_the_end,
    leaving_closes_with_1000,
    leaving_while_being_cancelled_closes_with_1000_all_the_same,
    leaving_for_a_fault_closes_with_1000_and_tells_the_fault,
    leaving_after_the_end_is_quiet,
    a_living_link_is_kept_alive_without_complaint,
    a_refusal_is_told_with_its_status,
    it_can_be_dialled_again,
]

all_promises = pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)


# --- who makes them -------------------------------------------------------------------------------


@attrs.define(eq=False)
class FakePeer:
    """The stories' server, left to itself."""

    dialler: FakeServer = attrs.field(factory=lambda: FakeServer(withholds={"session.created"}))

    @property
    def told(self) -> list[Event]:
        return [event for wire in self.dialler.wires for event in wire.heard]

    async def says(self, message: str | bytes) -> None:
        self.dialler.wire.deliver(message)

    async def hangs_up(self, code: int) -> None:
        self.dialler.hangs_up(code)

    async def breaks(self) -> None:
        self.dialler.hangs_up(1006)

    async def saw_the_end(self) -> int:
        await until(lambda: self.dialler.wire.closed is not None)
        assert self.dialler.wire.closed_by_us
        return 1000

    def refuses_the_next(self, status: int) -> None:
        self.dialler.unreachable.append(LinkRefused(status, f"answered HTTP {status}"))


@attrs.define(eq=False)
class RealPeer:
    """A trio-websocket server on this machine."""

    dialler: Dialler
    told: list[Event] = attrs.field(factory=list)
    _refusals: list[int] = attrs.field(factory=list)
    _sockets: list[trio_websocket.WebSocketConnection] = attrs.field(factory=list)

    @classmethod
    @asynccontextmanager
    async def serving(cls) -> AsyncIterator["RealPeer"]:
        async with trio.open_nursery() as nursery:
            peer = cls(FakeServer())
            server = await nursery.start(
                trio_websocket.serve_websocket, peer._serve, "127.0.0.1", 0, None
            )
            url = f"ws://127.0.0.1:{server.port}/v1/realtime"
            endpoint = Endpoint(url, "model", ping_every_s=0.05, ping_limit_s=10)
            peer.dialler = WebSocketDialler(endpoint, FixedKey(None))
            yield peer
            nursery.cancel_scope.cancel()

    async def _serve(self, request: trio_websocket.WebSocketRequest) -> None:
        if self._refusals:
            await request.reject(self._refusals.pop(0), body=b"no")
            return
        socket = await request.accept()
        self._sockets.append(socket)
        with suppress(trio_websocket.ConnectionClosed):
            while True:
                self.told.append(json.loads(await socket.get_message()))

    async def _socket(self) -> trio_websocket.WebSocketConnection:
        """The one of now: the client may know sooner than we that it is connected."""
        await until(lambda: bool(self._sockets) and self._sockets[-1].closed is None)
        return self._sockets[-1]

    async def says(self, message: str | bytes) -> None:
        await (await self._socket()).send_message(message)

    async def hangs_up(self, code: int) -> None:
        await (await self._socket()).aclose(code)

    async def breaks(self) -> None:
        await trio.aclose_forcefully((await self._socket())._stream)

    async def saw_the_end(self) -> int:
        await until(lambda: self._sockets[-1].closed is not None)
        reason = self._sockets[-1].closed
        assert reason is not None
        return reason.code

    def refuses_the_next(self, status: int) -> None:
        self._refusals.append(status)


@all_promises
async def test_the_wire_in_memory(promise: Promise) -> None:
    await promise(FakePeer())


@all_promises
async def test_a_real_websocket(promise: Promise) -> None:
    async with RealPeer.serving() as peer:
        await promise(peer)


@all_promises
@pytest.mark.parametrize("place", ["writable", "not a directory"])
async def test_a_wire_that_is_recorded_or_can_not_be(
    promise: Promise, place: str, tmp_path: Path
) -> None:
    """Whoever uses it notices nothing of it."""
    if place != "writable":
        (tmp_path / "wire").write_text("in the way")
    folder = WireFolder(tmp_path / "wire", 100_000, 60.0)
    async with RealPeer.serving() as peer:
        peer.dialler = RecordingDialler(peer.dialler, folder, str, every_s=0.1)
        await promise(peer)
