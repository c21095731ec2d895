"""An HTTP proxy on loopback: it takes CONNECT to any name and leads to one local port.

Law of this file: it answers what it is told to answer and keeps what it was asked; right and wrong are
for tests to judge.
"""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final

import attrs
import trio

HOST: Final = "127.0.0.1"
COME_IN: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"


@attrs.define(eq=False)
class ConnectProxy:
    """What it does and what it has seen."""

    to_port: int
    answer: bytes | None = COME_IN  # None: it takes the request and says nothing, ever
    tls: ssl.SSLContext | None = None  # an https:// proxy
    port: int = 0
    requests: list[bytes] = attrs.field(factory=list)  # heads, whole

    async def serve(self, client: trio.abc.Stream) -> None:
        """One connection."""
        if self.tls is not None:
            client = trio.SSLStream(client, self.tls, server_side=True, https_compatible=True)
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            async with client:
                self.requests.append(await _head(client))
                if self.answer is None:
                    await trio.sleep_forever()
                await client.send_all(self.answer or b"")
                if self.answer == COME_IN:
                    async with await trio.open_tcp_stream(HOST, self.to_port) as server:
                        await join(client, server)


async def join(one: trio.abc.Stream, other: trio.abc.Stream) -> None:
    """Carry bytes both ways until either ends."""
    async with trio.open_nursery() as nursery:

        async def carry(source: trio.abc.Stream, sink: trio.abc.Stream) -> None:
            with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                while data := await source.receive_some(65_536):
                    await sink.send_all(data)
            nursery.cancel_scope.cancel()

        nursery.start_soon(carry, one, other)
        nursery.start_soon(carry, other, one)


async def _head(client: trio.abc.Stream) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        more = await client.receive_some(1)  # what follows belongs to the tunnel
        if not more:
            break
        head += more
    return head


@asynccontextmanager
async def connect_proxy(
    to_port: int, answer: bytes | None = COME_IN, tls: ssl.SSLContext | None = None
) -> AsyncIterator[ConnectProxy]:
    """A proxy for as long as the context lasts."""
    proxy = ConnectProxy(to_port, answer, tls)
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, proxy.serve, 0, host=HOST))
        proxy.port = listeners[0].socket.getsockname()[1]
        yield proxy
        nursery.cancel_scope.cancel()
