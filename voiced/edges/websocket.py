"""The wire over trio-websocket; the only place that knows its exceptions.

permessage-deflate is not offered: the payload is base64 of noise-like PCM, and compressing it would
cost a Pi more than the bytes do.
"""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, TypeVar
from urllib.parse import urlencode, urlsplit, urlunsplit

import attrs
import trio
import trio_websocket
from attrs import frozen

from voiced.edges.credentials import Secret
from voiced.faults import LinkClosed, LinkError, LinkRefused

E = TypeVar("E", bound=BaseException)

_AZURE: Final = ".openai.azure.com"
_FAREWELL_S: Final = 1.0  # for the closing handshake: the whole daemon has 2 s to stop
_RECEIVE_QUEUE: Final = 32
"""Messages read ahead. trio-websocket stops answering pings while its queue is full; the receiving
task never waits for playout, so a few are plenty."""


@frozen
class Endpoint:
    """One server and how to knock: what `WebSocketDialler` needs, as plain values."""

    url: str
    model: str
    key: Secret | None
    key_header: str = "auto"  # "auto", "bearer", "api-key"
    ping_every_s: float = 20.0
    ping_limit_s: float = 10.0
    largest_message: int = 32 << 20

    def address(self) -> str:
        """The URL with the model in it, unless the URL names one already."""
        parts = urlsplit(self.url)
        query = parts.query or urlencode({"model": self.model})
        return urlunsplit(parts._replace(query=query))

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The one header that carries the key: Azure resources want `api-key`, others a bearer."""
        if self.key is None:
            return []
        azure = (urlsplit(self.url).hostname or "").endswith(_AZURE)
        if self.key_header == "api-key" or (self.key_header == "auto" and azure):
            return [(b"api-key", self.key.reveal().encode("ascii"))]
        return [(b"Authorization", f"Bearer {self.key.reveal()}".encode("ascii"))]


@attrs.define(eq=False)
class WebSocketDialler:
    """Opens wires to one endpoint."""

    endpoint: Endpoint

    @asynccontextmanager
    async def dial(self) -> AsyncIterator["WebSocketWire"]:
        """As the port says. The caller sets the time limit."""
        async with trio.open_nursery() as nursery:
            done = trio.Event()
            socket: trio_websocket.WebSocketConnection = await nursery.start(self._hold, done)
            try:
                yield WebSocketWire(socket, self.endpoint)
            finally:
                done.set()

    async def _hold(
        self,
        done: trio.Event,
        task_status: trio.TaskStatus[trio_websocket.WebSocketConnection],
    ) -> None:
        """Keep a socket until *done*, then say goodbye.

        Its reader must outlive the cancellation of whoever talks, or nobody would be left to hear
        the answer to our close frame; hence a task of its own, shielded once connected.
        """
        host = urlsplit(self.endpoint.url).hostname
        try:
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as readers:
                    socket = await self._connect(readers)
                    scope.shield = True
                    task_status.started(socket)
                    await done.wait()
                    with trio.move_on_after(_FAREWELL_S):
                        await socket.aclose(1000)
                    readers.cancel_scope.cancel()
        except* trio_websocket.ConnectionRejected as group:
            status = _leaf(group).status_code
            raise LinkRefused(status, f"{host} answered HTTP {status}") from group
        except* trio_websocket.HandshakeError as group:
            raise LinkError(f"{host} does not speak WebSocket: {_leaf(group)}") from group
        except* (OSError, trio.BrokenResourceError) as group:
            raise LinkError(f"{host} can't be reached: {_reason(_leaf(group))}") from group

    async def _connect(self, readers: trio.Nursery) -> trio_websocket.WebSocketConnection:
        return await trio_websocket.connect_websocket_url(
            readers,
            self.endpoint.address(),
            extra_headers=self.endpoint.headers(),
            message_queue_size=_RECEIVE_QUEUE,
            max_message_size=self.endpoint.largest_message,
        )


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
                raise LinkError(f"the server answered no ping for {limit:g} s: the link is dead")


def _closed(closed: trio_websocket.ConnectionClosed) -> LinkClosed:
    reason = closed.reason
    if reason is None:
        return LinkClosed(1006, "the link broke without a word")
    said = f": {reason.reason}" if reason.reason else ""
    return LinkClosed(reason.code, f"the server closed with {reason.code}{said}")


def _leaf(group: BaseExceptionGroup[E]) -> E:
    """The first exception of a group: a refusal comes from the reader, wrapped in its nursery."""
    first = group.exceptions[0]
    return _leaf(first) if isinstance(first, BaseExceptionGroup) else first


def _reason(error: BaseException) -> str:
    """What went wrong in the end: Trio puts the failures of several addresses below one another."""
    while isinstance(error.__cause__, BaseException):
        error = error.__cause__
    if isinstance(error, BaseExceptionGroup):
        return _reason(error.exceptions[0])
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
