"""Streams to hosts through networks as they are: real sockets, real TLS, real proxies."""

import fcntl
import socket
import ssl
import struct
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import attrs
import pytest
import trio
import trustme

from tests.canaries import OPAQUE as PASSWORD
from tests.fakes.connect_proxy import connect_proxy
from voiced.edges.credentials import Secret
from voiced.edges.proxy import Proxies, Proxy
from voiced.edges.transport import Route, open_stream, tls_fault, trust
from voiced.faults import ConfigError, LinkError, Trouble

HOST = "service.example"  # a name that only the tests' proxies and resolvers know
HANG_S = 20

Serve = Callable[[trio.SocketStream], Awaitable[None]]


async def echo(stream: trio.abc.Stream) -> None:
    while data := await stream.receive_some():
        await stream.send_all(data)


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[int]:
    """A TCP server for as long as the context lasts; its port."""

    async def handle(stream: trio.SocketStream) -> None:
        async with stream:
            with suppress(trio.BrokenResourceError):
                await serve(stream)

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, handle, 0, host="127.0.0.1"))
        yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()


async def fault_of(host: str, port: int, *, secure: bool, route: Route | None = None) -> LinkError:
    """Why there is no stream. No password is in it, nor in what led to it."""
    with trio.fail_after(HANG_S), pytest.raises(LinkError) as failed:
        await open_stream(host, port, secure=secure, route=route or Route())
    assert PASSWORD not in "".join(traceback.format_exception(failed.value))
    return failed.value


async def echoes(stream: trio.abc.Stream) -> bool:
    """Whether what is said comes back."""
    async with stream:
        await stream.send_all(b"hello")
        said = b""
        while len(said) < 5:
            said += await stream.receive_some()
        return said == b"hello"


# --- addresses ------------------------------------------------------------------------------------


@attrs.define
class Resolver(trio.abc.HostnameResolver):
    """A name with the addresses that it is given."""

    addresses: tuple[str, ...]

    async def getaddrinfo(  # type: ignore[override]  # of the arguments, one matters here
        self, host: str, port: int, *_: object
    ) -> list[tuple[int, int, int, str, tuple[str | int, ...]]]:
        found: list[tuple[int, int, int, str, tuple[str | int, ...]]] = []
        for address in self.addresses:
            six = ":" in address
            sockaddr = (address, port, 0, 0) if six else (address, port)
            family = socket.AF_INET6 if six else socket.AF_INET
            found.append((family, socket.SOCK_STREAM, 6, "", sockaddr))
        return found

    async def getnameinfo(self, *_: object) -> tuple[str, str]:
        raise NotImplementedError


@contextmanager
def deaf(address: str, port: int) -> Iterator[None]:
    """Somebody who answers no call: the kernel drops the first packet while the queue is full."""
    with ExitStack() as held:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = held.enter_context(socket.socket(family))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(0)
        for _ in range(4):
            caller = held.enter_context(socket.socket(family))
            caller.setblocking(False)
            with suppress(BlockingIOError):
                caller.connect((address, port))
        yield


DEAD = "::1" if socket.has_dualstack_ipv6() else "127.0.0.2"


@pytest.mark.skipif(sys.platform != "linux", reason="full queues drop calls on Linux")
async def test_an_address_that_answers_nothing_costs_little() -> None:
    trio.socket.set_custom_hostname_resolver(Resolver((DEAD, "127.0.0.1")))
    async with serving(echo) as port:
        with deaf(DEAD, port):
            with trio.move_on_after(1) as patience:  # the first one alone: for ever
                await open_stream(DEAD, port, secure=False, route=Route())
            assert patience.cancelled_caught
            with trio.fail_after(5):  # what the daemon grants a socket
                stream = await open_stream(HOST, port, secure=False, route=Route())
            assert await echoes(stream)


async def test_an_address_that_refuses_costs_nothing() -> None:
    trio.socket.set_custom_hostname_resolver(Resolver(("127.0.0.2", "127.0.0.1")))
    async with serving(echo) as port:
        assert await echoes(await open_stream(HOST, port, secure=False, route=Route()))


