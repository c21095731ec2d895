"""What probes found: the last ones, as lines of a file, and what is to be said of them.

Law of this file: pure. A line that can't be read is left out, and the others count all the same.
"""

import json
import math
from collections.abc import Iterable, Sequence
from typing import Final

import attrs
from attrs import field, frozen
from attrs.validators import instance_of

MOST: Final = 20
FINE: Final = "ok"
_LONGEST_TEXT: Final = 200


def _text(_self: object, attribute: "attrs.Attribute[str]", value: object) -> None:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT or not value.isprintable():
        raise ValueError(f"{attribute.name} must be a short line")


def _ms(_self: object, attribute: "attrs.Attribute[float]", value: object) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value < 0:  # type: ignore[arg-type,operator]  # a number
        raise ValueError(f"{attribute.name} must be a time in ms")


@frozen(kw_only=True)
class Probe:
    """One result."""

    at: str = field(validator=_text)  # ISO 8601
    verdict: str = field(validator=[instance_of(str), attrs.validators.in_((FINE, "failed"))])
    stage: str = field(default="", validator=_text)  # the last one that was reached
    code: str = field(default="", validator=_text)  # of the fault, as `voiced faults` knows it
    session: str = field(default="", validator=_text)
    connected_ms: float = field(
        default=0.0, validator=_ms
    )  # since the first knock, as all of these
    created_ms: float = field(default=0.0, validator=_ms)
    updated_ms: float = field(default=0.0, validator=_ms)
    took_ms: float = field(default=0.0, validator=_ms)


def kept(probes: Sequence[Probe], newest: Probe) -> tuple[Probe, ...]:
    """The last ones, the newest at the end."""
    return (*probes, newest)[-MOST:]


def render(probes: Iterable[Probe]) -> str:
    """As lines of JSON, in ASCII."""
    return "".join(f"{json.dumps(attrs.asdict(probe))}\n" for probe in probes)


def parse(text: str) -> tuple[Probe, ...]:
    """What stands in such lines."""
    return tuple(probe for line in text.splitlines() if (probe := _parsed(line)))[-MOST:]


def _parsed(line: str) -> Probe | None:
    try:
        return Probe(**json.loads(line))
    except (ValueError, TypeError, RecursionError):
        return None


def summary(probes: Sequence[Probe]) -> str:
    """All of them in a sentence; empty if there are none."""
    if not probes:
        return ""
    last, fine = probes[-1], sum(probe.verdict == FINE for probe in probes)
    told = "fine" if last.verdict == FINE else f"failed ({last.code})"
    return f"{fine} of the last {len(probes)} were fine; the last one, at {last.at}: {told}"
