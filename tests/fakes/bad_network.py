"""A stretch of network on loopback that behaves as badly as it is told to.

Law of this file: it carries bytes between a client and one local port and knows nothing of what they
mean. It needs the real clock: kernels do not wait for a mock one. All that a test can ask for is a verb of
`BadNetwork`; whatever is not asked for is a good network.
"""

import enum
import math
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

import attrs
import trio

HOST: Final = "127.0.0.1"
_CHUNK_BYTES: Final = 4096
_CHUNKS_UNDER_WAY: Final = 256  # 1 MB in each direction; then the sender has to wait
_WINDOW_BYTES: Final = (
    16 << 10
)  # what our own kernel takes unasked (Linux: 28 kB): a stall is soon felt
_AT_ONCE: Final = struct.pack("ii", 1, 0)  # SO_LINGER: what is under way is lost, and RST says so


class Way(enum.Enum):
    """How bytes are treated."""

    OPEN = "open"
    STALLED = "stalled"  # nobody reads: the sender's buffers fill up, nothing is lost
    SILENT = "silent"  # all is taken and nothing arrives: what a router does that has forgotten us


@attrs.define(eq=False)
class _Pump:
    """One direction of one connection."""

    network: "BadNetwork"
    source: trio.SocketStream
    sink: trio.SocketStream
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)

    async def run(self) -> None:
        """Carry bytes until the source ends; the sink is told."""
        outlet, inlet = trio.open_memory_channel[tuple[float, bytes]](_CHUNKS_UNDER_WAY)
        with self.scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._take, outlet)
                nursery.start_soon(self._give, inlet)

    async def _take(self, outlet: trio.MemorySendChannel[tuple[float, bytes]]) -> None:
        network = self.network
        async with outlet:
            while True:
                await network.until_it_flows()
                data = bytes(await self.source.receive_some(_CHUNK_BYTES))
                if not data:
                    return
                await network.until_it_flows()
                await trio.sleep(len(data) / network.bytes_per_s)
                if network.way is Way.SILENT:
                    network.lost_bytes += len(data)
                else:
                    await outlet.send((trio.current_time() + network.delay_s, data))

    async def _give(self, inlet: trio.MemoryReceiveChannel[tuple[float, bytes]]) -> None:
        network = self.network
        async for due, data in inlet:
            await trio.sleep_until(due)
            await network.until_it_flows()
            await self.sink.send_all(data)
            network.carried_bytes += len(data)
        if network.way is not Way.SILENT:
            await self.sink.send_eof()


@attrs.define(eq=False)
class _Connection:
    network: "BadNetwork"
    client: trio.SocketStream
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    down: _Pump | None = attrs.field(default=None, init=False)

    async def run(self) -> None:
        """Carry both ways until both have ended, or one breaks."""
        with self.scope:
            await self.network.until_it_flows()
            server = await self._reach()
            if server is None:
                return
            up = _Pump(self.network, self.client, server)
            self.down = _Pump(self.network, server, self.client)
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(up.run)
                    nursery.start_soon(self.down.run)
            except* (trio.BrokenResourceError, trio.ClosedResourceError):
                _reset(self.client)
                _reset(server)
            finally:
                if self.scope.cancel_called:
                    _reset(server)
                server.socket.close()

    async def _reach(self) -> trio.SocketStream | None:
        try:
            return await trio.open_tcp_stream(HOST, self.network.to_port)
        except OSError:
            _reset(self.client)
            return None


def _reset(stream: trio.SocketStream) -> None:
    with suppress(OSError):  # closed already
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    stream.socket.close()


@attrs.define(eq=False)
class BadNetwork:
    """Stands before a port of this machine. `port` is where the client has to knock."""

    to_port: int
    port: int
    delay_s: float = 0.0  # each way, for what is sent from now on
    bytes_per_s: float = math.inf  # each way and connection
    way: Way = Way.OPEN
    accepted: int = 0  # connections
    carried_bytes: int = 0
    lost_bytes: int = 0
    watch: Callable[[str, int], None] = lambda what, number: None
    """Told of each connection's "knock" and "end", and which one it is, counted from 1."""
    _nursery: trio.Nursery = attrs.field(kw_only=True)
    _door: trio.socket.SocketType = attrs.field(kw_only=True)
    _flowing: trio.Event = attrs.field(factory=trio.Event, init=False)
    _connections: set[_Connection] = attrs.field(factory=set, init=False)

    def __attrs_post_init__(self) -> None:
        self._flowing.set()

    # --- what a test asks for ---

    def delays(self, seconds: float) -> None:
        """Let everything take that long, one way."""
        self.delay_s = seconds

    def narrows(self, bytes_per_s: float) -> None:
        """Let no more through."""
        self.bytes_per_s = bytes_per_s

    def stalls(self) -> None:
        """Read nothing any more; new connections are accepted, and that is all."""
        if self.way is not Way.STALLED:
            self.way, self._flowing = Way.STALLED, trio.Event()

    def drops(self) -> None:
        """Swallow everything from now on, ends included."""
        self.way = Way.SILENT
        self._flowing.set()

    def flows(self) -> None:
        """Carry on; what was held goes on its way, what was swallowed is gone."""
        self.way = Way.OPEN
        self._flowing.set()

    def resets(self) -> None:
        """End every connection with RST, on both sides."""
        for connection in list(self._connections):
            connection.scope.cancel()

    def half_closes(self) -> None:
        """Tell clients that nothing more will come; what they say is still carried, and what the
        server says is not even read.
        """
        for connection in self._connections:
            if connection.down is not None:
                connection.down.scope.cancel()
                connection.client.socket.shutdown(socket.SHUT_WR)

    def refuses(self) -> None:
        """Refuse new connections. Those that are open stay open."""
        self._door.close()
        # Bound, so that nobody else gets the port, but not listening.
        self._door = _socket_on(self.port)

    def comes_back(self) -> None:
        """Accept connections again."""
        if not self._door.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            self._listen()

    # --- what the parts ask for ---

    async def until_it_flows(self) -> None:
        """Wait while stalled."""
        await self._flowing.wait()

    def _listen(self) -> None:
        self._door.listen()
        self._nursery.start_soon(self._accept, trio.SocketListener(self._door))

    async def _accept(self, listener: trio.SocketListener) -> None:
        with suppress(trio.ClosedResourceError):  # refusing
            while True:
                client = await listener.accept()
                self.accepted += 1
                self._nursery.start_soon(self._serve, client, self.accepted)

    async def _serve(self, client: trio.SocketStream, number: int) -> None:
        connection = _Connection(self, client)
        self._connections.add(connection)
        self.watch("knock", number)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)
            if connection.scope.cancelled_caught:
                _reset(client)
            client.socket.close()
            self.watch("end", number)


@asynccontextmanager
async def bad_network(to_port: int) -> AsyncIterator[BadNetwork]:
    """A good network before *to_port*, until it is told otherwise."""
    door = _socket_on(0)
    async with trio.open_nursery() as nursery:
        network = BadNetwork(to_port, door.getsockname()[1], nursery=nursery, door=door)
        network._listen()
        try:
            yield network
        finally:
            nursery.cancel_scope.cancel()
            network._door.close()


def _socket_on(port: int) -> trio.socket.SocketType:
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _WINDOW_BYTES)  # handed down
    plain.bind((HOST, port))
    return trio.socket.from_stdlib_socket(plain)
