"""The whistle: found where it is, however faint, late or distorted, and nowhere where it is not."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.doctor.rooms import noise, recording_of, resampled, reverberant
from voiced.audio.format import WIRE_RATE_HZ
from voiced.audio.level import decibels
from voiced.doctor.loop import SLOWEST_MS, find, make_probe

Floats = npt.NDArray[np.float64]

PROBE = make_probe()
SECONDS = np.arange(PROBE.size + WIRE_RATE_HZ * SLOWEST_MS // 1000 + 7200) / WIRE_RATE_HZ


def test_the_whistle_is_short_quiet_and_begins_and_ends_without_a_click() -> None:
    assert PROBE.size == 0.8 * WIRE_RATE_HZ
    assert np.abs(PROBE).max() < 0.08
    assert np.abs(PROBE[[0, -1]]).max() < 1e-4
    assert np.abs(np.diff(PROBE[:100])).max() < 0.001
    assert np.sqrt(np.mean(PROBE**2)) == pytest.approx(decibels(-26), rel=0.05)


@settings(max_examples=60, deadline=None)
@given(
    delay_ms=st.floats(5, 500),
    gain_db=st.floats(-40, 6),
    noise_dbfs=st.floats(-90, -58),
    seed=st.integers(0, 1000),
)
def test_an_echo_is_found_to_the_millisecond_and_the_decibel(
    delay_ms: float, gain_db: float, noise_dbfs: float, seed: int
) -> None:
    recording, played_at = recording_of(
        PROBE, delay_ms=delay_ms, gain_db=gain_db, noise_dbfs=noise_dbfs, seed=seed
    )
    loop = find(np.clip(recording, -1, 1), played_at)
    assert loop.audible
    assert loop.delay_ms == pytest.approx(delay_ms, abs=0.3)
    assert loop.return_db == pytest.approx(gain_db, abs=1.0)


@pytest.mark.parametrize("seed", range(10))
def test_an_echo_of_minus_40_db_is_found_in_a_loud_room(seed: int) -> None:
    """There it is 15 dB below the noise."""
    recording, played_at = recording_of(PROBE, gain_db=-40, noise_dbfs=-51, seed=seed)
    loop = find(recording, played_at)
    assert loop.audible
    assert loop.delay_ms == pytest.approx(50, abs=0.3)
    assert loop.return_db == pytest.approx(-40, abs=2)


@settings(max_examples=30, deadline=None)
@given(
    rate_hz=st.sampled_from([16_000, 22_050, 32_000, 44_100, 48_000]),
    drift_ppm=st.floats(-300, 300),
    decay_ms=st.integers(100, 600),
    direct_db=st.floats(-6, 12),
    delay_ms=st.floats(5, 500),
    seed=st.integers(0, 1000),
)
def test_rooms_clocks_and_device_rates_do_not_hide_it(
    rate_hz: int, drift_ppm: float, decay_ms: int, direct_db: float, delay_ms: float, seed: int
) -> None:
    stretch = np.arange(PROBE.size) * (1 + drift_ppm * 1e-6)
    drifted = np.interp(stretch, np.arange(PROBE.size), PROBE).astype(np.float32)
    wet = reverberant(drifted, decay_ms, direct_db, seed)
    recording, played_at = recording_of(wet, delay_ms=delay_ms, gain_db=-30, seed=seed)
    device = resampled(recording, WIRE_RATE_HZ, rate_hz)
    loop = find(resampled(device, rate_hz, WIRE_RATE_HZ), played_at)
    assert loop.audible
    assert loop.delay_ms == pytest.approx(
        delay_ms, abs=8
    )  # a reflection may beat the first arrival
    assert loop.return_db == pytest.approx(-30, abs=4)


def test_a_microphone_at_8_khz_hears_enough_of_it() -> None:
    recording, played_at = recording_of(PROBE, gain_db=-30)
    telephone = resampled(resampled(recording, WIRE_RATE_HZ, 8000), 8000, WIRE_RATE_HZ)
    loop = find(telephone, played_at)
    assert loop.audible
    assert loop.delay_ms == pytest.approx(50, abs=1)


def test_swapped_wires_change_nothing() -> None:
    recording, played_at = recording_of(PROBE)
    assert find(-recording, played_at).delay_ms == find(recording, played_at).delay_ms


def test_an_overdriven_microphone_hears_it_all_the_same() -> None:
    recording, played_at = recording_of(PROBE, gain_db=40)
    loop = find(np.clip(recording, -1, 1), played_at)
    assert loop.audible
    assert loop.delay_ms == pytest.approx(50, abs=0.3)


# --- where nothing returns ------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(level_dbfs=st.floats(-96, -10), seed=st.integers(0, 10_000))
def test_noise_is_no_echo(level_dbfs: float, seed: int) -> None:
    assert not find(noise(SECONDS.size, level_dbfs, seed), 7200).audible


def hum(rng: np.random.Generator) -> Floats:
    return 0.3 * np.sign(np.sin(2 * np.pi * 50 * SECONDS + rng.uniform(0, 6)))


def tone(rng: np.random.Generator) -> Floats:
    return 0.5 * np.sin(2 * np.pi * rng.uniform(300, 5000) * SECONDS)


def clap(rng: np.random.Generator) -> Floats:
    sound = np.zeros(SECONDS.size)
    at = rng.integers(0, SECONDS.size - 300)
    sound[at : at + 240] = 0.5 * rng.standard_normal(240) * np.exp(-np.arange(240) / 60)
    return sound


def click(rng: np.random.Generator) -> Floats:
    sound = np.zeros(SECONDS.size)
    sound[rng.integers(SECONDS.size)] = 0.9
    return sound


def speech(rng: np.random.Generator) -> Floats:
    """Pulses of a wandering pitch through one formant, four syllables a second."""
    pitch = 120 + 40 * np.sin(2 * np.pi * rng.uniform(0.5, 3) * SECONDS)
    pulses = np.diff(np.floor(np.cumsum(pitch) / WIRE_RATE_HZ), prepend=0) > 0
    formant = np.exp(-np.arange(200) / 40) * np.sin(rng.uniform(0.1, 0.6) * np.arange(200))
    voiced = np.convolve(pulses, formant)[: SECONDS.size]
    return 0.2 * voiced * (0.5 + 0.5 * np.sin(2 * np.pi * 4 * SECONDS))


def step(rng: np.random.Generator) -> Floats:
    return np.where(rng.uniform(0.3, 1.5) < SECONDS, 0.2, 0.0)


@pytest.mark.parametrize("floor_dbfs", [-50.0, -90.0, -120.0])
@pytest.mark.parametrize("disturbance", [hum, tone, clap, click, speech, step])
def test_no_other_sound_is_taken_for_it(
    disturbance: Callable[[np.random.Generator], Floats], floor_dbfs: float
) -> None:
    for seed in range(12):
        sound = disturbance(np.random.default_rng(seed)) + noise(SECONDS.size, floor_dbfs, seed)
        pcm = np.rint(sound * 32768) / 32768  # as it comes from 16 bits
        assert not find(pcm.astype(np.float32), 7200).audible


@pytest.mark.parametrize("size", [0, 100, SECONDS.size])
def test_digital_silence_and_no_recording_at_all_are_no_echo(size: int) -> None:
    loop = find(np.zeros(size, np.float32), 0)
    assert not loop.audible
    assert loop.confidence_db == 0


def test_an_echo_is_heard_while_somebody_speaks() -> None:
    recording, played_at = recording_of(PROBE, gain_db=-20)
    talked_over = recording + 0.3 * speech(np.random.default_rng(1))
    loop = find(talked_over.astype(np.float32), played_at)
    assert loop.audible
    assert loop.delay_ms == pytest.approx(50, abs=0.3)
