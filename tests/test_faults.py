"""Every error has a verdict, a cause, and where a person can help, an action."""

import importlib
import pkgutil
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import voiced
from voiced.faults import (
    ConfigError,
    DeviceError,
    LinkClosed,
    LinkError,
    LinkRefused,
    LocalProtocolError,
    RemoteProtocolError,
    SessionOver,
    Trouble,
    VoicedError,
)
from voiced.verdicts import TABLE, Judgement, Kind, Row, Verdict, gravest, judge, judge_code

GIVE_UP, COOL_DOWN, RECONNECT, RETRY_TURN, CARRY_ON = (
    Verdict.GIVE_UP,
    Verdict.COOL_DOWN,
    Verdict.RECONNECT,
    Verdict.RETRY_TURN,
    Verdict.CARRY_ON,
)

# Sections 6.2 and 6.3 of the protocol digest, copied by hand: a row that is lost is missed here.
DIGEST: dict[tuple[Kind, str], Verdict] = {
    **dict.fromkeys(
        (
            (Kind.CODE, code)
            for code in (
                "invalid_value",
                "unknown_parameter",
                "missing_required_parameter",
                "invalid_json",
                "invalid_event",
                "input_audio_buffer_commit_empty",
                "response_cancel_not_active",
                "conversation_already_has_active_response",
                "cannot_update_voice",
                "item_truncate_invalid_item_id",
                "item_delete_invalid_item_id",
                "item_retrieve_invalid_item_id",
                "item_create_duplicate_item_id",
                "unsupported_content_type",
            )
        ),
        CARRY_ON,
    ),
    (Kind.CODE, "server_error"): RETRY_TURN,
    (Kind.CODE, "session_expired"): RECONNECT,
    (Kind.CODE, "rate_limit_exceeded"): COOL_DOWN,
    (Kind.CODE, "inference_rate_limit_exceeded"): COOL_DOWN,
    **dict.fromkeys(
        (
            (Kind.CODE, code)
            for code in (
                "invalid_api_key",
                "missing_model",
                "invalid_model",
                "model_not_found",
                "beta_api_shape_disabled",
                "insufficient_quota",
                "credit_balance_exhausted",
                "account_deactivated",
                "billing_hard_limit_reached",
            )
        ),
        GIVE_UP,
    ),
    **dict.fromkeys(((Kind.STATUS, str(n)) for n in (400, 401, 403, 404)), GIVE_UP),
    **dict.fromkeys(((Kind.STATUS, str(n)) for n in (408, 429, 500, 502, 503, 504)), COOL_DOWN),
    (Kind.CLOSE, "1001"): RECONNECT,
    (Kind.CLOSE, "1011"): RETRY_TURN,
    **dict.fromkeys(
        ((Kind.CLOSE, str(n)) for n in (1000, 1002, 1005, 1006, 1012, 1013, 1015)), COOL_DOWN
    ),
    **dict.fromkeys(((Kind.CLOSE, str(n)) for n in (3000, 4000, 4004)), GIVE_UP),
}

TELLS = {
    "invalid_api_key": "[auth]",
    "model_not_found": "[realtime] model",
    "missing_model": "[realtime] model",
    "invalid_model": "[realtime] model",
    "insufficient_quota": "billing",
    "credit_balance_exhausted": "billing",
    "account_deactivated": "billing",
    "billing_hard_limit_reached": "billing",
    "beta_api_shape_disabled": "[realtime] url",
    "audio_format_not_granted": "[realtime] audio_format",
    "3000": "[auth]",
    "4000": "[realtime] model",
    "4004": "[realtime] model",
    "400": "[realtime] model",
    "401": "[auth]",
    "402": "billing",
    "403": "[auth]",
    "404": "[realtime] url",
    "407": "[network] proxy",
    "511": "login",
}
"""Words that must be in the action: where to act."""


def named(row: Row) -> str:
    return f"{row.kind.name}-{row.key}".lower()


def fault_of(row: Row) -> VoicedError:
    """The error that the daemon meets when that row's fault occurs."""
    match row.kind:
        case Kind.CODE:
            return SessionOver(row.key, "no")
        case Kind.CLOSE:
            return LinkClosed(int(row.key), "closed")
        case Kind.STATUS:
            return LinkRefused(int(row.key), "refused")
        case Kind.TROUBLE:
            return LinkError("no", Trouble(row.key))


