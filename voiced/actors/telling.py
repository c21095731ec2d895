"""What the daemon knows, in the control language's terms: plain JSON, units in every name.

Law of this file: it is told as it is; nothing is decided but what it is called. These shapes are public:
what is taken away or renamed here raises `PROTOCOL`. Times are seconds of the daemon's own clock: only
differences mean anything.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from voiced.link.memory import Entry
from voiced.notices import (
    Device,
    DeviceState,
    Happened,
    LinkStatus,
    Moment,
    Party,
    PhaseChanged,
    Status,
    Transcribed,
    TurnEnded,
)
from voiced.realtime.client_events import AssistantText, FunctionCall, UserText

Told: TypeAlias = dict[str, Any]

FAULTS: Final[Mapping[Moment, str]] = MappingProxyType(
    {
        Moment.COOLING: "cooling_down",
        Moment.GAVE_UP: "gave_up",
        Moment.DEVICE_LOST: "device_lost",
        Moment.DEVICE_BACK: "device_back",
    }
)
"""The moments that are told as faults, and what they are called."""


def status(status: Status, now_s: float, *, words: bool) -> Told:
    """The card; the last words only for those who may read them."""
    card: Told = {
        "now_s": _rounded(now_s),
        "phase": status.phase.value,
        "for_s": _rounded(now_s - status.since_s),
        "why": status.why,
        "link": link(status.link, now_s),
        "devices": {
            device.value: _device(status.devices[device], now_s)
            for device in Device
            if device in status.devices
        },
        "context": status.context,
        "probes": status.probes,
        "echo": status.echo,
        "budget": status.usage.plain()["budget"],
    } | _figures(status)
    if words:
        card["words"] = {"user": status.user_words, "assistant": status.assistant_words}
    return card


def _figures(status: Status) -> Told:
    return {
        "turns": {outcome.value: count for outcome, count in status.turns.items()},
        "latencies_ms": {
            figure.value: {"p50": each.p50_ms, "p95": each.p95_ms}
            for figure, each in status.latencies.items()
        },
    }


def stats(status: Status) -> Told:
    """How turns went, what was used for them and what that cost."""
    return _figures(status) | {"usage": dict(status.usage.plain())}


def link(link: LinkStatus, now_s: float) -> Told:
    """How it stands with the way to the service."""
    resumes_in_s = None if link.resumes_at_s is None else max(0.0, link.resumes_at_s - now_s)
    return {
        "session_id": link.session_id,
        "attempts": link.attempts,
        "strikes": link.strikes,
        "opened": link.rung,
        "fault": link.fault,
        "resumes_in_s": None if resumes_in_s is None else _rounded(resumes_in_s),
    }


def _device(state: DeviceState, now_s: float) -> Told:
    for_s = _rounded(now_s - state.since_s)
    return {"ok": not state.fault, "fault": state.fault, "name": state.name, "for_s": for_s}


def phase(phase: PhaseChanged, of: LinkStatus, now_s: float) -> Told:
    """What goes on from now on, and how the link is."""
    told = {"at_s": _rounded(phase.at_s), "phase": phase.phase.value, "why": phase.why}
    return told | {"link": link(of, now_s)}


def transcript(words: Transcribed) -> Told:
    """An item's words until now, all of them."""
    return {
        "at_s": _rounded(words.at_s),
        "who": words.who.value,
        "item_id": words.item_id,
        "text": words.text,
        "final": words.final,
    }


def level(at_s: float, dbfs: Mapping[Party, float]) -> Told:
    """The loudest 20 ms of each direction since the last such event; one that was silent is absent."""
    return {"at_s": _rounded(at_s)} | {
        f"{who.value}_dbfs": round(loudest, 1) for who, loudest in dbfs.items()
    }


def turn(ended: TurnEnded) -> Told:
    """A turn that is over."""
    turn = ended.turn
    return {
        "at_s": _rounded(ended.at_s),
        "outcome": turn.outcome.value,
        "figures_ms": {figure.value: ms for figure, ms in turn.figures_ms.items()},
        "heard_ms": turn.heard_ms,
        "of_ms": turn.of_ms,
    }


def fault(happened: Happened, of: LinkStatus, now_s: float) -> Told:
    """Something fails, or is back, and how the link is."""
    told = {"at_s": _rounded(happened.at_s), "what": FAULTS[happened.moment]}
    return told | {"why": happened.detail, "link": link(of, now_s)}


def tally(numbers: Mapping[str, int]) -> Told:
    """What was carried and lost: those numbers that are not zero."""
    return {"counts": {name: count for name, count in numbers.items() if count}}


def history(entries: Iterable[Entry]) -> Told:
    """What was said and heard, the oldest first."""
    return {"entries": [_entry(entry) for entry in entries]}


def _entry(entry: Entry) -> Told:
    match entry.items[0]:
        case UserText(text):
            return {"who": Party.USER.value, "text": text}
        case AssistantText(text):
            return {"who": Party.ASSISTANT.value, "text": text}
        case FunctionCall(name=name):
            return {"who": "function", "text": name}
        case other:
            raise TypeError(f"no entry begins with {type(other).__name__}")


def _rounded(seconds: float) -> float:
    return round(seconds, 3)
