"""The probe's units: as closed as the daemon's, off by default, and no danger to the daemon."""

import json
import re
import sys
from pathlib import Path

from tests.test_units import ROOT, SYSTEM, needs_systemd, run, settings

PROBE = ROOT / "systemd" / "voiced-probe.service"
TIMER = ROOT / "systemd" / "voiced-probe.timer"


@needs_systemd
def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    text = re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={sys.executable}", PROBE.read_text())
    (tmp_path / PROBE.name).write_text(text)
    (tmp_path / TIMER.name).write_text(TIMER.read_text())
    units = [str(tmp_path / name) for name in (PROBE.name, TIMER.name)]
    told = run("--system", "verify", *units, folder=tmp_path)
    about_us = [line for line in told.stderr.splitlines() if "voiced" in line]
    assert (told.returncode, about_us) == (0, [])


@needs_systemd
def test_it_may_do_nothing_that_the_daemon_may_not(tmp_path: Path) -> None:
    def exposed(unit: Path) -> set[str]:
        told = run("security", "--offline=true", "--json=short", str(unit), folder=tmp_path)
        rows = json.loads(told.stdout)
        return {row["name"] for row in rows if float(row["exposure"] or 0) > 0}

    assert exposed(PROBE) < exposed(SYSTEM)


def test_it_does_not_take_the_daemons_socket_with_it() -> None:
    """systemd removes a RuntimeDirectory as soon as one of the units that name it ends."""
    assert "RuntimeDirectory" not in settings(PROBE)
    assert "--when-idle" in settings(PROBE)["ExecStart"][0]


def test_it_has_the_daemons_key_state_and_settings() -> None:
    probe, daemon = settings(PROBE), settings(SYSTEM)
    for key in ("User", "Group", "StateDirectory", "LoadCredential", "UMask", "LimitCORE"):
        assert probe[key] == daemon[key]
    config = "--config /etc/voiced/voiced.toml"
    assert config in probe["ExecStart"][0]
    assert config in daemon["ExecStart"][0]
    assert "Install" not in PROBE.read_text(), "the timer starts it, and nothing else"
