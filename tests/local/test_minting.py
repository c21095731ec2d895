"""Secrets of the embedded server: what may be asked for, what one is good for, and for how long."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.local import handshake, settings
from voiced.local.handshake import SentHome, Verdict, Visit, Welcome
from voiced.local.minting import Mint
from voiced.local.options import Options
from voiced.local.refusals import Refusal

NOW_S = 1_795_230_000.5
MODEL = "gpt-realtime-2.1"


def mint(*knobs: str) -> Mint:
    return Mint(Options.parse(knobs))


def minted(request: object, by: Mint | None = None, at_s: float = NOW_S) -> dict[str, Any]:
    answer: dict[str, Any] = (by or mint()).mint(json.dumps(request).encode(), at_s)
    return answer


def shown(by: Mint, secret: str, at_s: float, query: str = f"model={MODEL}") -> Verdict:
    """What the door says to somebody who shows a secret."""
    headers = [(b"authorization", f"Bearer {secret}".encode())]
    return handshake.judge(Visit(f"/v1/realtime?{query}", headers, ()), by.options, by, at_s)


# --- what may be asked for ------------------------------------------------------------------------


def test_nothing_need_be_asked_for() -> None:
    for body in (b"", b"{}"):
        answer = mint().mint(body, NOW_S)
        assert set(answer) == {"value", "expires_at", "session"}
        assert answer["value"].startswith("ek_")
        assert answer["expires_at"] == int(NOW_S) + 600
        assert answer["session"]["type"] == "realtime"
        assert answer["session"]["expires_at"] == 0


def test_the_session_asked_for_is_answered_in_full() -> None:
    session = {"type": "realtime", "model": MODEL, "audio": {"output": {"voice": "cedar"}}}
    answer = minted({"session": session, "expires_after": {"anchor": "created_at", "seconds": 10}})
    assert answer["expires_at"] == int(NOW_S) + 10
    expected = settings.realtime(answer["session"]["id"], MODEL, 0).echo()
    expected["audio"]["output"]["voice"] = "cedar"
    assert answer["session"] == expected


def test_a_session_may_only_transcribe() -> None:
    answer = minted({"session": {"type": "transcription"}})
    assert answer["session"]["object"] == "realtime.transcription_session"


def test_each_secret_is_another() -> None:
    by = mint()
    assert len({minted({}, by)["value"] for _ in range(20)}) == 20


@pytest.mark.parametrize(
    ("request_", "code", "param"),
    [
        ({"expires_after": {"seconds": 9}}, "invalid_value", "expires_after.seconds"),
        ({"expires_after": {"seconds": 7201}}, "invalid_value", "expires_after.seconds"),
        ({"expires_after": {"seconds": 60.0}}, "invalid_value", "expires_after.seconds"),
        ({"expires_after": {"anchor": "now"}}, "invalid_value", "expires_after.anchor"),
        ({"expires_after": 60}, "invalid_value", "expires_after"),
        ({"expires_at": 60}, "unknown_parameter", "expires_at"),
        ({"model": MODEL}, "unknown_parameter", "model"),
        ({"session": {}}, "missing_required_parameter", "session.type"),
        ({"session": {"type": "realtime", "voice": "x"}}, "unknown_parameter", "session.voice"),
        ({"session": {"type": "realtime", "model": "gpt-4"}}, "invalid_model", "model"),
        ({"session": {"type": "live"}}, "invalid_value", "session.type"),
        ([], "invalid_json", None),
        ("x", "invalid_json", None),
    ],
)
def test_a_wrong_request_is_refused_as_strictly_as_an_event(
    request_: object, code: str, param: str | None
) -> None:
    with pytest.raises(Refusal) as refused:
        minted(request_)
    assert (refused.value.code, refused.value.param) == (code, param)


@given(st.binary(max_size=100))
def test_any_body_is_minted_or_refused(body: bytes) -> None:
    with suppress(Refusal):
        assert mint().mint(body, NOW_S)["value"]


def test_too_deep_a_body_is_refused() -> None:
    with pytest.raises(Refusal):
        mint().mint(b"[" * 100_000, NOW_S)


# --- what it opens, and for how long --------------------------------------------------------------


def test_a_secret_opens_sessions_until_it_expires() -> None:
    by = mint("keys=sesame")
    answer = minted({"expires_after": {"seconds": 10}}, by)
    for at_s in (NOW_S, NOW_S + 5, answer["expires_at"] - 0.001):
        verdict = shown(by, answer["value"], at_s)
        assert isinstance(verdict, Welcome)
        assert verdict.grant is not None
    expired = shown(by, answer["value"], answer["expires_at"])
    assert isinstance(expired, SentHome)
    assert expired.refusal.message == "Ephemeral token expired"
    assert expired.close_code == 3000


def test_a_secret_that_was_never_minted_opens_nothing_though_any_key_does() -> None:
    by = mint()
    assert isinstance(shown(by, "any-key", NOW_S), Welcome)
    never = shown(by, "ek_0123456789", NOW_S)
    assert isinstance(never, SentHome)
    assert never.reason == "invalid_request_error.invalid_api_key"


def test_a_session_begins_with_what_was_asked_for() -> None:
    by = mint()
    asked = {"type": "realtime", "model": "gpt-realtime", "instructions": "Whisper."}
    verdict = shown(by, minted({"session": asked}, by)["value"], NOW_S)
    assert isinstance(verdict, Welcome)
    assert verdict.grant is not None
    begun = verdict.grant.applied(settings.realtime("sess_1", MODEL, 1)).echo()
    assert (begun["model"], begun["instructions"]) == (MODEL, "Whisper.")


@pytest.mark.parametrize(
    ("kind", "query"), [("realtime", "intent=transcription"), ("transcription", f"model={MODEL}")]
)
def test_a_secret_for_one_kind_of_session_opens_no_other(kind: str, query: str) -> None:
    by = mint()
    verdict = shown(by, minted({"session": {"type": kind}}, by)["value"], NOW_S, query)
    assert isinstance(verdict, SentHome)
    assert verdict.refusal.param == "session.type"


def test_what_is_wrong_otherwise_is_wrong_with_a_secret_too() -> None:
    by = mint()
    verdict = shown(by, minted({}, by)["value"], NOW_S, "model=nonesuch")
    assert isinstance(verdict, SentHome)
    assert verdict.reason == "invalid_request_error.invalid_model"


def test_secrets_are_not_hoarded() -> None:
    by = mint()
    first = minted({"expires_after": {"seconds": 10}}, by)["value"]
    for _ in range(1023):
        minted({"expires_after": {"seconds": 20}}, by)
    with pytest.raises(Refusal) as refused:
        minted({}, by)
    assert refused.value.code == "rate_limit_exceeded"
    minted({}, by, NOW_S + 11)  # the first has made room
    assert isinstance(shown(by, first, NOW_S + 11), SentHome)


def test_secrets_do_not_show_in_what_is_printed() -> None:
    by = mint()
    assert minted({}, by)["value"] not in repr(by)
