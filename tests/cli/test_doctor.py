"""`voiced doctor` and `voiced probe` as real processes; and how they see what belongs to the service."""

import io
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import soundfile
import trio

from tests.edges.test_control_call import daemon
from tests.local.client import PATIENCE_S, serving
from voiced.cli import doctor
from voiced.cli.doctor import as_the_service
from voiced.config.whole import Config
from voiced.doctor import probing
from voiced.doctor.finding import Finding, Verdict
from voiced.edges.ledger_file import local_now
from voiced.edges.probe_file import ProbeFile

ROOT = Path(__file__).parents[2]


def voiced(folder: Path, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if "PROXY" not in name.upper()}
    for name in ("OPENAI_API_KEY", "CREDENTIALS_DIRECTORY", "XDG_CONFIG_HOME"):
        kept.pop(name, None)
    home = {"HOME": str(folder), "STATE_DIRECTORY": str(folder / "state"), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "voiced", *arguments],
        env={**kept, **home, **environ},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def test_the_doctor_with_the_embedded_server(tmp_path: Path) -> None:
    pytest.importorskip("pocketsphinx", reason="the embedded server's ears are not installed")
    report, config = tmp_path / "report.json", tmp_path / "voiced.toml"
    hiss = np.random.default_rng(1).normal(0, 0.01, 48_000 * 5)
    soundfile.write(tmp_path / "in.wav", hiss, 48_000)
    config.write_text(
        f'[capture]\ndevice = "file:{tmp_path}/in.wav"\n[playout]\ndevice = "file:{tmp_path}/out.wav"\n'
    )
    options = ("--json", "--local", "--config", str(config), "--report", str(report))
    done = voiced(tmp_path, "doctor", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    verdicts = {each["check"]: each["verdict"] for each in told["findings"]}
    for name in (
        "config",
        "versions",
        "clock",
        "microphone",
        "microphone level",
        "key",
        "session updated",
        "firm audio",
    ):
        assert verdicts[name] == "ok"
    took = {each["check"]: each["took_ms"] for each in told["findings"]}
    assert took["firm audio"] > 4000
    assert json.loads(report.read_text()) == told
    assert report.stat().st_mode & 0o777 == 0o600
    assert done.stderr == ""


def test_bad_settings_are_a_finding_and_the_rest_goes_on(tmp_path: Path) -> None:
    config = tmp_path / "voiced.toml"
    config.write_text("[realtime]\nmodell = 1\n")
    done = voiced(tmp_path, "doctor", "--config", str(config), "--only", "disk", "key")
    assert done.returncode == 78
    lines = [line.split()[:2] for line in done.stdout.splitlines()]
    assert lines[0] == ["FAIL", "config"]
    assert ["ok", "disk"] in lines
    assert ["skip", "key"] in lines
    assert "did you mean 'model'?" in done.stdout
    assert "\x1b" not in done.stdout, "no colours but on a terminal"


def unheard(tmp_path: Path) -> tuple[socket.socket, Path]:
    """Settings for a place where nobody listens, as long as the socket is open."""
    door = socket.socket()
    door.bind(("127.0.0.1", 0))
    config = tmp_path / "voiced.toml"
    config.write_text(f'[realtime]\nurl = "ws://127.0.0.1:{door.getsockname()[1]}/v1/realtime"\n')
    return door, config


def test_what_fails_ends_with_1(tmp_path: Path) -> None:
    door, config = unheard(tmp_path)
    with door:
        done = voiced(tmp_path, "doctor", "--config", str(config), "--only", "session-created")
    assert done.returncode == 1
    assert "FAIL  socket" in done.stdout
    assert "action: check the network" in done.stdout


def test_a_check_that_there_is_none_of(tmp_path: Path) -> None:
    done = voiced(tmp_path, "doctor", "--only", "moon")
    assert done.returncode == 2
    assert "there is no check 'moon'" in done.stderr
    assert "firm-audio" in done.stderr


def test_a_room_of_files_is_not_recorded(tmp_path: Path) -> None:
    config, folder = tmp_path / "voiced.toml", tmp_path / "room"
    soundfile.write(tmp_path / "in.wav", np.random.default_rng(1).normal(0, 0.01, 96_000), 48_000)
    config.write_text(
        f'[capture]\ndevice = "file:{tmp_path}/in.wav"\n[playout]\ndevice = "file:{tmp_path}/out.wav"\n'
    )
    options = ("--config", str(config), "--record-room", str(folder), "--only", "disk")
    done = voiced(tmp_path, "doctor", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split()[:3] for line in done.stdout.splitlines()]
    assert ["skip", "room", "recording"] in [line[:3] for line in lines]
    assert not folder.exists()


def test_a_report_that_can_not_be_written(tmp_path: Path) -> None:
    done = voiced(tmp_path, "doctor", "--only", "memory", "--report", "/proc/nowhere/report")
    assert done.returncode == 1
    assert "the report can't be written to /proc/nowhere/report" in done.stderr


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_colours_on_a_terminal_unless_somebody_minds(
    monkeypatch: pytest.MonkeyPatch, no_color: str, coloured: bool
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    out = Terminal()
    doctor._tell(out, Finding(check="disk", verdict=Verdict.OK, seen="1 MB"))
    assert ("\x1b[" in out.getvalue()) is coloured
    assert "1 MB" in out.getvalue()


# --- probe ----------------------------------------------------------------------------------------


def probed(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    (line,) = done.stdout.splitlines()
    told: dict[str, Any] = json.loads(line)
    return told


def test_a_probe_that_fails_is_kept(tmp_path: Path) -> None:
    door, config = unheard(tmp_path)
    with door:
        done = voiced(tmp_path, "probe", "--json", "--config", str(config))
    assert done.returncode == 1
    told = probed(done)
    assert (told["verdict"], told["code"], told["stage"]) == ("failed", "unreachable", "")
    assert told["action"]
    (kept,) = ProbeFile(tmp_path / "state").read()
    assert kept.code == "unreachable"


@pytest.mark.parametrize("settings", ["[realtime]\nmodell = 1\n", ""])
def test_without_settings_or_key_a_probe_ends_with_78(tmp_path: Path, settings: str) -> None:
    config = tmp_path / "voiced.toml"
    config.write_text(settings)
    done = voiced(tmp_path, "probe", "--json", "--config", str(config))
    assert done.returncode == 78
    assert (probed(done)["verdict"], probed(done)["code"]) == ("failed", "config")


async def test_a_probe_of_a_good_service() -> None:
    config = Config()
    async with serving() as port:
        url = f"ws://127.0.0.1:{port}/v1/realtime"
        realtime = attrs.evolve(config.realtime, url=url)
        config = attrs.evolve(config, realtime=realtime)
        result = await probing.probe(config, {}, local_now(), firm_s=0.2)
    assert (result.probe.verdict, result.probe.stage) == ("ok", "firm audio")
    assert 0 < result.probe.connected_ms <= result.probe.created_ms <= result.probe.updated_ms
    assert result.probe.session.startswith("sess_")
    assert result.fault is None


@pytest.mark.parametrize(
    ("phase", "busy"),
    [("speaking", "speaking"), ("hearing", "hearing"), ("listening", ""), (7, "")],
)
async def test_a_probe_waits_for_no_daemon_but_leaves_a_busy_one_alone(
    tmp_path: Path, phase: object, busy: str
) -> None:
    answer = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"phase": phase}})
    async with daemon(tmp_path / "control.sock", answer.encode() + b"\n"):
        places = (tmp_path / "nobody.sock", tmp_path / "control.sock")
        assert await probing.busy_phase(places) == busy
    assert await probing.busy_phase((tmp_path / "nobody.sock",)) == ""


