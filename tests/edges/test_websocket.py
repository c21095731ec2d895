"""The real wire against servers that are right, wrong, mute, mad or not there at all."""

import base64
import hashlib
import socket
import ssl
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
import trio_websocket
import trustme

from tests.canaries import KEY
from voiced.edges.credentials import FixedKey, Secret
from voiced.edges.websocket import Endpoint, WebSocketDialler, WebSocketWire
from voiced.faults import LinkClosed, LinkError, LinkRefused, Trouble, VoicedError
from voiced.verdicts import gravest, judge

Serve = Callable[[trio.SocketStream], Awaitable[None]]


def endpoint(url: str, **settings: Any) -> Endpoint:
    return attrs.evolve(Endpoint(url, "gpt-realtime"), **settings)


@asynccontextmanager
async def dialled(where: Endpoint) -> AsyncIterator[WebSocketWire]:
    """Nothing that is asked of a wire in these tests may take for ever."""
    with trio.fail_after(20):
        async with WebSocketDialler(where, FixedKey(Secret(KEY))).dial() as wire:
            yield wire


def trouble_of(fault: VoicedError) -> Trouble:
    assert isinstance(fault, LinkError)
    return fault.trouble


async def fault_of(where: Endpoint) -> VoicedError:
    """Why dialling fails. The key is nowhere in it, nor in what led to it."""
    faults: list[VoicedError] = []
    shown = ""
    try:
        async with dialled(where):
            pytest.fail("connected")
    except* VoicedError as group:
        faults.append(gravest(group))
        shown = "".join(traceback.format_exception(group))
    (fault,) = faults
    assert KEY not in shown
    return fault


# --- the endpoint ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("wss://api.openai.com/v1/realtime", "wss://api.openai.com/v1/realtime?model=gpt-realtime"),
        ("wss://host/v1?model=other", "wss://host/v1?model=other"),
        ("ws://127.0.0.1:8765", "ws://127.0.0.1:8765?model=gpt-realtime"),
    ],
)
def test_the_model_is_in_the_address_unless_another_is(url: str, address: str) -> None:
    assert endpoint(url).address() == address


def test_a_model_with_odd_letters_is_escaped() -> None:
    where = Endpoint("wss://host/v1", "my model & more/ü")
    assert where.address() == "wss://host/v1?model=my+model+%26+more%2F%C3%BC"


BEARER = (b"Authorization", f"Bearer {KEY}".encode())
API_KEY = (b"api-key", KEY.encode())


@pytest.mark.parametrize(
    ("url", "header", "sent"),
    [
        ("wss://api.openai.com/v1/realtime", "auto", BEARER),
        ("ws://127.0.0.1:8765/v1/realtime", "auto", BEARER),
        ("wss://mine.openai.azure.com/openai/v1/realtime", "auto", API_KEY),
        ("wss://MINE.OpenAI.Azure.com/openai/v1/realtime", "auto", API_KEY),
        ("wss://mine.openai.azure.com.evil.example/", "auto", BEARER),
        ("wss://mine.openai.azure.com/openai/v1/realtime", "bearer", BEARER),
        ("wss://api.openai.com/v1/realtime", "api-key", API_KEY),
    ],
)
def test_the_key_travels_in_the_header_that_the_host_wants(
    url: str, header: str, sent: tuple[bytes, bytes]
) -> None:
    assert endpoint(url, key_header=header).headers(Secret(KEY)) == [sent]


def test_without_a_key_no_header_is_sent() -> None:
    assert endpoint("ws://127.0.0.1").headers(None) == []


def test_for_whom_is_said_if_it_is_known() -> None:
    where = endpoint("wss://host", organization="org-1", project="proj-2", safety_identifier="u3")
    named = [
        (b"OpenAI-Organization", b"org-1"),
        (b"OpenAI-Project", b"proj-2"),
        (b"OpenAI-Safety-Identifier", b"u3"),
    ]
    assert where.headers(Secret(KEY)) == [BEARER, *named]
    assert where.headers(None) == named


def test_a_dialler_does_not_show_its_key() -> None:
    dialler = WebSocketDialler(endpoint("wss://host"), FixedKey(Secret(KEY)))
    assert KEY not in repr(dialler) + str(dialler)


# --- what the server sees -------------------------------------------------------------------------


