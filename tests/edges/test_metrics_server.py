"""The metrics server on real sockets: what it gives, to whom, and what becomes of everybody else."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as some
from trio.testing import MockClock

from tests.fakes.scraper import ASKED, talk
from voiced.edges.metrics_server import (
    LONGEST_REQUEST_BYTES,
    MOST_CLIENTS,
    REQUEST_LIMIT_S,
    MetricsHttp,
    can_listen,
)
from voiced.faults import ConfigError

PAGE = b"voiced_a 1\n" * 2000  # about as long as the real one
_HANG_S = 60.0


@asynccontextmanager
async def serving(host: str = "127.0.0.1") -> AsyncIterator[MetricsHttp]:
    server = MetricsHttp(host, 0)
    async with trio.open_nursery() as nursery:
        await nursery.start(server.serve, lambda: PAGE)
        yield server
        nursery.cancel_scope.cancel()


def split(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body; exactly one answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    assert status.startswith("HTTP/1.1 ")
    assert headers["connection"] == "close"
    return int(status.split()[1]), headers, body


def request(
    line: str = "GET /metrics HTTP/1.1", *headers: str, host: str | None = "localhost:9464"
) -> bytes:
    lines = [line, *([] if host is None else [f"Host: {host}"]), *headers]
    return "".join(f"{each}\r\n" for each in [*lines, ""]).encode()


async def test_who_asks_properly_gets_the_page() -> None:
    async with serving() as server:
        status, headers, body = split(await talk(server.bound, ASKED))
    assert (status, body) == (200, PAGE)
    assert headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert headers["content-length"] == str(len(PAGE))
    assert headers["cache-control"] == "no-store"
    assert server.answered == {200: 1}


async def test_head_tells_what_get_would_give() -> None:
    async with serving() as server:
        status, headers, body = split(await talk(server.bound, request("HEAD /metrics HTTP/1.1")))
    assert (status, headers["content-length"], body) == (200, str(len(PAGE)), b"")


@pytest.mark.parametrize(
    "asked",
    [
        request("GET /metrics?collect[]=cpu HTTP/1.1"),
        request("GET http://127.0.0.1/metrics HTTP/1.1"),
        request("GET /metrics HTTP/1.0", host=None),
        request(host="127.0.0.1"),
        request(host="[::1]:9464"),
        request("GET /metrics HTTP/1.1", "Content-Length: 5") + b"abcde",
        request("GET /metrics HTTP/1.1", "Accept-Encoding: gzip", "Connection: keep-alive"),
        request() * 3,  # one answer, and out
    ],
)
async def test_there_are_many_proper_ways_to_ask(asked: bytes) -> None:
    async with serving() as server:
        status, _, body = split(await talk(server.bound, asked))
    assert (status, body) == (200, PAGE)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (request("GET / HTTP/1.1"), 404),
        (request("GET /metrics/ HTTP/1.1"), 404),
        (request("GET /../etc/passwd HTTP/1.1"), 404),
        (request("GET /%6detrics HTTP/1.1"), 404),
        (request("POST / HTTP/1.1"), 404),
        (request("OPTIONS * HTTP/1.1"), 404),
        (request("CONNECT example.org:443 HTTP/1.1"), 404),
        (request("GET //[ HTTP/1.1"), 404),
        (request("POST /metrics HTTP/1.1", "Content-Length: 0"), 405),
        (request("DELETE /metrics HTTP/1.1"), 405),
        (request(host=None), 400),
        (request("GET /metrics HTTP/1.1", "Host: localhost"), 400),
        (request("GET /metrics HTTP/1.1", "Content-Length: -1"), 400),
        (request("GET /metrics SMTP/1.1"), 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)), 400),  # TLS
        (bytes(range(256)) * 8 + b"\r\n\r\n", 400),
        (request("GET /metrics HTTP/1.1", f"X: {'a' * LONGEST_REQUEST_BYTES}"), 431),
        (request(f"GET /{'a' * (1 << 20)} HTTP/1.1"), 431),
        (b"a" * (4 << 20), 431),
        (request(host="rebound.example.org:9464"), 421),
        (request(host="192.0.2.1"), 421),
        (request(host=""), 421),
    ],
)
async def test_whoever_else_gets_a_short_answer(asked: bytes, status: int) -> None:
    async with serving() as server:
        said, headers, body = split(await talk(server.bound, asked))
        assert said == status
        assert body.startswith(f"{status} ".encode())
        assert len(body) < 200
        assert ("allow" in headers) is (status == 405)
        assert server.answered == {status: 1}
        assert split(await talk(server.bound, ASKED))[0] == 200


async def test_beyond_loopback_any_name_of_ours_will_do() -> None:
    async with serving("0.0.0.0") as server:
        answer = await talk(server.bound, request(host="kiosk.example.org:9464"))
    assert split(answer)[0] == 200


async def test_half_closed_after_asking_is_asking() -> None:
    async with serving() as server:
        assert split(await talk(server.bound, ASKED, eof=True))[2] == PAGE
        assert split(await talk(server.bound, ASKED[:20], eof=True))[0] == 400
        assert await talk(server.bound, eof=True) == b""  # somebody looked whether the port is open
        assert server.answered == {200: 1, 400: 1}


async def test_a_request_may_come_in_pieces() -> None:
    async with serving() as server:
        pieces = [ASKED[place : place + 1] for place in range(len(ASKED))]
        assert split(await talk(server.bound, *pieces))[2] == PAGE


async def test_who_leaves_at_any_point_harms_nobody() -> None:
    async with serving() as server:
        for said in (b"", ASKED[:10], ASKED):
            for _ in range(3):
                stream = await trio.open_tcp_stream("127.0.0.1", server.bound)
                linger = b"\x01\0\0\0\0\0\0\0"  # a reset instead of a goodbye
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                await stream.send_all(said)
                await stream.aclose()
        assert split(await talk(server.bound, ASKED))[0] == 200


async def test_those_who_are_too_many_wait_and_are_answered_when_there_is_room() -> None:
    answers: list[bytes] = []
    async with serving() as server, trio.open_nursery() as nursery:
        silent = [
            await trio.open_tcp_stream("127.0.0.1", server.bound) for _ in range(MOST_CLIENTS)
        ]

        async def ask() -> None:
            answers.append(await talk(server.bound, ASKED))

        for _ in range(5):
            nursery.start_soon(ask)
        for each in silent:
            await each.aclose()
        with trio.fail_after(_HANG_S):
            while len(answers) < 5:
                await trio.lowlevel.checkpoint()
    assert [split(answer)[0] for answer in answers] == [200] * 5


# --- what takes time, on a clock that jumps, over a stream in memory --------------------------------


async def dialogue(*pieces: tuple[float, bytes], reads: bool = True) -> tuple[float, bytes]:
    """Say each piece after so many seconds; how long it took until it was over, and what came back."""
    server = MetricsHttp("127.0.0.1", 0)
    ours, theirs = trio.testing.memory_stream_pair()
    began_s = trio.current_time()

    async def say() -> None:
        for after_s, piece in pieces:
            await trio.sleep(after_s)
            await ours.send_all(piece)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(say)
        await server.attend(theirs, lambda: PAGE)
        took_s = trio.current_time() - began_s
        nursery.cancel_scope.cancel()
    heard = b""
    with trio.CancelScope():
        while piece := bytes(await ours.receive_some(1 << 20)):
            heard += piece
    return took_s, heard


async def test_who_says_nothing_is_told_so_after_five_seconds(autojump_clock: MockClock) -> None:
    took_s, heard = await dialogue()
    assert REQUEST_LIMIT_S <= took_s <= REQUEST_LIMIT_S + 2
    assert split(heard)[0] == 408


async def test_who_says_a_letter_a_second_does_not_get_more_time(autojump_clock: MockClock) -> None:
    took_s, heard = await dialogue(*((0.9, bytes([letter])) for letter in ASKED))
    assert took_s <= REQUEST_LIMIT_S + 2
    assert split(heard)[0] == 408


async def test_who_does_not_hang_up_is_left_alone_soon(autojump_clock: MockClock) -> None:
    took_s, heard = await dialogue((4.0, ASKED), (0.5, b"more"), (0.5, b"and more"))
    assert took_s == 6.0
    assert split(heard)[2] == PAGE


@settings(max_examples=200)
@given(
    some.binary(max_size=300)
    | some.builds(lambda a, b: ASKED[:a] + b, some.integers(0, 50), some.binary())
)
def test_whatever_is_said_has_one_answer_or_none(said: bytes) -> None:
    async def ask() -> None:
        _, heard = await dialogue((0.0, said))
        assert split(heard)[0] in {200, 400, 404, 405, 408, 421, 431}

    trio.run(ask, clock=MockClock(autojump_threshold=0))


# --- where it listens -----------------------------------------------------------------------------


async def test_a_port_that_is_taken_is_a_mistake_that_names_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        wanted = rf"\[metrics\] listen: 127\.0\.0\.1:{port} is taken by another program"
        with pytest.raises(ConfigError, match=wanted):
            await MetricsHttp("127.0.0.1", port).serve(lambda: PAGE)
        with pytest.raises(ConfigError, match=wanted):
            can_listen("127.0.0.1", port)
    can_listen("127.0.0.1", port)


async def test_an_address_that_is_not_ours_is_a_mistake_too() -> None:
    with pytest.raises(ConfigError, match=r"192\.0\.2\.1:9464 can't be listened on"):
        await MetricsHttp("192.0.2.1", 9464).serve(lambda: PAGE)
    with pytest.raises(ConfigError, match=r"\[2001:db8::1\]:9464 can't be listened on"):
        can_listen("2001:db8::1", 9464)


async def test_the_port_is_free_as_soon_as_it_has_ended() -> None:
    async with serving() as server:
        await talk(server.bound, ASKED)
    can_listen("127.0.0.1", server.bound)
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(MetricsHttp("127.0.0.1", server.bound).serve, lambda: PAGE))
        nursery.cancel_scope.cancel()
