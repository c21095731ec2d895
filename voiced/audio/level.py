"""How loud sound is: levels and gains in decibels."""

import math
from typing import Final

import numpy as np

from voiced.audio.convert import Samples

SILENCE_DBFS: Final = -96.0
"""The floor we report: one step of 16 bits."""

SILENT_DB: Final = -120.0
"""Turns full scale into less than half a step of 16 bits: nothing is left."""

_STEP_DB: Final = 0.4
"""For each percent, from 100 down to the foot: 10 % are 4 dB, a step that is heard and does not startle, and
the same one everywhere. (The cube of a percentage, as sound servers have it, takes 3 dB off the first ten
and 18 off the last but ten, and is inaudible from there.) Over 36 dB an answer goes from as loud as it was
sent to a whisper at the ear."""

_FOOT_PERCENT: Final = 10
"""Below it amplitude falls evenly to nothing: decibels never would."""

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
    """How loud *percent* of full volume is: 100 is 0 dB and never more, 50 is -20 dB, 10 is -36 dB, 0 is
    silence; louder with every percent.
    """
    if percent <= 0:
        return SILENT_DB
    gain_db = _STEP_DB * (min(100, max(percent, _FOOT_PERCENT)) - 100)
    share = min(1.0, percent / _FOOT_PERCENT)
    return gain_db + 20.0 * math.log10(share)


def at_level(samples: Samples, level_dbfs: float) -> Samples:
    """*samples* (±1) at that RMS level, or as near to it as the highest peak allows; silence stays."""
    if not samples.size or not np.any(samples):
        return samples
    rms = math.sqrt(float(np.dot(samples, samples)) / samples.size)
    gain = min(decibels(level_dbfs) / rms, _HIGHEST_PEAK / float(np.abs(samples).max()))
    levelled: Samples = samples * np.float32(gain)
    return levelled
