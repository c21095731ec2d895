"""Every knob of the embedded server; with none turned it behaves well.

Law of this file: facts, their bounds, and how they are typed on a command line. Nothing here acts.
"""

import enum
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from attrs import evolve, field, fields, frozen, validators

from voiced.local import faults
from voiced.local.errors import OptionError
from voiced.local.faults import FaultPlan

MODELS: Final = frozenset(  # those the current client library names and that are not shut down
    {
        *("gpt-realtime-2.1", "gpt-realtime-2.1-mini", "gpt-realtime-2", "gpt-realtime-1.5"),
        *("gpt-realtime", "gpt-realtime-2025-08-28", "gpt-audio-1.5"),
        *("gpt-realtime-mini", "gpt-realtime-mini-2025-10-06", "gpt-realtime-mini-2025-12-15"),
        *("gpt-audio-mini", "gpt-audio-mini-2025-10-06", "gpt-audio-mini-2025-12-15"),
    }
)
_ANY_MODEL: Final = "*"
_NONE: Final[frozenset[str]] = frozenset()
_MEANING: Final = "meaning"
_FAULT_SETTING: Final = "fault=NAME[:KNOB=VALUE,...]"
_FAULT_MEANING: Final = (
    "what goes wrong, as often as you like; knobs: at, after_ms, after_appends, sessions, response, "
    "retry_after_s"
)


class RateLimits(enum.Enum):
    """Where ``rate_limits.updated`` comes."""

    AFTER = "after"  # after response.done, as captured live
    BEFORE = "before"  # after response.created, as the guide has it
    ABSENT = "absent"  # not at all, as happens


def _field(meaning: str, default: object, *checks: Any, **more: Any) -> Any:
    return field(default=default, validator=list(checks), metadata={_MEANING: meaning}, **more)


def _amount(default: int, meaning: str, *, least: int = 0) -> Any:
    return _field(meaning, default, validators.instance_of(int), validators.ge(least))


def _flag(default: bool, meaning: str) -> Any:
    return _field(meaning, default, validators.instance_of(bool))


def _positive(default: float, meaning: str) -> Any:
    checks = (validators.instance_of(float), validators.gt(0.0))
    return _field(meaning, default, *checks, converter=float)


