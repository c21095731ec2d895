"""How loud sound is: levels and gains in decibels."""

import math
from typing import Final

import numpy as np

SILENCE_DBFS: Final = -96.0
"""The floor we report: one step of 16 bits."""


def dbfs(pcm: bytes) -> float:
    """RMS level of mono PCM16 in dB below full scale; digital silence gives -96."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32)
    if not samples.size:
        return SILENCE_DBFS
    rms = math.sqrt(float(np.dot(samples, samples)) / samples.size) / 32768.0
    return max(SILENCE_DBFS, 20.0 * math.log10(rms)) if rms else SILENCE_DBFS


def decibels(gain_db: float) -> float:
    """The factor that a gain in dB is."""
    return float(10.0 ** (gain_db / 20.0))
