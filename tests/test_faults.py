"""Every error has a verdict, a cause, and where a person can help, an action."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest

import voiced
from voiced import faults
from voiced.faults import (
    ConfigError,
    DeviceError,
    LinkClosed,
    LinkError,
    LinkRefused,
    LocalProtocolError,
    RemoteProtocolError,
    SessionOver,
    VoicedError,
)
from voiced.verdicts import Judgement, Verdict, gravest, judge, judge_code

GIVE_UP, COOL_DOWN, RECONNECT, CARRY_ON = (
    Verdict.GIVE_UP,
    Verdict.COOL_DOWN,
    Verdict.RECONNECT,
    Verdict.CARRY_ON,
)

BY_CODE = {
    "invalid_api_key": (GIVE_UP, "[auth]"),
    "model_not_found": (GIVE_UP, "[realtime] model"),
    "missing_model": (GIVE_UP, "[realtime] model"),
    "invalid_model": (GIVE_UP, "[realtime] model"),
    "insufficient_quota": (GIVE_UP, "billing"),
    "credit_balance_exhausted": (GIVE_UP, "billing"),
    "account_deactivated": (GIVE_UP, "billing"),
    "billing_hard_limit_reached": (GIVE_UP, "billing"),
    "beta_api_shape_disabled": (GIVE_UP, "[realtime] url"),
    "session_expired": (RECONNECT, ""),
    "rate_limit_exceeded": (COOL_DOWN, ""),
    "inference_rate_limit_exceeded": (COOL_DOWN, ""),
}
BY_CLOSE_CODE = {
    1000: COOL_DOWN,
    1001: RECONNECT,
    1006: COOL_DOWN,
    1009: COOL_DOWN,
    1011: COOL_DOWN,
    1012: COOL_DOWN,
    1013: COOL_DOWN,
    3000: GIVE_UP,
    4000: GIVE_UP,
    4004: GIVE_UP,
    4999: COOL_DOWN,
}
BY_STATUS = {
    400: (GIVE_UP, "[realtime] model"),
    401: (GIVE_UP, "[auth]"),
    403: (GIVE_UP, "[auth]"),
    404: (GIVE_UP, "[realtime] url"),
    429: (COOL_DOWN, ""),
    500: (COOL_DOWN, ""),
    502: (COOL_DOWN, ""),
    503: (COOL_DOWN, ""),
    599: (COOL_DOWN, ""),
}


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


@pytest.mark.parametrize(("code", "expected"), BY_CODE.items(), ids=BY_CODE)
def test_error_codes_of_the_service(code: str, expected: tuple[Verdict, str]) -> None:
    verdict, words = expected
    for judgement in (
        judge(SessionOver(code, "no")),
        judge(SessionOver(code, "no", opening=True)),
        judge_code(code),
        judge_code(code, opening=True),
    ):
        assert judgement.verdict is verdict
        assert words in judgement.action


@pytest.mark.parametrize(("code", "verdict"), BY_CLOSE_CODE.items())
def test_close_codes(code: int, verdict: Verdict) -> None:
    assert judge(LinkClosed(code, "closed")).verdict is verdict


@pytest.mark.parametrize(("status", "expected"), BY_STATUS.items())
def test_handshakes_that_were_refused(status: int, expected: tuple[Verdict, str]) -> None:
    verdict, words = expected
    judgement = judge(LinkRefused(status, f"HTTP {status}"))
    assert judgement.verdict is verdict
    assert words in judgement.action


@pytest.mark.parametrize("table", ["_BY_CODE", "_BY_CLOSE_CODE", "_BY_STATUS"])
def test_these_tests_know_every_row_of_the_tables(table: str) -> None:
    known: dict[str, set[object]] = {
        "_BY_CODE": set(BY_CODE),
        "_BY_CLOSE_CODE": set(BY_CLOSE_CODE),
        "_BY_STATUS": set(BY_STATUS),
    }
    assert set(getattr(faults, table)) <= known[table]


@pytest.mark.parametrize("table", ["_BY_CODE", "_BY_CLOSE_CODE", "_BY_STATUS"])
def test_whoever_gives_up_says_what_a_person_can_do(table: str) -> None:
    for judgement in getattr(faults, table).values():
        if judgement.verdict is GIVE_UP:
            assert judgement.action
            assert str(judgement) == f"{judgement.cause}: {judgement.action}"


@pytest.mark.parametrize("code", ["something_new", "", None])
def test_an_unknown_error_event_is_harmless_unless_the_session_is_just_being_opened(
    code: str | None,
) -> None:
    assert judge_code(code).verdict is CARRY_ON
    assert judge_code(code, opening=True).verdict is GIVE_UP


def test_an_unknown_end_of_a_session_cools_down_unless_it_was_never_opened() -> None:
    assert judge(SessionOver("something_new", "no")).verdict is COOL_DOWN
    refused = judge(SessionOver("something_new", "no", opening=True))
    assert refused.verdict is GIVE_UP
    assert "[realtime]" in refused.action


def test_mistakes_in_the_settings_are_the_cause_themselves() -> None:
    judgement = judge(ConfigError(["first mistake", "second mistake"]))
    assert judgement == Judgement(GIVE_UP, "first mistake\nsecond mistake")
    assert str(judgement) == "first mistake\nsecond mistake"


# --- several at once ------------------------------------------------------------------------------


def test_verdicts_are_ordered_by_their_gravity() -> None:
    assert CARRY_ON < RECONNECT < COOL_DOWN < GIVE_UP


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
