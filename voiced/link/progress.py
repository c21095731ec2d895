"""Whether the daemon gets anywhere: what has to move for a watchdog to be kept quiet. Pure.

Devices have watches of their own, which open them again after a few seconds (`stall.py`). This is for
the case that those do not help either: then only a new process does, and whoever started this one is to
see that. So the limit here is longer than theirs.
"""

import enum
from collections.abc import Mapping
from typing import Final

from attrs import define, field, frozen

from voiced.link.stall import Stall

_SHARE: Final = 3  # of the watchdog's time: noticed and logged well before it bites
_DEVICE_TRIES: Final = 2  # as long as a device's own watch takes to find it dead, twice
_LOOKS: Final = 6  # within the watchdog's time; sd_watchdog_enabled(3) wants two at least


class Part(enum.Enum):
    """What can stand still while the event loop turns."""

    CAPTURE = "capture"
    PLAYOUT = "playout"


@frozen
class Glance:
    """How far a part has come, and whether it ought to move."""

    count: int
    due: bool = True


@define(eq=False)
class Progress:
    """Watches all parts, by looking at them now and then."""

    watchdog_s: float
    device_stall_s: float
    _stalls: Mapping[Part, Stall] = field(init=False)

    def __attrs_post_init__(self) -> None:
        limit_s = max(self.watchdog_s / _SHARE, self.device_stall_s * _DEVICE_TRIES)
        self._stalls = {part: Stall(limit_s) for part in Part}

    @property
    def look_every_s(self) -> float:
        """How often to look, and to say that all is well."""
        return self.watchdog_s / _LOOKS

    def look(self, now_s: float, glances: Mapping[Part, Glance]) -> Mapping[Part, float]:
        """The parts that have stood still for too long, and for how many seconds."""
        stuck = {}
        for part, glance in glances.items():
            stall = self._stalls[part]
            if stall.look(now_s, glance.count, due=glance.due):
                stuck[part] = stall.stood_s
        return stuck