@asynccontextmanager
async def serving(serve: Serve, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """A TCP server for as long as the context lasts; its address as ws://."""

    async def handle(stream: trio.SocketStream) -> None:
        async with stream:
            with suppress(trio.BrokenResourceError):  # the client was the first to go
                await serve(stream)

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, handle, 0, host=host))
        written = f"[{host}]" if ":" in host else host
        yield f"ws://{written}:{listeners[0].socket.getsockname()[1]}/v1/realtime"
        nursery.cancel_scope.cancel()


async def request_of(stream: trio.SocketStream) -> bytes:
    """The client's HTTP request, headers and all."""
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        more = await stream.receive_some(65_536)
        assert more, "the client said too little"
        request += more
    return request


async def accept(stream: trio.SocketStream) -> bytes:
    """Shake hands by hand, and give the request."""
    request = await request_of(stream)
    key = header_of(request, b"sec-websocket-key")
    proof = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    await stream.send_all(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + proof + b"\r\n\r\n"
    )
    return request


def header_of(request: bytes, name: bytes) -> bytes:
    (value,) = [
        line.partition(b":")[2].strip()
        for line in request.split(b"\r\n")
        if line.lower().startswith(name + b":")
    ]
    return value


@pytest.fixture
async def request_seen() -> bytes:
    """The request that a server gets from us."""
    seen: list[bytes] = []

    async def serve(stream: trio.SocketStream) -> None:
        seen.append(await accept(stream))

    async with serving(serve) as url, dialled(endpoint(url)) as wire:
        with pytest.raises(LinkClosed):
            await wire.receive()
    return seen[0]


async def test_the_request_names_path_model_and_host(request_seen: bytes) -> None:
    first, *_ = request_seen.split(b"\r\n")
    assert first == b"GET /v1/realtime?model=gpt-realtime HTTP/1.1"
    assert header_of(request_seen, b"host").startswith(b"127.0.0.1:")


async def test_the_request_carries_the_key_once(request_seen: bytes) -> None:
    assert header_of(request_seen, b"authorization") == f"Bearer {KEY}".encode()
    assert request_seen.count(KEY.encode()) == 1


async def test_compression_is_not_offered(request_seen: bytes) -> None:
    assert b"sec-websocket-extensions" not in request_seen.lower()
    assert b"deflate" not in request_seen.lower()


async def test_the_old_dialect_is_not_asked_for(request_seen: bytes) -> None:
    assert b"openai-beta" not in request_seen.lower()
    assert b"sec-websocket-protocol" not in request_seen.lower()


async def test_an_address_without_a_path_asks_for_the_root() -> None:
    seen: list[bytes] = []

    async def serve(stream: trio.SocketStream) -> None:
        seen.append(await accept(stream))

    async with serving(serve) as url:
        where = endpoint(url.removesuffix("/v1/realtime"))
        async with dialled(where) as wire:
            with pytest.raises(LinkClosed):
                await wire.receive()
    assert seen[0].startswith(b"GET /?model=gpt-realtime HTTP/1.1\r\n")


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
async def test_a_host_may_be_a_number_of_version_6() -> None:
    seen: list[bytes] = []

    async def serve(stream: trio.SocketStream) -> None:
        seen.append(await accept(stream))

    async with serving(serve, "::1") as url, dialled(endpoint(url)) as wire:
        with pytest.raises(LinkClosed):
            await wire.receive()
    assert header_of(seen[0], b"host").startswith(b"[::1]:")


# --- handshakes that fail -------------------------------------------------------------------------


def answering(reply: bytes) -> Serve:
    async def serve(stream: trio.SocketStream) -> None:
        await request_of(stream)
        await stream.send_all(reply)
        await trio.sleep_forever()

    return serve


