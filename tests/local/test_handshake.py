"""Who is let in, who is sent home, who is turned away: judged, and seen through a socket."""

import pytest
from trio_websocket import ConnectionRejected

from tests.local.client import KEY, MODEL, connected, serving
from voiced.local import handshake
from voiced.local.handshake import SentHome, TurnedAway, Visit, Welcome
from voiced.local.minting import Mint
from voiced.local.options import Options

BEARER = (b"authorization", b"Bearer any-key")


def judged(
    target: str, *headers: tuple[bytes, bytes], protocols: tuple[str, ...] = (), keys: str = ""
) -> handshake.Verdict:
    options = Options.parse([f"keys={keys}"] if keys else [])
    return handshake.judge(Visit(target, headers, protocols), options, Mint(options), 0.0)


def test_a_bearer_with_a_model_is_welcome() -> None:
    assert judged(f"/v1/realtime?model={MODEL}", BEARER) == Welcome(MODEL)


def test_a_transcription_session_needs_no_model() -> None:
    assert judged("/v1/realtime?intent=transcription", BEARER) == Welcome(None)


def test_azure_is_welcome_with_its_header_and_any_deployment() -> None:
    azure = (b"api-key", b"any-key")

    assert judged("/openai/v1/realtime?model=my-deployment", azure) == Welcome("my-deployment")
    assert judged("/v1/realtime?model=my-deployment", azure) == Welcome("my-deployment")


def test_a_browser_puts_its_key_among_the_protocols() -> None:
    protocols = ("realtime", "openai-insecure-api-key.any-key")

    assert judged(f"/v1/realtime?model={MODEL}", protocols=protocols) == Welcome(MODEL)
    assert handshake.chosen_protocol(protocols) == "realtime"
    assert handshake.chosen_protocol(()) is None


@pytest.mark.parametrize(
    ("target", "status"),
    [("/", 404), ("/v1/realtime/calls", 404), ("/v1/realtime?call_id=rtc_1", 404)],
)
def test_nothing_else_is_here(target: str, status: int) -> None:
    verdict = judged(target, BEARER)

    assert isinstance(verdict, TurnedAway)
    assert verdict.status == status


@pytest.mark.parametrize("header", [(b"authorization", b"Bearer "), (b"authorization", b"Basic x")])
def test_no_key_at_all_is_turned_away(header: tuple[bytes, bytes]) -> None:
    verdict = judged(f"/v1/realtime?model={MODEL}", header)

    assert isinstance(verdict, TurnedAway)
    assert verdict.status == 401


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "missing_model"),
        ("model=gpt-4o-realtime-preview", "invalid_model"),
        ("intent=conversation", "invalid_value"),
        (f"model={MODEL}&intent=transcription", "invalid_value"),
    ],
)
def test_a_wrong_query_is_sent_home(query: str, code: str) -> None:
    verdict = judged(f"/v1/realtime?{query}", BEARER)

    assert isinstance(verdict, SentHome)
    assert verdict.close_code == 4000
    assert verdict.reason == f"invalid_request_error.{code}"


def test_the_beta_is_sent_home() -> None:
    verdict = judged("/v1/realtime", BEARER, (b"openai-beta", b"realtime=v1"))

    assert isinstance(verdict, SentHome)
    assert verdict.reason == "invalid_request_error.beta_api_shape_disabled"


def test_a_wrong_key_is_sent_home_if_keys_are_set() -> None:
    target = f"/v1/realtime?model={MODEL}"
    verdict = judged(target, BEARER, keys="sesame")

    assert isinstance(verdict, SentHome)
    assert verdict.close_code == 3000
    assert judged(target, (b"authorization", b"Bearer sesame"), keys="sesame") == Welcome(MODEL)


@pytest.mark.parametrize(
    ("query", "headers", "code", "reason"),
    [
        (f"model={MODEL}", [("Authorization", "Bearer wrong")], 3000, "invalid_api_key"),
        ("x=1", [("Authorization", "Bearer sesame")], 4000, "missing_model"),
        ("model=nonesuch", [("Authorization", "Bearer sesame")], 4000, "invalid_model"),
        (
            f"model={MODEL}",
            [("Authorization", "Bearer sesame"), ("OpenAI-Beta", "realtime=v1")],
            *(4000, "beta_api_shape_disabled"),
        ),
    ],
)
async def test_being_sent_home_is_an_error_and_a_close(
    query: str, headers: list[tuple[str, str]], code: int, reason: str
) -> None:
    async with serving("keys=sesame") as port, connected(port, query, headers=headers) as client:
        closed = await client.closed()

    assert closed == (code, f"invalid_request_error.{reason}")
    assert client.types() == ["error"]
    assert client.seen[0]["error"]["code"] == reason
    assert client.seen[0]["error"]["event_id"] is None


async def test_being_turned_away_is_a_status_and_a_reason() -> None:
    async with serving() as port:
        with pytest.RaisesGroup(ConnectionRejected, flatten_subgroups=True) as caught:
            async with connected(port, headers=[]):
                pass

    (rejected,) = caught.value.exceptions
    assert isinstance(rejected, ConnectionRejected)
    assert rejected.status_code == 401
    assert rejected.body is not None
    assert b"missing_api_key" in rejected.body


async def test_a_browser_gets_its_protocol_back() -> None:
    protocols = ["realtime", f"openai-insecure-api-key.{KEY}"]
    async with serving() as port, connected(port, headers=[], protocols=protocols) as client:
        assert client.socket.subprotocol == "realtime"
        await client.until("session.created")


async def test_a_transcription_session_only_listens() -> None:
    async with serving() as port, connected(port, "intent=transcription") as client:
        session = (await client.until("session.created"))["session"]
        assert session["type"] == "transcription"
        error = await client.refused("response.create")
        assert error["code"] == "invalid_value"
        error = await client.refused("session.update", session={"type": "realtime"})
        assert error["param"] == "session.type"
