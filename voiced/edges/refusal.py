"""What an HTTP answer says where another was due: its status, and how long to stay away.

Law of this file: only the head of an answer is read. Its body may be a login page of any length, or end
only with the connection, and tells us nothing.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

import attrs
import h11
import trio

from voiced.edges.http import Answer
from voiced.faults import LinkRefused

_LONGEST_S: Final = 3600.0  # whoever says more gets a polite question once an hour

Headers = Iterable[tuple[bytes, bytes]]


def refusal(status: int, headers: Headers, host: str, now: datetime) -> LinkRefused:
    """The fault that such an answer is."""
    return LinkRefused(status, f"{host} answered HTTP {status}", retry_after_s(headers, now))


def retry_after_s(headers: Headers, now: datetime) -> float | None:
    """How long to stay away, 0 to 3600 s, or None if nothing (that makes sense) is said of it."""
    said = {
        name.decode("latin-1").lower(): value.decode("latin-1").strip() for name, value in headers
    }
    asked_s = Answer(0, said, b"").stay_away_s(now.timestamp())
    return None if asked_s is None else min(asked_s, _LONGEST_S)


def _asking() -> h11.Connection:
    """HTTP as it stands once an upgrade has been asked for."""
    http = h11.Connection(h11.CLIENT)
    headers = [("Host", "host"), ("Connection", "Upgrade"), ("Upgrade", "websocket")]
    http.send(h11.Request(method="GET", target="/", headers=headers))
    http.send(h11.EndOfMessage())
    return http


@attrs.define(eq=False)
class UpgradingStream(trio.abc.Stream):
    """A stream on which an upgrade is asked for: `LinkRefused` is raised to whoever reads an answer
    that is none. What is no HTTP at all is passed on.
    """

    _stream: trio.abc.Stream
    _host: str
    _http: h11.Connection | None = attrs.field(factory=_asking, init=False)

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """As a stream does."""
        data = await self._stream.receive_some(max_bytes)
        if self._http is not None:
            self._read(self._http, bytes(data))
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """As a stream does."""
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """As a stream does."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """As a stream does."""
        await self._stream.aclose()

    def _read(self, http: h11.Connection, data: bytes) -> None:
        try:
            http.receive_data(data)
            event = http.next_event()
        except h11.RemoteProtocolError:
            event = None
        if isinstance(event, h11.Response):
            headers = event.headers.raw_items()
            raise refusal(event.status_code, headers, self._host, datetime.now(UTC))
        if event is not h11.NEED_DATA:
            self._http = None
