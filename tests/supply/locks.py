"""What the lock files pin, as they are read."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import attrs
from packaging.markers import Marker
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[2]

EVERYTHING: Final = ROOT / "requirements.lock"
SERVICE: Final = ROOT / "requirements-service.lock"
BUILD: Final = ROOT / "requirements-build.lock"

_PIN: Final = re.compile(r"([A-Za-z0-9._-]+)==([^ ;\\]+)(?: ; (.+))?")
_WHY: Final = re.compile(r"    #(?: via|  ) (\S.*)")


@attrs.frozen
class Pin:
    """One version of one package, where its marker holds."""

    name: str
    version: str
    marker: str = ""
    hashes: frozenset[str] = frozenset()  # "sha256:..." of every file of it

    def is_for_here(self) -> bool:
        """Whether this Python, on this machine, gets it."""
        return not self.marker or Marker(self.marker).evaluate()


def pins(lock: Path) -> list[Pin]:
    """All of them, in order.

    Raises ValueError for a line that is no pin, no hash and no comment: an option, a URL, a folder.
    """
    return [_pin(entry) for entry in _entries(lock.read_text().splitlines())]


def reasons(lock: Path) -> dict[str, set[str]]:
    """Which packages want each one, as the comments tell; the project itself is no package."""
    found: dict[str, set[str]] = {}
    name = ""
    for line in lock.read_text().splitlines():
        if match := _PIN.match(line):
            name = canonicalize_name(match[1])
            found.setdefault(name, set())
        elif (why := _WHY.fullmatch(line)) and not why[1].startswith("voiced "):
            found[name].add(canonicalize_name(why[1]))
    return found


def _entries(lines: Iterable[str]) -> list[str]:
    """One line each, without comments."""
    kept = [line.rstrip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    return "\n".join(kept).replace("\\\n", "").splitlines()


def _pin(entry: str) -> Pin:
    requirement, *options = entry.split(" --hash=")
    match = _PIN.fullmatch(requirement.strip())
    if not match:
        raise ValueError(f"a lock file has pins alone, not {entry.split(maxsplit=1)[0]!r}")
    name, version, marker = match.groups(default="")
    return Pin(canonicalize_name(name), version, marker, frozenset(map(str.strip, options)))
