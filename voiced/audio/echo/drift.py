"""How much faster one clock runs than another, seen from how full the buffer between them is.

Belongs here: estimating, and how to read so that it stays as full as it is. The buffer is `far_end.py`'s.

Theory of operation. A buffer's level tells a drift of 50 ppm by 0.05 ms a second, while jitter and the size
of blocks move it by milliseconds at once. A Kalman filter with two states (level, drift) weighs both as they
deserve at each time: it hardly moves in the first seconds, knows a drift within some 10 ppm after a minute,
and then follows slowly what temperature does to crystals. Its gains are not tuned: they follow from the
figures below.
"""

from typing import Final

import attrs

_NOISE_US: Final = (
    1500.0  # of one look: blocks of 5 ms that come evenly are seen up to 2.5 ms wrong
)
_USUAL_PPM: Final = 80.0  # by which two devices' crystals may differ: before anything was seen
_WANDER_PPM: Final = 0.3  # by which that changes in a second
_UNKNOWN_US: Final = 20_000.0  # of the level, when nothing was seen
_RETURN_S: Final = 120.0
"""In which a level that has gone astray is brought back: not sooner, because 3 ms more or less harm nobody,
but being brought back within 10 s would be a drift of 300 ppm."""

_MOST_PPM: Final = 400.0  # real crystals stay below 200; the rest brings a level back


@attrs.define(eq=False)
class Drift:
    """Of a buffer that is filled by one clock and read by the other; levels are what exceeds the wanted one."""

    ppm: float = attrs.field(default=0.0, init=False)  # by which the filling clock is faster
    steer_ppm: float = attrs.field(default=0.0, init=False)  # by how much faster to read
    _level_us: float = attrs.field(default=0.0, init=False)
    _var_level: float = attrs.field(default=_UNKNOWN_US**2, init=False)
    _cov: float = attrs.field(default=0.0, init=False)
    _var_drift: float = attrs.field(default=_USUAL_PPM**2, init=False)

    def begin(self) -> None:
        """The level was set afresh; what is known of the clocks is kept."""
        self._level_us, self._var_level, self._cov = 0.0, _UNKNOWN_US**2, 0.0
        self._steer()

    def observe(self, level_us: float, after_s: float, noise_us: float) -> None:
        """The level was seen, *after_s* since it was seen last, and read by `steer_ppm` all the while;
        *noise_us* is how wrong one look usually is.
        """
        self._level_us += (self.ppm - self.steer_ppm) * after_s
        self._var_level += after_s * (2 * self._cov + after_s * self._var_drift)
        self._cov += after_s * self._var_drift
        self._var_drift += after_s * _WANDER_PPM**2
        trust = 1.0 / (self._var_level + noise_us**2)
        gain_level, gain_drift = self._var_level * trust, self._cov * trust
        surprise_us = level_us - self._level_us
        self._level_us += gain_level * surprise_us
        self.ppm += gain_drift * surprise_us
        self._var_drift -= gain_drift * self._cov
        self._cov *= 1.0 - gain_level
        self._var_level *= 1.0 - gain_level
        self._steer()

    def _steer(self) -> None:
        wanted = self.ppm + self._level_us / _RETURN_S
        self.steer_ppm = max(-_MOST_PPM, min(_MOST_PPM, wanted))
