"""What is wrong with a microphone shows in its sound, and what is right does not look wrong."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.doctor.rooms import noise
from voiced.audio.convert import Samples
from voiced.audio.level import SILENCE_DBFS
from voiced.doctor.finding import Verdict
from voiced.doctor.level import AILMENTS, ailment, measure

RATE_HZ = 48_000
ROOM = noise(2 * RATE_HZ, -60)
OFTEN = np.arange(ROOM.size) % 500 == 0


def overdriven(gain: float) -> Samples:
    loud: Samples = np.clip(noise(2 * RATE_HZ, -20) * np.float32(gain), -1, 1)
    return loud


FAULTS = [
    ("nothing at all", np.empty(0, np.float32), Verdict.FAILED, "gives no sound"),
    ("zeros", np.zeros(ROOM.size, np.float32), Verdict.FAILED, "nothing but zeros"),
    ("one value", np.full(ROOM.size, 0.25, np.float32), Verdict.FAILED, "every sample is the same"),
    (
        "full scale",
        np.full(ROOM.size, -1.0, np.float32),
        Verdict.FAILED,
        "every sample is the same",
    ),
    ("a square", np.sign(ROOM), Verdict.FAILED, "no word can be understood"),
    ("clipping now and then", np.where(OFTEN, -1, ROOM), Verdict.WARNING, "overdriven: loud"),
    ("clipping often", overdriven(3.5), Verdict.WARNING, "overdriven: loud"),
    ("an offset", ROOM + np.float32(0.02), Verdict.WARNING, "DC offset"),
    ("an offset downwards", ROOM - np.float32(0.02), Verdict.WARNING, "DC offset"),
    ("a volume near zero", ROOM * np.float32(0.05), Verdict.WARNING, "next to nothing"),
    ("a single bit", np.where(OFTEN, 1 / 32768, 0), Verdict.WARNING, "next to nothing"),
    ("a roar", noise(ROOM.size, -25), Verdict.WARNING, "noisy"),
]


@pytest.mark.parametrize(
    ("sound", "verdict", "words"), [fault[1:] for fault in FAULTS], ids=[f[0] for f in FAULTS]
)
def test_each_ailment_is_named(sound: Samples, verdict: Verdict, words: str) -> None:
    found = ailment(measure(sound.astype(np.float32), RATE_HZ))
    assert found is not None
    assert found.verdict is verdict
    assert words in found.cause


def test_every_ailment_has_a_fault_that_shows_it_and_an_action() -> None:
    shown = {ailment(measure(sound.astype(np.float32), RATE_HZ)) for _, sound, _, _ in FAULTS}
    assert shown == set(AILMENTS)
    assert all(each.action and each.cause for each in AILMENTS)


@settings(max_examples=40, deadline=None)
@given(
    room_dbfs=st.floats(-78, -37),
    voice_dbfs=st.floats(-45, -18),
    dc=st.floats(-0.009, 0.009),
    rate_hz=st.sampled_from([8000, 16_000, 24_000, 44_100, 48_000]),
)
def test_a_room_with_or_without_a_voice_is_fine(
    room_dbfs: float, voice_dbfs: float, dc: float, rate_hz: int
) -> None:
    room = noise(2 * rate_hz, room_dbfs)
    voice = np.where(np.arange(room.size) % rate_hz < rate_hz // 2, 1, 0) * noise(
        room.size, voice_dbfs, seed=2
    )
    for sound in (room, room + voice):
        level = measure(np.asarray(sound + dc, np.float32), rate_hz)
        assert ailment(level) is None
        assert level.floor_dbfs == pytest.approx(room_dbfs, abs=1.5)
        assert level.dc_percent == pytest.approx(100 * dc, abs=0.2)


def test_a_loud_voice_does_not_lift_the_floor_between_its_words() -> None:
    """Its mean is not that of the pauses."""
    voice = np.where(np.arange(ROOM.size) < ROOM.size // 2, 0.2, 0) * np.abs(noise(ROOM.size, -6))
    level = measure((ROOM + voice).astype(np.float32), RATE_HZ)
    assert level.floor_dbfs == pytest.approx(-60, abs=1)


def test_figures_are_what_they_are_called() -> None:
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(RATE_HZ) / RATE_HZ) + 0.1
    level = measure(tone.astype(np.float32), RATE_HZ)
    assert level.figures() == {
        "samples": RATE_HZ,
        "rms_dbfs": -9.0,
        "peak_dbfs": -4.4,
        "floor_dbfs": -9.0,
        "dc_percent": 10.0,
        "clipped_percent": 0.0,
        "zeros_percent": 0.0,
    }


def test_the_lowest_level_is_the_same_everywhere() -> None:
    level = measure(np.zeros(RATE_HZ, np.float32), RATE_HZ)
    assert level.rms_dbfs == level.peak_dbfs == level.floor_dbfs == SILENCE_DBFS


def test_less_than_20_ms_are_measured_too() -> None:
    assert measure(ROOM[:10], RATE_HZ).floor_dbfs == pytest.approx(-60, abs=6)
