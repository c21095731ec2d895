"""When a counter that ought to move has stood still for too long: the watchdog on progress. Pure.

Liveness says little: a hung sound server leaves its streams "active" and merely stops calling
(measured). What a device has given or taken is what tells.
"""

from typing import Final

import attrs

_LOOKS: Final = 4  # within the limit; a stall is noticed a quarter later than promised, at most


@attrs.define(eq=False)
class Stall:
    """Watches one counter, by looking at it now and then; whoever looks says when, in seconds.

    A single look counts for half the limit at most, however late it comes: a machine that slept, or
    was too busy to look, has not seen the device fail.
    """

    limit_s: float
    stood_s: float = attrs.field(
        default=0.0, init=False
    )  # still, by now, though it was due to move
    _count: int = attrs.field(default=-1, init=False)
    _was_due: bool = attrs.field(default=False, init=False)
    _looked_at_s: float = attrs.field(default=0.0, init=False)

    @property
    def look_every_s(self) -> float:
        """How often to look."""
        return self.limit_s / _LOOKS

    def look(self, now_s: float, count: int, *, due: bool = True) -> bool:
        """Take in how far the counter is; True if it has stood still for too long.

        While it is not *due* to move (a loudspeaker that rests), standing still is no fault.
        """
        if count != self._count or not (due and self._was_due):
            self.stood_s = 0.0
        else:
            self.stood_s += min(now_s - self._looked_at_s, self.limit_s / 2)
        self._count, self._was_due, self._looked_at_s = count, due, now_s
        return self.stood_s >= self.limit_s
