"""A byte stream to a host, whatever the network is like: names, two families of addresses, proxies,
TLS, and sockets that do not hoard.

Law of this file: it opens and tunes, and says in one sentence why it could not; what flows over the
stream is not its business. It sets no limit but the proxy's: the caller has one for the whole way.
It asks what day it is, because certificates do.
"""

import os
import socket
import ssl
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import trio
from attrs import field, frozen

from voiced.edges.proxy import Proxies, Proxy, ask_for_tunnel
from voiced.faults import ConfigError, LinkError, Trouble

_UNSENT_BYTES: Final = 16 << 10
"""The kernel asks for more once fewer than that are unsent, and takes up to 36 kB (half a second of
speech: an append of 20 ms is 1.35 kB). Measured on loopback (Linux 6.18), into a peer that reads nothing:
3.9 MB go in without this mark, 126 kB with it, of which the peer's own buffer holds 90. Half or twice
the mark changed nothing, and a bounded SO_SNDBUF took nothing off: bytes in flight are not unsent, so a
long way (54 kB at 200 ms and four times real time) stays open, and Linux sizes that buffer itself."""
_SEND_BUFFER_BYTES: Final = 64 << 10  # for platforms without that mark; in flight counts there too

_IDLE_S: Final = 20  # a link is asked whether it lives: first after so many seconds of silence,
_INTERVAL_S: Final = 5  # then every so many,
_PROBES: Final = 3  # and is given up after so many unanswered

FIRST_YEAR: Final = 2026  # of this release: no clock is right that says it was earlier
LAST_YEAR: Final = FIRST_YEAR + 20  # or that much later: a battery that died leaves such dates, too
_NOT_YET_VALID: Final = 9  # X509_V_ERR_CERT_NOT_YET_VALID, of OpenSSL's x509_vfy.h
_EXPIRED: Final = 10  # X509_V_ERR_CERT_HAS_EXPIRED


@frozen
class Route:
    """The way out of here; by default straight on, with the certificates that the system trusts."""

    proxies: Proxies = field(factory=Proxies)
    ca_file: str = ""  # PEM; trusted besides the system's
    proxy_limit_s: float = 4.0  # below what the caller waits for, or it could not be told


async def open_stream(host: str, port: int, *, secure: bool, route: Route) -> trio.abc.Stream:
    """Connect, through a proxy if there is one on the route, and shake hands if it is to be *secure*.

    `LinkError` says what is in the way. Whoever asked closes the stream (it is an asynchronous context
    manager) and limits the time. The addresses of a host are tried a quarter of a second apart, the
    families by turns, until one answers (RFC 8305).
    """
    proxy = route.proxies.on_the_way_to(host, port, secure=secure)
    async with AsyncExitStack() as held:
        stream: trio.abc.Stream
        if proxy is None:
            stream = await _reach(host, port, host)
        else:
            stream = await _pass(proxy, host, port, route)
        await held.enter_async_context(stream)
        if secure:
            stream = await _secure(stream, host, host, route.ca_file)
        held.pop_all()
        return stream


def trust(ca_file: str) -> ssl.SSLContext:
    """What the system trusts, and the owner's own authority; `ConfigError` if that can't be read."""
    tls = ssl.create_default_context()
    if not ca_file:
        return tls
    try:
        tls.load_verify_locations(Path(ca_file).expanduser())
    except (OSError, RuntimeError, ValueError) as error:  # ssl's are OSErrors; ~nobody is none
        not_pem = isinstance(error, ssl.SSLError)
        told = "holds no certificate in PEM" if not_pem else f"can't be read: {reason_of(error)}"
        raise ConfigError([f"[network] ca_file: {ca_file} {told}"]) from error
    return tls


def certificate_days(stream: trio.abc.Stream) -> int:
    """For how many days more, by our clock, the certificate of whoever we shook hands with is good."""
    told = stream.getpeercert() if isinstance(stream, trio.SSLStream) else None
    if not told:
        return 0
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(told["notAfter"])), UTC)
    return (ends - datetime.now(UTC)).days