async def test_while_somebody_talks_there_is_no_probe(tmp_path: Path) -> None:
    answer = b'{"jsonrpc": "2.0", "id": 1, "result": {"phase": "thinking"}}\n'
    async with daemon(tmp_path / "control.sock", answer):
        done = await trio.to_thread.run_sync(
            lambda: voiced(tmp_path, "probe", "--when-idle", RUNTIME_DIRECTORY=str(tmp_path))
        )
    assert (done.returncode, done.stdout) == (0, "busy (thinking), not probed\n")
    assert not (tmp_path / "state").exists()


def test_the_services_key_and_state_are_seen_where_its_settings_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, state = tmp_path / "etc" / "voiced.toml", tmp_path / "lib"
    config.parent.mkdir()
    state.mkdir()
    (config.parent / "openai_api_key").write_text("sk-x")
    monkeypatch.setattr(doctor, "_SERVICE_CONFIG", config)
    monkeypatch.setattr(doctor, "_SERVICE_STATE", state)
    seen = as_the_service({"HOME": "/root"}, config)
    assert seen == {
        "HOME": "/root",
        "CREDENTIALS_DIRECTORY": str(config.parent),
        "STATE_DIRECTORY": str(state),
    }
    assert as_the_service({"OPENAI_API_KEY": "x"}, config).keys() == {
        "OPENAI_API_KEY",
        "STATE_DIRECTORY",
    }
    assert as_the_service({}, tmp_path / "own.toml") == {}