async def test_all_refuse() -> None:
    trio.socket.set_custom_hostname_resolver(Resolver(("127.0.0.2", "127.0.0.1")))
    fault = await fault_of(HOST, unused_port(), secure=False)
    assert str(fault) == "service.example can't be reached: Connection refused"
    assert fault.trouble is Trouble.UNREACHABLE


async def test_a_name_that_nobody_has() -> None:
    fault = await fault_of("nobody-has-this-name.invalid", 443, secure=True)
    assert fault.trouble is Trouble.NAME


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


# --- sockets --------------------------------------------------------------------------------------


def option(stream: trio.abc.Stream, level: int, name: int) -> int:
    assert isinstance(stream, trio.SocketStream)
    value = stream.getsockopt(level, name)
    assert isinstance(value, int)
    return value


async def test_small_writes_go_at_once_and_a_dead_link_is_found_out() -> None:
    async with serving(echo) as port:
        stream = await open_stream("127.0.0.1", port, secure=False, route=Route())
        async with stream:
            tcp = socket.IPPROTO_TCP
            assert option(stream, tcp, socket.TCP_NODELAY)
            assert option(stream, socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            for name, value in (("TCP_KEEPIDLE", 20), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
                if hasattr(socket, name):
                    assert option(stream, tcp, getattr(socket, name)) == value, name


APPEND = b"x" * 1350  # 20 ms of sound in a text frame
SIOCOUTQNSD = 0x894B  # bytes that the kernel has been given and has not sent


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux what it has not sent")
async def test_little_waits_in_the_kernel_for_a_peer_that_reads_nothing() -> None:
    async def read_nothing(_: trio.SocketStream) -> None:
        await trio.sleep_forever()

    async with serving(read_nothing) as port:
        stream = await open_stream("127.0.0.1", port, secure=False, route=Route())
        assert isinstance(stream, trio.SocketStream)
        written = 0
        with trio.move_on_after(0.5) as full:
            while True:
                await stream.send_all(APPEND)
                written += len(APPEND)
        assert full.cancelled_caught
        fd = stream.socket.fileno()
        (unsent,) = struct.unpack("i", fcntl.ioctl(fd, SIOCOUTQNSD, bytes(4)))
        assert 0 < unsent < 50_000, "more than 750 ms of speech"
        assert written < 500_000, "the peer's buffer and ours"
        await trio.aclose_forcefully(stream)


# --- TLS ------------------------------------------------------------------------------------------


@pytest.fixture
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(ca: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return str(path)


def server_side(leaf: trustme.LeafCert) -> ssl.SSLContext:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    leaf.configure_cert(tls)
    return tls


def secure_echo(tls: ssl.SSLContext) -> Serve:
    async def serve(stream: trio.SocketStream) -> None:
        await echo(trio.SSLStream(stream, tls, server_side=True, https_compatible=True))

    return serve


async def test_the_owners_own_authority_is_trusted_if_it_is_named(
    ca: trustme.CA, ca_file: str
) -> None:
    async with serving(secure_echo(server_side(ca.issue_cert("localhost")))) as port:
        stream = await open_stream("localhost", port, secure=True, route=Route(ca_file=ca_file))
        assert await echoes(stream)
        fault = await fault_of("localhost", port, secure=True)
    assert fault.trouble is Trouble.TLS
    assert "its certificate is not trusted" in str(fault)


TODAY = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("name", "begins", "ends", "trouble", "words"),
    [
        ("elsewhere.example", -DAY, DAY, Trouble.TLS, "Hostname mismatch"),
        ("localhost", -2 * DAY, -DAY, Trouble.TLS, "certificate has expired"),
        ("localhost", 400 * DAY, 800 * DAY, Trouble.CLOCK, "certificate is not yet valid"),
    ],
)
async def test_a_certificate_that_is_no_good_is_named(
    ca: trustme.CA,
    ca_file: str,
    name: str,
    begins: timedelta,
    ends: timedelta,
    trouble: Trouble,
    words: str,
) -> None:
    leaf = ca.issue_cert(name, not_before=TODAY + begins, not_after=TODAY + ends)
    async with serving(secure_echo(server_side(leaf))) as port:
        fault = await fault_of("localhost", port, secure=True, route=Route(ca_file=ca_file))
    assert fault.trouble is trouble
    assert str(fault).startswith("no secure connection to localhost: its certificate")
    assert words in str(fault)


def refused_certificate(code: int) -> trio.BrokenResourceError:
    """What Trio raises when OpenSSL finds that."""
    cause = ssl.SSLCertVerificationError(1, "certificate verify failed")
    cause.verify_code, cause.verify_message = code, "what OpenSSL says"
    error = trio.BrokenResourceError()
    error.__cause__ = cause
    return error


NOT_YET, EXPIRED, SELF_SIGNED = 9, 10, 18


@pytest.mark.parametrize(
    ("code", "year", "trouble"),
    [
        (NOT_YET, 1970, Trouble.CLOCK),
        (NOT_YET, 2025, Trouble.CLOCK),
        (NOT_YET, 2027, Trouble.CLOCK),
        (EXPIRED, 2027, Trouble.TLS),
        (EXPIRED, 2099, Trouble.CLOCK),
        (EXPIRED, 1970, Trouble.CLOCK),
        (SELF_SIGNED, 2027, Trouble.TLS),
        (SELF_SIGNED, 1970, Trouble.TLS),
    ],
)
def test_a_wrong_clock_is_blamed_where_it_is_to_blame(
    code: int, year: int, trouble: Trouble
) -> None:
    fault = tls_fault("host", refused_certificate(code), datetime(year, 1, 1, tzinfo=UTC))
    assert fault.trouble is trouble
    told = f"the clock says {year}-01-01: set it, or let NTP do so"
    assert (told in str(fault)) is (trouble is Trouble.CLOCK)


async def hang_up(stream: trio.SocketStream) -> None:
    await stream.receive_some(1)


async def reset(stream: trio.SocketStream) -> None:
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def speak_plainly(stream: trio.SocketStream) -> None:
    await stream.receive_some(1)
    await stream.send_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


async def speak_an_old_dialect(stream: trio.SocketStream) -> None:
    await stream.receive_some(1)
    await stream.send_all(bytes.fromhex("15 0301 0002 02 46"))  # alert: protocol version


@pytest.mark.parametrize(
    ("serve", "trouble"),
    [
        (hang_up, Trouble.HANDSHAKE),
        (reset, Trouble.HANDSHAKE),
        (speak_plainly, Trouble.TLS),
        (speak_an_old_dialect, Trouble.TLS),
    ],
)
async def test_a_server_with_whom_no_secure_word_is_spoken(serve: Serve, trouble: Trouble) -> None:
    async with serving(serve) as port:
        fault = await fault_of("127.0.0.1", port, secure=True)
    assert fault.trouble is trouble
    assert "127.0.0.1" in str(fault)


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "can't be read: No such file"), ("no certificate", "holds no certificate in PEM")],
)
def test_an_authority_that_cannot_be_read_is_named(
    tmp_path: Path, text: str | None, words: str
) -> None:
    path = tmp_path / "ca.pem"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        trust(str(path))
    assert f"[network] ca_file: {path} {words}" in str(refused.value)


