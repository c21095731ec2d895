"""Reading between samples: sound a few hundred ppm faster or slower than it was recorded.

soxr could do it with a live ratio, but would hold 12 ms instead of 5 (measured, 48 to 24 kHz), and take six
times as long: it must be built for a wider range. So near, a shift by a part of a sample is enough, which
changes so slowly that one filter for the beginning of a frame and one for its end tell all of it.
"""

from typing import Final

import numpy as np

from voiced.audio.convert import Samples

MARGIN: Final = 12
"""Samples before and after a place that reading takes: 0.5 ms, flat to 10 kHz at 24."""


def between(samples: Samples, at: float, step: float, count: int) -> Samples:
    """*count* values from place *at* on, *step* apart (within 1 ± 0.001). `MARGIN` samples must surround
    them. Exactly the samples themselves where places are whole.
    """
    base = int(at)
    first, last = at - base, at - base + (step - 1.0) * count
    if first == 0.0 and step == 1.0:
        return samples[base : base + count].copy()
    around = samples[base - MARGIN + 1 : base + count + MARGIN]
    early = np.convolve(around, _shift(first), "valid")
    late = np.convolve(around, _shift(last), "valid")
    ramp = np.arange(count, dtype=np.float32) / np.float32(count)
    blended: Samples = early + ramp * (late - early)
    return blended


def _shift(part: float) -> Samples:
    """A filter that reads *part* (about 0 to 1) after a sample: a windowed sinc, for `convolve`."""
    away = np.arange(-MARGIN + 1, MARGIN + 1) - part
    angle = (np.pi / MARGIN) * away
    window = 0.5 + 0.5 * np.cos(angle)  # Hann's: half the cost of better ones, and good enough
    taps = np.sinc(away) * window
    reversed_taps: Samples = (taps / taps.sum()).astype(np.float32)[::-1]
    return reversed_taps
