"""The clocks' difference, seen from a level that trembles: found soon, followed slowly, never acted on wildly."""

from collections.abc import Iterator

import numpy as np
import pytest

from voiced.audio.echo.drift import Drift

HALF_SECOND = 0.5
NOISE_US = 2500.0


def steered(ppm: float, seconds: float, seed: int = 1) -> Iterator[Drift]:
    """Of a buffer that is read as the estimate wants, every half second."""
    rng, level_us, drift = np.random.default_rng(seed), 0.0, Drift()
    for _ in range(round(seconds / HALF_SECOND)):
        level_us += (ppm - drift.steer_ppm) * HALF_SECOND
        drift.observe(level_us + rng.normal(0, 1000), HALF_SECOND, NOISE_US)
        yield drift


def followed(ppm: float, seconds: float) -> Drift:
    """What it has come to."""
    *_, last = steered(ppm, seconds)
    return last


@pytest.mark.parametrize("ppm", [-200, -50, 0, 50, 200])
def test_a_drift_is_known_after_a_minute_and_better_later(ppm: float) -> None:
    assert followed(ppm, 60).ppm == pytest.approx(ppm, abs=15)
    drift = followed(ppm, 600)
    assert drift.ppm == pytest.approx(ppm, abs=4)
    assert drift.steer_ppm == pytest.approx(ppm, abs=8)  # the level is brought back, too


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_stretched_for_noise(seed: int) -> None:
    assert max(abs(each.steer_ppm) for each in steered(0, 60, seed)) < 60


def test_what_is_known_outlives_a_level_that_is_set_afresh() -> None:
    drift = followed(100, 120)
    known = drift.ppm
    drift.begin()
    assert drift.ppm == known
    drift.observe(8000.0, HALF_SECOND, NOISE_US)  # where the level begins tells nothing
    assert drift.ppm == pytest.approx(known, abs=5)


def test_no_level_makes_it_read_wildly() -> None:
    drift = Drift()
    for _ in range(100):
        drift.observe(1e6, HALF_SECOND, NOISE_US)
        assert abs(drift.steer_ppm) <= 400
