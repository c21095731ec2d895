"""The examination: one check after the other, each with a name, a time limit and a finding.

Law of this file: it knows nothing of what is checked. A fault of ours is a finding; anything else is a bug of
the check, and surfaces.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

import attrs
import trio

from voiced.doctor.explaining import explained
from voiced.doctor.finding import Finding, Verdict
from voiced.faults import LocalProtocolError, VoicedError
from voiced.verdicts import gravest

LIMIT_S: Final = 20.0
"""For a check that names no limit of its own: above the sum of those that a step of the opening has."""


@attrs.frozen
class Check:
    """One thing to look at."""

    name: str
    look: Callable[[], Awaitable[Finding]]
    needs: tuple[str, ...] = ()  # names of checks before it, without which looking is vain
    limit_s: float | None = None  # None: as all others


def ignore(_finding: Finding) -> None:
    """Nobody is to be told before the end."""


async def examine(
    checks: Iterable[Check],
    *,
    limit_s: float = LIMIT_S,
    tell: Callable[[Finding], None] = ignore,
) -> list[Finding]:
    """Look at all of it; each finding is told as soon as it is there.

    What stands on a failed check is skipped, and what stands on that as well. A check that skipped itself
    (there is no proxy) holds nobody up.
    """
    findings: list[Finding] = []
    down: dict[
        str, str
    ] = {}  # what failed or could not be looked at, and which failure is to blame
    for check in checks:
        blamed = [down[need] for need in check.needs if need in down]
        if blamed:
            down[check.name] = blamed[0]
            seen = f"not looked at: {blamed[0]} comes first"
            finding = Finding(check=check.name, verdict=Verdict.SKIPPED, seen=seen)
        else:
            finding = await _looked(check, check.limit_s or limit_s)
            if finding.verdict is Verdict.FAILED:
                down[check.name] = check.name
        findings.append(finding)
        tell(finding)
    return findings


async def _looked(check: Check, limit_s: float) -> Finding:
    began_s = trio.current_time()
    faults: list[VoicedError] = []
    finding = _too_slow(limit_s)
    try:
        with trio.move_on_after(limit_s):
            finding = await check.look()
    except* LocalProtocolError:
        raise  # it is ours, and no finding about this machine
    except* VoicedError as group:
        faults.append(gravest(group))
    if faults:
        finding = explained(faults[0])
    took_ms = round((trio.current_time() - began_s) * 1000, 1)
    return attrs.evolve(finding, check=check.name, took_ms=took_ms)


def _too_slow(limit_s: float) -> Finding:
    return Finding(
        check="",
        verdict=Verdict.FAILED,
        seen=f"no answer within {limit_s:g} s",
        cause="what was asked hangs, or is much too slow",
        action="try again; if it stays so, look at what else this machine and its network do",
    )


def chosen(checks: Sequence[Check], names: Iterable[str]) -> list[Check]:
    """Those that are named, and all that they stand on, in order; KeyError names one there is none of."""
    by_name = {check.name: check for check in checks}
    wanted: set[str] = set()
    to_do = list(names)
    while to_do:
        name = to_do.pop()
        if name not in wanted:
            wanted.add(name)
            to_do.extend(by_name[name].needs)
    return [check for check in checks if check.name in wanted]
