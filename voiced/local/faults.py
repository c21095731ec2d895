"""What can be made to go wrong on purpose, and when.

Law of this file: pure. Names, moments and their spelling on a command line; doing it is the
business of `mischief` and of the places where behaviour is replaced.
"""

import difflib
import enum
from collections.abc import Sequence
from typing import Any, Final

from attrs import evolve, field, fields, frozen, validators

from voiced.local.errors import OptionError


class Moment(enum.Enum):
    """When a fault strikes."""

    HANDSHAKE = "handshake"  # instead of the upgrade
    CONNECTED = "connected"  # before session.created
    CREATED = "created"  # after session.created
    UPDATED = "updated"  # after the first session.update was carried out
    APPENDS = "appends"  # after so many appends
    COMMITTED = "committed"  # at each committed turn
    RESPONSE = "response"  # at the beginning of a response
    MID_ANSWER = "mid_answer"  # after so much sound of a response was sent


class Fault(enum.Enum):
    """What goes wrong: its name on a command line, and what a client sees."""

    HTTP_401 = ("http_401", "the upgrade is refused with this status")
    HTTP_403 = ("http_403", "the same with 403")
    HTTP_404 = ("http_404", "the same with 404")
    HTTP_429 = ("http_429", "the same with 429; retry_after_s adds the header")
    HTTP_503 = ("http_503", "the same with 503")
    HTTP_200 = ("http_200", "a web page where a WebSocket should be")
    DROP_AT_HANDSHAKE = ("drop_at_handshake", "TCP ends without an answer")
    DROP_AFTER_CREATED = ("drop_after_created", "TCP ends without a close frame (1006)")
    DROP_AFTER_UPDATED = ("drop_after_updated", "the same after session.updated")
    DROP_AFTER_APPENDS = ("drop_after_appends", "the same after so many appends")
    DROP_MID_ANSWER = ("drop_mid_answer", "the same after so much sound (after_ms) of an answer")
    MUTE = ("mute", "accepts, reads, and never says a word (again)")
    NO_UPDATED = ("no_updated", "session.update is carried out, never acknowledged")
    STOP_READING = ("stop_reading", "the socket is read no more, so that sends stall")
    SERVER_ERROR_1011 = ("server_error_1011", "an error event, then close 1011")
    SERVER_ERROR_1006 = ("server_error_1006", "an error event, then an abrupt end")
    SESSION_EXPIRED = ("session_expired", "error session_expired, then close 1001")
    QUOTA_ERROR = ("quota_error", "error insufficient_quota")
    QUOTA_RESPONSE = ("quota_response", "response.done failed, insufficient_quota")
    RATE_LIMIT_RESPONSE = ("rate_limit_response", "response.done failed, rate_limit_exceeded")
    TRANSCRIPTION_FAILED = ("transcription_failed", "...transcription.failed for each turn")
    EARLY_TRANSCRIPTION = ("early_transcription", "a transcription delta before committed")
    UNSOLICITED_ACTIVE_RESPONSE = (
        "unsolicited_active_response",
        "that error, with nobody to blame",
    )
    UNKNOWN_EVENT = ("unknown_event", "an event type nobody has heard of")
    MALFORMED_JSON = ("malformed_json", "a text frame that breaks off")
    BINARY_FRAME = ("binary_frame", "a binary frame")
    HUGE_EVENT = ("huge_event", "a well-formed event of 4 MB")
    ODD_AUDIO = ("odd_audio", "one delta of a response lacks half a sample, for ever")
    ORPHAN_DELTA = ("orphan_delta", "an audio delta for an item never announced")
    DONE_WITHOUT_CREATED = ("done_without_created", "responses end that never began")

    def __init__(self, spelling: str, meaning: str) -> None:
        self.spelling = spelling
        self.meaning = meaning


