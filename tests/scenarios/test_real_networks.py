"""Stories of bad networks: the whole daemon, the embedded server, and real sockets between them.

The clock is the real one, so nothing is measured in time; limits are short to get on with it, and every
wait has a guard against hanging.
"""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import soundfile
import trio
import trustme

from tests.fakes.bad_network import BadNetwork, bad_network
from tests.fakes.connect_proxy import connect_proxy, join
from tests.local.client import MODEL, PATIENCE_S, Watcher, serving
from voiced.actors.line import Line
from voiced.app import Daemon
from voiced.config.whole import Config
from voiced.edges.credentials import FixedKey, Secret
from voiced.edges.transport import Route, open_stream
from voiced.edges.websocket import Endpoint, WebSocketDialler, WebSocketWire
from voiced.faults import LinkClosed, LinkError, Trouble
from voiced.local.voice import tone
from voiced.notices import Happened, Moment, NoticeBoard
from voiced.outside import ports_from

SPOKEN_MS = 600
APPEND = "x" * 1350  # 20 ms of sound, as long as it is on the wire


# --- the wire -------------------------------------------------------------------------------------


@asynccontextmanager
async def dialled(port: int, **settings: Any) -> AsyncIterator[WebSocketWire]:
    """A wire that has been greeted."""
    endpoint = attrs.evolve(Endpoint(address(port), MODEL), **settings)
    with trio.fail_after(PATIENCE_S):
        async with WebSocketDialler(endpoint, FixedKey(Secret("local"))).dial() as wire:
            assert "session.created" in str(await wire.receive())
            yield wire


@pytest.fixture
async def network() -> AsyncIterator[BadNetwork]:
    """A network before a server."""
    async with serving() as port, bad_network(port) as network:
        yield network
        network.flows()


async def test_a_reset_is_the_end_without_a_word(network: BadNetwork) -> None:
    async with dialled(network.port) as wire:
        network.resets()
        with pytest.raises(LinkClosed) as closed:
            await wire.receive()
        assert closed.value.code == 1006
        with pytest.raises(LinkClosed):
            await wire.send(APPEND)


async def test_half_an_end_is_an_end(network: BadNetwork) -> None:
    async with dialled(network.port) as wire:
        network.half_closes()
        with pytest.raises(LinkClosed) as closed:
            await wire.receive()
        assert closed.value.code == 1006


async def test_a_link_that_swallows_everything_is_found_out_by_a_ping(network: BadNetwork) -> None:
    async with dialled(network.port, ping_every_s=0.05, ping_limit_s=0.3) as wire:
        network.drops()
        with pytest.raises(LinkError, match="answered no ping") as dead:
            await wire.keep_alive()
        assert dead.value.trouble is Trouble.NO_PONG


async def test_a_peer_that_reads_nothing_soon_holds_up_the_writer(network: BadNetwork) -> None:
    """What has been taken from us by then is little: the kernel holds no seconds of speech."""
    async with dialled(network.port) as wire:
        network.stalls()
        sent = 0
        with trio.move_on_after(0.5) as stuck:
            while True:
                await wire.send(APPEND)
                sent += 1
        assert stuck.cancelled_caught
        assert sent * 20 < 2000, "ms of speech: 750 of our own, and the peer's window"


async def test_a_line_on_which_nothing_is_taken_is_said_to_be_stuck(network: BadNetwork) -> None:
    async with dialled(network.port) as wire, trio.open_nursery() as nursery:
        line = Line(wire, send_limit_s=0.3)
        network.stalls()

        async def talk() -> None:
            while True:
                line._asked += 1
                await wire.send(APPEND)
                line._taken += 1

        nursery.start_soon(talk)
        with pytest.raises(LinkError, match="the link is stuck"):
            await line.watch()
        nursery.cancel_scope.cancel()


async def test_new_connections_are_refused_and_taken_again(network: BadNetwork) -> None:
    async with dialled(network.port) as wire:
        network.refuses()
        with pytest.raises(LinkError, match="Connection refused"):
            await open_stream("127.0.0.1", network.port, secure=False, route=Route())
        network.comes_back()
        async with dialled(network.port):
            assert network.accepted == 2
        network.resets()  # the first one was there all the time
        with pytest.raises(LinkClosed):
            await wire.receive()


# --- the daemon -----------------------------------------------------------------------------------


def settings(folder: Path, url: str, **sections: dict[str, Any]) -> Config:
    """Files as devices; the user hums for a while and is silent then. Nobody waits for long."""
    sound = np.frombuffer(bytes(48 * 400) + tone(SPOKEN_MS, 300) + bytes(48 * 400), np.int16)
    soundfile.write(folder / "question.wav", sound, 24_000, subtype="PCM_16")
    files: dict[str, dict[str, Any]] = {
        "realtime": {"url": url},
        "capture": {"device": f"file:{folder / 'question.wav'}"},
        "playout": {"device": f"file:{folder / 'answer.wav'}"},
        "link": {"first_pause_s": 0.1, "longest_pause_s": 1.0},
    }
    config = Config()
    changes = {
        name: attrs.evolve(getattr(config, name), **values)
        for name, values in (files | sections).items()
    }
    return attrs.evolve(config, **changes)


