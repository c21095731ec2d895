"""Whether what a canceller leaves is the loudspeaker itself: its echo has moved, and the canceller looks for it.

Belongs here: listening to what is left. What follows from it is decided in `double_talk.py`.

Theory of operation. The way from loudspeaker to microphone gets longer or shorter whenever a sound server, a
wireless loudspeaker or a busy machine loses sound, or keeps more of it than before; nobody tells us. A canceller
needs up to 1.3 s to find the echo again (measured with moves of 60 to 150 ms), and lets it through until then, 40 dB
louder than usual: a server takes it for somebody who speaks. How loud it is tells nothing, for so is a
talker. But the echo is what the loudspeaker was given, once more: the phases of both ends' cross-spectrum
agree on one delay then, and hardly on any while somebody speaks (two voices of one pitch may agree on some, but
then the canceller takes most of the louder one away, which one that has lost its echo does not).
"""

from collections import deque
from typing import Final

import attrs
import numpy as np

from voiced.audio.convert import Samples
from voiced.audio.echo.instant import Instant
from voiced.audio.format import FRAME_SAMPLES, WIRE_RATE_HZ, Frame, frames_in_ms
from voiced.audio.level import dbfs

_THIRD: Final = 3  # of three samples one is made: speech is below 4 kHz
_RATE_HZ: Final = WIRE_RATE_HZ // _THIRD
_FRAME: Final = FRAME_SAMPLES // _THIRD
_LOOKS_AT: Final = frames_in_ms(160)  # of what is left
_LATEST: Final = frames_in_ms(400)  # an echo is not later than that, after its reference
_SOONEST: Final = _RATE_HZ * 5 // 1000  # samples: nor sooner
_NEAR: Final = _LOOKS_AT * _FRAME
_FAR: Final = _NEAR + _LATEST * _FRAME
_SIZE: Final = 1 << (_NEAR + _FAR).bit_length()
_BAND: Final = slice(
    200 * _SIZE // _RATE_HZ, 3800 * _SIZE // _RATE_HZ
)  # where speech is, and hum is not
_SPARE: Final = (
    _RATE_HZ * 25 // 1000
)  # beside the delays that are possible: these are not by chance

_STANDS_OUT: Final = 40.0
"""Times what delays agree on by chance (root mean square). Measured with twenty people whom nothing was tuned on, 5 dB
louder than the echo: at 28 three of them were taken for it, at 40 one. What it is good for, `moved` in
`tests/bench/echo.py` tells."""

_MOST_TAKEN_DB: Final = 20.0  # a canceller that takes more away knows where the echo is
_LEAST_DBFS: Final = -60.0  # where the microphone hears less, there is nothing to take away


@attrs.define(eq=False)
class Leak:
    """What a canceller leaves, beside what it was given to take away."""

    _near: deque[Frame] = attrs.field(factory=lambda: deque(maxlen=_LOOKS_AT), init=False)
    _left: deque[Frame] = attrs.field(factory=lambda: deque(maxlen=_LOOKS_AT), init=False)
    _far: deque[Frame] = attrs.field(factory=lambda: deque(maxlen=_LOOKS_AT + _LATEST), init=False)

    def feed(self, instant: Instant) -> None:
        """Take the next frame of each end."""
        self._near.append(instant.near)
        self._left.append(instant.left)
        self._far.append(instant.far)

    @property
    def taken_db(self) -> float | None:
        """How much less was left of what the microphone heard last; None: it heard next to nothing."""
        near_dbfs, left_dbfs = dbfs(b"".join(self._near)), dbfs(b"".join(self._left))
        return near_dbfs - left_dbfs if near_dbfs > _LEAST_DBFS else None

    def is_one(self) -> bool:
        """Whether what was left last is the loudspeaker's, and too much of it."""
        taken_db = self.taken_db
        return taken_db is not None and taken_db < _MOST_TAKEN_DB and self.resembles()

    def resembles(self) -> bool:
        """Whether what was left last is like the loudspeaker. It takes 0.3 ms to tell: ask with a reason."""
        known = len(self._far) == _LOOKS_AT + _LATEST
        return known and self._likeness() > _STANDS_OUT

    def _likeness(self) -> float:
        """How far the delay that is agreed on most stands out of what is agreed on by chance."""
        left = np.fft.rfft(_thirds(self._left) * _WINDOW, _SIZE)
        cross = np.conj(left) * np.fft.rfft(_thirds(self._far), _SIZE)
        phases = np.zeros_like(cross)
        phases[_BAND] = cross[_BAND] / (np.abs(cross[_BAND]) + 1e-9)
        agreed = np.abs(np.fft.irfft(phases, _SIZE))
        by_chance = np.sqrt(np.mean(np.square(agreed[_FAR - _NEAR + _SPARE : -_SPARE])))
        return float(agreed[: _FAR - _NEAR - _SOONEST].max() / (by_chance + 1e-12))


def _thirds(frames: deque[Frame]) -> Samples:
    samples = np.frombuffer(b"".join(frames), "<i2").reshape(-1, _THIRD)
    thirds: Samples = samples.mean(axis=1, dtype=np.float32)
    return thirds


def _window() -> Samples:
    """Of full weight but for 10 ms at both ends."""
    window, edge = np.ones(_NEAR, np.float32), _RATE_HZ // 100
    window[:edge] = np.sin(np.linspace(0, np.pi / 2, edge)) ** 2
    window[-edge:] = window[:edge][::-1]
    return window


_WINDOW: Final = _window()
