"""The one table of faults: what each means, what we do about it, and what a person can do.

Law of this file: facts, and lookups that are total. A row is found by what the fault *is* (an error
code, a close code, an HTTP status, a trouble of the link), never by what somebody guesses from a
text. The README prints `TABLE`; a test holds the two together. Sources are sections 6.2 and 6.3 of the
protocol digest: *seen* on the live wire, *documented*, *reported* by others, or *ours*.
"""

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from attrs import frozen

from voiced.faults import (
    ConfigError,
    DeviceError,
    LinkClosed,
    LinkError,
    LinkRefused,
    RemoteProtocolError,
    SessionOver,
    Trouble,
    VoicedError,
    leaves,
)


class Verdict(enum.IntEnum):
    """What is to be done about a fault; the graver, the greater."""

    CARRY_ON = 0  # the session stays usable
    RETRY_TURN = 1  # ask again: in this session while there is one, once in a new one
    RECONNECT = 2  # at once after a healthy session, else after a pause
    COOL_DOWN = 3  # after a pause that grows
    GIVE_UP = 4  # a person must act first


@frozen
class Judgement:
    """A verdict with its cause in plain words, and what a person can do (empty: nothing).

    `heals`: what is given up may become good without anything changing here; it is tried again, slowly.
    """

    verdict: Verdict
    cause: str
    action: str = ""
    heals: bool = False

    def __str__(self) -> str:
        return f"{self.cause}: {self.action}" if self.action else self.cause


class Kind(enum.Enum):
    """Where a fault shows."""

    CODE = "error code"  # of an `error` event, a failed response, or the reason of a close
    CLOSE = "close code"
    STATUS = "HTTP status"  # of the handshake, or of whoever mints secrets
    TROUBLE = "link"


@frozen
class Row:
    """One kind of fault."""

    kind: Kind
    key: str
    judgement: Judgement
    source: str = "reported"


_KEY = Judgement(
    Verdict.GIVE_UP,
    "the key was refused",
    "put a valid API key where [auth] in the config says",
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
    heals=True,
)
_ACCOUNT = Judgement(
    Verdict.GIVE_UP,
    "the account is closed or at its limit",
    "see the account's billing page",
    heals=True,
)
_SETTINGS = Judgement(
    Verdict.GIVE_UP,
    "the service refused our settings",
    "check [realtime] and [turns] in the config",
)
_DIALECT = Judgement(
    Verdict.GIVE_UP, "the service speaks another dialect", "check [realtime] url in the config"
)
_ADDRESS = Judgement(
    Verdict.GIVE_UP,
    "there is no Realtime service at this address",
    "check [realtime] url in the config",
)
_EXPIRED = Judgement(Verdict.RECONNECT, "the session reached its maximum duration")
_BUSY = Judgement(Verdict.COOL_DOWN, "the service asks us to slow down")
_TROUBLE = Judgement(Verdict.COOL_DOWN, "the service has trouble of its own")
_SERVER_ERROR = Judgement(Verdict.RETRY_TURN, "the server had an error")
_STALLED = Judgement(Verdict.RETRY_TURN, "the service went silent in the middle of a turn")
_LINK = Judgement(Verdict.COOL_DOWN, "the link was lost")
_PROXY = Judgement(Verdict.COOL_DOWN, "the proxy does not let us through", "check [network] proxy")
_PORTAL = Judgement(
    Verdict.COOL_DOWN,
    "something on the way answers in the service's place",
    "this network may want a login in a browser first",
)
_HARMLESS = Judgement(Verdict.CARRY_ON, "the service refused one request")
# What no row knows: it may pass, and what it is stands in the fault's own sentence.
_UNKNOWN = Judgement(Verdict.COOL_DOWN, "something went wrong")
_UNKNOWN_CLOSE = Judgement(Verdict.COOL_DOWN, "the server hung up for a reason we do not know")
_UNKNOWN_STATUS = Judgement(
    Verdict.COOL_DOWN,
    "the service did not let us in, for a reason we do not know",
    "if this stays so, check [realtime] url in the config",
)
_OUT_OF_TURN = Judgement(Verdict.COOL_DOWN, "the service spoke out of turn")
_DEVICE = Judgement(
    Verdict.COOL_DOWN,
    "a sound device failed",
    "check its cable, and [capture] and [playout] device; `voiced devices` lists what there is",
)


def _codes(judgement: Judgement, *codes: str, source: str = "reported") -> tuple[Row, ...]:
    return tuple(Row(Kind.CODE, code, judgement, source) for code in codes)