@attrs.define(eq=False)
class Life:
    """A daemon that runs, and what is told of it."""

    notices: Any

    async def until(self, moment: Moment) -> str:
        """Wait for that moment; why it came."""
        async for notice in self.notices:
            if isinstance(notice, Happened) and notice.moment is moment:
                return notice.detail
        raise AssertionError("the daemon has ended")


@asynccontextmanager
async def living(config: Config, environ: dict[str, str]) -> AsyncIterator[Life]:
    board = NoticeBoard()
    daemon = Daemon(config, ports_from(config, environ), board=board)
    with trio.fail_after(PATIENCE_S), board.watch() as notices:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(daemon.run)
            yield Life(notices)
            daemon.supervisor.stop()


def address(port: int) -> str:
    return f"ws://127.0.0.1:{port}/v1/realtime"


async def test_a_network_that_goes_away_and_comes_back(network: BadNetwork, tmp_path: Path) -> None:
    async with living(settings(tmp_path, address(network.port)), {}) as life:
        await life.until(Moment.READY)
        network.refuses()
        network.resets()
        assert "without a word" in await life.until(Moment.COOLING)
        assert "Connection refused" in await life.until(Moment.COOLING)
        network.comes_back()
        await life.until(Moment.READY)


async def test_a_network_that_takes_nothing_for_a_while(
    network: BadNetwork, tmp_path: Path
) -> None:
    config = settings(tmp_path, address(network.port), uplink={"send_limit_s": 0.5})
    async with living(config, {}) as life:
        await life.until(Moment.READY)
        network.stalls()
        assert "took nothing for 0.5 s" in await life.until(Moment.COOLING)
        network.flows()
        await life.until(Moment.READY)


async def test_a_router_that_forgets_us(network: BadNetwork, tmp_path: Path) -> None:
    impatient = {"ping_every_s": 1.0, "ping_limit_s": 0.5, "send_limit_s": 30.0}
    config = settings(tmp_path, address(network.port), uplink=impatient)
    async with living(config, {}) as life:
        await life.until(Moment.READY)
        network.drops()
        assert "answered no ping" in await life.until(Moment.COOLING)
        network.flows()
        await life.until(Moment.READY)


async def test_a_long_way_costs_nothing_but_time(network: BadNetwork, tmp_path: Path) -> None:
    network.delays(0.1)  # there and back again: 200 ms
    async with living(settings(tmp_path, address(network.port)), {}) as life:
        await life.until(Moment.PLAYED)


# --- the way through ------------------------------------------------------------------------------


@pytest.fixture
def ca() -> trustme.CA:
    return trustme.CA()


@asynccontextmanager
async def secured(ca: trustme.CA, name: str, port: int) -> AsyncIterator[int]:
    """TLS before a server that has none; the port to knock at."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert(name).configure_cert(tls)

    async def lead(client: trio.abc.Stream) -> None:
        async with client, await trio.open_tcp_stream("127.0.0.1", port) as server:
            await join(client, server)

    serve = partial(trio.serve_ssl_over_tcp, lead, 0, tls, host="127.0.0.1", https_compatible=True)
    async with trio.open_nursery() as nursery:
        listeners: list[trio.SSLListener[trio.SocketStream]] = await nursery.start(serve)
        listener = listeners[0].transport_listener
        assert isinstance(listener, trio.SocketListener)
        yield listener.socket.getsockname()[1]
        nursery.cancel_scope.cancel()


async def test_a_turn_through_a_proxy_with_an_authority_of_our_own(
    ca: trustme.CA, tmp_path: Path
) -> None:
    """Everything at once: the owner's settings, CONNECT with a password, TLS inside, 40 ms of way."""
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    (tmp_path / "login").write_text("me:secret\n")
    watch = Watcher()
    async with (
        serving(watch=watch) as server,
        secured(ca, "service.example", server) as tls_port,
        bad_network(tls_port) as network,
        connect_proxy(network.port) as proxy,
    ):
        network.delays(0.02)
        way = {
            "proxy": f"http://127.0.0.1:{proxy.port}",
            "proxy_credentials_file": str(tmp_path / "login"),
            "ca_file": str(tmp_path / "ca.pem"),
        }
        config = settings(tmp_path, "wss://service.example/v1/realtime", network=way)
        async with living(config, {"OPENAI_API_KEY": "any-key"}) as life:
            await life.until(Moment.PLAYED)

    (request,) = proxy.requests
    assert request.startswith(b"CONNECT service.example:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic bWU6c2VjcmV0" in request
    assert "error" not in watch.kinds()


async def test_a_proxy_in_the_environment_that_wants_a_password_is_named(tmp_path: Path) -> None:
    async with connect_proxy(0, b"HTTP/1.1 407 No\r\n\r\n") as proxy:
        environ = {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}", "OPENAI_API_KEY": "any-key"}
        async with living(settings(tmp_path, "wss://service.example/v1"), environ) as life:
            why = await life.until(Moment.COOLING)
    assert why.startswith("the proxy does not let us through: check [network] proxy (the proxy")
    assert "proxy_credentials_file" in why
