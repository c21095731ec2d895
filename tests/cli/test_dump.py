"""What one attaches to a report: whole, masked, and there even when the daemon is not."""

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.canaries import KEY
from tests.cli.systemd import HANG_S, ROOT, Systemd
from tests.cli.test_voicectl import alone
from voiced.cli import dump
from voiced.logbook.recent import MOST_LINES, MOST_MOMENTS, Recent

FILES = {
    *("README.txt", "status.json", "stats.json", "config.toml", "versions.json"),
    *("log.jsonl", "timeline.jsonl"),
}


def unpacked(path: Path) -> dict[str, str]:
    with tarfile.open(path) as tar:
        files = {member.name: tar.extractfile(member) for member in tar.getmembers()}
        assert {Path(name).parts[0] for name in files} == {path.name.removesuffix(".tar.gz")}
        return {Path(name).name: file.read().decode() for name, file in files.items() if file}


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_all_of_a_running_daemon(systemd: Systemd, tmp_path: Path) -> None:
    systemd.configures(instructions=f"Never say {KEY}.")
    systemd.starts()
    systemd.logs("session ready")
    socket, path = systemd.folder / "control.sock", tmp_path / "dump.tar.gz"
    code, said, complaint = alone("--socket", str(socket), "dump", "--no-doctor", str(path))
    assert (code, complaint) == (0, "")
    assert said.startswith(f"{path}: look through it")
    assert path.stat().st_mode & 0o777 == 0o600
    told = unpacked(path)
    assert told.keys() == FILES
    assert json.loads(told["status.json"])["phase"] in {"listening", "connecting"}
    assert json.loads(told["stats.json"])["usage"]["budget"]["level"] == "within"
    assert "[masked]" in told["config.toml"]
    assert KEY not in "".join(told.values())
    assert json.loads(told["versions.json"])["trio"]
    assert "session_ready" in [each["event"] for each in objects(told["log.jsonl"])]
    moments = [each["message"] for each in objects(told["timeline.jsonl"])]
    assert [each for each in moments if each.startswith("* ready ")]


def test_without_a_daemon_the_doctor_says_why(tmp_path: Path) -> None:
    path = tmp_path / "dump.tar.gz"
    config = tmp_path / "config" / "voiced" / "voiced.toml"
    config.parent.mkdir(parents=True)
    config.write_text("[realtime]\nmodell = 1\n")
    done = subprocess.run(
        [sys.executable, "-m", "voiced.cli.voicectl", "--socket", "/nowhere", "dump", str(path)],
        env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config"), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "only a running daemon knows is left out" in done.stderr
    told = unpacked(path)
    assert told.keys() == {"README.txt", "versions.json", "doctor.json"}
    findings = {each["check"]: each for each in json.loads(told["doctor.json"])["findings"]}
    assert findings["config"]["verdict"] == "failed"
    assert findings["loop"]["verdict"] == "skipped", "a dump makes no sound"


def test_where_it_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "dump.tar.gz"
    with pytest.raises(dump.NotWritten, match="can't be written to"):
        dump.write(path, {}, with_doctor=False)


def test_what_is_recent_is_bounded() -> None:
    recent = Recent()
    recent.session_begins()
    for number in range(3 * MOST_LINES):
        recent.line(f"{number}")
    for session in range(3):
        recent.session_begins()
        for number in range(MOST_MOMENTS + 10):
            recent.moment(f"{session}: {number}")
    assert recent.log == tuple(f"{number}" for number in range(2 * MOST_LINES, 3 * MOST_LINES))
    assert len(recent.timeline) == 2 * MOST_MOMENTS
    assert recent.timeline[0] == "1: 10", "of the session before"
    assert recent.timeline[-1] == f"2: {MOST_MOMENTS + 9}"
