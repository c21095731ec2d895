"""Every error voiced raises on purpose, and what the supervisor does about it.

Law of this file: an error class is chosen by what its *receiver* should do, its text is a
sentence for the person who can mend it (what happened, where, what to do), and `judge` is total.
Foreign exceptions are mapped to these at the edge that meets them, `from` the original.
"""

import enum
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from attrs import frozen


class VoicedError(Exception):
    """What all our errors are."""


class ConfigError(VoicedError):
    """A person must mend the settings; the process ends with 78, which systemd does not restart."""

    def __init__(self, mistakes: Iterable[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(self.mistakes))


class ProtocolError(VoicedError):
    """Somebody spoke out of turn on the wire."""


class LocalProtocolError(ProtocolError):
    """We did: a bug of ours, so the daemon stops with 70 rather than confuse the server."""


class RemoteProtocolError(ProtocolError):
    """The server did: this session is spent, another may work."""


class LinkError(VoicedError):
    """The wire could not be opened, was closed, or stood still for too long."""


class LinkRefused(LinkError):
    """The server, or something on the way, answered the handshake with an HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class LinkClosed(LinkError):
    """The wire was closed: by the server with a code and a reason, or (1006) without a word."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        super().__init__(message)


class SessionOver(VoicedError):
    """The server ended the session (or refused to open it: *opening*) and said why."""

    def __init__(self, code: str, message: str, *, opening: bool = False) -> None:
        self.code = code
        self.opening = opening
        super().__init__(message)


class DeviceError(VoicedError):
    """A microphone or loudspeaker is missing, refuses its settings, or went away."""


class Verdict(enum.IntEnum):
    """What is to be done about a fault; the graver, the greater."""

    CARRY_ON = 0  # the session stays usable
    RECONNECT = 1  # at once, within the budget
    COOL_DOWN = 2  # after a pause that grows
    GIVE_UP = 3  # a person must act first


@frozen
class Judgement:
    """A verdict with its cause in plain words, and what a person can do (empty: nothing)."""

    verdict: Verdict
    cause: str
    action: str = ""

    def __str__(self) -> str:
        return f"{self.cause}: {self.action}" if self.action else self.cause


_KEY = Judgement(
    Verdict.GIVE_UP,
    "the key was refused",
    "put a valid API key where [auth] in the config says, then reconnect",
)
_MODEL = Judgement(
    Verdict.GIVE_UP,
    "the service does not know the model, or the key has no access to it",
    "check [realtime] model and url in the config",
)
_QUOTA = Judgement(
    Verdict.GIVE_UP,
    "the account has no credit left",
    "check plan and billing of the account that the key belongs to",
)
_ACCOUNT = Judgement(
    Verdict.GIVE_UP, "the account is closed or at its limit", "see the account's billing page"
)
_SETTINGS = Judgement(
    Verdict.GIVE_UP,
    "the service refused our settings",
    "check [realtime] and [turns] in the config",
)
_DIALECT = Judgement(
    Verdict.GIVE_UP, "the service speaks another dialect", "check [realtime] url in the config"
)
_EXPIRED = Judgement(Verdict.RECONNECT, "the session reached its maximum duration")
_BUSY = Judgement(Verdict.COOL_DOWN, "the service asks us to slow down")
_TROUBLE = Judgement(Verdict.COOL_DOWN, "the service has trouble of its own")
_LINK = Judgement(Verdict.COOL_DOWN, "the link was lost")
_HARMLESS = Judgement(Verdict.CARRY_ON, "the service refused one request")

_BY_CODE: Final[Mapping[str, Judgement]] = {
    "invalid_api_key": _KEY,
    "model_not_found": _MODEL,
    "missing_model": _MODEL,
    "invalid_model": _MODEL,
    "insufficient_quota": _QUOTA,
    "credit_balance_exhausted": _QUOTA,
    "account_deactivated": _ACCOUNT,
    "billing_hard_limit_reached": _ACCOUNT,
    "beta_api_shape_disabled": _DIALECT,
    "session_expired": _EXPIRED,
    "rate_limit_exceeded": _BUSY,
    "inference_rate_limit_exceeded": _BUSY,
}
"""Error codes that end a session or a turn; all others leave the session usable (documented)."""

_BY_CLOSE_CODE: Final[Mapping[int, Judgement]] = {
    1001: _EXPIRED,  # seen on the live wire for the 60-minute limit
    1011: _TROUBLE,
    1012: _TROUBLE,
    1013: _BUSY,
    3000: _KEY,  # seen on the live wire
    4000: _MODEL,  # reason: invalid_request_error.<code>, which comes as an error event before
    4004: _MODEL,  # reported once
}

_BY_STATUS: Final[Mapping[int, Judgement]] = {
    400: _MODEL,  # Azure's answer to a wrong deployment (reported)
    401: _KEY,
    403: _KEY,
    404: Judgement(
        Verdict.GIVE_UP,
        "there is no Realtime service at this address",
        "check [realtime] url in the config",
    ),
    429: _BUSY,
}


def judge_code(code: str | None, *, opening: bool = False) -> Judgement:
    """What an `error` event of the service means; while a session is *opening*, any is final."""
    return _BY_CODE.get(code or "", _SETTINGS if opening else _HARMLESS)


def judge(fault: VoicedError) -> Judgement:
    """What is to be done about a fault that ended a conversation. Total: the unknown cools down."""
    match fault:
        case ConfigError():
            return Judgement(Verdict.GIVE_UP, str(fault))
        case SessionOver(code=code):
            found = _BY_CODE.get(code)
            return found or (_SETTINGS if fault.opening else _TROUBLE)
        case LinkRefused(status=status):
            return _BY_STATUS.get(status, _TROUBLE)
        case LinkClosed(code=close_code):
            return _BY_CLOSE_CODE.get(close_code, _LINK)
        case LinkError():
            return _LINK
        case _:
            return Judgement(Verdict.COOL_DOWN, "something went wrong")


def gravest(faults: BaseExceptionGroup[VoicedError]) -> VoicedError:
    """The one fault of a group that decides what happens."""
    return max(_leaves(faults), key=lambda fault: judge(fault).verdict)


def _leaves(group: BaseExceptionGroup[VoicedError]) -> Iterator[VoicedError]:
    for each in group.exceptions:
        if isinstance(each, BaseExceptionGroup):
            yield from _leaves(each)
        else:
            yield each
