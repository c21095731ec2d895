"""Reading between samples: the samples themselves where places are whole, and no audible error elsewhere."""

import numpy as np
import numpy.typing as npt
import pytest

from voiced.audio.convert import Samples
from voiced.audio.echo.stretch import MARGIN, between


def tone(hz: float, places: npt.ArrayLike) -> Samples:
    tone: Samples = np.sin(2 * np.pi * hz / 24_000 * np.asarray(places)).astype(np.float32)
    return tone


def test_whole_places_give_the_samples_themselves() -> None:
    samples = np.random.default_rng(1).uniform(-1, 1, 1000).astype(np.float32)
    assert np.array_equal(between(samples, 100.0, 1.0, 480), samples[100:580])


@pytest.mark.parametrize("step", [1.0, 1.0002, 0.9996])
@pytest.mark.parametrize("at", [100.0, 100.01, 100.5, 100.99])
@pytest.mark.parametrize(("hz", "error_db"), [(300, -65), (1000, -60), (4000, -45), (9000, -30)])
def test_a_tone_is_read_where_it_would_have_been(
    hz: float, error_db: float, at: float, step: float
) -> None:
    heard = between(tone(hz, np.arange(1000)), at, step, 480)
    error = heard - tone(hz, at + step * np.arange(480))
    assert 10 * np.log10(2 * np.mean(error**2) + 1e-12) < error_db


def test_frame_after_frame_there_is_no_seam() -> None:
    samples = tone(440, np.arange(24_000))
    step, at, pieces = 1.0003, float(MARGIN), []
    for _ in range(40):
        pieces.append(between(samples, at, step, 480))
        at += 480 * step
    whole = np.concatenate(pieces)
    error = whole - tone(440, MARGIN + step * np.arange(whole.size))
    assert np.abs(error).max() < 1e-3
