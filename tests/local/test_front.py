"""The front desk on a real socket: who is served, who is refused, and that nobody can block it."""

import json
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from typing import Any

import pytest
import trio
import trio.testing
from openai import AuthenticationError, BadRequestError, OpenAI
from openai.types.realtime import ClientSecretCreateResponse
from pydantic import TypeAdapter

from tests.local.client import KEY, MODEL, PATIENCE_S, connected, serving
from tests.local.test_conformance import Official, extras
from voiced.local.front import Replayed, attend
from voiced.local.minting import Mint
from voiced.local.options import Options

NOW_S = 1_795_230_000.0
JSON = "Content-Type: application/json"
BEARER = f"Authorization: Bearer {KEY}"
PATH = "/v1/realtime/client_secrets"


async def said(
    port: int, raw: bytes, *, in_pieces: bool = False
) -> tuple[int, dict[str, str], Any]:
    """Send bytes; return status, headers and what the JSON of the answer means."""
    with trio.fail_after(PATIENCE_S):
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            for piece in [raw[i : i + 1] for i in range(len(raw))] if in_pieces else [raw]:
                await stream.send_all(piece)
            answer = b"".join([bytes(piece) async for piece in stream])
    head, _, body = answer.partition(b"\r\n\r\n")
    line, *rows = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (row.partition(": ") for row in rows)}
    assert int(headers["content-length"]) == len(body)
    return int(line.split()[1]), headers, json.loads(body)


def post(body: bytes | str = b"{}", *headers: str, path: str = PATH) -> bytes:
    raw = body.encode() if isinstance(body, str) else body
    length = f"Content-Length: {len(raw)}"
    return (
        "\r\n".join([f"POST {path} HTTP/1.1", "Host: x", length, *headers, "", ""]).encode() + raw
    )


async def test_a_secret_is_handed_out_with_the_time() -> None:
    async with serving(now_s=lambda: NOW_S) as port:
        status, headers, answer = await said(port, post("{}", BEARER, JSON))

    assert status == 200
    assert headers["date"] == format_datetime(datetime.fromtimestamp(NOW_S, UTC), usegmt=True)
    assert headers["connection"] == "close"
    assert answer["expires_at"] == NOW_S + 600


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (post("{}", BEARER, JSON, path="/v1/realtime"), 404, "not_found"),
        (post("{}", BEARER, JSON, path="/v1/realtime/sessions"), 404, "not_found"),
        (post("{}", JSON), 401, "missing_api_key"),
        (post("{}", "Authorization: Bearer wrong", JSON), 401, "invalid_api_key"),
        (post("{}", "Authorization: Bearer ek_0123", JSON), 401, "invalid_api_key"),
        (post("{}", BEARER, JSON, "OpenAI-Beta: realtime=v1"), 400, "beta_api_shape_disabled"),
        (post("{}", BEARER), 400, "unsupported_content_type"),
        (post("{}", BEARER, "Content-Type: text/plain"), 400, "unsupported_content_type"),
        (post("{", BEARER, JSON), 400, "invalid_json"),
        (post('{"x": 1}', BEARER, JSON), 400, "unknown_parameter"),
        (post("x" * ((1 << 20) + 1), BEARER, JSON), 413, None),
        (b"POST nonsense\r\n\r\n", 400, None),
        (b"POST / HTTP/1.1\r\n\r\n", 400, None),
    ],
)
async def test_who_asks_wrongly_is_told_so(raw: bytes, status: int, code: str | None) -> None:
    async with serving(f"keys={KEY}") as port:
        got, headers, answer = await said(port, raw)

    assert got == status
    assert headers["content-type"] == "application/json"
    assert set(answer["error"]) == {"message", "type", "param", "code"}
    assert answer["error"]["code"] == code


async def test_azure_asks_with_its_header_at_its_address() -> None:
    async with serving(f"keys={KEY}") as port:
        path = "/openai/v1/realtime/client_secrets"
        status, _, _ = await said(port, post("", f"api-key: {KEY}", path=path))
    assert status == 200


async def test_a_request_and_a_handshake_may_come_byte_by_byte() -> None:
    async with serving() as port:
        status, _, answer = await said(port, post("{}", BEARER, JSON), in_pieces=True)
        assert status == 200
        key = [("Authorization", f"Bearer {answer['value']}")]
        async with connected(port, headers=key) as client:
            await client.until("session.created")


