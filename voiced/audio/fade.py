"""How sound ends and begins where it otherwise would click: a short fall to silence, a short rise from it."""

from typing import Final

import numpy as np

from voiced.audio.convert import Pcm
from voiced.audio.format import ms_to_samples

FADE_MS: Final = 5
"""A half cosine without a step above 1.5 % of full scale; each further millisecond is a later silence."""


def fade_out(pcm: Pcm) -> Pcm:
    """Let *pcm* (mono) fall to zero along a half cosine; the last sample is silent."""
    if not pcm.size:
        return pcm
    ramp = 0.5 + 0.5 * np.cos(np.linspace(0.0, np.pi, pcm.size, dtype=np.float32))
    faded: Pcm = np.rint(pcm * ramp).astype(np.int16)
    return faded


def fade_in(pcm: Pcm) -> Pcm:
    """Let *pcm* (mono) rise from zero along a half cosine within its first `FADE_MS`, at the wire's rate."""
    size = min(pcm.size, ms_to_samples(FADE_MS))
    faded: Pcm = np.concatenate([fade_out(pcm[:size][::-1])[::-1], pcm[size:]])
    return faded