# --- the table ------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", TABLE, ids=named)
def test_every_row_says_what_it_is_and_whoever_gives_up_what_to_do(row: Row) -> None:
    judgement = row.judgement
    assert judgement.cause
    assert judgement.cause[0].islower()
    assert not judgement.cause.endswith(".")
    assert not judgement.action.endswith(".")
    assert row.source in {"seen", "documented", "reported", "ours"}
    if judgement.verdict is GIVE_UP:
        assert judgement.action
    assert not judgement.heals or judgement.verdict is GIVE_UP
    assert str(judgement) == ": ".join(filter(None, (judgement.cause, judgement.action)))
    assert TELLS.get(row.key, "") in judgement.action
    assert "|" not in str(judgement), "it would break the README's table"


@pytest.mark.parametrize("row", TABLE, ids=named)
def test_every_row_is_what_its_fault_is_judged_by(row: Row) -> None:
    found = judge(fault_of(row))
    if row.judgement.verdict is CARRY_ON:  # it ended a session all the same: never ignored
        assert found.verdict is COOL_DOWN
    else:
        assert found == row.judgement


@pytest.mark.parametrize("row", [r for r in TABLE if r.kind is Kind.CODE], ids=named)
def test_an_error_event_is_judged_by_its_code_and_more_strictly_while_opening(row: Row) -> None:
    assert judge_code(row.key) == row.judgement
    assert judge_code(row.key, "invalid_request_error") == row.judgement
    opening = judge_code(row.key, opening=True)
    if row.judgement.verdict is CARRY_ON:
        assert opening.verdict is GIVE_UP
        assert "[realtime]" in opening.action
    else:
        assert opening == row.judgement
    assert judge(SessionOver(row.key, "no", opening=True)) == opening


@pytest.mark.parametrize(
    ("kind", "verdict"), [("server_error", RETRY_TURN), ("insufficient_quota", GIVE_UP)]
)
@pytest.mark.parametrize("code", [None, "", "something_new"])
def test_where_the_code_tells_nothing_the_type_does(
    code: str | None, kind: str, verdict: Verdict
) -> None:
    assert judge_code(code, kind).verdict is verdict


def test_no_row_stands_there_twice() -> None:
    assert max(Counter((row.kind, row.key) for row in TABLE).values()) == 1


def test_the_table_has_every_code_of_the_protocol_digest_with_its_verdict() -> None:
    table = {(row.kind, row.key): row.judgement.verdict for row in TABLE}
    assert {place: table.get(place) for place in DIGEST} == DIGEST


def test_the_table_has_every_trouble_of_a_link() -> None:
    assert {r.key for r in TABLE if r.kind is Kind.TROUBLE} == {each.value for each in Trouble}


def test_what_heals_by_itself_is_an_account_never_a_key_or_a_model() -> None:
    assert {row.key for row in TABLE if row.judgement.heals} == {
        "insufficient_quota",
        "credit_balance_exhausted",
        "account_deactivated",
        "billing_hard_limit_reached",
        "402",
    }


# --- what stands in no row ------------------------------------------------------------------------


@given(st.none() | st.text(), st.text(), st.booleans())
def test_any_code_is_judged(code: str | None, kind: str, opening: bool) -> None:
    found = judge_code(code, kind, opening=opening)
    assert found.cause
    assert (found.verdict is not CARRY_ON) or not opening


@given(st.text(), st.booleans())
def test_any_end_of_a_session_is_judged_and_never_ignored(code: str, opening: bool) -> None:
    found = judge(SessionOver(code, "no", opening=opening))
    assert found.cause
    assert found.verdict is not CARRY_ON


@given(st.integers(), st.booleans())
def test_any_number_is_judged_and_what_is_not_known_never_given_up(
    number: int, is_status: bool
) -> None:
    fault = LinkRefused(number, "no") if is_status else LinkClosed(number, "no")
    kind = Kind.STATUS if is_status else Kind.CLOSE
    known = {row.key for row in TABLE if row.kind is kind}
    found = judge(fault)
    assert found.cause
    assert str(number) in known or found.verdict is COOL_DOWN