async def test_one_that_has_gone_since_is_waited_for(ca: trustme.CA) -> None:
    async with serving(secure_echo(server_side(ca.issue_cert("localhost")))) as port:
        fault = await fault_of("localhost", port, secure=True, route=Route(ca_file="/nowhere"))
    assert fault.trouble is Trouble.TLS
    assert "[network] ca_file: /nowhere can't be read" in str(fault)


# --- proxies --------------------------------------------------------------------------------------


def through(port: int, *, login: str = "", secure: bool = False, ca_file: str = "") -> Route:
    name = "localhost" if secure else "127.0.0.1"
    proxy = Proxy(name, port, secure, Secret(login) if login else None)
    return Route(Proxies(proxy, proxy), ca_file)


async def test_a_proxy_is_asked_for_the_host_by_name() -> None:
    async with serving(echo) as port, connect_proxy(port) as proxy:
        stream = await open_stream(HOST, 443, secure=False, route=through(proxy.port))
        assert await echoes(stream)
    (request,) = proxy.requests
    assert request == b"CONNECT service.example:443 HTTP/1.1\r\nHost: service.example:443\r\n\r\n"


async def test_a_proxy_is_shown_user_and_password() -> None:
    async with serving(echo) as port, connect_proxy(port) as proxy:
        route = through(proxy.port, login="me:grün")
        assert await echoes(await open_stream("fd00::1", 80, secure=False, route=route))
    (request,) = proxy.requests
    assert request.startswith(b"CONNECT [fd00::1]:80 HTTP/1.1\r\n")
    assert b"\r\nProxy-Authorization: Basic bWU6Z3LDvG4=\r\n" in request


