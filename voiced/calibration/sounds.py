"""What recordings say about a room and a talker. Arithmetic on samples (mono, ±1, 24 kHz), no device."""

import math
from typing import Final

import numpy as np
from attrs import frozen

from voiced.audio.convert import Samples
from voiced.audio.format import FRAME_MS, FRAME_SAMPLES
from voiced.audio.high_pass import Floats, HighPass
from voiced.audio.level import SILENCE_DBFS

_QUIET_SHARE: Final = (
    10.0  # percent of the frames that are taken for the room alone, as the doctor does
)
_CUTOFFS_HZ: Final = (0, 80, 120, 160)
"""Tried in this order. Voices begin at 80 to 180 Hz, and are understood without their lowest octave, as
telephones show; hum stands at 50, 60, 100 and 120 Hz."""
_WORTH_DB: Final = 3.0  # what a higher cutoff must take off the noise: half of its power
_UNHEARD_DBFS: Final = -70.0  # a noise floor that disturbs nobody, wherever it comes from

_CREST_DB: Final = (
    15.9  # a frame of speech is no softer than this below the mean of speech (ITU-T P.56)
)
_ABOVE_NOISE_DB: Final = (
    8.0  # steady noise stays within 3 dB of its floor, most of what a room does too
)
_LEAST_SPOKEN_MS: Final = 1000
_ROUNDS: Final = 5  # until mean and threshold agree; three do
_SHORTEST_PEAK: Final = 99.95  # percent: a click of some samples is no peak of speech


@frozen(kw_only=True)
class Noise:
    """The room, when nobody speaks. Levels are RMS, in dB below full scale."""

    floor_dbfs: float
    """What the quietest tenth of all 20 ms stays under, behind the high-pass."""
    raw_dbfs: float
    """The same as the microphone gives it, rumble and offset included."""
    dc_percent: float
    """How far it is off centre, of full scale."""
    high_pass_hz: int
    """The filter that is worth having; 0: none."""


@frozen(kw_only=True)
class Talker:
    """Somebody who spoke, as the microphone gives it, behind the high-pass of `Noise`."""

    level_dbfs: float
    """RMS of speech without its pauses (after ITU-T P.56)."""
    peak_dbfs: float
    spoken_ms: int
    clipped_percent: float
    """Of the samples of speech, at full scale already in the device."""


def measure_noise(samples: Samples) -> Noise:
    """The room, from some seconds of it."""
    floors = {hz: _floor_dbfs(_powers(filtered(samples, hz))) for hz in _CUTOFFS_HZ}
    enough = max(min(floors.values()) + _WORTH_DB, _UNHEARD_DBFS)
    cutoff = next(hz for hz in _CUTOFFS_HZ if floors[hz] <= enough)
    return Noise(
        floor_dbfs=floors[cutoff],
        raw_dbfs=floors[0],
        dc_percent=100 * float(samples.astype(np.float64).mean()) if samples.size else 0.0,
        high_pass_hz=cutoff,
    )


def measure_talker(samples: Samples, noise: Noise) -> Talker | None:
    """Who spoke in *samples*; None if nobody did for a second, or too softly to tell from the noise."""
    sound = filtered(samples, noise.high_pass_hz)
    powers = _powers(sound)
    if not powers.size:
        return None
    least = noise.floor_dbfs + _ABOVE_NOISE_DB
    threshold = _power(least)
    for _ in range(_ROUNDS):
        spoken = powers[powers > threshold]
        if spoken.size * FRAME_MS < _LEAST_SPOKEN_MS:
            return None
        level = _dbfs(float(spoken.mean()))
        threshold = _power(max(least, level - _CREST_DB))
    within = powers > threshold
    frames = _framed(sound)[within]
    raw = _framed(samples.astype(np.float64))[within]
    return Talker(
        level_dbfs=_dbfs(float(powers[within].mean())),
        peak_dbfs=_dbfs(float(np.percentile(np.abs(frames), _SHORTEST_PEAK)) ** 2),
        spoken_ms=int(within.sum()) * FRAME_MS,
        clipped_percent=100 * float((np.abs(raw) >= 32767 / 32768).mean()),
    )


def filtered(samples: Samples, high_pass_hz: int) -> Floats:
    """As the daemon would hear it, in whole frames."""
    frames = _framed(samples.astype(np.float64))
    if not high_pass_hz or not frames.size:
        return frames.reshape(-1)
    high_pass = HighPass(high_pass_hz)
    return np.concatenate([high_pass.feed(frame) for frame in frames])


def _framed(sound: Floats) -> Floats:
    return sound[: sound.size // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)


def _powers(sound: Floats) -> Floats:
    powers: Floats = (_framed(sound) ** 2).mean(axis=1)
    return powers


def _floor_dbfs(powers: Floats) -> float:
    return _dbfs(float(np.percentile(powers, _QUIET_SHARE))) if powers.size else SILENCE_DBFS


def _dbfs(power: float) -> float:
    return max(SILENCE_DBFS, 10.0 * math.log10(power)) if power else SILENCE_DBFS


def _power(level_dbfs: float) -> float:
    return float(10.0 ** (level_dbfs / 10.0))