def _closes(judgement: Judgement, *codes: int, source: str = "reported") -> tuple[Row, ...]:
    return tuple(Row(Kind.CLOSE, str(code), judgement, source) for code in codes)


def _statuses(judgement: Judgement, *codes: int, source: str = "reported") -> tuple[Row, ...]:
    return tuple(Row(Kind.STATUS, str(code), judgement, source) for code in codes)


def _link(trouble: Trouble, cause: str, action: str = "") -> Row:
    return _trouble(trouble, Judgement(Verdict.COOL_DOWN, cause, action))


def _trouble(trouble: Trouble, judgement: Judgement) -> Row:
    return Row(Kind.TROUBLE, trouble.value, judgement, "ours")


TABLE: Final[tuple[Row, ...]] = (
    # A key, an account, a model: a person must act.
    *_codes(_KEY, "invalid_api_key", source="seen"),
    *_closes(_KEY, 3000, source="seen"),
    *_statuses(_KEY, 401),
    *_statuses(
        Judgement(
            Verdict.GIVE_UP,
            "the key was refused, or has no access to the model",
            "check the key where [auth] in the config says, and [realtime] model",
        ),
        403,
    ),
    *_codes(_QUOTA, "insufficient_quota", "credit_balance_exhausted"),
    *_statuses(_QUOTA, 402, source="ours"),
    *_codes(_ACCOUNT, "account_deactivated", "billing_hard_limit_reached", source="documented"),
    *_codes(_MODEL, "missing_model", "invalid_model", source="seen"),
    *_codes(_MODEL, "model_not_found"),
    *_closes(
        Judgement(
            Verdict.GIVE_UP,
            "the service refused the model, or the dialect we speak",
            "check [realtime] model and url in the config",
        ),
        4000,  # its reason names the code, and an `error` event that did so came before (seen)
        source="seen",
    ),
    *_closes(_MODEL, 4004),
    *_statuses(_MODEL, 400),
    *_codes(_DIALECT, "beta_api_shape_disabled", source="seen"),
    *_statuses(_ADDRESS, 404, 405, 410, 426),
    *_codes(
        Judgement(
            Verdict.GIVE_UP,
            "the service grants another audio format than we asked for",
            "check [realtime] audio_format in the config",
        ),
        "audio_format_not_granted",
        source="ours",
    ),
    # What passes.
    *_codes(_EXPIRED, "session_expired", source="seen"),
    *_closes(_EXPIRED, 1001, source="seen"),
    *_codes(_BUSY, "rate_limit_exceeded", "inference_rate_limit_exceeded"),
    *_statuses(_BUSY, 429, source="documented"),
    *_closes(_BUSY, 1013, source="documented"),
    *_codes(_SERVER_ERROR, "server_error"),
    *_codes(_STALLED, "turn_stalled", source="ours"),
    *_closes(_SERVER_ERROR, 1011),
    *_statuses(_TROUBLE, 500, 502, 503, 504, source="documented"),
    *_closes(_TROUBLE, 1014, source="documented"),
    *_statuses(Judgement(Verdict.COOL_DOWN, "the service took too long"), 408, source="documented"),
    *_closes(Judgement(Verdict.COOL_DOWN, "the service restarts"), 1012, source="documented"),
    *_closes(Judgement(Verdict.COOL_DOWN, "the server hung up, though nothing was wrong"), 1000),
    *_closes(
        Judgement(Verdict.COOL_DOWN, "the server takes what we sent for a mistake"),
        1002,
        1003,
        1007,
        1008,
        1009,
    ),
    *_closes(_LINK, 1005, 1006),
    *_closes(
        Judgement(
            Verdict.COOL_DOWN,
            "no secure connection",
            "check the machine's clock and [network] ca_file in the config",
        ),
        1015,
        source="documented",
    ),
    # One request refused: the session goes on.
    *_codes(
        _HARMLESS,
        "invalid_value",
        "invalid_json",
        "invalid_event",
        "input_audio_buffer_commit_empty",
        "response_cancel_not_active",
        "conversation_already_has_active_response",
        "cannot_update_voice",
        "unknown_parameter",
        "missing_required_parameter",
        source="seen",
    ),
    *_codes(
        _HARMLESS,
        "item_truncate_invalid_item_id",
        "item_delete_invalid_item_id",
        "item_retrieve_invalid_item_id",
        "item_create_duplicate_item_id",
        "unsupported_content_type",
    ),
    # The way there.
    _link(Trouble.LOST, "the link was lost"),
    _link(
        Trouble.NAME,
        "the service's name can't be resolved",
        "check the network's DNS and [realtime] url",
    ),
    _link(Trouble.UNREACHABLE, "the service can't be reached", "check the network"),
    _link(
        Trouble.TLS,
        "no secure connection",
        "somebody on the way may be reading along; in a network that does so by intent, name its "
        "certificate in [network] ca_file",
    ),
    _link(Trouble.CLOCK, "the machine's clock is wrong", "set it, or let NTP do so"),
    _trouble(Trouble.PROXY, _PROXY),
    *_statuses(_PROXY, 407, source="documented"),
    _trouble(Trouble.PORTAL, _PORTAL),
    *_statuses(_PORTAL, 511, source="documented"),
    _link(
        Trouble.NOT_WEBSOCKET,
        "the server does not speak WebSocket",
        "check [realtime] url in the config",
    ),
    _link(Trouble.HANDSHAKE, "the server hung up before the session was open"),
    _link(
        Trouble.SLOW,
        "the service does not answer in time",
        "if this stays so, check the network and [realtime] url",
    ),
    _link(Trouble.STUCK, "the link takes nothing"),
    _link(Trouble.NO_PONG, "the link is dead"),
    _link(Trouble.DEAF, "the socket lives, but nobody answers behind it"),
    _link(Trouble.SECRET, "no fresh secret could be had", "see [auth] in the config"),
)
"""Every fault that is known, the ones that a person must mend first."""


