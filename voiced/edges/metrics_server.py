"""HTTP for monitoring: one page, to whoever asks properly, and a short answer to everybody else.

Law of this file: one request to a connection, bounded in size, time and number. It opens nothing but the
page that it is given, and tells nobody anything else. Who is one too many waits in the kernel's queue:
nothing of ours grows with them, and a flood of requests is taken in small sips, so that the
conversation beside it does not notice.
"""

import errno
import logging
import socket
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import attrs
import h11
import trio

from voiced.faults import ConfigError
from voiced.metrics.exposition import CONTENT_TYPE

log = logging.getLogger(__name__)

LONGEST_REQUEST_BYTES: Final = 8 << 10
MOST_CLIENTS: Final = 8
REQUEST_LIMIT_S: Final = 5.0  # from connecting to the end of the request's head
_ANSWER_LIMIT_S: Final = 2.0  # to take the answer and hang up
_PACE_S: Final = (
    0.05  # from one client to the next: monitoring comes every 15 s, a flood at 20 a second
)
_LEFTOVER_BYTES: Final = 1 << 20  # that a client may still send before it takes its answer
_PATH: Final = "/metrics"
_METHODS: Final = (b"GET", b"HEAD")
_BACKLOG: Final = 16

Headers = list[tuple[str, str]]


@attrs.frozen
class _Answer:
    status: HTTPStatus
    body: bytes
    headers: Headers = attrs.field(factory=list)
    bodiless: bool = False  # HEAD: only told about


