"""Between what devices speak (PCM16, any channels) and what is computed with (mono float32).

Float is used inside because one rounding at the very end is the only one; libsoxr's own int16
output is dithered with a random seed, so that silence would no longer be silence.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Samples: TypeAlias = npt.NDArray[np.float32]
Pcm: TypeAlias = npt.NDArray[np.int16]

_FULL_SCALE = np.float32(32768.0)
_LOWEST, _HIGHEST = np.float32(-32768.0), np.float32(32767.0)


def to_mono(block: bytes, channels: int, pick: int | None = None) -> Samples:
    """Interleaved PCM16 → mono float32 in ±1: one channel (*pick*, from 0) or the mean of all."""
    pcm = np.frombuffer(block, dtype="<i2")
    if channels == 1:
        mono = pcm.astype(np.float32)
    else:
        many = pcm.reshape(-1, channels)
        mono = (
            many.mean(axis=1, dtype=np.float32)
            if pick is None
            else many[:, pick].astype(np.float32)
        )
    mono /= _FULL_SCALE
    return mono


def to_pcm16(samples: Samples) -> bytes:
    """Mono float32 → PCM16 little-endian, rounded once; what is too loud saturates, never wraps."""
    scaled = samples * _FULL_SCALE
    np.rint(scaled, out=scaled)
    np.minimum(scaled, _HIGHEST, out=scaled)  # `clip` does the same, and takes longer to begin
    np.maximum(scaled, _LOWEST, out=scaled)
    pcm: bytes = scaled.astype("<i2").tobytes()
    return pcm


def spread(pcm: Pcm, channels: int) -> Pcm:
    """Mono → interleaved, the same in each channel."""
    return pcm if channels == 1 else np.repeat(pcm, channels)
