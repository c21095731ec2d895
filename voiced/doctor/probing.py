"""A probe: one visit, and what is to be told of it in one object; and whether there is a time for one."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import attrs
import trio

from voiced.config.whole import Config
from voiced.doctor.explaining import code_of, explained
from voiced.doctor.finding import Finding, Verdict
from voiced.doctor.road import visit_from
from voiced.doctor.visit import FIRM_S, Stage, Visit
from voiced.edges.control_call import NoAnswer, NotForUs, NotThere, call
from voiced.faults import ConfigError, VoicedError
from voiced.link.probes import FINE, Probe
from voiced.notices import Phase

BUSY: Final = frozenset({Phase.HEARING.value, Phase.THINKING.value, Phase.SPEAKING.value})
"""Phases in which a second session would take something from the first."""


@attrs.frozen
class Result:
    """What is kept of a probe, what is told of it, and the fault it met."""

    probe: Probe
    finding: Finding
    fault: VoicedError | None


async def probe(
    config: Config, environ: Mapping[str, str], now: datetime, firm_s: float = FIRM_S
) -> Result:
    """Visit the service now."""
    visit = visit_from(config, environ, firm_s=firm_s)
    began_s = trio.current_time()
    await visit.run()
    took_ms = round((trio.current_time() - began_s) * 1000, 1)
    return _result(visit, now, took_ms)


def _result(visit: Visit, now: datetime, took_ms: float) -> Result:
    reached, fault = visit.reached_ms, visit.fault
    last = max(reached, key=lambda stage: reached[stage], default=None)
    told = Probe(
        at=now.isoformat(timespec="seconds"),
        verdict=FINE if fault is None else "failed",
        stage="" if last is None else last.value,
        code=_short("" if fault is None else code_of(fault)),
        session=_short(visit.session_id),
        connected_ms=reached.get(Stage.ANSWERED, 0.0),
        created_ms=reached.get(Stage.CREATED, 0.0),
        updated_ms=reached.get(Stage.UPDATED, 0.0),
        took_ms=took_ms,
    )
    if fault is None:
        seen = f"{visit.sent_ms / 1000:.1f} s of sound, and the session goes on"
        finding = Finding(check="probe", verdict=Verdict.OK, seen=seen)
    else:
        finding = explained(fault, reference=visit.reference)
    return Result(told, attrs.evolve(finding, check="probe", took_ms=took_ms), fault)


def unusable(fault: ConfigError, now: datetime) -> Result:
    """There are no settings with which one could go there."""
    told = Probe(at=now.isoformat(timespec="seconds"), verdict="failed", code=code_of(fault))
    return Result(told, attrs.evolve(explained(fault), check="probe"), fault)


def _short(text: str) -> str:
    """What a server calls things may be long, or odd."""
    return "".join(char for char in text if char.isprintable())[:100]


async def busy_phase(places: tuple[Path, ...]) -> str:
    """The phase of the first daemon that answers, if somebody speaks with it; else empty."""
    for path in places:
        try:
            phase = (await call(path, "status")).get("phase")
        except (NotThere, NotForUs, NoAnswer):
            continue
        return phase if isinstance(phase, str) and phase in BUSY else ""
    return ""
