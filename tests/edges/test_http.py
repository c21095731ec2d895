"""One small HTTP request on real sockets: what is asked, what is taken for an answer, what is not."""

import json
import traceback
from functools import partial

import h11
import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from tests.canaries import KEY
from tests.canaries import MINTED as SECRET
from tests.edges.counter import GUARD_S, answer, answering, direct
from voiced.edges import http
from voiced.edges.http import Answer, OpenStream, Request, ask
from voiced.faults import LinkError, Trouble


async def fault_of(request: Request, open_stream: OpenStream = direct) -> LinkError:
    """Why there is no answer; no secret is in it, nor in anything that led to it."""
    with pytest.raises(LinkError) as failed:
        await ask(request, open_stream)
    shown_nowhere(failed.value, KEY, SECRET)
    return failed.value


def shown_nowhere(error: BaseException | None, *secrets: str) -> None:
    """The whole chain of an error, its contexts included, even those that are not shown."""
    while error is not None:
        shown = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
        assert not [secret for secret in secrets if secret in shown]
        decoder = isinstance(error, UnicodeError | json.JSONDecodeError | h11.ProtocolError)
        assert not decoder, "it holds what it could not decode"
        error = error.__cause__ or error.__context__


def get(url: str) -> Request:
    return Request("GET", url, [(b"Authorization", f"Bearer {KEY}".encode())])


# --- what is asked --------------------------------------------------------------------------------


async def test_what_is_asked() -> None:
    async with answering(answer("yes")) as counter:
        headers = [(b"Authorization", b"Bearer x"), (b"OpenAI-Safety-Identifier", b"lobby")]
        await ask(Request("POST", f"{counter.url}/v1/a%20b", headers, b"{}"), direct)

    (asked,) = counter.asked
    assert asked.line == "POST /v1/a%20b HTTP/1.1"
    assert asked.headers == {
        "host": f"127.0.0.1:{counter.port}",
        "connection": "close",
        "content-length": "2",
        "authorization": "Bearer x",
        "openai-safety-identifier": "lobby",
    }
    assert asked.body == b"{}"


async def test_an_address_without_a_path_is_the_root() -> None:
    async with answering(answer("yes")) as counter:
        await ask(get(counter.url), direct)
    assert counter.asked[0].line == "GET / HTTP/1.1"


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://host/x", ("host", 443, True)),
        ("https://host:8443/x", ("host", 8443, True)),
        ("http://[::1]/x", ("::1", 80, False)),
    ],
)
async def test_where_it_is_asked(url: str, place: tuple[str, int, bool]) -> None:
    tried: list[tuple[str, int, bool]] = []

    async def nowhere(host: str, port: int, *, secure: bool) -> trio.abc.Stream:
        tried.append((host, port, secure))
        raise LinkError("no way", Trouble.PROXY)

    fault = await fault_of(get(url), nowhere)
    assert fault.trouble is Trouble.PROXY
    assert tried == [place]


# --- what is an answer ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        answer("hello"),
        answer("hello", status="503 Busy"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\n\r\nhello",
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + answer("hello"),
        answer("hello") + b"and more that nobody wanted",
    ],
    ids=["length", "error", "chunked", "to the end", "1.0", "early hints", "more"],
)
async def test_an_answer_is_taken_however_it_is_framed(raw: bytes) -> None:
    async with answering(raw) as counter:
        got = await ask(get(counter.url), direct)
    assert got.body == b"hello"
    assert got.status == (503 if b"503" in raw else 200)


