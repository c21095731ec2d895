"""The check for wheels, asked of an index made here: a folder."""

import base64
import hashlib
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import attrs
import pytest

from tests.supply import wheels
from tests.supply.advisories import NotCheckedError
from tests.supply.locks import Pin
from tests.supply.wheels import TARGETS, look, main, wanted

BOOKWORM, TRIXIE = TARGETS[0], TARGETS[2]
GOOD = "manylinux_2_28_aarch64"


def wheel(folder: Path, name: str, tags: str, requires_python: str = ">=3.11") -> Pin:
    """Put one there, with nothing in it; gives the pin of it."""
    about = f"{name}-1.0.dist-info"
    written = {
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        f"Requires-Python: {requires_python}\n",
        f"{about}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tags}\n",
    }
    rows = [f"{path},{_digest(text)},{len(text)}" for path, text in written.items()]
    written[f"{about}/RECORD"] = "\n".join([*rows, f"{about}/RECORD,,", ""])
    path = folder / f"{name}-1.0-{tags}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in written.items():
            archive.writestr(inside, text)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Pin(name, "1.0", hashes=frozenset({f"sha256:{digest}"}))


def _digest(text: str) -> str:
    raw = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def asked_of(folder: Path) -> Mapping[str, str]:
    """An environment in which pip knows that folder alone."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PIP_")}
    return kept | {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(folder),
    }


@pytest.fixture
def trio_pin(tmp_path: Path) -> Pin:
    """What an index has, if it has anything."""
    return wheel(tmp_path, "trio", "py3-none-any")


def test_what_is_there_is_found(tmp_path: Path, trio_pin: Pin) -> None:
    native = wheel(tmp_path, "native", f"cp311-cp311-{GOOD}")
    stable = wheel(tmp_path, "stable", f"cp39-abi3-{GOOD}")
    looked = look(BOOKWORM, [native, stable, trio_pin], asked_of(tmp_path))
    assert looked.missing == []
    assert looked.wheels == {
        "native": f"native-1.0-cp311-cp311-{GOOD}.whl",
        "stable": f"stable-1.0-cp39-abi3-{GOOD}.whl",
        "trio": "trio-1.0-py3-none-any.whl",
    }


def test_every_package_without_a_wheel_is_named(tmp_path: Path, trio_pin: Pin) -> None:
    """For another machine, a newer glibc; and one of which there is source alone."""
    asked = [
        wheel(tmp_path, "desktop", "py3-none-manylinux_2_28_x86_64"),
        wheel(tmp_path, "modern", "py3-none-manylinux_2_38_aarch64"),
        Pin("source", "1.0"),
        trio_pin,
    ]
    (tmp_path / "source-1.0.tar.gz").touch()
    environ = asked_of(tmp_path)
    missing = look(BOOKWORM, asked, environ).missing
    assert sorted(missing) == [
        f"{name} 1.0: no wheel for CPython 3.11, Bookworm (glibc 2.36), aarch64"
        for name in ("desktop", "modern", "source")
    ]
    newer = look(TRIXIE, [asked[1], trio_pin], environ)
    assert newer.missing == []


def test_a_wheel_that_is_not_the_locks_is_none(tmp_path: Path, trio_pin: Pin) -> None:
    other = attrs.evolve(wheel(tmp_path, "other", "py3-none-any"), hashes=frozenset({"sha256:0"}))
    late = wheel(tmp_path, "late", "py3-none-any", requires_python=">=3.12")
    missing = look(BOOKWORM, [other, late, trio_pin], asked_of(tmp_path)).missing
    assert sorted(missing) == [
        "late: late-1.0-py3-none-any.whl is not for Python 3.11",
        "other: other-1.0-py3-none-any.whl is not among the hashes of the lock",
    ]


def test_what_is_not_installed_there_is_not_asked_for(tmp_path: Path, trio_pin: Pin) -> None:
    markers = ("sys_platform == 'win32'", "python_full_version >= '3.12'")
    others = [Pin(f"other{at}", "1.0", marker=marker) for at, marker in enumerate(markers)]
    assert look(BOOKWORM, [*others, trio_pin], asked_of(tmp_path)).missing == []
    there = Pin("there", "1.0", marker="platform_machine == 'aarch64'")
    assert len(look(BOOKWORM, [there, trio_pin], asked_of(tmp_path)).missing) == 1


def test_an_index_that_has_nothing_is_no_witness(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(NotCheckedError, match="not even a wheel of trio"):
        look(BOOKWORM, [Pin("trio", "1.0"), Pin("numpy", "2.4.6")], asked_of(tmp_path))
    assert main([], asked_of(tmp_path)) == 0
    assert "NOT CHECKED" in capsys.readouterr().err


def test_one_that_is_missing_fails_the_check(
    tmp_path: Path,
    trio_pin: Pin,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pinned = [trio_pin, wheel(tmp_path, "stable", f"cp39-abi3-{GOOD}")]
    monkeypatch.setattr(wheels, "wanted", lambda: pinned)
    assert main(["--all"], asked_of(tmp_path)) == 0
    told = capsys.readouterr()
    assert f"stable-1.0-cp39-abi3-{GOOD}.whl" in told.out
    assert "all of 2 packages" in told.err
    pinned.append(Pin("evdev", "1.9"))
    assert main([], asked_of(tmp_path)) == 1
    assert "Wheel missing: evdev 1.9: no wheel for CPython 3.13" in capsys.readouterr().err


def test_all_that_a_pi_may_need_is_asked_for() -> None:
    names = {pin.name for pin in wanted()}
    assert names >= {"trio", "numpy", "cffi", "livekit", "protobuf", "gpiod", "rich", "pygments"}
    assert names >= {"pymicro-wakeword", "pymicro-features"}
    assert not names & {"mypy", "ruff", "pytest", "openai", "pydantic"}
