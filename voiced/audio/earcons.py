"""Earcons: short tones that say something, told apart by their contour. Computed, never recorded.

Law of this file: notes in, PCM16 out. When one sounds, and what it stands for elsewhere, is not known
here. Theory of operation: each note is a sine with two faint overtones, because the loudspeaker of a
kiosk has no bass and a pure tone is hard to place; it rises within 10 ms and falls along a cosine to
exactly zero, so that there is no click at either end nor between two notes. Each is brought to one level, over its
whole length: none is louder than an answer.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from attrs import frozen

from voiced.audio.convert import Samples, to_pcm16
from voiced.audio.format import WIRE_RATE_HZ, ms_to_samples
from voiced.audio.level import at_level

LEVEL_DBFS: Final = -18.0  # RMS; speech of the service was seen between -22 and -16

_ATTACK_MS: Final = 10
_OVERTONES: Final = (1.0, 0.2, 0.06)  # of the fundamental, its double, its triple


@frozen
class Note:
    """One tone."""

    pitch_hz: float
    duration_ms: int


_B4: Final = 493.88
_E5: Final = 659.26
_A5: Final = 880.0
_E6: Final = 1318.51

CONNECTING: Final = (Note(_E5, 140), Note(_E5, 140))
"""Level: something goes on."""
LOST: Final = (Note(_A5, 120), Note(_E5, 200))
"""A step down."""
BACK: Final = (Note(_E5, 120), Note(_A5, 200))
"""The same step up."""
UNREACHABLE: Final = (Note(_A5, 110), Note(_E5, 110), Note(_B4, 180))
"""Down, and further down."""


# What goes on in a conversation. Those it does not wait for are over before anybody could answer.

WAKE: Final = (Note(_E5, 40), Note(_A5, 40), Note(_E6, 40))
"""Up, and further up: somebody listens."""
TURN_END: Final = (Note(_A5, 80),)
"""A tick: that was understood to be all."""
ERROR: Final = (Note(_A5, 80), Note(_B4, 80), Note(_B4, 120))
"""Down, and stuck there."""


def render(notes: Sequence[Note], level_db: float = 0.0) -> bytes:
    """One note after the other, as mono PCM16 at 24 kHz; *level_db* is against an answer's level."""
    sound = np.concatenate([_sound_of(note) for note in notes])
    return to_pcm16(at_level(sound, LEVEL_DBFS + level_db))


def _sound_of(note: Note) -> Samples:
    size = ms_to_samples(note.duration_ms)
    radians = 2.0 * np.pi * note.pitch_hz * np.arange(size) / WIRE_RATE_HZ
    wave = sum(
        strength * np.sin(times * radians) for times, strength in enumerate(_OVERTONES, start=1)
    )
    sound: Samples = (wave * _envelope(size)).astype(np.float32)
    return sound


def _envelope(size: int) -> Samples:
    """A quick cosine up, a long one down; the last sample is zero."""
    rise = min(size, ms_to_samples(_ATTACK_MS))
    up = 0.5 - 0.5 * np.cos(np.linspace(0.0, np.pi, rise, endpoint=False))
    down = 0.5 + 0.5 * np.cos(np.linspace(0.0, np.pi, size - rise))
    envelope: Samples = np.concatenate([up, down]).astype(np.float32)
    return envelope
