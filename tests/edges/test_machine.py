"""What this machine says of itself."""

import sys
from pathlib import Path

import pytest
import trio

from voiced.edges.machine import Machine


def test_this_machine_can_be_asked(tmp_path: Path) -> None:
    machine = Machine()
    assert machine.python() == ".".join(map(str, sys.version_info[:3]))
    demanded = machine.demanded()
    assert demanded is not None
    assert demanded[0].startswith(">=3")
    assert any(line.startswith("trio") for line in demanded[1])
    assert machine.installed("trio")
    assert machine.installed("no-such-package-of-ours") is None
    assert machine.free_bytes(tmp_path / "not" / "yet") > 0
    assert machine.may_write(tmp_path / "not" / "yet")
    available = machine.available_bytes()
    assert available is None or available > 0
    assert machine.modes(tmp_path / "nothing") is None
    modes = machine.modes(tmp_path)
    assert modes is not None
    assert modes.uid == machine.uid()


def programs(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    for name in ("systemctl", "loginctl"):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


async def test_what_systemd_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = 'echo "$*" >"${0%/*}/asked"; echo ActiveState=active; echo ExecStart=a=b; echo odd'
    programs(tmp_path, monkeypatch, script)
    with trio.fail_after(20):
        told = await Machine().unit(user=True)
    assert told == {"ActiveState": "active", "ExecStart": "a=b"}
    assert (tmp_path / "asked").read_text().startswith("--user show voiced.service --property=")
    with trio.fail_after(20):
        assert await Machine().lingers() == told


@pytest.mark.parametrize(
    ("script", "said"),
    [("echo 'not booted with systemd' >&2; exit 1", "not booted"), ("exit 3", "ended with 3")],
)
async def test_why_systemd_tells_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    programs(tmp_path, monkeypatch, script)
    with trio.fail_after(20):
        told = await Machine().unit(user=False)
    assert isinstance(told, str)
    assert said in told


async def test_without_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    told = await Machine().unit(user=False)
    assert told == "systemctl can't be run: No such file or directory"
