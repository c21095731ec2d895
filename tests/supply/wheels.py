"""Whether everything that voiced may need on a Raspberry Pi exists as a wheel: python -m tests.supply.wheels

A Pi that has to compile numpy or a canceller is no use to anybody. Asked is the index that pip is configured
with, for the versions that the lock file pins, so that what is looked for is what is installed. Nothing is
installed, and no wheel is fetched where the index tells its metadata apart.

Exit code 1 when a wheel is missing. Without an index it says that nothing was checked, and that is no
failure; an index is asked for a wheel that is there everywhere, too: one that has not even that knows nothing.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import attrs
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.supply.advisories import NotCheckedError
from tests.supply.locks import EVERYTHING, ROOT, Pin, pins, reasons

_NOT_ON_A_PI: Final = frozenset({"test"})
"""Extras that nobody installs there."""

_EVERYWHERE: Final = "trio"  # pure Python: whoever has a wheel of anything has this one
_OLDEST_GLIBC: Final = 17  # 2.17, of manylinux2014
_PATIENCE_S: Final = 60.0  # it takes some 20
_NOT_FOUND: Final = re.compile(r"No matching distribution found for ([A-Za-z0-9._-]+)==")


@attrs.frozen
class Target:
    """A Python on a Raspberry Pi."""

    python: str
    glibc: int  # the minor number: 2.36 is 36
    system: str

    def __str__(self) -> str:
        return f"CPython {self.python}, {self.system} (glibc 2.{self.glibc}), aarch64"

    def has(self, pin: Pin) -> bool:
        """Whether *pin* is installed there at all."""
        environment = {
            "implementation_name": "cpython",
            "os_name": "posix",
            "platform_machine": "aarch64",
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": "linux",
        }
        return not pin.marker or Marker(pin.marker).evaluate(dict(environment))

    @property
    def options(self) -> list[str]:
        """As pip wants them: it takes a tag for what it says, and none for what that includes."""
        tags = [
            f"manylinux_2_{minor}_aarch64" for minor in range(self.glibc, _OLDEST_GLIBC - 1, -1)
        ]
        abis = [f"cp{self.python.replace('.', '')}", "abi3", "none"]
        named = {"--platform": [*tags, "manylinux2014_aarch64"], "--abi": abis}
        return [
            *(
                word
                for option, values in named.items()
                for value in values
                for word in (option, value)
            ),
            *("--python-version", self.python, "--implementation", "cp"),
        ]


TARGETS: Final = tuple(
    Target(python, glibc, system)
    for glibc, system in ((36, "Bookworm"), (41, "Trixie"))
    for python in ("3.11", "3.13")
)


@attrs.frozen
class Looked:
    """What there is for one target."""

    target: Target
    wheels: Mapping[str, str]  # by package, the file's name
    missing: Sequence[str]  # a sentence for each


@attrs.frozen
class _Wheel:
    """One that there is."""

    file: str
    digest: str
    pythons: SpecifierSet


def wanted(lock: Path = EVERYTHING, project: Path = ROOT / "pyproject.toml") -> list[Pin]:
    """What voiced needs, with all extras but those that stay at home, and what that needs in turn."""
    table = tomllib.loads(project.read_text())["project"]
    extras = table.get("optional-dependencies", {})
    asked = [each for extra in extras.keys() - _NOT_ON_A_PI for each in extras[extra]]
    names: set[str] = {
        canonicalize_name(Requirement(each).name) for each in table["dependencies"] + asked
    }
    because = reasons(lock)
    found: set[str] = set()
    while names != found:
        found = set(names)
        names |= {name for name, whose in because.items() if whose & found}
    return [pin for pin in pins(lock) if pin.name in found]


def look(target: Target, pinned: Iterable[Pin], environ: Mapping[str, str]) -> Looked:
    """Ask for all of *pinned*. Raises NotCheckedError."""
    todo = {pin.name: pin for pin in pinned if target.has(pin)}
    if _EVERYWHERE not in todo:
        raise NotCheckedError(f"{_EVERYWHERE}, by which an index is known to answer, is not pinned")
    everywhere = todo[_EVERYWHERE]
    missing: list[str] = []
    while isinstance(answer := _ask(target, todo.values(), environ), str):
        if not missing and _ask(target, [everywhere], environ) == _EVERYWHERE:
            raise NotCheckedError(f"pip's index has not even a wheel of {_EVERYWHERE}")
        pin = todo.pop(answer)
        missing.append(f"{pin.name} {pin.version}: no wheel for {target}")
    for name, wheel in answer.items():
        if wheel.digest not in todo[name].hashes:
            missing.append(f"{name}: {wheel.file} is not among the hashes of the lock")
        if not wheel.pythons.contains(f"{target.python}.0"):
            missing.append(f"{name}: {wheel.file} is not for Python {target.python}")
    return Looked(target, {name: wheel.file for name, wheel in answer.items()}, missing)


def _ask(
    target: Target, asked: Iterable[Pin], environ: Mapping[str, str]
) -> "Mapping[str, _Wheel] | str":
    """The wheel of each, or the name of the first that there is none of."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [
            *(sys.executable, "-m", "pip", "install", "--dry-run", "--no-deps", "--quiet"),
            "--ignore-requires-python",  # pip would look at the Python that runs it; see `_Wheel`
            *("--ignore-installed", "--only-binary", ":all:", "--target", folder),
            *("--report", str(report), *target.options),
            *(f"{pin.name}=={pin.version}" for pin in asked),
        ]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                env={**environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_RETRIES": "1"},
                timeout=_PATIENCE_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise NotCheckedError(f"pip took longer than {_PATIENCE_S:g} s") from error
        if not done.returncode:
            told = json.loads(report.read_text())["install"]
            return {canonicalize_name(each["metadata"]["name"]): _wheel(each) for each in told}
    if found := _NOT_FOUND.search(done.stderr):
        return canonicalize_name(found[1])
    raise NotCheckedError(f"pip says {done.stderr.strip()[-300:]!r}")


def _wheel(told: Mapping[str, Any]) -> _Wheel:
    about = told["download_info"]
    return _Wheel(
        about["url"].rpartition("/")[2],
        f"sha256:{about['archive_info']['hashes']['sha256']}",
        SpecifierSet(told["metadata"].get("requires_python", "")),
    )


def main(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    """The exit code. `--all` asks for every system and names each wheel; else for the oldest glibc alone,
    as a newer one takes all of its wheels (PEP 600).
    """
    pinned = wanted()
    oldest = min(each.glibc for each in TARGETS)
    targets = [each for each in TARGETS if "--all" in arguments or each.glibc == oldest]
    try:
        with ThreadPoolExecutor(len(targets)) as side_by_side:
            looked = list(side_by_side.map(lambda each: look(each, pinned, environ), targets))
    except NotCheckedError as error:
        print(f"Wheels for a Raspberry Pi: NOT CHECKED: {error}", file=sys.stderr)
        return 0
    for one in looked:
        if "--all" in arguments:
            print(f"{one.target}: {len(one.wheels)} wheels")
            print("".join(f"  {file}\n" for _, file in sorted(one.wheels.items())))
        for sentence in one.missing:
            print(f"Wheel missing: {sentence}", file=sys.stderr)
    missing = any(one.missing for one in looked)
    if not missing:
        count, systems = len({pin.name for pin in pinned}), "; ".join(map(str, targets))
        print(f"Wheels for a Raspberry Pi: all of {count} packages ({systems})", file=sys.stderr)
    return int(missing)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
