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


class RateLimits(enum.Enum):
    """Where ``rate_limits.updated`` comes."""

    AFTER = "after"  # after response.done, as captured live
    BEFORE = "before"  # after response.created, as the guide has it
    ABSENT = "absent"  # not at all, as happens


def _amount(default: int) -> Any:
    return field(default=default, validator=[validators.instance_of(int), validators.ge(0)])


def _flag(default: bool) -> Any:
    return field(default=default, validator=validators.instance_of(bool))


def _positive(default: float) -> Any:
    return field(
        default=default,
        converter=float,
        validator=[validators.instance_of(float), validators.gt(0.0)],
    )


@frozen(kw_only=True)
class Options:
    """How one server behaves."""

    # --- the pace of an answer ---
    created_delay_ms: int = _amount(0)
    """From the upgrade to session.created."""
    updated_delay_ms: int = _amount(0)
    """From session.update to session.updated; the settings hold at once."""
    first_delta_delay_ms: int = _amount(0)
    """From response.created to the first output item."""
    delta_bytes: int = field(default=12_000, validator=validators.ge(2))
    """Audio per delta, counted as 24 kHz PCM (250 ms); telephone deltas last as long."""
    odd_deltas: bool = _flag(False)
    """Deltas are cut in the middle of samples; their sum is whole."""
    burst_factor: float = _positive(4.0)
    """Seconds of sound sent per second; 1: in real time, inf: at once."""
    delta_jitter_ms: int = _amount(0)
    """Each delta may be late by up to this."""
    stall_after_ms: int = _amount(0)
    """How much sound is sent before a stall..."""
    stall_ms: int = _amount(0)
    """...how long the stall lasts (0: none)..."""
    stall_every_ms: int = _amount(0)
    """...and after how much more sound the next one comes (0: never)."""
    transcript_lead_ms: int = _amount(800)
    """How far the words run ahead of the sound."""
    stragglers: int = _amount(0)
    """How many audio deltas still come after a cancel, before the closing events."""
    cancel_delay_ms: int = _amount(0)
    """From a cancel to the closing events and response.done."""

    # --- quirks of the wire ---
    rate_limits: RateLimits = RateLimits.AFTER
    """Where rate_limits.updated comes: after, before or absent."""
    null_previous_item_id: bool = _flag(True)
    """The item.done of a session's first assistant item has a null previous_item_id (seen live)."""
    null_error_event_id: bool = _flag(False)
    """Errors never say which event they blame, as in most captures."""
    extra_fields: bool = _flag(False)
    """Every event, and the objects in it, carry a field nobody knows."""
    faults: tuple[FaultPlan, ...] = ()
    """What goes wrong on purpose."""

    # --- the door ---
    keys: frozenset[str] = field(default=frozenset(), repr=False)
    """The keys that are good; empty: any key is."""
    models: frozenset[str] = MODELS
    """The models that exist; with * among them, any does. Azure deployments are never checked."""
    max_sessions: int = field(default=8, validator=validators.ge(1))
    """Connections at a time; more are refused with 503."""
    handshake_timeout_s: float = _positive(5.0)
    """How long a connection may take to ask for a WebSocket."""
    close_timeout_s: float = _positive(2.0)
    """How long what is left may take to be sent at the end, and the closing handshake."""

    # --- bounds ---
    session_limit_s: float = _positive(3_600.0)
    """The longest session: then error session_expired and close 1001."""
    ping_interval_s: float = _positive(20.0)
    """Between WebSocket pings (seen live: 20.26 s)."""
    max_event_bytes: int = field(default=24 << 20, validator=validators.ge(1_024))
    """The longest event; 15 MiB of audio need 20 MiB. More closes with 1009."""
    max_backlog_bytes: int = field(default=16 << 20, validator=validators.ge(1_024))
    """What may wait for a client that does not read; then the connection is dropped."""
    kept_audio_s: int = field(default=600, validator=validators.ge(1))
    """How much appended sound, and how much of the conversation's, a session keeps."""
    max_out_of_band: int = field(default=4, validator=validators.ge(1))
    """Out-of-band responses at a time."""

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

    def knows(self, model: str) -> bool:
        """Whether there is such a model."""
        return _ANY_MODEL in self.models or model in self.models


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
