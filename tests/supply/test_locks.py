"""The lock files pin what pyproject.toml asks for, nothing less, and every file by its hash."""

import re
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.supply.locks import BUILD, EVERYTHING, ROOT, SERVICE, pins

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
BASE = PROJECT["project"]["dependencies"]
EXTRAS = PROJECT["project"]["optional-dependencies"]
ROOM = [each for extra in ("echo", "wake", "gpio") for each in EXTRAS[extra]]  # scripts/install
TOOLS = PROJECT["dependency-groups"]["build"]

all_locks = pytest.mark.parametrize(
    "lock", [EVERYTHING, SERVICE, BUILD], ids=lambda lock: lock.stem
)


@all_locks
def test_every_file_is_known_by_its_hash(lock: Path) -> None:
    found = pins(lock)
    assert found
    for pin in found:
        assert pin.hashes, pin
        assert all(re.fullmatch("sha256:[0-9a-f]{64}", each) for each in pin.hashes), pin


@pytest.mark.parametrize(
    "line",
    ["attrs>=25", "attrs", "-e .", "--index-url https://example.com", "https://example.com/a.whl"],
)
def test_a_lock_holds_nothing_but_pins(line: str, tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.write_text(f"{line}\n")
    with pytest.raises(ValueError, match="pins alone"):
        pins(lock)


@pytest.mark.parametrize(
    ("lock", "asked_for"),
    [
        (EVERYTHING, [*BASE, *TOOLS, *(each for extra in EXTRAS.values() for each in extra)]),
        (SERVICE, [*BASE, *ROOM]),
        (BUILD, [*TOOLS, *PROJECT["build-system"]["requires"]]),
    ],
    ids=["everything", "service", "build"],
)
def test_what_the_project_asks_for_is_pinned(lock: Path, asked_for: list[str]) -> None:
    """Else somebody changed pyproject.toml and did not run scripts/lock."""
    pinned = pins(lock)
    for requirement in map(Requirement, asked_for):
        versions = [
            each.version for each in pinned if each.name == canonicalize_name(requirement.name)
        ]
        assert versions, f"scripts/lock: {requirement} is not in {lock.name}"
        for version in versions:
            assert requirement.specifier.contains(version, prereleases=True), (
                f"scripts/lock: {requirement}"
            )


@pytest.mark.parametrize("part", [SERVICE, BUILD], ids=lambda lock: lock.stem)
def test_what_is_installed_is_what_was_tested(part: Path) -> None:
    assert set(pins(part)) <= set(pins(EVERYTHING))


def test_a_service_gets_what_the_code_needs_and_nothing_else() -> None:
    pinned = {pin.name: pin.version for pin in pins(SERVICE) if pin.is_for_here()}
    assert set(pinned) == set(needed([*BASE, *ROOM]))


def needed(asked_for: list[str]) -> Iterator[str]:
    """Names of these packages, of those that they need, and so on, as they are installed here."""
    waiting, seen = [Requirement(each) for each in asked_for], set()
    while waiting:
        requirement = waiting.pop()
        extras = {"", *requirement.extras}
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        name = canonicalize_name(requirement.name)
        if name in seen:
            continue
        seen.add(name)
        yield name
        for line in metadata.requires(name) or []:
            needs = Requirement(line)
            if not needs.marker or any(needs.marker.evaluate({"extra": each}) for each in extras):
                needs.marker = None
                waiting.append(needs)
