"""The door: a loopback listener, its handshakes, and one session per connection.

Law of this file: sockets and lifetimes. Each connection lives in its own nursery and owns its
stream, so that it can be refused, closed politely or dropped; none of them can end the server.
"""

import json
import logging
import socket as sockets
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Final

import trio
from attrs import define, field
from trio_websocket import (
    ConnectionClosed,
    WebSocketConnection,
    WebSocketRequest,
    wrap_server_stream,
)
from wsproto.utilities import LocalProtocolError

from voiced.local import front, handshake, hearing, settings, speech
from voiced.local.brain import Brain, SmallBrain
from voiced.local.conversation import Conversation
from voiced.local.desk import Desk
from voiced.local.ears import Ears
from voiced.local.errors import HostRefused
from voiced.local.faults import Fault, FaultPlan, Moment
from voiced.local.handshake import SentHome, TurnedAway, Visit, Welcome
from voiced.local.line import Ending, Line
from voiced.local.minting import Mint
from voiced.local.mischief import Mischief
from voiced.local.options import Options
from voiced.local.session import Session
from voiced.local.settings import Settings
from voiced.local.voice import Voice
from voiced.local.wire import Traffic, new_id

log = logging.getLogger(__name__)

_READ_BYTES: Final = 64 << 10  # large events come in whole pieces; the library's 4 kB is slow
_QUEUED_MESSAGES: Final = 4  # read ahead while one event is carried out, so that pongs flow
_BUSY: Final = TurnedAway(503, "server_error", "Too many sessions at a time.", retry_after_s=1)
_WEB_PAGE: Final = b"<!doctype html><title>Welcome</title><p>This is a web page."
_GONE = (
    *(ConnectionClosed, LocalProtocolError, trio.BrokenResourceError, trio.ClosedResourceError),
)


def wall_s() -> float:
    """Seconds since 1970: for what expires, and is told to others."""
    return datetime.now(UTC).timestamp()