@pytest.mark.parametrize("secure_proxy", [False, True])
async def test_the_secure_handshake_is_with_the_host_and_not_the_proxy(
    ca: trustme.CA, ca_file: str, secure_proxy: bool
) -> None:
    tls = server_side(ca.issue_cert("localhost")) if secure_proxy else None
    async with (
        serving(secure_echo(server_side(ca.issue_cert(HOST)))) as port,
        connect_proxy(port, tls=tls) as proxy,
    ):
        route = through(proxy.port, secure=secure_proxy, ca_file=ca_file)
        assert await echoes(await open_stream(HOST, 443, secure=True, route=route))
        fault = await fault_of("other.example", 443, secure=True, route=route)
    assert fault.trouble is Trouble.TLS
    assert str(fault).startswith("no secure connection to other.example: ")


@pytest.mark.parametrize(
    ("answer", "login", "words"),
    [
        (b"HTTP/1.1 407 No\r\n\r\n", "", "[network] proxy_credentials_file"),
        (
            b'HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: basic realm="x"\r\n\r\n',
            "",
            "[network] proxy_credentials_file",
        ),
        (
            b"HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM\r\n\r\n",
            "",
            "another kind of login than Basic",
        ),
        (b"HTTP/1.1 407 No\r\n\r\n", f"me:{PASSWORD}", "refuses our user and password"),
        (b"HTTP/1.1 403 No\r\n\r\n", "", "does not let us reach service.example:443: HTTP 403"),
        (b"HTTP/1.1 302 No\r\nLocation: x\r\n\r\n", "", "does not let us reach"),
        (b"HTTP/1.0 503 No\r\n\r\n", f"me:{PASSWORD}", "HTTP 503"),
        (b"HTTP/1.1 200 OK\r\n\r\n<html>", "", "not as an HTTP proxy does"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", f"me:{PASSWORD}", "not as an HTTP proxy does"),
        (b"\x05\xff", "", "not as an HTTP proxy does"),
        (b"HTTP/1.1 200", "", "not as an HTTP proxy does"),
        (b"HTTP/1.1 100 Wait\r\n\r\n", "", "hung up without an answer"),
        (b"X" * 100_000, "", "not as an HTTP proxy does"),
        (b"", "", "hung up without an answer"),
    ],
)
async def test_a_proxy_that_does_not_let_us_through_is_named(
    answer: bytes, login: str, words: str
) -> None:
    async with serving(echo) as port, connect_proxy(port, answer) as proxy:
        route = through(proxy.port, login=login)
        fault = await fault_of(HOST, 443, secure=True, route=route)
        assert str(fault).startswith(f"the proxy 127.0.0.1:{proxy.port} ")
    assert fault.trouble is Trouble.PROXY
    assert words in str(fault)


async def test_a_proxy_that_says_nothing_is_named_before_the_callers_patience_ends() -> None:
    async with connect_proxy(0, None) as proxy:
        route = attrs.evolve(through(proxy.port), proxy_limit_s=0.1)
        fault = await fault_of(HOST, 443, secure=True, route=route)
        assert str(fault) == f"the proxy 127.0.0.1:{proxy.port} does not answer"
    assert fault.trouble is Trouble.PROXY


async def test_a_proxy_that_is_not_there_is_named() -> None:
    fault = await fault_of(HOST, 443, secure=True, route=through(unused_port()))
    assert str(fault).startswith("the proxy 127.0.0.1:")
    assert str(fault).endswith(" can't be reached: Connection refused")
    assert fault.trouble is Trouble.PROXY


async def test_a_proxy_whose_certificate_is_not_trusted_is_named(ca: trustme.CA) -> None:
    async with connect_proxy(0, tls=server_side(ca.issue_cert("localhost"))) as proxy:
        fault = await fault_of(HOST, 443, secure=True, route=through(proxy.port, secure=True))
        assert proxy.requests == []
    assert str(fault).startswith("no secure connection to the proxy localhost:")
    assert fault.trouble is Trouble.PROXY