@pytest.mark.parametrize("status", [200, 301, 400, 401, 403, 404, 429, 500, 502, 503])
async def test_an_http_answer_is_a_refusal_with_its_status(status: int) -> None:
    reply = f"HTTP/1.1 {status} Whatever\r\nContent-Length: 4\r\n\r\n{{}}\r\n".encode()
    async with serving(answering(reply)) as url:
        fault = await fault_of(endpoint(url))
    assert isinstance(fault, LinkRefused)
    assert fault.status == status
    assert str(fault) == f"127.0.0.1 answered HTTP {status}"


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: 0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nno!\r\n0\r\n\r\n",
        b"Content-Length: 1000000\r\n\r\n<html>and it never ends",
        b"Connection: close\r\n\r\n<html>its end is that of the connection",
    ],
    ids=["empty", "chunked", "long", "open"],
)
@pytest.mark.parametrize("version", [b"HTTP/1.0", b"HTTP/1.1"])
async def test_a_refusal_may_have_any_body(body: bytes, version: bytes) -> None:
    async with serving(answering(version + b" 401 Unauthorized\r\n" + body)) as url:
        fault = await fault_of(endpoint(url))
    assert isinstance(fault, LinkRefused)
    assert fault.status == 401


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.0 200 OK\r\n\r\n<html>Welcome to our hotel",
        b"HTTP/1.1 302 Found\r\nLocation: http://login.hotel.example/\r\n\r\n",
    ],
)
async def test_a_login_page_is_known_for_what_it_is(reply: bytes) -> None:
    async with serving(answering(reply)) as url:
        fault = await fault_of(endpoint(url))
    assert judge(fault).cause == "something on the way answers in the service's place"


async def test_how_long_to_stay_away_is_told() -> None:
    reply = b"HTTP/1.1 429 Too Many\r\nRetry-After: 17\r\nContent-Length: 0\r\n\r\n"
    async with serving(answering(reply)) as url:
        fault = await fault_of(endpoint(url))
    assert isinstance(fault, LinkRefused)
    assert fault.retry_after_s == 17


async def test_an_answer_that_comes_in_drops_is_read_as_one() -> None:
    async def drop_by_drop(stream: trio.SocketStream) -> None:
        await request_of(stream)
        for byte in b"HTTP/1.1 503 Busy\r\nRetry-After: 5\r\n\r\n":
            await stream.send_all(bytes([byte]))
        await trio.sleep_forever()

    async with serving(drop_by_drop) as url:
        fault = await fault_of(endpoint(url))
    assert isinstance(fault, LinkRefused)
    assert (fault.status, fault.retry_after_s) == (503, 5)


WRONG_PROOF = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: bm9uc2Vuc2U=\r\n\r\n"
)


@pytest.mark.parametrize(
    "reply",
    [
        b"\x00\xff" * 20,
        b"220 mail.example.com ESMTP ready\r\n\r\n",
        WRONG_PROOF,
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
    ],
    ids=["bytes", "mail", "wrong proof", "bare", "other upgrade"],
)
async def test_whatever_is_no_websocket_is_said_to_be_none(reply: bytes) -> None:
    async with serving(answering(reply)) as url:
        fault = await fault_of(endpoint(url))
    assert str(fault) == "127.0.0.1 answered, but not as a WebSocket server does"
    assert trouble_of(fault) is Trouble.NOT_WEBSOCKET


async def hang_up_at_once(stream: trio.SocketStream) -> None:
    await trio.lowlevel.checkpoint()


async def hang_up_after_the_request(stream: trio.SocketStream) -> None:
    await request_of(stream)