async def test_a_body_may_come_in_chunks() -> None:
    raw = post("", BEARER, JSON).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    async with serving() as port:
        status, _, _ = await said(port, raw + b"2\r\n{}\r\n0\r\n\r\n")
    assert status == 200


@pytest.mark.parametrize("raw", [b"", b"PO", b"POST ", post("{}", JSON, BEARER)[:-1]])
async def test_who_dawdles_or_leaves_blocks_nobody(raw: bytes) -> None:
    async with serving("handshake_timeout_s=0.05") as port:
        with trio.fail_after(PATIENCE_S):
            async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                if raw:
                    await stream.send_all(raw)
                assert [piece async for piece in stream] == []
            async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                if raw:
                    await stream.send_all(raw)
    async with serving() as port, connected(port) as client:
        await client.until("session.created")


async def test_who_wants_too_many_is_asked_to_slow_down() -> None:
    options = Options.parse([])
    mint = Mint(options)
    for _ in range(1024):
        mint.mint(b"", NOW_S)
    ours, theirs = trio.testing.memory_stream_pair()
    await theirs.send_all(post("{}", BEARER, JSON))
    await attend(ours, options, mint, NOW_S)
    answer = bytes(await theirs.receive_some())
    assert answer.startswith(b"HTTP/1.1 429 ")
    assert b"\r\nRetry-After: 1\r\n" in answer
    assert b"rate_limit_exceeded" in answer


async def test_what_was_read_is_read_again_in_any_pieces() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    stream = Replayed(ours, b"hello")
    await theirs.send_all(b" world")
    got = [await stream.receive_some(2), await stream.receive_some(), await stream.receive_some()]
    assert got == [b"he", b"llo", b" world"]


async def test_a_session_opens_with_a_secret_as_asked_for_and_outlives_it() -> None:
    now = [NOW_S]
    session = {"type": "realtime", "model": MODEL, "instructions": "Whisper."}
    asked = json.dumps({"session": session, "expires_after": {"seconds": 10}})
    async with serving(f"keys={KEY}", now_s=lambda: now[0]) as port:
        _, _, answer = await said(port, post(asked, BEARER, JSON))
        shown = [("Authorization", f"Bearer {answer['value']}")]
        async with (
            connected(port, headers=shown) as first,
            connected(port, headers=shown) as second,
        ):
            created = (await first.until("session.created"))["session"]
            assert created["instructions"] == "Whisper."
            assert created["id"] != answer["session"]["id"]
            await second.until("session.created")
            now[0] += 10
            await first.update(instructions="Speak up.")
            async with connected(port, headers=shown) as late:
                assert await late.closed() == (3000, "invalid_request_error.invalid_api_key")
            assert late.types() == ["error"]
            assert late.seen[0]["error"]["message"] == "Ephemeral token expired"


# --- the official client --------------------------------------------------------------------------


async def test_the_official_client_mints_and_opens_a_session() -> None:
    def story(port: int) -> None:
        http, ws = f"http://127.0.0.1:{port}/v1", f"ws://127.0.0.1:{port}/v1"
        with OpenAI(api_key=KEY, base_url=http, max_retries=0) as owner:
            raw = owner.realtime.client_secrets.with_raw_response.create(
                expires_after={"anchor": "created_at", "seconds": 10},
                session={
                    "type": "realtime",
                    "model": MODEL,
                    "audio": {"output": {"voice": "cedar"}},
                },
            )
            strict = TypeAdapter(ClientSecretCreateResponse).validate_json(raw.text)
            assert extras(strict) == set(), strict
            secret = raw.parse()
            assert secret.expires_at == NOW_S + 10
            assert secret.session.audio.output.voice == "cedar"  # type: ignore[union-attr]
            for wrong in (9, 7201):
                with pytest.raises(BadRequestError, match=r"expires_after\.seconds"):
                    owner.realtime.client_secrets.create(expires_after={"seconds": wrong})
        kiosk = OpenAI(api_key=secret.value, base_url=http, websocket_base_url=ws, max_retries=0)
        with kiosk, kiosk.realtime.connect(model=MODEL) as connection:
            official = Official(connection)
            created = official.until("session.created")
            assert created.session.audio.output.voice == "cedar"
            with pytest.raises(AuthenticationError):
                kiosk.realtime.client_secrets.create()

    with trio.fail_after(PATIENCE_S):
        async with serving(f"keys={KEY}", now_s=lambda: NOW_S) as port:
            await trio.to_thread.run_sync(partial(story, port))
