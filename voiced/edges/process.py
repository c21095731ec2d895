"""What our process takes of the machine, as the kernel says. See proc(5)."""

import os
import resource
from pathlib import Path
from typing import Final

from voiced.metrics.page import Resources

_SELF: Final = Path("/proc/self")
_KIB: Final = 1024


def resources() -> Resources | None:
    """Read it; it takes a fraction of a millisecond. None where there is no /proc."""
    try:
        status = _table(_SELF / "status")
        open_files = len(os.listdir(_SELF / "fd")) - 1  # one is the listing's own
        return Resources(
            cpu_s=_cpu_s(),
            resident_bytes=status["VmRSS"] * _KIB,
            pss_bytes=_pss_bytes(),
            open_files=open_files,
            threads=status["Threads"],
        )
    except (OSError, KeyError):
        return None


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _pss_bytes() -> int | None:
    try:
        return _table(_SELF / "smaps_rollup")["Pss"] * _KIB
    except (OSError, KeyError):  # a kernel older than 4.14, or a sandbox that hides it
        return None


def _table(path: Path) -> dict[str, int]:
    """The lines `Name:   123 kB` of a file; others are left out."""
    numbers = {}
    for line in path.read_text("ascii", "replace").splitlines():
        name, _, rest = line.partition(":")
        first = rest.split()[:1]
        if first and first[0].isdecimal():
            numbers[name] = int(first[0])
    return numbers
