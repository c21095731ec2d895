"""The filter against rumble: the same as the plain recursion that it stands for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voiced.audio.high_pass import Floats, HighPass, coefficients, resting_state


def recursion(cutoff_hz: int, sound: Floats) -> Floats:
    """As every book has it, a sample at a time, from the same beginning."""
    (b0, b1, b2), (a1, a2) = coefficients(cutoff_hz)
    one, two = resting_state(cutoff_hz, float(sound[:480].mean()))
    out = np.empty_like(sound)
    for at, x in enumerate(sound):
        out[at] = y = b0 * x + one
        one = b1 * x - a1 * y + two
        two = b2 * x - a2 * y
    return out


def filtered(cutoff_hz: int, sound: Floats) -> Floats:
    high_pass = HighPass(cutoff_hz)
    return np.concatenate(
        [high_pass.feed(sound[at : at + 480]) for at in range(0, sound.size, 480)]
    )


def tone(hz: float, frames: int = 100) -> Floats:
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(frames * 480) / 24_000)


@settings(deadline=None, max_examples=30)
@given(cutoff_hz=st.integers(20, 300), seed=st.integers(0, 1000), offset=st.floats(-0.5, 0.5))
def test_it_is_the_plain_recursion(cutoff_hz: int, seed: int, offset: float) -> None:
    sound = np.random.default_rng(seed).uniform(-0.5, 0.5, 20 * 480) + offset
    assert np.abs(filtered(cutoff_hz, sound) - recursion(cutoff_hz, sound)).max() < 1e-9


@pytest.mark.parametrize("cutoff_hz", [20, 80, 150, 300])
@pytest.mark.parametrize(("octaves", "gain_db"), [(-2, -24.1), (-1, -12.3), (0, -3.0), (2, 0.0)])
def test_it_takes_out_what_is_below_and_leaves_what_is_above(
    cutoff_hz: int, octaves: int, gain_db: float
) -> None:
    out = filtered(cutoff_hz, tone(cutoff_hz * 2.0**octaves, frames=300))[-240 * 480 :]
    rms = float(np.sqrt((out**2).mean())) * np.sqrt(2) / 0.5
    assert 20 * np.log10(rms) == pytest.approx(gain_db, abs=0.15)


def test_an_offset_is_gone_from_the_first_sample_on() -> None:
    assert np.abs(filtered(80, np.full(4800, 0.3))).max() < 1e-9


def test_silence_comes_to_rest_instead_of_growing_ever_smaller() -> None:
    high_pass = HighPass(300)
    high_pass.feed(tone(1000, frames=1))
    out = [high_pass.feed(np.zeros(480)) for _ in range(100)]
    assert out[0].any()
    assert not out[-1].any()
