"""From samples the device has taken to samples of an answer that were heard.

A loudspeaker edge counts device samples (its own rate, real sound only: the silence it inserts when
it has nothing is not counted). The house counts wire samples (24 kHz). Between the two stand the
rate, the resampler's tail and every cut; this keeps the books, so that "heard" needs no clock.
"""

import attrs

from voiced.audio.format import WIRE_RATE_HZ


def audible(taken: int, dry: int, latency: int) -> int:
    """How many of the *taken* samples have left the loudspeaker.

    *latency* samples of what the device took last are still inside it, but the *dry* silence that
    followed the last real sample has pushed the real ones on.
    """
    return max(0, taken - max(0, latency - dry))


@attrs.define(eq=False)
class Ledger:
    """Books of one loudspeaker stream.

    Positions only grow, except that a cut takes back what was handed over and not heard:
    `end` then is where the cut fell, and the next answer begins there.
    """

    rate_hz: int
    end: int = 0  # wire samples handed over, less those cut away
    _wire_base: int = 0
    _device_base: int = 0

    def hand_over(self, wire_samples: int) -> None:
        """Enter samples given to the device's side."""
        self.end += wire_samples

    def position(self, device_samples: int) -> int:
        """Wire samples that correspond to *device_samples* taken in all; never beyond `end`."""
        ahead = device_samples - self._device_base
        wire = abs(ahead) * WIRE_RATE_HZ // self.rate_hz
        # Behind the last closing, while the fade of a cut is still on its way.
        return min(self.end, self._wire_base + (wire if ahead > 0 else -wire))

    def rebase(self, device_samples: int) -> int:
        """Close the books at *device_samples* (a cut, or all was played) and return the position."""
        self.end = self._wire_base = self.position(device_samples)
        self._device_base = device_samples
        return self.end
