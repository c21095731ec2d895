"""The rig itself: what it hears is what was played, and when it breaks it says so."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from tests import rig
from tests.real_audio.pilot import pilot

pytestmark = pytest.mark.audio


def test_what_is_played_to_the_ear_is_heard_bit_for_bit(room: rig.Room) -> None:
    sound = pilot(300, rig.RATE_HZ)
    before_s = time.perf_counter()
    with rig.PulseStream("play", "ear", 40, room.environ["PULSE_SERVER"]) as stream:
        for part in (np.zeros(4800, np.int16), sound, np.zeros(9600, np.int16)):
            stream.write(part.tobytes())
        deadline_s = time.perf_counter() + 10
        while not (last_s := room.ear.last_loud(before_s)) or last_s > time.perf_counter() - 0.05:
            assert time.perf_counter() < deadline_s, "nothing was heard"
            stream.write(bytes(480))
    assert np.array_equal(np.trim_zeros(room.ear.heard(before_s)), np.trim_zeros(sound))
    first_s = room.ear.first_loud(before_s)
    assert first_s is not None
    assert before_s < first_s < last_s
    assert room.ear.first_loud(last_s + 0.01) is None
    assert room.ear.last_loud(before_s, before_s=first_s) is None


def test_what_is_said_begins_to_sound_later_than_now_and_in_order(room: rig.Room) -> None:
    now_s = time.perf_counter()
    first_s = room.mouth.say(pilot(100, rig.RATE_HZ))
    second_s = room.mouth.say(pilot(100, rig.RATE_HZ))
    assert now_s < first_s < second_s


def test_the_way_to_the_room_is_in_the_environment(room: rig.Room) -> None:
    assert room.environ["PULSE_SERVER"].startswith("unix:")
    assert {name: os.environ[name] for name in room.environ} == dict(room.environ)
    for name in ("HOME", "XDG_RUNTIME_DIR", "PULSE_RUNTIME_PATH"):
        assert Path(room.environ[name]).stat().st_mode & 0o777 == 0o700


def test_packages_that_are_missing_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with (
        pytest.raises(rig.RigError, match="apt install pulseaudio pulseaudio-utils"),
        rig.room(tmp_path),
    ):
        pytest.fail("built")


def test_a_stream_to_nowhere_is_refused(room: rig.Room) -> None:
    with pytest.raises(rig.RigError, match="no stream to nowhere: No such entity"):
        rig.PulseStream("play", "nowhere", 40, room.environ["PULSE_SERVER"])


def test_a_server_that_ends_is_told_to_whoever_asks_next(tmp_path: Path) -> None:
    def ask(inhabitant: rig.Ear | rig.Mouth) -> None:
        deadline_s = time.perf_counter() + 10
        while time.perf_counter() < deadline_s:
            if isinstance(inhabitant, rig.Ear):
                inhabitant.heard(time.perf_counter())
            else:
                inhabitant.say(np.zeros(240, np.int16))

    before = dict(os.environ)
    with rig.room(tmp_path) as other:
        subprocess.run(["pactl", "exit"], env={**os.environ, **other.environ}, check=True)
        for inhabitant in (other.ear, other.mouth):
            with pytest.raises(rig.RigError, match="is the server still there"):
                ask(inhabitant)
    assert dict(os.environ) == before
