"""A key that is held, as a terminal tells it: as a key that is pressed again and again. Pure.

A terminal says nothing when a key is let go. It repeats a held one, the first time after a quarter to
two thirds of a second (console, X11), then some thirty times a second: so a key whose repeats have
stopped was let go, and one that was never repeated was tapped.
"""

import enum
from typing import Final

from attrs import define, field

FIRST_REPEAT_S: Final = 0.8  # X11 waits 0.66 s, and SSH adds its delay
NEXT_REPEAT_S: Final = 0.25  # the slowest usual rate is ten a second


class Hold(enum.Enum):
    """What one seems to do with the key."""

    UP = "up"
    PRESSED = "pressed"  # once: a tap, or the begin of something longer
    HELD = "held"  # it repeats


@define
class Holding:
    """The key over time; times are in s, of any clock that does not jump."""

    hold: Hold = Hold.UP
    until_s: float = field(default=float("inf"), init=False)  # unless it comes again

    def key(self, now_s: float) -> bool:
        """It came; True if that puts it down."""
        was_up = self.hold is Hold.UP
        self.hold = Hold.PRESSED if was_up else Hold.HELD
        self.until_s = now_s + (FIRST_REPEAT_S if was_up else NEXT_REPEAT_S)
        return was_up

    def waited(self, now_s: float) -> bool:
        """It did not come; True if that means that it was let go."""
        if self.hold is Hold.UP or now_s < self.until_s:
            return False
        self.hold, self.until_s = Hold.UP, float("inf")
        return True
