"""How loud: known sounds have known levels."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.audio.level import SILENCE_DBFS, SILENT_DB, dbfs, decibels, gain_of_percent_db


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


# --- a percentage of the volume -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("percent", "gain_db"),
    [(100, 0.0), (90, -4.0), (50, -20.0), (20, -32.0), (10, -36.0), (5, -42.02), (1, -56.0)],
)
def test_ten_percent_are_four_decibels_down_to_the_foot(percent: int, gain_db: float) -> None:
    assert gain_of_percent_db(percent) == pytest.approx(gain_db, abs=0.01)


def test_nothing_is_left_at_zero_percent() -> None:
    assert gain_of_percent_db(0) == SILENT_DB
    assert round(32_767 * decibels(SILENT_DB)) == 0


def test_every_percent_is_louder_and_none_startles() -> None:
    gains = [gain_of_percent_db(percent) for percent in range(101)]
    assert all(a < b for a, b in pairwise(gains))
    assert max(b - a for a, b in pairwise(gains[10:])) == pytest.approx(0.4)


@given(st.integers(-1000, 1000))
def test_no_percentage_makes_louder_than_it_was_sent(percent: int) -> None:
    assert SILENT_DB <= gain_of_percent_db(percent) <= 0.0