async def hang_up_in_mid_answer(stream: trio.SocketStream) -> None:
    await request_of(stream)
    await stream.send_all(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: webs")


@pytest.mark.parametrize(
    "serve", [hang_up_at_once, hang_up_after_the_request, hang_up_in_mid_answer]
)
async def test_a_server_that_hangs_up_in_the_handshake_is_noticed_at_once(serve: Serve) -> None:
    async with serving(serve) as url:
        fault = await fault_of(endpoint(url))
    assert str(fault) == "127.0.0.1 hung up in the middle of the handshake"
    assert trouble_of(fault) is Trouble.HANDSHAKE


async def test_a_server_that_says_nothing_can_be_given_up() -> None:
    async def serve(stream: trio.SocketStream) -> None:
        await trio.sleep_forever()

    async with serving(serve) as url:
        with trio.move_on_after(0.2) as patience:
            async with dialled(endpoint(url)):
                pytest.fail("connected")
        assert patience.cancelled_caught


async def test_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    fault = await fault_of(endpoint(f"ws://127.0.0.1:{port}/"))
    assert str(fault) == "127.0.0.1 can't be reached: Connection refused"
    fault = await fault_of(endpoint(f"ws://localhost:{port}/"))  # several addresses
    assert str(fault) == "localhost can't be reached: Connection refused"
    assert trouble_of(fault) is Trouble.UNREACHABLE


@pytest.mark.parametrize("name", ["nobody-has-this-name.invalid", f"{'x' * 64}.example"])
async def test_a_name_that_nobody_has(name: str) -> None:
    fault = await fault_of(endpoint(f"ws://{name}/"))
    assert str(fault).startswith(f"{name} can't be reached: ")
    assert trouble_of(fault) is Trouble.NAME


# --- TLS ------------------------------------------------------------------------------------------


@pytest.fixture
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(ca: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine trusts the authority."""
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))


@asynccontextmanager
async def secure_server(ca: trustme.CA, name: str) -> AsyncIterator[int]:
    """A server that says hello, under that name; its port."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert(name).configure_cert(tls)

    async def handle(request: trio_websocket.WebSocketRequest) -> None:
        connection = await request.accept()
        await connection.send_message("hello")
        await connection.get_message()

    async with trio.open_nursery() as nursery:
        serve = partial(
            trio_websocket.serve_websocket, handle, "127.0.0.1", 0, tls, connect_timeout=1
        )
        server = await nursery.start(serve)
        yield server.port
        nursery.cancel_scope.cancel()


async def test_a_trusted_certificate_opens_the_door(ca: trustme.CA, trusted: None) -> None:
    async with (
        secure_server(ca, "localhost") as port,
        dialled(endpoint(f"wss://localhost:{port}/")) as wire,
    ):
        assert await wire.receive() == "hello"
        await wire.send("bye")


async def test_an_untrusted_certificate_does_not(ca: trustme.CA) -> None:
    async with serving_badly(ca, "localhost") as port:
        fault = await fault_of(endpoint(f"wss://localhost:{port}/"))
    assert str(fault).startswith(
        "no secure connection to localhost: its certificate is not trusted"
    )


async def test_nor_does_one_of_another_name(ca: trustme.CA, trusted: None) -> None:
    async with serving_badly(ca, "elsewhere.example") as port:
        fault = await fault_of(endpoint(f"wss://localhost:{port}/"))
    assert str(fault).startswith(
        "no secure connection to localhost: its certificate is not trusted"
    )
    assert "elsewhere" in str(fault) or "localhost" in str(fault)


@asynccontextmanager
async def serving_badly(ca: trustme.CA, name: str) -> AsyncIterator[int]:
    """A TLS server with whom no handshake succeeds; its port."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert(name).configure_cert(tls)

    async def serve(stream: trio.SocketStream) -> None:
        await trio.SSLStream(stream, tls, server_side=True).do_handshake()

    async with serving(serve) as url:
        yield int(url.rpartition(":")[2].partition("/")[0])


async def test_a_server_without_tls_is_no_secure_one() -> None:
    async def serve(stream: trio.SocketStream) -> None:
        await stream.receive_some(1)
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    async with serving(serve) as url:
        fault = await fault_of(endpoint(url.replace("ws://", "wss://")))
    assert str(fault).startswith("no secure connection to 127.0.0.1: ")


# --- pings ----------------------------------------------------------------------------------------


def impatient(url: str) -> Endpoint:
    return endpoint(url, ping_every_s=0.01, ping_limit_s=0.1)


async def read_and_say_nothing(stream: trio.SocketStream) -> None:
    await accept(stream)
    async for _ in stream:
        pass


async def read_nothing(stream: trio.SocketStream) -> None:
    await accept(stream)
    await trio.sleep_forever()


@pytest.mark.parametrize("serve", [read_and_say_nothing, read_nothing])
async def test_a_link_on_which_no_ping_is_answered_is_dead(serve: Serve) -> None:
    async with serving(serve) as url, dialled(impatient(url)) as wire:
        with pytest.raises(
            LinkError, match=r"answered no ping for 0\.1 s: the link is dead"
        ) as dead:
            await wire.keep_alive()
        assert dead.value.trouble is Trouble.NO_PONG


async def hang_up_at_the_first_ping(stream: trio.SocketStream) -> None:
    await accept(stream)
    await stream.receive_some(1)


async def hang_up_before_the_first_ping(stream: trio.SocketStream) -> None:
    await accept(stream)


@pytest.mark.parametrize("serve", [hang_up_at_the_first_ping, hang_up_before_the_first_ping])
async def test_pings_end_with_the_link(serve: Serve) -> None:
    async with serving(serve) as url, dialled(impatient(url)) as wire:
        with pytest.raises(LinkError):
            await wire.keep_alive()


async def test_the_servers_pings_are_answered_though_nobody_receives() -> None:
    answered = trio.Event()

    async def handle(request: trio_websocket.WebSocketRequest) -> None:
        connection = await request.accept()
        for _ in range(5):
            await connection.send_message("unread")
            await connection.ping()
        answered.set()

    async with trio.open_nursery() as nursery:
        server = await nursery.start(trio_websocket.serve_websocket, handle, "127.0.0.1", 0, None)
        async with dialled(endpoint(f"ws://127.0.0.1:{server.port}/")):
            await answered.wait()
        nursery.cancel_scope.cancel()


# --- messages that are too much -------------------------------------------------------------------


async def test_a_message_beyond_the_limit_ends_the_link() -> None:
    seen: list[int | None] = []
    told = trio.Event()

    async def handle(request: trio_websocket.WebSocketRequest) -> None:
        connection = await request.accept()
        await connection.send_message("x" * 1000)
        await connection.send_message("x" * 1001)
        with suppress(trio_websocket.ConnectionClosed):
            await connection.get_message()
        reason = connection.closed
        seen.append(reason.code if reason else None)
        told.set()

    async with trio.open_nursery() as nursery:
        server = await nursery.start(trio_websocket.serve_websocket, handle, "127.0.0.1", 0, None)
        where = endpoint(f"ws://127.0.0.1:{server.port}/", largest_message_bytes=1000)
        async with dialled(where) as wire:
            assert await wire.receive() == "x" * 1000
            with pytest.raises(LinkClosed, match="1000 bytes") as closed:
                await wire.receive()
            assert closed.value.code == 1009
            await told.wait()
        nursery.cancel_scope.cancel()
    assert seen == [1009]


def frame(first: int, payload: bytes) -> bytes:
    assert len(payload) < 126
    return bytes([first, len(payload)]) + payload


@pytest.mark.parametrize(
    "nonsense",
    [
        frame(0x83, b"reserved opcode"),
        frame(0xC1, b"compressed, though nobody agreed to that"),
        frame(0x80, b"the end of a message that never began"),
        frame(0x81, b"\xff\xfe no UTF-8"),
        frame(0x09, b"a ping in pieces"),
        bytes([0x81, 0x85]) + b"\x00" * 9,  # a server must not mask
    ],
    ids=["opcode", "compressed", "continuation", "not text", "ping", "masked"],
)
async def test_nonsense_on_the_wire_ends_the_link_and_nothing_else(nonsense: bytes) -> None:
    async def serve(stream: trio.SocketStream) -> None:
        await accept(stream)
        await stream.send_all(frame(0x81, b"hello") + nonsense)
        async for _ in stream:
            pass

    async with serving(serve) as url, dialled(endpoint(url)) as wire:
        assert await wire.receive() == "hello"
        with pytest.raises(LinkClosed):
            await wire.receive()


async def test_the_servers_reason_for_closing_is_told() -> None:
    async def handle(request: trio_websocket.WebSocketRequest) -> None:
        connection = await request.accept()
        await connection.aclose(3000, "invalid_request_error.invalid_api_key")

    async with trio.open_nursery() as nursery:
        server = await nursery.start(trio_websocket.serve_websocket, handle, "127.0.0.1", 0, None)
        async with dialled(endpoint(f"ws://127.0.0.1:{server.port}/")) as wire:
            with pytest.raises(LinkClosed) as closed:
                await wire.receive()
        nursery.cancel_scope.cancel()
    assert closed.value.code == 3000
    assert "3000: invalid_request_error.invalid_api_key" in str(closed.value)


# --- leaving --------------------------------------------------------------------------------------


async def test_leaving_does_not_wait_for_ever_for_a_server_that_does_not_answer() -> None:
    async with serving(read_and_say_nothing) as url, dialled(endpoint(url)) as wire:
        await wire.send("hello")


async def test_leaving_does_not_wait_for_ever_for_a_server_that_takes_nothing() -> None:
    async with serving(read_nothing) as url, dialled(endpoint(url)) as wire:
        with trio.move_on_after(0.2) as stuck:
            while True:
                await wire.send("x" * 1_000_000)
        assert stuck.cancelled_caught


async def test_nothing_of_the_key_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with serving(read_and_say_nothing) as url, dialled(endpoint(url)) as wire:
        await wire.send("hello")
    async with serving(answering(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n")) as url:
        await fault_of(endpoint(url))
    assert KEY not in caplog.text
