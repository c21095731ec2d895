"""What is done to all that the microphone hears before anybody listens: a high-pass and one fixed gain.

No automatic gain: measured, it lifts residual echo by 15 dB and clips loud voices, and a canceller can't
follow a gain that moves. No limiter either: it would bend loud sounds all the time, and what is bent can't
be cancelled later. What is too loud is cut off at full scale and counted, so that the owner can lower
the gain; `voiced calibrate` proposes one that leaves room.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

import attrs
import numpy as np

from voiced.audio.format import FRAME_SAMPLES, Frame
from voiced.audio.high_pass import Floats, HighPass
from voiced.audio.level import decibels

_Path: TypeAlias = Callable[[Floats], Floats]

_RISE: Final = np.arange(1, FRAME_SAMPLES + 1) / FRAME_SAMPLES
"""New settings come in over one frame: 20 ms, too slow for a click and too short to be noticed."""
_LOUDEST: Final = 32767.0
_FULL_SCALE: Final = 32768.0


@attrs.define(eq=False)
class Conditioning:
    """One stream of frames, each of which comes out at once; with both settings off not a bit is changed.

    Loses: the tips of what is louder than full scale; the frames in which that happened are counted.
    """

    gain_db: float = 0.0
    high_pass_hz: int = 0  # 0: none
    _path: _Path = attrs.field(init=False)
    _next: _Path | None = attrs.field(default=None, init=False)  # gone over to in the next frame
    _clipped: int = attrs.field(default=0, init=False)  # frames, not yet booked

    def __attrs_post_init__(self) -> None:
        self._path = _path(self.gain_db, self.high_pass_hz)

    def adopt(self, gain_db: float, high_pass_hz: int) -> None:
        """Go over to these settings in the course of the next frame."""
        if (gain_db, high_pass_hz) != (self.gain_db, self.high_pass_hz):
            self.gain_db, self.high_pass_hz = gain_db, high_pass_hz
            self._next = _path(gain_db, high_pass_hz)

    def begin(self) -> None:
        """Another microphone: nothing of the last one rings on."""
        self._path, self._next = _path(self.gain_db, self.high_pass_hz), None

    def apply(self, frame: Frame) -> Frame:
        """The frame as it is listened to."""
        if self._path is _as_it_is and self._next is None:
            return frame
        sound = np.frombuffer(frame, "<i2").astype(np.float64) / _FULL_SCALE
        out = self._path(sound)
        if self._next is not None:
            self._path, self._next = self._next, None
            out = out + (self._path(sound) - out) * _RISE
        whole = np.rint(out * _FULL_SCALE)
        if whole.max() > _LOUDEST or whole.min() < -_FULL_SCALE:
            self._clipped += 1
            np.clip(whole, -_FULL_SCALE, _LOUDEST, out=whole)
        conditioned: Frame = whole.astype("<i2").tobytes()
        return conditioned

    def book_clipped(self) -> int:
        """How many frames were cut off at full scale since this was last asked."""
        clipped, self._clipped = self._clipped, 0
        return clipped


def _path(gain_db: float, high_pass_hz: int) -> _Path:
    factor = decibels(gain_db)
    if not high_pass_hz:
        return _as_it_is if gain_db == 0 else lambda sound: sound * factor
    high_pass = HighPass(high_pass_hz)
    return lambda sound: high_pass.feed(sound) * factor


def _as_it_is(sound: Floats) -> Floats:
    return sound
