"""What figures of a machine mean: pure, one function for each check.

Law of this file: figures and facts in, a finding out. Each bound has its source beside it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from voiced.doctor.finding import Finding, Verdict
from voiced.link.probes import FINE, Probe, summary

_MB: Final = 1 << 20

_LITTLE_MEMORY_BYTES: Final = 150 * _MB
"""The daemon peaks at 44 MB (README, measured); a browser on the same machine takes more at any time."""
_NO_MEMORY_BYTES: Final = 50 * _MB

_LITTLE_DISK_BYTES: Final = 100 * _MB
"""What we write is far less than one; but where so little is left, others fill it soon."""
_NO_DISK_BYTES: Final = 2 * _MB  # all our files, and each written anew beside the old one

_CLOCK_OFF_S: Final = 30.0  # minted secrets live for 10 s at least, 60 by default
_CLOCK_WRONG_S: Final = 86_400.0  # certificates are renewed days before their end: this breaks them

_NAME: Final = re.compile(
    r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^]]*\])?\s*\(?([^;()]*)\)?\s*(;.*)?$"
)
_CLAUSE: Final = re.compile(r"\s*(>=|<=|==|!=|~=|>|<)\s*v?([0-9.]+)")


def versions(
    python: str, demands_of_python: str, packages: Mapping[str, tuple[str, str | None]]
) -> Finding:
    """Whether what is installed is what is demanded: *packages* by name, each with what is demanded of it
    and its version, None if it is missing.
    """
    wrong = (
        [] if is_met(python, demands_of_python) else [f"Python {python}, not {demands_of_python}"]
    )
    for name, (demand, version) in sorted(packages.items()):
        if version is None:
            wrong.append(f"{name} is missing")
        elif not is_met(version, demand):
            wrong.append(f"{name} {version}, not {demand}")
    figures: dict[str, float | int | str] = {"python": python}
    figures |= {name: version or "missing" for name, (_, version) in sorted(packages.items())}
    if wrong:
        return _finding(
            Verdict.FAILED,
            "; ".join(wrong),
            "what is installed is not what this version was made for",
            "install voiced again: scripts/install, or pip install --upgrade with its wheel",
            figures,
        )
    return _finding(
        Verdict.OK, f"Python {python}, {len(packages)} packages as demanded", figures=figures
    )


def packages_of(requirements: Iterable[str]) -> dict[str, str]:
    """What each package that is always needed has to be: `{"trio": ">=0.31"}`; extras are left out."""
    found = {}
    for line in requirements:
        match = _NAME.match(line)
        if match and "extra" not in (match[3] or ""):
            found[match[1]] = match[2].strip()
    return found


def is_met(version: str, demand: str) -> bool:
    """Whether *version* is within `>=1.1,<2`. Numbers alone count: a beta is what it is a beta of."""
    have = _numbers(version)
    return all(_holds(have, *clause) for clause in _CLAUSE.findall(demand))


def _holds(have: tuple[int, ...], sign: str, wanted: str) -> bool:
    want = _numbers(wanted)
    match sign:
        case ">=":
            return have >= want
        case "<=":
            return have <= want
        case "==":
            return have == want
        case "!=":
            return have != want
        case "~=":
            return have >= want and have[: len(want) - 1] == want[:-1]
        case ">":
            return have > want
        case _:
            return have < want


def _numbers(version: str) -> tuple[int, ...]:
    """Without zeros at the end, so that 1.0 is 1."""
    found = re.match(r"[0-9]+(?:\.[0-9]+)*", version)
    numbers = [int(part) for part in found[0].split(".")] if found else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def clock(off_s: float | None, year: int, years: tuple[int, int], unheard: str = "") -> Finding:
    """How far our clock is from the service's (ahead, if positive), or, where that is not known
    (*unheard* says why), whether the *year* is among those in which it can be right.
    """
    action = "set it, or let NTP do so: timedatectl set-ntp true"
    cause = "the machine's clock is wrong"
    if not years[0] <= year <= years[1]:
        return _finding(Verdict.FAILED, f"the clock says that it is {year}", cause, action)
    if off_s is None:
        return _finding(Verdict.OK, f"it is {year}; not compared with the service's: {unheard}")
    figures = {"ahead_s": round(off_s, 1)}
    if abs(off_s) < _CLOCK_OFF_S:
        return _finding(Verdict.OK, f"{abs(off_s):.0f} s from the service's", figures=figures)
    seen = f"{abs(off_s):.0f} s {'ahead of' if off_s > 0 else 'behind'} the service's"
    verdict = Verdict.FAILED if abs(off_s) >= _CLOCK_WRONG_S else Verdict.WARNING
    return _finding(verdict, seen, cause, action, figures)


def disk(free_bytes: int, directory: str, *, writable: bool) -> Finding:
    """Whether what is to outlive the process can be kept."""
    figures = {"free_mb": free_bytes // _MB}
    seen = f"{free_bytes // _MB} MB free in {directory}"
    if free_bytes < _NO_DISK_BYTES:
        cause = "the disk is full: neither usage nor budget can be kept"
        return _finding(Verdict.FAILED, seen, cause, "make room there: df, du", figures)
    if not writable:
        cause = (
            "this user may not write there: neither usage nor budget is kept, if voiced runs as it"
        )
        action = (
            "run the doctor as the user that runs voiced, or correct the owner of the directory"
        )
        return _finding(Verdict.WARNING, seen, cause, action, figures)
    if free_bytes < _LITTLE_DISK_BYTES:
        return _finding(
            Verdict.WARNING, seen, "the disk is almost full", "make room there: df, du", figures
        )
    return _finding(Verdict.OK, seen, figures=figures)


def memory(available_bytes: int | None) -> Finding:
    """Whether there is enough for the daemon beside all else."""
    if available_bytes is None:
        return _finding(Verdict.SKIPPED, "this machine does not tell")
    figures = {"available_mb": available_bytes // _MB}
    seen = f"{available_bytes // _MB} MB available"
    if available_bytes >= _LITTLE_MEMORY_BYTES:
        return _finding(Verdict.OK, seen, figures=figures)
    verdict = Verdict.FAILED if available_bytes < _NO_MEMORY_BYTES else Verdict.WARNING
    cause = "other programs take almost all memory: sound will stutter, and somebody will be ended"
    return _finding(verdict, seen, cause, "end what is not needed: ps aux --sort=-rss", figures)


def unit(told: Mapping[str, str], *, user: bool, lingers: str) -> Finding:
    """How the service stands, as `systemctl show` told it; *lingers*: loginctl's word, or empty."""
    whose, by_hand = ("user's", "systemctl --user") if user else ("system's", "systemctl")
    state, watchdog = told.get("ActiveState", ""), told.get("WatchdogUSec", "0")
    restarts = int(told["NRestarts"]) if told.get("NRestarts", "").isdecimal() else 0
    figures: dict[str, float | int | str] = {"state": state, "restarts": restarts}
    figures["watchdog"] = watchdog
    seen = f"the {whose} voiced.service is {state} ({told.get('SubState', '')})"
    if state == "failed":
        cause = f"it ended with {told.get('Result', 'a failure')}, and is not started again"
        action = f"see why: journalctl {'--user ' if user else ''}-u voiced -n 50; then {by_hand} restart voiced"
        return _finding(Verdict.FAILED, seen, cause, action, figures)
    if state not in {"active", "reloading", "activating"}:
        action = f"{by_hand} enable --now voiced"
        return _finding(Verdict.WARNING, seen, "it was not started, or stopped", action, figures)
    if watchdog in {"0", "", "infinity"}:
        cause = "nobody would notice if it hung: its watchdog is off"
        action = f"take WatchdogSec= out of the drop-in that turned it off ({by_hand} cat voiced)"
        return _finding(Verdict.WARNING, seen, cause, action, figures)
    if user and lingers == "no":
        cause = "it ends when its user logs out, and does not start at boot"
        return _finding(Verdict.WARNING, seen, cause, "loginctl enable-linger", figures)
    again = f", started again {restarts} times" if restarts else ""
    return _finding(Verdict.OK, f"{seen}, watchdog {watchdog}{again}", figures=figures)


def probes(results: Sequence[Probe]) -> Finding:
    """What the last probes found."""
    if not results:
        return _finding(
            Verdict.SKIPPED, "none kept: voiced-probe.timer makes them, if you enable it"
        )
    figures = {"kept": len(results), "failed": sum(each.verdict != FINE for each in results)}
    if results[-1].verdict == FINE:
        return _finding(Verdict.OK, summary(results), figures=figures)
    return _finding(
        Verdict.WARNING,
        summary(results),
        "the service could not be talked with then; what is so now is told below",
        "see what the checks below find now",
        figures,
    )


def _finding(
    verdict: Verdict,
    seen: str,
    cause: str = "",
    action: str = "",
    figures: Mapping[str, float | int | str] | None = None,
) -> Finding:
    return Finding(
        check="",
        verdict=verdict,
        seen=seen,
        cause=cause,
        action=action,
        figures=dict(figures or {}),
    )
