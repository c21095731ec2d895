"""How loud: known sounds have known levels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.audio.level import SILENCE_DBFS, dbfs


def tone(amplitude: float) -> bytes:
    wave = amplitude * np.sin(2 * np.pi * 1000 * np.arange(480) / 24_000)
    return np.rint(wave).astype("<i2").tobytes()


def test_silence_has_the_lowest_level() -> None:
    assert dbfs(bytes(960)) == SILENCE_DBFS


def test_nothing_is_silent() -> None:
    assert dbfs(b"") == SILENCE_DBFS


@pytest.mark.parametrize(
    ("amplitude", "level"), [(32767, -3.01), (16384, -9.03), (3277, -23.01), (327.7, -43.0)]
)
def test_a_sine_is_3_db_below_its_peak(amplitude: float, level: float) -> None:
    assert dbfs(tone(amplitude)) == pytest.approx(level, abs=0.02)


def test_the_loudest_there_is_has_level_zero() -> None:
    assert dbfs(np.full(480, -32768, "<i2").tobytes()) == pytest.approx(0.0, abs=1e-6)


@given(st.binary(max_size=960).filter(lambda pcm: len(pcm) % 2 == 0))
def test_every_sound_has_a_level_on_the_scale(pcm: bytes) -> None:
    assert SILENCE_DBFS <= dbfs(pcm) <= 0.01