@pytest.mark.parametrize("code", ["something_new", "", None])
def test_an_unknown_error_event_is_harmless_unless_the_session_is_just_being_opened(
    code: str | None,
) -> None:
    assert judge_code(code).verdict is CARRY_ON
    assert judge_code(code, opening=True).verdict is GIVE_UP


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (SessionOver("something_new", "no"), "the service has trouble of its own"),
        (LinkClosed(4999, "closed"), "for a reason we do not know"),
        (LinkRefused(418, "HTTP 418"), "for a reason we do not know"),
        (LinkRefused(599, "HTTP 599"), "the service has trouble of its own"),
        (LinkRefused(200, "HTTP 200"), "answers in the service's place"),
        (LinkRefused(302, "HTTP 302"), "answers in the service's place"),
        (RemoteProtocolError("session.created while LISTENING"), "out of turn"),
        (DeviceError("unplugged"), "a sound device"),
    ],
    ids=str,
)
def test_what_is_not_in_the_table_cools_down_with_a_cause(fault: VoicedError, words: str) -> None:
    found = judge(fault)
    assert found.verdict is COOL_DOWN
    assert words in found.cause


def test_an_unknown_end_of_a_session_that_was_never_opened_is_the_settings() -> None:
    refused = judge(SessionOver("something_new", "no", opening=True))
    assert refused.verdict is GIVE_UP
    assert "[realtime]" in refused.action


def test_mistakes_in_the_settings_are_the_cause_themselves() -> None:
    judgement = judge(ConfigError(["first mistake", "second mistake"]))
    assert judgement == Judgement(GIVE_UP, "first mistake\nsecond mistake")
    assert str(judgement) == "first mistake\nsecond mistake"


# --- every error of ours --------------------------------------------------------------------------


def all_faults() -> list[type[VoicedError]]:
    """Every error of ours, in whatever module it is defined."""
    for module in pkgutil.walk_packages(voiced.__path__, "voiced."):
        if not module.name.startswith(("voiced.local", "voiced.demo", "voiced.__main__")):
            importlib.import_module(module.name)
    return sorted(set(_descendants(VoicedError)), key=lambda fault: fault.__qualname__)


def _descendants(fault: type[VoicedError]) -> Iterator[type[VoicedError]]:
    yield fault
    for child in fault.__subclasses__():
        yield from _descendants(child)


def instance_of(fault: type[VoicedError]) -> VoicedError:
    """One of them, whatever its constructor wants."""
    for arguments in (("no",), (["no"],), (418, "no"), ("code", "no")):
        try:
            return fault(*arguments)
        except TypeError:
            continue
    raise AssertionError(f"no way to make a {fault.__name__} is known")


@pytest.mark.parametrize("fault", all_faults(), ids=lambda fault: fault.__name__)
def test_every_error_of_ours_is_judged(fault: type[VoicedError]) -> None:
    judgement = judge(instance_of(fault))
    assert isinstance(judgement, Judgement)
    assert judgement.verdict in Verdict
    assert judgement.cause
    assert judgement.verdict is not CARRY_ON, "a fault that ended a conversation is never ignored"


# --- several at once ------------------------------------------------------------------------------


def test_verdicts_are_ordered_by_their_gravity() -> None:
    assert CARRY_ON < RETRY_TURN < RECONNECT < COOL_DOWN < GIVE_UP


def test_the_gravest_of_several_decides_however_deep_it_is() -> None:
    refused = LinkRefused(401, "HTTP 401")
    group: Any = ExceptionGroup("innermost", [refused])
    group = ExceptionGroup("inner", [LinkClosed(1001, "expired"), group])
    group = ExceptionGroup("all", [LinkError("lost"), group, RemoteProtocolError("nonsense")])
    assert gravest(group) is refused


def test_of_equals_the_first_is_taken() -> None:
    first, second = LinkError("first"), LinkError("second")
    assert gravest(ExceptionGroup("all", [first, second])) is first


def test_one_alone_is_the_gravest() -> None:
    fault = DeviceError("unplugged")
    assert gravest(ExceptionGroup("all", [fault])) is fault


# --- what they carry ------------------------------------------------------------------------------


def test_errors_say_their_sentence_and_keep_their_numbers() -> None:
    refused, closed = LinkRefused(429, "HTTP 429"), LinkClosed(1011, "closed with 1011")
    over = SessionOver("session_expired", "60 minutes", opening=True)
    assert (str(refused), refused.status) == ("HTTP 429", 429)
    assert (str(closed), closed.code) == ("closed with 1011", 1011)
    assert (str(over), over.code, over.opening) == ("60 minutes", "session_expired", True)
    assert ConfigError(iter(["a", "b"])).mistakes == ("a", "b")


def test_whose_fault_it_is_can_be_told_apart() -> None:
    assert not issubclass(LocalProtocolError, RemoteProtocolError)
    assert issubclass(LinkRefused, LinkError)
    assert issubclass(LinkClosed, LinkError)
    assert all(issubclass(fault, VoicedError) for fault in all_faults())
