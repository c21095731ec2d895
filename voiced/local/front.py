"""The front desk: the one plain HTTP request this server answers, `POST .../client_secrets`.

Law of this file: sockets and HTTP, one request per connection, bounded in size by `_LONGEST_BODY` and
in time by whoever calls. What a secret is and may be asked for stands in `minting.py`. A visit that is
no POST belongs to the WebSocket door: it gets its bytes back unread (`Replayed`).
"""

import json
import logging
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final
from urllib.parse import urlsplit

import h11
import trio
from attrs import define, frozen

from voiced.local import handshake, refusals
from voiced.local.handshake import Visit
from voiced.local.minting import PREFIX, Mint
from voiced.local.options import Options
from voiced.local.refusals import Refusal
from voiced.local.wire import Json

log = logging.getLogger(__name__)

PATHS: Final = (
    f"{handshake.PATH}/client_secrets",
    f"{handshake.AZURE_PATH}/client_secrets",
)
_POST: Final = b"POST "
_SLOW_DOWN: Final = 429
_LONGEST_BODY: Final = 1 << 20  # instructions and tools; the real bound is not documented


@define(eq=False)
class Replayed(trio.abc.Stream):
    """A stream some bytes of which were read already, and are read once more."""

    _stream: trio.abc.Stream
    _first: bytes

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """What was read before, then what comes."""
        if self._first:
            await trio.lowlevel.checkpoint()
            piece, self._first = (
                self._first[:max_bytes],
                self._first[max_bytes or len(self._first) :],
            )
            return piece
        return bytes(await self._stream.receive_some(max_bytes))

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """As the stream does."""
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """As the stream does."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """As the stream does."""
        await self._stream.aclose()


async def first_words(stream: trio.abc.Stream) -> bytes:
    """Read until it is clear whether somebody posts something."""
    said = b""
    while len(said) < len(_POST) and _POST.startswith(said):
        piece = bytes(await stream.receive_some())
        if not piece:
            break
        said += piece
    return said


def is_post(said: bytes) -> bool:
    """Whether the front desk is meant."""
    return said.startswith(_POST)


async def attend(stream: trio.abc.Stream, options: Options, mint: Mint, now_s: float) -> None:
    """Answer one request, whatever it is; *now_s* is the wall clock, in seconds since 1970."""
    server = h11.Connection(h11.SERVER)
    try:
        visit, body = await _heard(server, stream)
        reply = _considered(visit, body, options, mint, now_s)
    except h11.RemoteProtocolError:
        reply = _refused(400, Refusal(None, "Bad HTTP message."))
    except _TooLong:
        reply = _refused(413, Refusal(None, f"At most {_LONGEST_BODY} bytes are read."))
    log.info("front desk status=%s", reply.status)
    body = json.dumps(reply.body).encode()
    headers = [
        ("Date", format_datetime(datetime.fromtimestamp(now_s, UTC), usegmt=True)),
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),
        *((("Retry-After", "1"),) if reply.status == _SLOW_DOWN else ()),
    ]
    response = h11.Response(status_code=reply.status, headers=headers)
    pieces = [server.send(response), server.send(h11.Data(body)), server.send(h11.EndOfMessage())]
    await stream.send_all(b"".join(piece for piece in pieces if piece))


@frozen
class _Reply:
    status: int
    body: Json


class _TooLong(Exception):
    """More than anybody needs to say."""


async def _heard(server: h11.Connection, stream: trio.abc.Stream) -> tuple[Visit, bytes]:
    """Read one whole request.

    Raises:
        h11.RemoteProtocolError: it is none.
        _TooLong: it does not end in time.
    """
    visit, body = Visit("", (), ()), b""
    while True:
        match event := server.next_event():
            case h11.NEED_DATA:
                server.receive_data(bytes(await stream.receive_some()))
            case h11.Request():
                visit = Visit(event.target.decode("ascii"), list(event.headers), ())
            case h11.Data():
                body += event.data
                if len(body) > _LONGEST_BODY:
                    raise _TooLong
            case h11.EndOfMessage():
                return visit, body
            case _:  # the client left
                raise trio.BrokenResourceError


def _considered(visit: Visit, body: bytes, options: Options, mint: Mint, now_s: float) -> _Reply:
    if urlsplit(visit.target).path not in PATHS:
        return _refused(404, Refusal("not_found", f"There is nothing here: try {PATHS[0]}."))
    if not visit.key:
        return _refused(401, Refusal("missing_api_key", "You didn't provide an API key."))
    if visit.key.startswith(f"{PREFIX}_") or (options.keys and visit.key not in options.keys):
        return _refused(401, refusals.bad_key())  # a secret mints no secrets
    if "realtime=v1" in visit.header("openai-beta"):
        return _refused(400, refusals.beta_is_over())
    kind = visit.header("content-type").partition(";")[0].strip().lower()
    if body and kind != "application/json":
        other = f"Unsupported content type: '{kind}'. Only 'application/json' is accepted."
        return _refused(400, Refusal("unsupported_content_type", other))
    try:
        return _Reply(200, mint.mint(body, now_s))
    except Refusal as refusal:
        slower = refusal.kind == "rate_limit_exceeded"
        return _refused(_SLOW_DOWN if slower else 400, refusal)


def _refused(status: int, refusal: Refusal) -> _Reply:
    """The body has the shape of every REST error of the service."""
    error = refusal.error(None)
    del error["event_id"]
    return _Reply(status, {"error": error})
