"""Which frames belong to what is said while a button is held.

Fingers are slower than tongues: the first syllable comes before the press, the last one ends after
the release. So the frames of a short time before (pre-roll) and after (tail) go along.
"""

import enum
from collections import deque
from collections.abc import Sequence

import attrs
from attrs import frozen

from voiced.audio.format import FRAME_MS, Frame, frames_in_ms


class Hold(enum.Enum):
    """Where the button is."""

    UP = "up"  # frames go into the pre-roll
    DOWN = "down"  # frames are sent
    TAIL = "tail"  # released: a few more are sent


@frozen
class Taken:
    """What became of a frame: what is to be sent now, and whether that ended what was said."""

    frames: Sequence[Frame]
    ended: bool = False


@attrs.define(eq=False)
class TalkButton:
    """A button and the frames around it. Pressing it again within the tail goes on with the turn."""

    pre_roll_ms: int
    tail_ms: int
    hold: Hold = attrs.field(default=Hold.UP, init=False)
    held_ms: int = attrs.field(default=0, init=False)  # sent while it was down: tap or turn?
    withheld: int = attrs.field(default=0, init=False)  # frames that were no part of any turn
    _before: deque[Frame] = attrs.field(init=False)
    _tail_left: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._before = deque(maxlen=self.pre_roll_ms // FRAME_MS)

    @property
    def waiting(self) -> int:
        """Frames that a press would make a part of the turn."""
        return len(self._before)

    def press(self) -> bool:
        """Put it down; False if it was down already."""
        pressed = self.hold is not Hold.DOWN
        if self.hold is Hold.UP:
            self.held_ms = 0
        self.hold = Hold.DOWN
        return pressed

    def release(self, waiting: int = 0) -> bool:
        """Let it go; False if it was not down. *waiting* frames were spoken before, and come yet."""
        if self.hold is not Hold.DOWN:
            return False
        self.hold = Hold.TAIL
        self._tail_left = waiting + frames_in_ms(self.tail_ms)
        return True

    def forget(self) -> int:
        """There is nobody any more to say it to: return how many frames that waited are let go."""
        self.hold, count = Hold.UP, len(self._before)
        self._before.clear()
        return count

    def take(self, frame: Frame) -> Taken:
        """Say what to do with the next frame."""
        if self.hold is Hold.UP:
            before = len(self._before)
            self._before.append(frame)
            self.withheld += before + 1 - len(self._before)
            return Taken(())
        frames = [*self._before, frame]
        self._before.clear()
        if self.hold is Hold.DOWN:
            self.held_ms += FRAME_MS
            return Taken(frames)
        if self._tail_left > frames_in_ms(self.tail_ms):
            self.held_ms += FRAME_MS
        self._tail_left -= 1
        if self._tail_left > 0:
            return Taken(frames)
        self.hold = Hold.UP
        return Taken(frames, ended=True)
