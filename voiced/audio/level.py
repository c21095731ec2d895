"""How loud sound is: levels and gains in decibels."""

import math
from typing import Final

import numpy as np

from voiced.audio.convert import Samples

SILENCE_DBFS: Final = -96.0
"""The floor we report: one step of 16 bits."""

SILENT_DB: Final = -120.0
"""Turns full scale into less than half a step of 16 bits: nothing is left."""

_CUBIC_DB: Final = 60.0
"""dB to a tenth: the cube of a percentage, as sound servers have it (PulseAudio, PipeWire), is felt as
even steps."""

_HIGHEST_PEAK: Final = 0.7  # of full scale: 3 dB for resamplers, which overshoot


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


def gain_of_percent_db(percent: int) -> float:
    """How loud *percent* of full volume is: 100 is 0 dB, 50 is -18 dB, 0 is silence."""
    return max(SILENT_DB, _CUBIC_DB * math.log10(percent / 100)) if percent else SILENT_DB


def at_level(samples: Samples, level_dbfs: float) -> Samples:
    """*samples* (±1) at that RMS level, or as near to it as the highest peak allows; silence stays."""
    if not samples.size or not np.any(samples):
        return samples
    rms = math.sqrt(float(np.dot(samples, samples)) / samples.size)
    gain = min(decibels(level_dbfs) / rms, _HIGHEST_PEAK / float(np.abs(samples).max()))
    levelled: Samples = samples * np.float32(gain)
    return levelled
