"""How a cut sounds: a short fall to silence instead of a click."""

from typing import Final

import numpy as np

from voiced.audio.convert import Pcm

FADE_MS: Final = 5
"""A half cosine without a step above 1.5 % of full scale; each further millisecond is a later silence."""


def fade_out(pcm: Pcm) -> Pcm:
    """Let *pcm* (mono) fall to zero along a half cosine; the last sample is silent."""
    if not pcm.size:
        return pcm
    ramp = 0.5 + 0.5 * np.cos(np.linspace(0.0, np.pi, pcm.size, dtype=np.float32))
    faded: Pcm = np.rint(pcm * ramp).astype(np.int16)
    return faded