def _by(kind: Kind) -> Mapping[str, Judgement]:
    return MappingProxyType({row.key: row.judgement for row in TABLE if row.kind is kind})


_CODES: Final = _by(Kind.CODE)
_CLOSES: Final = _by(Kind.CLOSE)
_STATUSES: Final = _by(Kind.STATUS)
_TROUBLES: Final = _by(Kind.TROUBLE)


def judge_code(code: str | None, kind: str = "", *, opening: bool = False) -> Judgement:
    """What an error of the service means, by its code or, where that tells nothing, its type.

    While a session is *opening*, one that would otherwise be harmless is final: we have no session.
    """
    found = _CODES.get(code or "") or _CODES.get(kind) or _HARMLESS
    return _SETTINGS if opening and found is _HARMLESS else found


def judge(fault: VoicedError) -> Judgement:
    """What is to be done about a fault that ended a conversation. Total: the unknown cools down."""
    match fault:
        case ConfigError():
            return Judgement(Verdict.GIVE_UP, str(fault))
        case SessionOver(code=code, kind=kind, opening=opening):
            known = judge_code(code, kind, opening=opening)
            return _TROUBLE if known is _HARMLESS else known
        case LinkRefused(status=status):
            return _STATUSES.get(str(status)) or _of_status_class(status)
        case LinkClosed(code=close_code):
            return _CLOSES.get(str(close_code), _UNKNOWN_CLOSE)
        case LinkError(trouble=trouble):
            return _TROUBLES[trouble.value]
        case RemoteProtocolError():
            return _OUT_OF_TURN
        case DeviceError():
            return _DEVICE
        case _:
            return _UNKNOWN


def _of_status_class(status: int) -> Judgement:
    """Where 101 was due, a success or a redirection is no answer of the service's."""
    if 200 <= status < 400:
        return _PORTAL
    return _TROUBLE if status >= 500 else _UNKNOWN_STATUS


@frozen
class Known:
    """By what name a fault is counted. There are as many as the table has rows, and a few for the rest:
    what a server makes up is no name.
    """

    kind: str
    key: str
    verdict: Verdict


_OTHER: Final = "other"


def known_as(fault: VoicedError) -> Known:
    """The name under which to count a fault that ended a conversation. Total."""
    kind, key = _name(fault)
    return Known(kind.lower().replace(" ", "_"), key, judge(fault).verdict)


def _name(fault: VoicedError) -> tuple[str, str]:
    match fault:
        case SessionOver(code=code, kind=kind):
            found = next((each for each in (code, kind) if each in _CODES), _OTHER)
            return Kind.CODE.value, found
        case LinkRefused(status=status):
            return Kind.STATUS.value, str(status) if str(status) in _STATUSES else _OTHER
        case LinkClosed(code=close_code):
            return Kind.CLOSE.value, str(close_code) if str(close_code) in _CLOSES else _OTHER
        case LinkError(trouble=trouble):
            return Kind.TROUBLE.value, trouble.value
        case ConfigError():
            return _OTHER, "settings"
        case RemoteProtocolError():
            return _OTHER, "out_of_turn"
        case DeviceError():
            return _OTHER, "device"
        case _:
            return _OTHER, _OTHER


def gravest(faults: BaseExceptionGroup[VoicedError]) -> VoicedError:
    """The one fault of a group that decides what happens."""
    return max(leaves(faults), key=lambda fault: judge(fault).verdict)
