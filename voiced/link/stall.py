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
    first_s: float = 0.0
    """Instead of the limit, if that is shorter, until it has moved for the first time since it was due to:
    what was just started may take its time."""
    stood_s: float = attrs.field(
        default=0.0, init=False
    )  # still, by now, though it was due to move
    _count: int = attrs.field(default=-1, init=False)
    _was_due: bool = attrs.field(default=False, init=False)
    _has_moved: bool = attrs.field(default=False, init=False)  # since it was due to
    _looked_at_s: float = attrs.field(default=0.0, init=False)

    @property
    def look_every_s(self) -> float:
        """How often to look."""
        return self._limit_s / _LOOKS

    @property
    def _limit_s(self) -> float:
        return self.limit_s if self._has_moved else max(self.limit_s, self.first_s)

    def look(self, now_s: float, count: int, *, due: bool = True) -> bool:
        """Take in how far the counter is; True if it has stood still for too long.

        While it is not *due* to move (a loudspeaker that rests), standing still is no fault.
        """
        moved, was_due = count != self._count, self._was_due
        if moved or not (due and was_due):
            self.stood_s = 0.0
        else:
            self.stood_s += min(now_s - self._looked_at_s, self._limit_s / 2)
        self._has_moved = due and was_due and (moved or self._has_moved)
        self._count, self._was_due, self._looked_at_s = count, due, now_s
        return self.stood_s >= self._limit_s
