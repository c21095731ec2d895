"""What recordings say about a room and a talker: on sound of known levels."""

import numpy as np
import pytest

from tests.doctor.rooms import noise
from voiced.audio.convert import Samples
from voiced.audio.level import decibels
from voiced.calibration.sounds import Talker, filtered, measure_noise, measure_talker

_S = 24_000


def tone(hz: float, level_dbfs: float, samples: int = 3 * _S) -> Samples:
    wave = np.sin(2 * np.pi * hz * np.arange(samples) / _S) * np.sqrt(2) * decibels(level_dbfs)
    toned: Samples = wave.astype(np.float32)
    return toned


def words(level_dbfs: float, spoken_ms: int, pause_ms: int = 400, seed: int = 7) -> Samples:
    """Noise of that level in bursts of 400 ms, with pauses between."""
    pieces = []
    for at in range(0, spoken_ms, 400):
        pieces += [noise(400 * 24, level_dbfs, seed + at), np.zeros(pause_ms * 24, np.float32)]
    return np.concatenate(pieces)


def quiet_with(sound: Samples, floor_dbfs: float = -65.0) -> Samples:
    return sound + noise(sound.size, floor_dbfs, 3)


def test_a_quiet_room_needs_no_filter() -> None:
    measured = measure_noise(noise(3 * _S, -60.0))
    assert measured.floor_dbfs == pytest.approx(-60, abs=0.6)
    assert measured.raw_dbfs == measured.floor_dbfs
    assert measured.high_pass_hz == 0


@pytest.mark.parametrize(
    ("hz", "level_dbfs", "cutoff_hz"),
    [
        (12, -35.0, 80),
        (30, -50.0, 80),
        (30, -45.0, 120),
        (50, -50.0, 120),
        (50, -45.0, 160),
        (100, -45.0, 160),
        (500, -45.0, 0),
    ],
)
def test_a_filter_is_as_high_as_the_rumble_wants_it(
    hz: float, level_dbfs: float, cutoff_hz: int
) -> None:
    measured = measure_noise(quiet_with(tone(hz, level_dbfs)))
    assert measured.raw_dbfs == pytest.approx(level_dbfs, abs=5)
    assert measured.high_pass_hz == cutoff_hz
    assert (measured.floor_dbfs < level_dbfs - 3) is (cutoff_hz > 0)


def test_an_offset_wants_a_filter() -> None:
    measured = measure_noise(noise(3 * _S, -60.0) + np.float32(0.02))
    assert measured.dc_percent == pytest.approx(2, abs=0.01)
    assert measured.high_pass_hz == 80
    assert measured.floor_dbfs == pytest.approx(-60, abs=1)


def test_rumble_that_nobody_hears_is_left_alone() -> None:
    assert measure_noise(tone(30, -75.0) + noise(3 * _S, -90.0)).high_pass_hz == 0


def test_digital_silence_is_a_room_too() -> None:
    measured = measure_noise(np.zeros(3 * _S, np.float32))
    assert (measured.floor_dbfs, measured.high_pass_hz) == (-96.0, 0)
    assert measure_noise(np.zeros(0, np.float32)).floor_dbfs == -96.0


def talker(sound: Samples, floor_dbfs: float = -65.0) -> Talker | None:
    return measure_talker(sound, measure_noise(noise(3 * _S, floor_dbfs)))


@pytest.mark.parametrize("level_dbfs", [-45.0, -30.0, -15.0])
@pytest.mark.parametrize("pause_ms", [0, 300, 2000])
def test_a_voice_is_as_loud_as_it_is_without_its_pauses(level_dbfs: float, pause_ms: int) -> None:
    heard = talker(quiet_with(words(level_dbfs, 3200, pause_ms)))
    assert heard is not None
    assert heard.level_dbfs == pytest.approx(level_dbfs, abs=0.5)
    assert heard.spoken_ms == pytest.approx(3200, abs=60)
    # Of Gaussian noise, one sample in 2000 exceeds 3.5 times its RMS.
    assert heard.peak_dbfs == pytest.approx(min(0, level_dbfs + 10.9), abs=1)


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(0, np.float32),
        np.zeros(5 * _S, np.float32),
        quiet_with(np.zeros(5 * _S, np.float32)),
        quiet_with(words(-30.0, 800)),
        quiet_with(words(-66.0, 4000)),
    ],
    ids=["nothing", "zeros", "the room", "one word", "a whisper in the noise"],
)
def test_nobody_spoke(sound: Samples) -> None:
    assert talker(sound) is None


def test_rumble_is_no_voice() -> None:
    rumbling = quiet_with(tone(20, -30.0, 5 * _S))
    room = measure_noise(rumbling)
    assert measure_talker(rumbling, room) is None
    heard = measure_talker(rumbling + words(-40.0, 3200)[: 5 * _S], room)
    assert heard is not None
    assert heard.level_dbfs == pytest.approx(-40, abs=1)


def test_a_voice_that_the_device_clips_is_told() -> None:
    heard = talker(np.clip(quiet_with(words(-6.0, 3200)), -1.0, 32767 / 32768))
    assert heard is not None
    assert heard.clipped_percent > 1
    soft = talker(quiet_with(words(-30.0, 3200)))
    assert soft is not None
    assert soft.clipped_percent == 0


def test_what_is_measured_is_what_the_daemon_would_hear() -> None:
    sound = noise(_S + 100, -30.0)
    assert filtered(sound, 0).size == _S
    assert np.array_equal(filtered(sound, 0), sound[:_S].astype(np.float64))
    assert np.abs(filtered(sound + np.float32(0.1), 80)).max() < 0.2
