"""From samples the device has taken to samples of an answer that were heard.

A loudspeaker edge counts device samples (its own rate, real sound only: the silence it inserts when
it has nothing is not counted). The house counts wire samples (24 kHz). Between the two stand the
rate, the resampler's tail and every cut; this keeps the books, so that "heard" needs no clock.
"""

from collections import deque
from typing import Final

import attrs

from voiced.audio.format import WIRE_RATE_HZ

_BREAKS_KEPT: Final = 64  # there are fewer in a device's latency: each takes two blocks


@attrs.define(eq=False)
class Intake:
    """What a device has taken: real samples, and where silence was put between them."""

    taken: int = 0  # real samples, ever
    dry: int = 0  # silence since the last real one
    _breaks: deque[tuple[int, int]] = attrs.field(
        factory=lambda: deque(maxlen=_BREAKS_KEPT), init=False
    )  # after how many real samples, how much silence

    def take(self, real: int, silence: int) -> None:
        """Enter a block: *real* samples, then *silence*."""
        if real:
            if self.dry:
                self._breaks.append((self.taken, self.dry))
            self.taken += real
            self.dry = 0
        self.dry += silence

    def audible(self, latency: int) -> int:
        """How many of the real samples have left a device that holds the *latency* samples it took
        last, real or not.
        """
        inside, at = latency - self.dry, self.taken
        for position, silence in reversed(self._breaks):
            if inside <= at - position:
                break
            inside = max(0, inside - (at - position) - silence)
            at = position
        return max(0, at - max(0, inside))


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
