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
    around = np.ascontiguousarray(samples[base - MARGIN + 1 : base + count + MARGIN], np.float32)
    one = around.itemsize
    places = np.ndarray((2 * MARGIN, count), np.float32, around, 0, (one, one))
    early, late = np.dot([_shift(first), _shift(last)], places)
    late -= early
    late *= np.arange(count, dtype=np.float32)
    late *= np.float32(1.0 / count)
    late += early
    read: Samples = late
    return read


def _shift(part: float) -> Samples:
    """The filter that reads *part* of a sample (-0.5 to 1.5) later."""
    place = (part + 0.5) * _PARTS
    row = int(place)
    share = np.float32(place - row)
    shift: Samples = _SHIFTS[row] + share * _STEPS[row]
    return shift


def _shifts() -> Samples:
    """By rows: windowed sincs."""
    parts = np.arange(2 * _PARTS + 2)[:, np.newaxis] / _PARTS - 0.5
    away = np.arange(-MARGIN + 1, MARGIN + 1) - parts
    window = 0.5 + 0.5 * np.cos((np.pi / MARGIN) * away)  # Hann's: half the cost of better ones
    taps = np.sinc(away) * window
    shifts: Samples = (taps / taps.sum(axis=1, keepdims=True)).astype(np.float32)
    return shifts


_PARTS: Final = 256
"""Of a sample; between them, in a straight line, a tap is wrong by 7e-6 at most (measured)."""

_SHIFTS: Final = _shifts()
_STEPS: Final = np.diff(_SHIFTS, axis=0)
