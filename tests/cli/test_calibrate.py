"""`voiced calibrate` as a real process, on files: what it tells, what it writes, how it ends."""

import io
import json
import os
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
import soundfile
import trio

from tests.cli.test_doctor import Terminal, voiced
from tests.doctor.rooms import Refuses
from tests.doctor.test_hearing import hearing
from tests.edges.test_control_call import daemon
from voiced.calibration.proposal import Proposal, Room, propose
from voiced.calibration.sounds import Noise, Talker
from voiced.cli import calibrate, main
from voiced.cli.calibrate import (
    Hindered,
    as_json,
    lines,
    refuse_beside_a_daemon,
    say,
    show_level,
    with_proposals,
)
from voiced.config.whole import Config
from voiced.doctor.loop import Loop
from voiced.faults import DeviceBusy


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A rumbling room without a loudspeaker."""
    seconds = np.arange(48_000 * 5) / 48_000
    hiss = np.random.default_rng(1).normal(0, 0.001, seconds.size)
    soundfile.write(tmp_path / "in.wav", hiss + 0.01 * np.sin(2 * np.pi * 25 * seconds), 48_000)
    config = tmp_path / "voiced.toml"
    config.write_text(
        f'# mine\n[capture]\ndevice = "file:{tmp_path}/in.wav" # the room\n\n'
        f'[playout]\ndevice = "file:{tmp_path}/out.wav"\n'
    )
    config.chmod(0o640)
    return config


def test_it_measures_and_writes_nothing_unasked(tmp_path: Path, config: Path) -> None:
    before = config.read_bytes()
    done = voiced(tmp_path, "calibrate", "--config", str(config))
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"noise floor -6\d dBFS, -4\d with what is below 80 Hz", done.stdout)
    assert "[capture] high_pass_hz = 80  (now 0)" in done.stdout
    assert "a file hears none" in done.stdout
    assert "Nothing was written" in done.stdout
    assert "\x1b" not in done.stdout
    assert config.read_bytes() == before
    assert not (tmp_path / "out.wav").exists()


def test_it_writes_what_it_proposes_and_nothing_else(tmp_path: Path, config: Path) -> None:
    before = config.read_text()
    done = voiced(tmp_path, "calibrate", "--json", "--write", "--config", str(config))
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["written"] == str(config)
    assert [(each["key"], each["value"], each["now"]) for each in told["proposals"]] == [
        ("high_pass_hz", 80, 0)
    ]
    assert (told["talker"], told["loop"]) == (None, None)
    assert told["noise"]["high_pass_hz"] == 80
    assert config.read_text() == before.replace("# the room\n", "# the room\nhigh_pass_hz = 80\n")
    assert tomllib.loads(config.read_text())["capture"]["high_pass_hz"] == 80
    assert config.stat().st_mode & 0o777 == 0o640
    assert config.with_name("voiced.toml~").read_text() == before
    assert "Please be quiet" in done.stderr
    again = voiced(
        *(tmp_path, "calibrate", "--write", "--config", str(config)),
        *("--record-room", str(tmp_path / "room")),
    )
    assert again.returncode == 0
    assert "says all this already" in again.stdout
    assert "skip  room recording" in again.stdout
    assert not (tmp_path / "room").exists()
    assert config.with_name("voiced.toml~").read_text() == before


def test_where_nothing_can_be_written_nothing_is_measured(tmp_path: Path, config: Path) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to(config)
    done = voiced(tmp_path, "calibrate", "--write", "--config", str(link))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"voiced: {link} was not changed: it is a link")
    done = voiced(tmp_path, "calibrate", "--write", "--config", str(tmp_path / "none.toml"))
    assert done.returncode == 78


def test_bad_settings_and_missing_microphones_end_as_everywhere(tmp_path: Path) -> None:
    config = tmp_path / "voiced.toml"
    config.write_text("[capture]\ngain_db = 99\n")
    done = voiced(tmp_path, "calibrate", "--config", str(config))
    assert (done.returncode, done.stdout) == (78, "")
    assert "gain_db = 99: must be at most 40" in done.stderr
    config.write_text('[capture]\ndevice = "file:/nowhere.wav"\n')
    done = voiced(tmp_path, "calibrate", "--quiet", "--config", str(config))
    assert done.returncode == 1
    assert "/nowhere.wav can't be read" in done.stderr
    assert "Traceback" not in done.stderr


async def test_beside_a_daemon_nothing_is_measured(tmp_path: Path, config: Path) -> None:
    answer = b'{"jsonrpc": "2.0", "id": 1, "result": {"phase": "listening"}}\n'
    async with daemon(tmp_path / "control.sock", answer):
        done = await trio.to_thread.run_sync(
            lambda: voiced(
                tmp_path, "calibrate", "--config", str(config), RUNTIME_DIRECTORY=str(tmp_path)
            )
        )
    assert (done.returncode, done.stdout) == (1, "")
    assert "stop it (systemctl stop voiced" in done.stderr


async def test_where_there_is_no_daemon_there_is_no_hindrance(tmp_path: Path) -> None:
    await refuse_beside_a_daemon((tmp_path / "nobody.sock",))


async def test_a_device_that_somebody_else_has_is_told_with_what_to_do(
    tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = hearing(Refuses(DeviceBusy("the microphone can't be opened: Device unavailable")))
    monkeypatch.setattr(calibrate, "hearing_from", lambda *_args, **_named: busy)
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    options = main.parser().parse_args(["calibrate", "--config", str(config), "--no-talker"])
    with pytest.raises(Hindered, match=r"Device unavailable: another program .*systemctl stop"):
        await calibrate._calibrate(options)


ROOM = Room(
    noise=Noise(floor_dbfs=-62.04, raw_dbfs=-44.0, dc_percent=0.2, high_pass_hz=80),
    talker=Talker(level_dbfs=-38.0, peak_dbfs=-26.0, spoken_ms=4000, clipped_percent=0.0),
    loop=Loop(True, 83.2, -8.04, 31.0),
    canceller=True,
)


def test_people_are_told_what_instead_of_what_and_why() -> None:
    told = "\n".join(lines(Config(), ROOM, propose_known()))
    assert "[capture] gain_db = 12.0  (now 0.0)\n    more would lift the noise" in told
    assert '[echo] mode = "webrtc"  (now "auto")' in told
    assert "advice: at full volume answers come back" in told


def propose_known() -> list[Proposal]:
    return [each for each in propose(ROOM) if each.key != "max_volume_percent"]


def test_a_recording_is_made_with_the_proposed_settings() -> None:
    proposed = with_proposals(Config(), propose_known())
    assert proposed.capture.gain_db == 12.0
    assert proposed.capture.high_pass_hz == 80
    assert proposed.echo.mode == "webrtc"
    assert proposed.playout == Config().playout


async def test_of_a_room_that_needs_nothing_nothing_is_written(tmp_path: Path) -> None:
    place = tmp_path / "voiced.toml"
    place.write_text("# mine\n")
    nothing = [Proposal(section="capture", key="high_pass_hz", value=0, why="no rumble")]
    assert calibrate._write(Config(), place, "# mine\n", nothing) is None
    assert sorted(os.listdir(tmp_path)) == ["voiced.toml"]


def test_programs_are_told_all_figures() -> None:
    told = json.loads(json.dumps(as_json(Config(), ROOM, propose_known())))
    assert told["noise"]["floor_dbfs"] == -62.0
    assert told["loop"] == {
        "audible": True,
        "delay_ms": 83.2,
        "return_db": -8.0,
        "confidence_db": 31.0,
    }
    silent = Room(noise=ROOM.noise, loop=Loop(False, 0.0, -np.inf, 0.0))
    assert json.loads(json.dumps(as_json(Config(), silent, [])))["loop"] == {"audible": False}


def test_a_level_is_shown_on_terminals_only() -> None:
    terminal, file = Terminal(), io.StringIO()
    for out in (terminal, file):
        show_level(out, -35.0, 1200)
        say(out, "voice")
    assert terminal.getvalue() == f"\r[{'#' * 15:<30}]  -35 dBFS, 1.2 s of speech \r\r\x1b[Kvoice\n"
    assert file.getvalue() == "voice\n"
