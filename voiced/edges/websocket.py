"""The wire over trio-websocket; the only place that knows its exceptions.

permessage-deflate is not offered: the payload is base64 of noise-like PCM, and compressing it would
cost a Pi more than the bytes do.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlencode, urlsplit, urlunsplit

import attrs
import h11
import trio
import trio_websocket
import wsproto.utilities
from attrs import frozen

from voiced.edges.credentials import Authority, Secret
from voiced.edges.refusal import UpgradingStream
from voiced.edges.transport import Route, open_stream
from voiced.faults import LinkClosed, LinkError, LinkRefused, Trouble

_AZURE: Final = ".openai.azure.com"
_FAREWELL_S: Final = 1.0  # for the closing handshake: the whole daemon has 2 s to stop
_ABNORMAL: Final = 1006  # never on the wire (RFC 6455, 7.4.1): trio-websocket's word for no word
_RECEIVE_QUEUE: Final = 32
"""Messages read ahead. trio-websocket stops answering pings while its queue is full; the receiving
task never waits for playout, so a few are plenty."""
_READ_BYTES: Final = 64 << 10  # a delta in one read, not in three: the default is 4 KiB


@frozen
class Endpoint:
    """One server and how to knock: what `WebSocketDialler` needs, as plain values."""

    url: str
    model: str
    key_header: str = "auto"  # "auto", "bearer", "api-key"
    ping_every_s: float = 20.0
    ping_limit_s: float = 10.0
    largest_message_bytes: int = 32 << 20
    organization: str = ""  # these three are sent unless they are empty
    project: str = ""
    safety_identifier: str = ""

    def address(self) -> str:
        """The URL with the model in it, unless the URL names one already."""
        parts = urlsplit(self.url)
        query = parts.query or urlencode({"model": self.model})
        return urlunsplit(parts._replace(query=query))

    def headers(self, key: Secret | None) -> list[tuple[bytes, bytes]]:
        """Who asks: the key (Azure resources want `api-key`, others a bearer), and for whom."""
        said = (
            (b"OpenAI-Organization", self.organization),
            (b"OpenAI-Project", self.project),
            (b"OpenAI-Safety-Identifier", self.safety_identifier),
        )
        named = [(name, value.encode("ascii")) for name, value in said if value]
        return named if key is None else [self._key(key), *named]

    def _key(self, key: Secret) -> tuple[bytes, bytes]:
        azure = (urlsplit(self.url).hostname or "").endswith(_AZURE)
        if self.key_header == "api-key" or (self.key_header == "auto" and azure):
            return (b"api-key", key.reveal().encode("ascii"))
        return (b"Authorization", f"Bearer {key.reveal()}".encode("ascii"))


@attrs.define(eq=False)
class WebSocketDialler:
    """Opens wires to one endpoint."""

    endpoint: Endpoint
    authority: Authority
    route: Route = attrs.field(factory=Route)

    @asynccontextmanager
    async def dial(self, model: str = "") -> AsyncIterator["WebSocketWire"]:
        """As the port says. The caller sets the time limit."""
        key = await self.authority.secret()
        endpoint = attrs.evolve(self.endpoint, model=model or self.endpoint.model)
        async with trio.open_nursery() as nursery:
            done = trio.Event()
            socket: trio_websocket.WebSocketConnection = await nursery.start(
                self._hold, endpoint, key, done
            )
            try:
                yield WebSocketWire(socket, self.endpoint)
            finally:
                done.set()

    async def _hold(
        self,
        endpoint: Endpoint,
        key: Secret | None,
        done: trio.Event,
        task_status: trio.TaskStatus[trio_websocket.WebSocketConnection],
    ) -> None:
        """Keep a socket until *done*, then say goodbye.

        Its reader must outlive the cancellation of whoever talks, or nobody would be left to hear
        the answer to our close frame; hence a task of its own, shielded once connected.
        """
        parts = urlsplit(endpoint.url)
        host, secure = str(parts.hostname), parts.scheme == "wss"
        port = parts.port or (443 if secure else 80)
        with trio.CancelScope() as scope:
            # trio-websocket closes the socket only if the last word was ours.
            async with (
                await open_stream(host, port, secure=secure, route=self.route) as stream,
                trio.open_nursery() as readers,
            ):
                socket = await self._shake_hands(endpoint, stream, readers, key)
                scope.shield = True
                task_status.started(socket)
                await done.wait()
                with trio.move_on_after(_FAREWELL_S):
                    await socket.aclose(1000)
                readers.cancel_scope.cancel()

    async def _shake_hands(
        self,
        endpoint: Endpoint,
        stream: trio.abc.Stream,
        readers: trio.Nursery,
        key: Secret | None,
    ) -> trio_websocket.WebSocketConnection:
        parts = urlsplit(endpoint.address())
        reader = _Reader(readers)
        with reader.handshake:
            return await trio_websocket.wrap_client_stream(
                reader,  # type: ignore[arg-type]  # the one method of a nursery that is used
                UpgradingStream(stream, str(parts.hostname)),  # type: ignore[arg-type]  # any stream
                parts.netloc,
                urlunsplit(("", "", parts.path or "/", parts.query, "")),
                extra_headers=endpoint.headers(key),
                message_queue_size=_RECEIVE_QUEUE,
                max_message_size=endpoint.largest_message_bytes,
                receive_buffer_size=_READ_BYTES,
            )
        raise reader.fault(str(parts.hostname))


@attrs.define(eq=False)
class _Reader:
    """Stands in for the nursery where trio-websocket starts a connection's reader.

    What is wrong with a handshake trio-websocket raises there, not where one waits for it; and when
    the server hangs up in the middle of one, it waits for ever. So the reader's end ends the
    handshake, and its error is kept for whoever asks.
    """

    _readers: trio.Nursery
    handshake: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    _error: Exception | None = attrs.field(default=None, init=False)

    def start_soon(self, read: Callable[[], Awaitable[None]]) -> None:
        """As a nursery does."""
        self._readers.start_soon(self._run, read, name="reader")

    async def _run(self, read: Callable[[], Awaitable[None]]) -> None:
        try:
            await read()
        except (
            LinkRefused,
            trio_websocket.HandshakeError,
            wsproto.utilities.ProtocolError,
            h11.ProtocolError,
        ) as error:
            self._error = error
        finally:
            self.handshake.cancel()

    def fault(self, host: str) -> LinkError:
        """Why there was no handshake."""
        if isinstance(self._error, LinkRefused):
            return self._error
        if self._error is None:
            told = f"{host} hung up in the middle of the handshake"
            return LinkError(told, Trouble.HANDSHAKE)
        told = f"{host} answered, but not as a WebSocket server does"
        fault = LinkError(told, Trouble.NOT_WEBSOCKET)
        fault.__cause__ = self._error
        return fault


@attrs.define(eq=False)
class WebSocketWire:
    """As the port says."""

    _socket: trio_websocket.WebSocketConnection
    _endpoint: Endpoint

    async def send(self, text: str) -> None:
        """As the port says."""
        try:
            await self._socket.send_message(text)
        except trio_websocket.ConnectionClosed as closed:
            raise _closed(closed) from closed

    async def receive(self) -> str | bytes:
        """As the port says."""
        try:
            message: str | bytes = await self._socket.get_message()
        except trio_websocket.ConnectionClosed as closed:
            raise _closed(closed) from closed
        return message

    async def keep_alive(self) -> None:
        """As the port says."""
        limit = self._endpoint.ping_limit_s
        while True:
            await trio.sleep(self._endpoint.ping_every_s)
            with trio.move_on_after(limit) as patience:
                try:
                    await self._socket.ping()
                except trio_websocket.ConnectionClosed as closed:
                    raise _closed(closed) from closed
            if patience.cancelled_caught:
                told = f"the server answered no ping for {limit:g} s: the link is dead"
                raise LinkError(told, Trouble.NO_PONG)


def _closed(closed: trio_websocket.ConnectionClosed) -> LinkClosed:
    reason = closed.reason
    if reason is None or reason.code == _ABNORMAL:
        return LinkClosed(_ABNORMAL, "the link broke without a word")
    said = f": {reason.reason}" if reason.reason else ""
    return LinkClosed(reason.code, f"the server closed with {reason.code}{said}")
