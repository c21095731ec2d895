"""How long to wait before the next attempt; pure: time and chance are arguments."""

from collections import deque
from typing import Final

import attrs

_BUDGET: Final = 6  # attempts in any minute, whatever their reasons
_MINUTE_S: Final = 60.0


@attrs.define(eq=False)
class Cooldown:
    """Exponential back-off with full jitter, under a budget that no series of faults can exceed.

    The back-off alone would let lucky draws reconnect at once, again and again; the budget makes a
    storm impossible. A connection that works but yields nothing is a failure like any other.
    """

    first_s: float = 1.0
    longest_s: float = 30.0
    healthy_s: float = 60.0
    strikes: int = 0
    _attempts: deque[float] = attrs.field(factory=lambda: deque(maxlen=_BUDGET), init=False)

    def begin(self, now: float) -> None:
        """An attempt to connect starts."""
        self._attempts.append(now)

    def ended(self, lasted_s: float, *, fruitless: bool = False) -> bool:
        """A session ended; if it lasted long enough to be called healthy, strikes are forgotten.

        A *fruitless* one answered none of the turns that it was given: however long that took, it
        was no better than none.
        """
        healthy = lasted_s >= self.healthy_s and not fruitless
        if healthy:
            self.strikes = 0
        return healthy

    def strike(self, chance: float, asked_s: float = 0.0) -> float:
        """Count a fault; return seconds to wait: *chance* (0..1) of 1, 2, 4 … at most 30, and not
        less than the server *asked* for.
        """
        ceiling = min(self.longest_s, self.first_s * (1 << min(self.strikes, 16)))
        self.strikes += 1
        return max(ceiling * chance, asked_s)

    def budget_wait(self, now: float) -> float:
        """Seconds until the budget allows another attempt; 0 if it does now."""
        if len(self._attempts) < _BUDGET:
            return 0.0
        return max(0.0, self._attempts[0] + _MINUTE_S - now)
