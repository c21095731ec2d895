"""Calibration and the room's recording on real sound servers, in a room in which the loudspeaker is heard."""

import io
import wave
from pathlib import Path

import attrs
import numpy as np
import pytest
import trio

from tests.real_audio.test_doctor import echo, hearing
from tests.rig import RATE_HZ, Room
from voiced.audio.level import decibels
from voiced.calibration.proposal import propose
from voiced.calibration.sitting import Sitting
from voiced.config.whole import Config
from voiced.doctor.finding import Verdict
from voiced.doctor.room_recording import Part, room_recording_from

pytestmark = pytest.mark.audio

_GUARD_S = 90.0  # against hanging; no measure of speed


def on_the_rig(mode: str = "auto") -> Config:
    config = Config()
    return attrs.evolve(
        config,
        capture=attrs.evolve(config.capture, device="pulse"),
        playout=attrs.evolve(config.playout, device="pulse"),
        echo=attrs.evolve(config.echo, mode=mode),
    )


async def test_a_room_of_real_devices_is_calibrated(room: Room) -> None:
    """Hiss at -60 dBFS all the time; somebody at -34 dBFS as soon as somebody is asked for."""
    rng = np.random.default_rng(1)
    hiss = np.rint(rng.normal(0, decibels(-60) * 32768, 20 * RATE_HZ)).astype(np.int16)
    voice = np.rint(rng.normal(0, decibels(-34) * 32768, 10 * RATE_HZ)).astype(np.int16)
    said: list[str] = []

    async with trio.open_nursery() as nursery:

        def say(sentence: str) -> None:
            said.append(sentence)
            if sentence.startswith("Please be quiet"):
                nursery.start_soon(trio.to_thread.run_sync, room.mouth.say, hiss[: 4 * RATE_HZ])
            if sentence.startswith("Now say something"):
                nursery.start_soon(trio.to_thread.run_sync, room.mouth.say, voice)

        with trio.fail_after(_GUARD_S), echo(latency_ms=60):
            sitting = Sitting(
                on_the_rig(), hearing(), say, lambda dbfs, spoken_ms: None, canceller=True
            )
            found = await sitting.run()
    assert found.loop is not None
    assert found.loop.audible
    assert found.loop.return_db == pytest.approx(0, abs=1.5)
    assert found.talker is not None, said
    # Half of white noise lies above what 24 kHz can carry.
    assert found.talker.level_dbfs == pytest.approx(-37, abs=3)
    assert found.noise.floor_dbfs < -58
    proposed = {each.key: each.value for each in propose(found)}
    assert proposed["mode"] in {"webrtc", "half_duplex"}
    assert isinstance(proposed["gain_db"], float)
    assert proposed["gain_db"] <= 20


async def test_a_room_of_real_devices_is_recorded(room: Room, tmp_path: Path) -> None:
    said: list[str] = []
    pytest.importorskip("livekit", reason="the canceller is not installed")
    recording = room_recording_from(on_the_rig(mode="webrtc"), tmp_path, said.append)
    with trio.fail_after(_GUARD_S), echo(latency_ms=60):
        finding = await recording.look()
    assert finding.verdict is Verdict.OK, finding
    assert len(said) == len(Part)
    levels = {}
    for name in ("before", "after", "played"):
        data = await trio.Path(tmp_path / f"{name}.wav").read_bytes()
        with wave.open(io.BytesIO(data)) as file:
            pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64)
        assert pcm.size / 24_000 == pytest.approx(15, abs=1)
        levels[name] = 10 * np.log10((pcm[5 * 24_000 : 7 * 24_000] ** 2).mean() + 1)
    assert levels["before"] == pytest.approx(levels["played"], abs=2)
    assert levels["after"] < levels["before"] - 15
