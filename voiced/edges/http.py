"""One small HTTP request, and its answer; for secrets, not for the web.

Law of this file: bytes over a stream that somebody else opens (proxies, certificates and addresses are
that one's business). No redirect is followed, no connection kept, no cookie taken, nothing retried, and
nothing longer than `LONGEST_BYTES` is read. What is asked and answered may hold secrets: neither shows
itself, and no error carries a piece of it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, Protocol, TypeAlias
from urllib.parse import urlsplit, urlunsplit

import h11
import trio
from attrs import field, frozen

from voiced.edges.transport import reason_of
from voiced.faults import LinkError, Trouble

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]


LONGEST_BYTES: Final = 64 << 10  # status, headers and body: a secret and a session are 4 KiB
_LONGEST_HEAD: Final = 16 << 10


class OpenStream(Protocol):
    """Whoever knows the way out of here."""

    async def __call__(self, host: str, port: int, *, secure: bool) -> trio.abc.Stream:
        """A stream that is ready to be used; `LinkError` if it can't be had."""


@frozen
class Request:
    """What is asked, of whom: an absolute URL of plain ASCII, as config/checks.py wants it."""

    method: str
    url: str
    headers: Headers = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)

    @property
    def host(self) -> str:
        """Whom to name in a sentence."""
        return str(urlsplit(self.url).hostname)


@frozen
class Answer:
    """What came back; header names are in lower case, of several with one name the last counts."""

    status: int
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def sent_at_s(self) -> float | None:
        """When it was sent by the server's clock, in seconds since 1970; None if it does not say.

        An answer out of a cache has the date of the original, and says how old that is.
        """
        sent = _date(self.headers.get("date", ""))
        return None if sent is None else sent + (_seconds(self.headers.get("age", "")) or 0.0)

    @property
    def retry_after_s(self) -> float | None:
        """For how long it asks us to stay away; None if it does not, or not in a way that makes sense."""
        return self.stay_away_s(wall_s())

    def stay_away_s(self, now_s: float) -> float | None:
        """The same by a clock of ours that shows *now_s* since 1970: told as seconds, or as a date, which
        is held against the server's own, if it tells that: our clock may be wrong.
        """
        told = self.headers.get("retry-after", "")
        if told.isascii() and told.isdigit():
            return float(told)  # however many digits: whoever obeys has a limit
        until, sent_s = _date(told), self.sent_at_s
        return None if until is None else max(0.0, until - (now_s if sent_s is None else sent_s))


def wall_s() -> float:
    """Seconds since 1970, as this machine believes; only to be compared with dates that others tell."""
    return datetime.now(UTC).timestamp()


async def ask(request: Request, open_stream: OpenStream) -> Answer:
    """Send *request*, return the answer whatever its status. The caller sets the time limit.

    Raises `LinkError`: what *open_stream* says, or `Trouble.SECRET` if there is no proper answer.
    """
    parts = urlsplit(request.url)
    secure = parts.scheme == "https"
    stream = await open_stream(request.host, parts.port or (443 if secure else 80), secure=secure)
    try:
        return await _exchange(request, stream)
    finally:
        await trio.aclose_forcefully(stream)


async def _exchange(request: Request, stream: trio.abc.Stream) -> Answer:
    parts = urlsplit(request.url)
    client = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)
    head = h11.Request(
        method=request.method,
        target=urlunsplit(("", "", parts.path or "/", parts.query, "")),
        headers=[
            (b"Host", parts.netloc.encode("ascii")),
            (b"Connection", b"close"),
            (b"Content-Length", str(len(request.body)).encode()),
            *request.headers,
        ],
    )
    sent = (client.send(head), client.send(h11.Data(request.body)), client.send(h11.EndOfMessage()))
    try:
        await stream.send_all(b"".join(piece for piece in sent if piece))
        answer = await _receive(client, stream)
    except trio.BrokenResourceError as error:
        raise LinkError(
            f"{request.host} broke off in the middle of an answer: {reason_of(error)}",
            Trouble.SECRET,
        ) from error
    if isinstance(answer, str):
        raise LinkError(f"{request.host} {answer}", Trouble.SECRET)
    return answer


async def _receive(client: h11.Connection, stream: trio.abc.Stream) -> Answer | str:
    """The answer, or what is wrong with it."""
    status, headers, body, read_bytes = 0, dict[str, str](), b"", 0
    while True:
        event = _next(client)
        match event:
            case h11.NEED_DATA:
                piece = bytes(await stream.receive_some(LONGEST_BYTES + 1 - read_bytes))
                read_bytes += len(piece)
                if read_bytes > LONGEST_BYTES:
                    return "answered with more than a secret can be long"
                client.receive_data(piece)
            case h11.InformationalResponse():
                pass
            case h11.Response():
                status = event.status_code
                headers = {
                    name.decode("latin-1"): value.decode("latin-1") for name, value in event.headers
                }
            case h11.Data():
                body += event.data
            case h11.EndOfMessage():
                return Answer(status, headers, body)
            case _:
                return "gave no proper HTTP answer"


def _next(client: h11.Connection) -> object:
    """The next event, or None if what came makes no sense.

    h11's errors quote what they choke on, and that may be a secret: none of them leaves this
    function, not even as the context of another.
    """
    try:
        return client.next_event()
    except h11.RemoteProtocolError:
        return None


def _seconds(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