async def test_an_answer_may_come_byte_by_byte() -> None:
    ours, theirs = trio.testing.lockstep_stream_pair()

    async def open_stream(host: str, port: int, *, secure: bool) -> trio.abc.Stream:
        return ours

    async def talk() -> None:
        await theirs.receive_some()
        for byte in answer("hello", "X-A: b"):
            await theirs.send_all(bytes([byte]))

    with trio.fail_after(GUARD_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(talk)
            got = await ask(get("http://host/"), open_stream)
    assert got.body == b"hello"
    assert got.headers["x-a"] == "b"


async def test_the_largest_answer_is_taken_and_a_larger_one_is_not() -> None:
    body = b"x" * (http.LONGEST_BYTES - 100)
    async with answering(answer(body)) as counter:
        assert (await ask(get(counter.url), direct)).body == body
    async with answering(answer(body + SECRET.encode() * 20)) as counter:
        fault = await fault_of(get(counter.url))
    assert fault.trouble is Trouble.SECRET
    assert "more than a secret can be long" in str(fault)


ENDLESS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 50_000


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + SECRET.encode(),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + SECRET.encode() + b"\r\n",
        b"HTTP/1.1 200 OK\r\n" + SECRET.encode() + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\n\r\n",
        b"SSH-2.0-OpenSSH " + SECRET.encode() + b"\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 40_000,
        b"HTTP/1.1 103 Hint\r\n\r\n" * 10_000,
        ENDLESS,
    ],
    ids=[
        *("nothing", "half a head", "half a body", "bad chunk", "bad header", "bad length"),
        *("upgrade", "ssh", "tls", "long header", "endless hints", "endless chunks"),
    ],
)
async def test_what_is_no_answer_is_an_error_in_plain_words(raw: bytes) -> None:
    async with answering(raw) as counter:
        fault = await fault_of(get(counter.url))
    assert fault.trouble is Trouble.SECRET
    assert str(fault).startswith("127.0.0.1 ")


@given(st.binary(max_size=300), st.booleans())
def test_whatever_comes_is_an_answer_or_a_link_error(raw: bytes, begins_well: bool) -> None:
    said = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" if begins_well else b""

    async def once() -> None:
        ours, theirs = trio.testing.memory_stream_pair()

        async def open_stream(host: str, port: int, *, secure: bool) -> trio.abc.Stream:
            return ours

        await theirs.send_all(said + raw)
        await theirs.send_eof()
        try:
            await ask(get("http://host/"), open_stream)
        except LinkError as error:
            shown_nowhere(error, KEY)

    trio.run(once)


async def test_a_peer_that_hangs_up_is_told_of() -> None:
    async def slam(stream: trio.SocketStream) -> None:
        await stream.receive_some(1)
        stream.setsockopt(1, 13, b"\x01\x00\x00\x00\x00\x00\x00\x00")  # SO_LINGER 0: a reset
        await stream.aclose()

    with trio.fail_after(GUARD_S):
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(partial(trio.serve_tcp, slam, 0, host="127.0.0.1"))
            port = listeners[0].socket.getsockname()[1]
            fault = await fault_of(get(f"http://127.0.0.1:{port}/"))
            nursery.cancel_scope.cancel()
    assert "broke off in the middle of an answer" in str(fault)


# --- dates ----------------------------------------------------------------------------------------

DATE = "Sat, 21 Nov 2026 03:00:00 GMT"
DATE_S = 1_795_230_000.0


@pytest.mark.parametrize(
    ("headers", "sent_at_s"),
    [
        ({}, None),
        ({"date": DATE}, DATE_S),
        ({"date": DATE, "age": "90"}, DATE_S + 90),
        ({"date": DATE, "age": "-1"}, DATE_S),
        ({"age": "90"}, None),
        ({"date": "yesterday"}, None),
        ({"date": "Sat, 99 Nov 2026 03:00:00 GMT"}, None),
    ],
)
def test_when_an_answer_was_sent(headers: dict[str, str], sent_at_s: float | None) -> None:
    assert Answer(200, headers, b"").sent_at_s == sent_at_s


@pytest.mark.parametrize(
    ("headers", "retry_after_s"),
    [
        ({}, None),
        ({"retry-after": "20"}, 20),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "1e9"}, None),
        ({"retry-after": "9" * 400}, float("inf")),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Sat, 21 Nov 2026 03:01:30 GMT", "date": DATE}, 90),
        ({"retry-after": DATE, "date": "Sat, 21 Nov 2026 03:01:30 GMT"}, 0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0),
    ],
)
def test_how_long_to_stay_away(headers: dict[str, str], retry_after_s: float | None) -> None:
    assert Answer(429, headers, b"").retry_after_s == retry_after_s


@given(st.text(), st.text(), st.text())
def test_no_header_is_too_odd(date: str, age: str, retry: str) -> None:
    told = Answer(429, {"date": date, "age": age, "retry-after": retry}, b"")
    assert told.sent_at_s is None or isinstance(told.sent_at_s, float)
    assert told.retry_after_s is None or told.retry_after_s >= 0


# --- never shown ----------------------------------------------------------------------------------


def test_neither_question_nor_answer_show_what_is_in_them() -> None:
    request = Request("POST", "https://host/", get("").headers, SECRET.encode())
    got = Answer(200, {"x-secret": SECRET}, SECRET.encode())
    assert not [secret for secret in (KEY, SECRET) if secret in f"{request} {got}"]