@attrs.define(eq=False)
class MetricsHttp:
    """A server, as the port says. Where it listens on loopback, it answers to loopback names only: a
    page in a browser beside us may know a name that leads here, and must not read along.
    """

    host: str  # an address
    port: int  # 0: the kernel chooses
    answered: Counter[int] = attrs.field(factory=Counter, init=False)
    bound: int = attrs.field(default=0, init=False)  # the port that it became

    async def serve(
        self,
        page: Callable[[], bytes],
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """As the port says."""
        (listener,) = await _listen(self.host, self.port)
        self.bound = listener.socket.getsockname()[1]
        url = f"http://{_shown(self.host, self.bound)}{_PATH}"
        log.info("metrics at=%s", url)
        clients = trio.Semaphore(MOST_CLIENTS)

        async def admit(stream: trio.SocketStream) -> None:
            try:
                await self.attend(stream, page)
            finally:
                clients.release()

        task_status.started()
        await trio.serve_listeners(admit, [_Turnstile(listener, clients)])

    async def attend(self, stream: trio.abc.HalfCloseableStream, page: Callable[[], bytes]) -> None:
        """Hear one client, answer it, and hang up."""
        talk = h11.Connection(h11.SERVER, max_incomplete_event_size=LONGEST_REQUEST_BYTES)
        try:
            answer: _Answer | None = _refusal(HTTPStatus.REQUEST_TIMEOUT)
            with trio.move_on_after(REQUEST_LIMIT_S):
                answer = await self._asked(talk, stream, page)
            with trio.move_on_after(_ANSWER_LIMIT_S):
                if answer is not None:
                    self.answered[answer.status] += 1
                    await stream.send_all(_written(talk, answer))
                    await _hang_up(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # it left without its answer, which is its own affair
        finally:
            await trio.aclose_forcefully(stream)

    async def _asked(
        self, talk: h11.Connection, stream: trio.abc.ReceiveStream, page: Callable[[], bytes]
    ) -> _Answer | None:
        """What to say to what is asked; None if nothing was."""
        read_bytes = 0
        while True:
            try:
                event = talk.next_event()
            except h11.RemoteProtocolError as error:
                return _refusal(HTTPStatus(error.error_status_hint))
            if isinstance(event, h11.Request):
                return self._answer_to(event, page)
            if event is not h11.NEED_DATA:
                return None
            if read_bytes >= LONGEST_REQUEST_BYTES:
                return _refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            piece = bytes(await stream.receive_some(LONGEST_REQUEST_BYTES - read_bytes))
            read_bytes += len(piece)
            talk.receive_data(piece)

    def _answer_to(self, request: h11.Request, page: Callable[[], bytes]) -> _Answer:
        """Its body, if it has one, is of no interest."""
        hosts = [value for name, value in request.headers if name == b"host"]
        if is_loopback(self.host) and not all(_names_loopback(host) for host in hosts):
            return _refusal(HTTPStatus.MISDIRECTED_REQUEST)
        if _path(request.target) != _PATH:
            return _refusal(HTTPStatus.NOT_FOUND)
        if request.method not in _METHODS:
            return _refusal(HTTPStatus.METHOD_NOT_ALLOWED, [("Allow", "GET, HEAD")])
        headers = [("Content-Type", CONTENT_TYPE), ("Cache-Control", "no-store")]
        return _Answer(HTTPStatus.OK, page(), headers, bodiless=request.method == b"HEAD")


@attrs.define(eq=False)
class _Turnstile(trio.abc.Listener[trio.SocketStream]):
    """Lets in as many as there is room for, and not too many at once."""

    listener: trio.SocketListener
    room: trio.Semaphore  # given back by whoever attends
    _next_s: float = attrs.field(default=0.0, init=False)

    async def accept(self) -> trio.SocketStream:
        await self.room.acquire()
        try:
            await trio.sleep_until(self._next_s)
            stream = await self.listener.accept()
        except BaseException:  # whatever it was, nobody came in
            self.room.release()
            raise
        self._next_s = trio.current_time() + _PACE_S
        return stream

    async def aclose(self) -> None:
        await self.listener.aclose()


def can_listen(host: str, port: int) -> None:
    """`ConfigError` if nobody could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Trio does
        try:
            trial.bind((host, port))
        except OSError as error:
            raise _not_ours(host, port, error) from error


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach that address."""
    return ip_address(host).is_loopback


async def _listen(host: str, port: int) -> list[trio.SocketListener]:
    try:
        return await trio.open_tcp_listeners(port, host=host, backlog=_BACKLOG)
    except OSError as error:
        raise _not_ours(host, port, error) from error


def _not_ours(host: str, port: int, error: OSError) -> ConfigError:
    if error.errno == errno.EADDRINUSE:
        what = "is taken by another program; stop that, or choose another port"
    else:
        what = f"can't be listened on ({error.strerror or error}); choose another address"
    return ConfigError([f"[metrics] listen: {_shown(host, port)} {what}"])


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _path(target: bytes) -> str | None:
    """The path of a target, which may be a whole URL; None if it makes no sense."""
    try:
        return urlsplit(target.decode("ascii")).path
    except ValueError:
        return None


def _names_loopback(host: bytes) -> bool:
    try:
        name = urlsplit(f"//{host.decode('ascii')}").hostname or ""
        return name == "localhost" or is_loopback(name)
    except ValueError:
        return False


def _refusal(status: HTTPStatus, headers: Headers | None = None) -> _Answer:
    body = f"{status.value} {status.phrase}: there is {_PATH} here, to GET, and nothing else\n"
    return _Answer(status, body.encode(), [("Content-Type", "text/plain"), *(headers or [])])


def _written(talk: h11.Connection, answer: _Answer) -> bytes:
    length = ("Content-Length", str(len(answer.body)))
    head = h11.Response(
        status_code=answer.status,
        reason=answer.status.phrase,
        headers=[*answer.headers, length, ("Connection", "close")],
    )
    return (talk.send(head) or b"") + (b"" if answer.bodiless else answer.body)


async def _hang_up(stream: trio.abc.HalfCloseableStream) -> None:
    """Let it read the answer first: closing on what it still sends would take that away from it."""
    await stream.send_eof()
    left = _LEFTOVER_BYTES
    while left > 0:
        piece = await stream.receive_some(64 << 10)
        if not piece:
            return
        left -= len(piece)
