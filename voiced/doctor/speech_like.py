"""Sound that has what cancellers learn from in speech: syllables, pitch, hiss and pauses. It says nothing."""

from typing import Final

import numpy as np

from voiced.audio.convert import Samples
from voiced.audio.format import WIRE_RATE_HZ
from voiced.audio.level import at_level

_SYLLABLE_S: Final = (0.08, 0.3)
_PAUSES_S: Final = (0.0, 0.02, 0.05, 0.4)
_PAUSES_SHARE: Final = (0.3, 0.3, 0.3, 0.1)
_PITCH_HZ: Final = (90.0, 220.0)
_HARMONICS: Final = 24  # the highest pitch reaches 5 kHz


def speech_like(seconds: float, level_dbfs: float, seed: int = 1) -> Samples:
    """Mono in ±1 at 24 kHz, of that RMS level; the same for the same *seed*."""
    rng = np.random.default_rng(seed)
    sound = np.zeros(round(seconds * WIRE_RATE_HZ), np.float32)
    at = 0
    while at < sound.size:
        size = min(round(rng.uniform(*_SYLLABLE_S) * WIRE_RATE_HZ), sound.size - at)
        sound[at : at + size] = _syllable(size, rng)
        at += size + round(float(rng.choice(_PAUSES_S, p=_PAUSES_SHARE)) * WIRE_RATE_HZ)
    return at_level(sound, level_dbfs)


def _syllable(size: int, rng: np.random.Generator) -> Samples:
    time_s = np.arange(size) / WIRE_RATE_HZ
    pitch_hz = rng.uniform(*_PITCH_HZ) * (1 + rng.uniform(-0.3, 0.3) * time_s)
    phase = 2 * np.pi * np.cumsum(pitch_hz) / WIRE_RATE_HZ
    sound = rng.standard_normal(size) * rng.uniform(0.05, 0.5)  # hiss
    for harmonic in range(1, _HARMONICS + 1):
        strength = rng.uniform(0.1, 1) / harmonic
        sound += strength * np.cos(harmonic * phase + rng.uniform(0, 2 * np.pi))
    envelope = np.sqrt(np.sin(np.pi * np.arange(size) / max(1, size)))
    syllable: Samples = (sound * envelope * rng.uniform(0.3, 1)).astype(np.float32)
    return syllable