@frozen(kw_only=True)
class Options:
    """How one server behaves; what a knob does is said beside it, and by `listing`."""

    # --- the pace of an answer ---
    created_delay_ms: int = _amount(0, "from the upgrade to session.created")
    updated_delay_ms: int = _amount(
        0, "from session.update to session.updated; the settings hold at once"
    )
    first_delta_delay_ms: int = _amount(0, "from response.created to the first output item")
    delta_bytes: int = _amount(
        12_000, "audio per delta, as 24 kHz PCM (250 ms); telephone deltas last as long", least=2
    )
    odd_deltas: bool = _flag(False, "deltas are cut in mid-sample; their sum is whole")
    burst_factor: float = _positive(4.0, "seconds of sound sent per second; inf: all at once")
    delta_jitter_ms: int = _amount(0, "each delta may be late by up to this")
    stall_after_ms: int = _amount(0, "how much sound is sent before a stall")
    stall_ms: int = _amount(0, "how long a stall lasts; 0: there is none")
    stall_every_ms: int = _amount(0, "after how much more sound the next stall comes; 0: never")
    transcript_lead_ms: int = _amount(800, "how far the words run ahead of the sound")
    stragglers: int = _amount(0, "audio deltas after a cancel, before the closing events")
    cancel_delay_ms: int = _amount(0, "from a cancel to the closing events and response.done")

    # --- quirks of the wire ---
    rate_limits: RateLimits = field(
        default=RateLimits.AFTER,
        validator=validators.instance_of(RateLimits),
        metadata={_MEANING: "where rate_limits.updated comes: after, before or absent"},
    )
    null_previous_item_id: bool = _flag(
        True, "the first assistant message's item.done has a null previous_item_id (seen live)"
    )
    null_error_event_id: bool = _flag(False, "errors never say which event they blame")
    extra_fields: bool = _flag(False, "events and objects in them carry a field nobody knows")
    faults: tuple[FaultPlan, ...] = _field("what goes wrong on purpose", ())

    # --- the door ---
    keys: frozenset[str] = _field("the keys that are good; none given: any is", _NONE, repr=False)
    models: frozenset[str] = _field(
        "the models that exist; *: any does (Azure deployments are never checked)", MODELS
    )
    max_sessions: int = _amount(8, "connections at a time; more are refused with 503", least=1)
    handshake_timeout_s: float = _positive(5.0, "how long a client may take to ask for an upgrade")
    close_timeout_s: float = _positive(2.0, "how long sending the rest and closing may take")

    # --- bounds ---
    session_limit_s: float = _positive(3_600.0, "then error session_expired and close 1001")
    ping_interval_s: float = _positive(20.0, "between WebSocket pings (seen live: 20.26 s)")
    max_event_bytes: int = _amount(
        24 << 20, "more closes with 1009; 15 MiB of audio need 20 MiB", least=1_024
    )
    max_backlog_bytes: int = _amount(
        16 << 20, "what may wait for a client that does not read; then it is dropped", least=1_024
    )
    kept_audio_s: int = _amount(
        600, "how much appended sound, and how much of the conversation's, is kept", least=1
    )
    max_out_of_band: int = _amount(4, "out-of-band responses at a time", least=1)

    @staticmethod
    def parse(settings: Iterable[str]) -> "Options":
        """Read ``name=value`` settings; ``fault=...`` may come several times.

        Raises:
            OptionError: a name is unknown or a value impossible.
        """
        options = Options()
        for setting in settings:
            name, equals, value = setting.partition("=")
            if not equals:
                raise OptionError(f"'{setting}' is no setting: write name=value")
            options = _with(options, name.strip(), value.strip())
        return options

    @staticmethod
    def listing() -> str:
        """Return every knob as it is typed, with its default and what it does."""
        knobs = [
            f"{_typed(one.name, one.default):32}{one.metadata[_MEANING]}"
            for one in fields(Options)
            if one.name != "faults"
        ]
        return "\n".join([*knobs, f"{_FAULT_SETTING:32}{_FAULT_MEANING}", *faults.listing()])

    def knows(self, model: str) -> bool:
        """Whether there is such a model."""
        return _ANY_MODEL in self.models or model in self.models


def _typed(name: str, default: object) -> str:
    """Write a default as one would type it."""
    match default:
        case bool():
            return f"{name}={str(default).lower()}"
        case RateLimits():
            return f"{name}={default.value}"
        case frozenset():
            return f"{name}=..."
        case _:
            return f"{name}={default}"


def _boolean(text: str) -> bool:
    return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[
        text.lower()
    ]


def _strings(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(",") if part.strip())


_READERS: Final[Mapping[object, Callable[[str], object]]] = {
    int: int,
    float: float,
    bool: _boolean,
    RateLimits: RateLimits,
    frozenset[str]: _strings,
}


def _with(options: Options, name: str, value: str) -> Options:
    if name == "fault":
        return evolve(options, faults=(*options.faults, faults.parse(value)))
    kinds = {one.name: one.type for one in fields(Options) if one.name != "faults"}
    if name not in kinds:
        raise OptionError(f"{name}: no such knob{faults.suggestion(name, [*kinds, 'fault'])}")
    try:
        change: dict[str, Any] = {name: _READERS[kinds[name]](value)}
        return evolve(options, **change)
    except (ValueError, KeyError) as why:
        raise OptionError(f"{name}={value} is impossible: {_meant(kinds[name])}") from why


def _meant(kind: object) -> str:
    if kind is RateLimits:
        return f"write one of {', '.join(where.value for where in RateLimits)}"
    words = {int: "a whole number", float: "a number above 0", bool: "true or false"}
    return f"write {words[kind] if isinstance(kind, type) and kind in words else 'text'}"
