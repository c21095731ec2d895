"""systemd's own opinion of the units, without a systemd that runs."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SYSTEM = ROOT / "systemd" / "voiced.service"
USER = ROOT / "systemd" / "user" / "voiced.service"

_MOST_EXPOSED = 20  # tenths: 2.0 of 10

analyze = shutil.which("systemd-analyze") or ""
needs_systemd = pytest.mark.skipif(not analyze, reason="systemd-analyze is not here (apt: systemd)")


def settings(unit: Path) -> dict[str, list[str]]:
    """All values of each key, in order."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text().splitlines():
        if match := re.match(r"(\w+)=(.*)", line):
            found.setdefault(match[1], []).append(match[2])
    return found


def run(*arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    environ = {**os.environ, "XDG_RUNTIME_DIR": str(folder)}
    return subprocess.run(
        [analyze, *arguments], capture_output=True, text=True, env=environ, check=False
    )


def as_if_installed(unit: Path, folder: Path) -> Path:
    """With a program that there is here."""
    text = re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={sys.executable}", unit.read_text())
    copy = folder / "voiced.service"
    copy.write_text(text)
    return copy


@needs_systemd
@pytest.mark.parametrize(
    ("unit", "scope"), [(SYSTEM, "--system"), (USER, "--user")], ids=["system", "user"]
)
def test_systemd_finds_nothing_wrong(unit: Path, scope: str, tmp_path: Path) -> None:
    told = run(scope, "verify", str(as_if_installed(unit, tmp_path)), folder=tmp_path)
    about_us = [line for line in told.stderr.splitlines() if "voiced" in line]
    assert (told.returncode, about_us) == (0, [])


@needs_systemd
def test_the_system_unit_can_do_little_harm(tmp_path: Path) -> None:
    told = run(
        "security", "--offline=true", f"--threshold={_MOST_EXPOSED}", str(SYSTEM), folder=tmp_path
    )
    assert told.returncode == 0, told.stdout[-200:]


@needs_systemd
def test_what_it_may_do_is_what_sound_and_a_network_take(tmp_path: Path) -> None:
    """Whoever opens the sandbox further has to say so here."""
    told = run("security", "--offline=true", "--json=short", str(SYSTEM), folder=tmp_path)
    rows = json.loads(told.stdout)
    exposed = {row["name"].rstrip("=") for row in rows if float(row["exposure"] or 0) > 0}
    assert exposed <= {
        "DeviceAllow",
        "IPAddressDeny",
        "MemoryDenyWriteExecute",
        "PrivateDevices",
        "PrivateNetwork",
        "PrivateUsers",
        "RemoveIPC",
        "RestrictAddressFamilies=~AF_(INET|INET6)",
        "RestrictAddressFamilies=~AF_NETLINK",
        "RestrictAddressFamilies=~AF_UNIX",
        "RootDirectory=/RootImage",
        "SupplementaryGroups",
    }


@pytest.mark.parametrize("unit", [SYSTEM, USER], ids=["system", "user"])
def test_it_is_watched_and_never_given_up_but_for_a_person(unit: Path) -> None:
    said = settings(unit)
    assert said["Type"] == ["notify"]
    assert float(said["WatchdogSec"][0]) > 0
    assert said["Restart"] == ["always"]
    assert said["RestartPreventExitStatus"] == ["78"]
    assert said["StartLimitIntervalSec"] == ["0"]
    assert float(said["RestartSec"][0]) <= 1, "a conversation again within 3 s"
    assert said["LimitCORE"] == ["0"]


@pytest.mark.parametrize("unit", [SYSTEM, USER], ids=["system", "user"])
def test_where_the_pause_grows_it_also_shrinks_again(unit: Path) -> None:
    """scripts/prove-service shows it: systemd alone would never go back."""
    drop_in = unit.with_name("growing-pause.conf")
    said = settings(drop_in)
    assert set(said) == {"RestartSteps", "RestartMaxDelaySec", "ExecStartPost"}
    (clock,) = said["ExecStartPost"]
    assert clock.startswith("-"), "who can't forget crashes runs all the same"
    text = drop_in.read_text()
    assert "reset-failed voiced.service" in text
    assert "BindsTo=voiced.service" in text
    assert text.count(" --user ") == (2 if unit is USER else 0)


def test_the_key_comes_as_a_credential_and_in_no_other_way() -> None:
    said = settings(SYSTEM)
    assert said["LoadCredential"] == ["openai_api_key:/etc/voiced/openai_api_key"]
    assert not {"Environment", "EnvironmentFile", "PassEnvironment"} & set(said)


# --- what some want, and others do not ------------------------------------------------------------

HANDS = {
    "gpio": ("gpio", "char-gpiochip rw"),
    "input": ("input", "char-input r"),
}


def test_buttons_and_keys_are_for_those_who_have_them() -> None:
    said = settings(SYSTEM)
    assert said["SupplementaryGroups"] == ["audio"]
    assert said["DeviceAllow"] == ["char-alsa rw"]
    for name, (group, device) in HANDS.items():
        wanted = settings(SYSTEM.with_name(f"{name}.conf"))
        assert wanted == {"SupplementaryGroups": [group], "DeviceAllow": [device]}


@needs_systemd
@pytest.mark.parametrize("name", HANDS)
def test_with_them_it_can_do_hardly_more_harm(name: str, tmp_path: Path) -> None:
    unit = as_if_installed(SYSTEM, tmp_path)
    drop_ins = tmp_path / "voiced.service.d"
    drop_ins.mkdir()
    shutil.copy(SYSTEM.with_name(f"{name}.conf"), drop_ins)
    told = run("--system", "verify", str(unit), folder=tmp_path)
    about_us = [line for line in told.stderr.splitlines() if "voiced" in line]
    assert (told.returncode, about_us) == (0, [])
    unit.write_text(unit.read_text() + (drop_ins / f"{name}.conf").read_text())
    harm = run(
        "security", "--offline=true", f"--threshold={_MOST_EXPOSED}", str(unit), folder=tmp_path
    )
    assert harm.returncode == 0, harm.stdout[-200:]