async def _pass(proxy: Proxy, host: str, port: int, route: Route) -> trio.abc.Stream:
    """Through the proxy, as far as the host."""
    with trio.move_on_after(route.proxy_limit_s):
        async with AsyncExitStack() as held:
            stream: trio.abc.Stream
            try:
                stream = await _reach(proxy.host, proxy.port, str(proxy))
                await held.enter_async_context(stream)
                if proxy.secure:
                    stream = await _secure(stream, proxy.host, str(proxy), route.ca_file)
            except LinkError as error:
                if error.trouble is Trouble.CLOCK:
                    raise
                raise LinkError(str(error), Trouble.PROXY) from error
            await ask_for_tunnel(stream, proxy, host, port)
            held.pop_all()
            return stream
    raise LinkError(f"{proxy} does not answer", Trouble.PROXY)


async def _reach(host: str, port: int, name: str) -> trio.SocketStream:
    try:
        stream = await trio.open_tcp_stream(host, port)
    except (socket.gaierror, UnicodeError) as error:  # the latter: no name can be like that
        told = f"{name} can't be reached: {reason_of(error)}"
        raise LinkError(told, Trouble.NAME) from error
    except OSError as error:
        told = f"{name} can't be reached: {reason_of(error)}"
        raise LinkError(told, Trouble.UNREACHABLE) from error
    _tune(stream)
    return stream


def _tune(stream: trio.SocketStream) -> None:
    """Small writes at once, few bytes unsent, and a sign of life now and then."""
    tcp = socket.IPPROTO_TCP
    stream.setsockopt(tcp, socket.TCP_NODELAY, 1)
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    idle = "TCP_KEEPALIVE" if sys.platform == "darwin" else "TCP_KEEPIDLE"
    for name, value in ((idle, _IDLE_S), ("TCP_KEEPINTVL", _INTERVAL_S), ("TCP_KEEPCNT", _PROBES)):
        if hasattr(socket, name):
            stream.setsockopt(tcp, getattr(socket, name), value)
    if hasattr(trio.socket, "TCP_NOTSENT_LOWAT"):  # Trio knows it where Python does not yet
        stream.setsockopt(tcp, trio.socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
    else:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)


async def _secure(
    stream: trio.abc.Stream, host: str, name: str, ca_file: str
) -> trio.SSLStream[trio.abc.Stream]:
    """Shake hands at once: done later, by the first to send, a failure would look like a lost link."""
    try:
        context = trust(ca_file)
    except ConfigError as error:  # it was good when we started: somebody is at work on it
        raise LinkError(str(error), Trouble.TLS) from error
    tls = trio.SSLStream(stream, context, server_hostname=host, https_compatible=True)
    try:
        await tls.do_handshake()
    except trio.BrokenResourceError as error:
        raise tls_fault(name, error, datetime.now(UTC)) from error
    return tls


def tls_fault(name: str, error: BaseException, now: datetime) -> LinkError:
    """Why there is no secure connection to *name*, given what was raised and what our clock says."""
    cause = _origin(error)
    told = f"no secure connection to {name}: {reason_of(error)}"
    if isinstance(cause, ssl.SSLCertVerificationError):
        # Nobody issues certificates for tomorrow: one that is not valid yet dates our clock.
        early = cause.verify_code == _NOT_YET_VALID
        wrong = not FIRST_YEAR <= now.year <= LAST_YEAR
        if early or (wrong and cause.verify_code == _EXPIRED):
            said = f"{told}; the clock says {now:%Y-%m-%d}: set it, or let NTP do so"
            return LinkError(said, Trouble.CLOCK)
        return LinkError(told, Trouble.TLS)
    if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
        return LinkError(told, Trouble.TLS)
    return LinkError(f"{name} hung up in the middle of the TLS handshake", Trouble.HANDSHAKE)


def _origin(error: BaseException) -> BaseException:
    """What went wrong in the end: Trio puts the failures of several addresses below one another."""
    while isinstance(error.__cause__, BaseException):
        error = error.__cause__
    return _origin(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


def reason_of(error: BaseException) -> str:
    """What went wrong in the end, in the system's words."""
    error = _origin(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)  # Trio's own text repeats the address
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