_USUAL_MOMENT: Final = {
    Fault.DROP_AFTER_CREATED: Moment.CREATED,
    Fault.DROP_AFTER_UPDATED: Moment.UPDATED,
    Fault.DROP_AFTER_APPENDS: Moment.APPENDS,
    Fault.DROP_MID_ANSWER: Moment.MID_ANSWER,
    Fault.MUTE: Moment.CONNECTED,
    Fault.STOP_READING: Moment.UPDATED,
    Fault.SERVER_ERROR_1011: Moment.MID_ANSWER,
    Fault.SERVER_ERROR_1006: Moment.MID_ANSWER,
    Fault.SESSION_EXPIRED: Moment.CREATED,
    Fault.QUOTA_ERROR: Moment.UPDATED,
    Fault.UNSOLICITED_ACTIVE_RESPONSE: Moment.MID_ANSWER,
    Fault.UNKNOWN_EVENT: Moment.UPDATED,
    Fault.MALFORMED_JSON: Moment.UPDATED,
    Fault.BINARY_FRAME: Moment.UPDATED,
    Fault.HUGE_EVENT: Moment.UPDATED,
    Fault.ORPHAN_DELTA: Moment.MID_ANSWER,
}
_FIXED_MOMENT: Final = {
    **dict.fromkeys(
        (
            *(Fault.HTTP_401, Fault.HTTP_403, Fault.HTTP_404, Fault.HTTP_429, Fault.HTTP_503),
            *(Fault.HTTP_200, Fault.DROP_AT_HANDSHAKE),
        ),
        Moment.HANDSHAKE,
    ),
    Fault.NO_UPDATED: Moment.UPDATED,
    Fault.TRANSCRIPTION_FAILED: Moment.COMMITTED,
    Fault.EARLY_TRANSCRIPTION: Moment.COMMITTED,
    Fault.QUOTA_RESPONSE: Moment.RESPONSE,
    Fault.RATE_LIMIT_RESPONSE: Moment.RESPONSE,
    Fault.ODD_AUDIO: Moment.RESPONSE,
    Fault.DONE_WITHOUT_CREATED: Moment.RESPONSE,
}
_AMOUNT: Final = [validators.instance_of(int), validators.ge(0)]


@frozen
class FaultPlan:
    """One fault, and which connections, responses and moments it strikes.

    On a command line: ``drop_mid_answer:after_ms=500,sessions=1``.
    """

    fault: Fault
    at: Moment | None = None
    """When; None: the fault's usual moment. Some faults have only one."""
    after_ms: int = field(default=0, validator=_AMOUNT)
    """At mid_answer: how much sound is sent first. Elsewhere: how long after the moment."""
    after_appends: int = field(default=1, validator=_AMOUNT)
    """At appends: how many."""
    sessions: int = field(default=0, validator=_AMOUNT)
    """Only the first so many connections to the server; 0: all of them."""
    response: int = field(default=0, validator=_AMOUNT)
    """Only this response of a session, counted from 1; 0: any of them."""
    retry_after_s: int = field(default=0, validator=_AMOUNT)
    """With an HTTP refusal: the Retry-After header; 0: none."""

    def __attrs_post_init__(self) -> None:
        if self.fault in _FIXED_MOMENT and self.at not in (None, self.moment):
            raise OptionError(
                f"fault {self.fault.spelling} always strikes at {self.moment.value}; leave 'at' out"
            )
        if self.fault not in _FIXED_MOMENT and self.moment in (
            *(Moment.HANDSHAKE, Moment.COMMITTED, Moment.RESPONSE),
        ):
            raise OptionError(
                f"fault {self.fault.spelling} cannot strike at {self.moment.value}; choose "
                "connected, created, updated, appends or mid_answer"
            )

    @property
    def moment(self) -> Moment:
        """When it strikes."""
        if self.fault in _FIXED_MOMENT:
            return _FIXED_MOMENT[self.fault]
        return self.at or _USUAL_MOMENT[self.fault]

    def concerns(self, session: int, response: int = 0) -> bool:
        """Whether it strikes in this connection and at this response (0: at none)."""
        if self.sessions and session > self.sessions:
            return False
        return not self.response or not response or response == self.response


def parse(text: str) -> FaultPlan:
    """Read a plan as typed on a command line: ``name`` or ``name:knob=value,knob=value``.

    Raises:
        OptionError: a name is unknown or a value impossible.
    """
    name, _, knobs = text.partition(":")
    by_name = {fault.spelling: fault for fault in Fault}
    if name not in by_name:
        raise OptionError(f"fault={name}: no such fault{suggestion(name, list(by_name))}")
    plan = FaultPlan(by_name[name])
    for part in filter(None, knobs.split(",")):
        plan = _with(plan, part)
    return plan


def listing() -> list[str]:
    """Return a line for every fault: its name, its usual moment, what a client sees."""
    return [
        f"  {fault.spelling:30}at {FaultPlan(fault).moment.value}: {fault.meaning}"
        for fault in Fault
    ]


def suggestion(name: str, known: Sequence[str]) -> str:
    """Return ``; did you mean 'x'?`` if something known looks alike."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean '{close[0]}'?" if close else f"; known are {', '.join(known)}"


def _with(plan: FaultPlan, part: str) -> FaultPlan:
    knob, _, value = part.partition("=")
    known = [one.name for one in fields(FaultPlan) if one.name != "fault"]
    if knob not in known:
        raise OptionError(f"fault={plan.fault.spelling}: no knob '{knob}'{suggestion(knob, known)}")
    try:
        change: dict[str, Any] = {knob: Moment(value) if knob == "at" else int(value)}
        return evolve(plan, **change)
    except ValueError as why:
        raise OptionError(f"fault={plan.fault.spelling}: {knob}={value} is impossible") from why