async def serve(
    options: Options,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    allow_remote: bool = False,
    ears: Ears | None = None,
    voice: Voice | None = None,
    brain: Brain | None = None,
    watch: Callable[[Traffic], None] | None = None,
    now_s: Callable[[], float] = wall_s,
    task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until cancelled; report the port that was bound.

    Args:
        options: How the server behaves.
        host: An address of this machine; beyond loopback only with *allow_remote*.
        port: 0 lets the kernel choose.
        allow_remote: Others may reach it, with any key and unencrypted.
        ears: What hears, closed at the end; the real ones if none are given.
        voice: What speaks; flite or espeak-ng if none is given.
        brain: What answers; the small one if none is given.
        watch: Told of every event in either direction, synchronously.
        now_s: The wall clock, in seconds since 1970.
        task_status: Told the port.

    Raises:
        HostRefused: *host* is not loopback, and others are not allowed.
        EarsMissing: the real ears are wanted and not installed.
        VoiceMissing: a real voice is wanted and not installed.
        OSError: the port is taken.
    """
    if not allow_remote:
        _refuse_beyond_loopback(host)
    heard_by = ears or hearing.open_ears()
    server = _Server(
        options, heard_by, voice or speech.find_voice(), brain or SmallBrain(), watch, now_s
    )
    try:
        # localhost may be two addresses, and port 0 would be another one for each
        name = "127.0.0.1" if host == "localhost" and not port else host
        listeners = await trio.open_tcp_listeners(port, host=name)
        bound: int = listeners[0].socket.getsockname()[1]
        async with trio.open_nursery() as nursery:
            await nursery.start(trio.serve_listeners, server.receive, listeners)
            task_status.started(bound)
    finally:
        with trio.CancelScope(shield=True):
            await heard_by.aclose()


def _refuse_beyond_loopback(host: str) -> None:
    try:
        is_loopback = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise HostRefused(
            f"the local server takes any key, so it listens on loopback only; {host} is not (to mean "
            "it, say it twice: --host and --allow-remote)"
        )


@define(eq=False)
class _Server:
    options: Options
    ears: Ears
    voice: Voice
    brain: Brain
    watch: Callable[[Traffic], None] | None
    now_s: Callable[[], float]
    _mint: Mint = field(init=False)
    _open: int = field(init=False, default=0)
    _count: int = field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        self._mint = Mint(self.options)

    async def receive(self, stream: trio.SocketStream) -> None:
        """Hold one connection, from its first byte to its last."""
        self._open += 1
        try:
            stream.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
            async with trio.open_nursery() as nursery:
                await self._hold(stream, nursery)
                nursery.cancel_scope.cancel(reason="the connection is over")
        except* _GONE:
            pass  # the client left without a word; there is nobody to tell
        finally:
            self._open -= 1
            await trio.aclose_forcefully(stream)

    async def _hold(self, stream: trio.SocketStream, nursery: trio.Nursery) -> None:
        with trio.move_on_after(self.options.handshake_timeout_s) as patience:
            stream_again = front.Replayed(stream, said := await front.first_words(stream))
            if front.is_post(said):
                await front.attend(stream_again, self.options, self._mint, self.now_s())
                return
            request = await wrap_server_stream(
                nursery,
                stream_again,
                message_queue_size=_QUEUED_MESSAGES,
                max_message_size=self.options.max_event_bytes,
                receive_buffer_size=_READ_BYTES,
            )
        if patience.cancelled_caught:
            return
        self._count += 1
        plan = self._handshake_fault(self._count)
        if plan is not None and plan.fault is Fault.DROP_AT_HANDSHAKE:
            return
        if plan is not None and plan.fault is Fault.HTTP_200:
            await _show_web_page(stream)
            return
        visit = Visit(request.path, request.headers, request.proposed_subprotocols)
        verdict = handshake.judge(visit, self.options, self._mint, self.now_s())
        if plan is not None:
            verdict = handshake.turned_away_by(plan)
        elif self._open > self.options.max_sessions:
            verdict = _BUSY
        await self._welcome(request, verdict, stream)

    async def _welcome(
        self,
        request: WebSocketRequest,
        verdict: handshake.Verdict,
        stream: trio.SocketStream,
    ) -> None:
        if isinstance(verdict, TurnedAway):
            log.info("visitor turned away status=%s code=%s", verdict.status, verdict.code)
            await _turn_away(request, verdict)
            return
        line = Line(self.options, self._count, self.watch)
        protocol = handshake.chosen_protocol(request.proposed_subprotocols)
        socket = await request.accept(subprotocol=protocol)
        if isinstance(verdict, SentHome):
            log.info("visitor sent home close=%s reason=%s", verdict.close_code, verdict.reason)
            line.emit("error", error=verdict.refusal.error(None))
            line.end(Ending(verdict.close_code, verdict.reason))
            await line.run(socket, stream)
            return
        await self._converse(socket, stream, line, verdict)

    async def _converse(
        self,
        socket: WebSocketConnection,
        stream: trio.SocketStream,
        line: Line,
        welcome: Welcome,
    ) -> None:
        """Hold a session until it ends."""
        session_id = new_id("sess")
        expires_at = int(self.now_s() + self.options.session_limit_s)
        how = "key" if welcome.grant is None else "client_secret"
        log.info("session begins session=%s by=%s", session_id, how)
        async with trio.open_nursery() as nursery:
            desk = Desk(
                self.options,
                line,
                _opened(welcome, session_id, expires_at),
                Conversation(self.options.kept_audio_s * 1000),
                nursery,
                Mischief(line, session_id, nursery),
                self.ears,
                self.voice,
                self.brain,
            )
            nursery.start_soon(Session(desk).run, socket)
            await line.run(socket, stream)
            nursery.cancel_scope.cancel(reason="the session is over")
        code = None if socket.closed is None else socket.closed.code
        log.info("session ends session=%s close=%s", session_id, code)

    def _handshake_fault(self, session: int) -> FaultPlan | None:
        plans = (plan for plan in self.options.faults if plan.moment is Moment.HANDSHAKE)
        return next((plan for plan in plans if plan.concerns(session)), None)


def _opened(welcome: Welcome, session_id: str, expires_at: int) -> Settings:
    """The settings with which a session begins."""
    if welcome.model is None:
        mine = settings.transcription(session_id, expires_at)
    else:
        mine = settings.realtime(session_id, welcome.model, expires_at)
    return mine if welcome.grant is None else welcome.grant.applied(mine)


async def _turn_away(request: WebSocketRequest, verdict: TurnedAway) -> None:
    """Answer with an HTTP status and the service's usual body."""
    error = {"message": verdict.message, "type": "invalid_request_error", "param": None}
    headers = [(b"Content-Type", b"application/json")]
    if verdict.retry_after_s:
        headers.append((b"Retry-After", str(verdict.retry_after_s).encode()))
    body = json.dumps({"error": {**error, "code": verdict.code}}).encode()
    await request.reject(verdict.status, extra_headers=headers, body=body)


async def _show_web_page(stream: trio.SocketStream) -> None:
    """Answer as some proxy or router would, with a page nobody asked for."""
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n"
        f"Content-Length: {len(_WEB_PAGE)}\r\n\r\n"
    )
    await stream.send_all(head.encode() + _WEB_PAGE)
