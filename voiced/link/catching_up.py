"""How fast a backlog may go up: a little faster than it was spoken. Pure."""

from typing import Final

import attrs

from voiced.audio.format import FRAME_MS

_TIMES: Final = 3.9
"""Of real time. Servers take more, but a burst is no way to treat a link that just came back. A little below
four, so that whoever counts the frames of any stretch of time, both ends included, finds no more than that.
"""

_LUMP: Final = 5  # frames that may wait without being a backlog: devices give sound in lumps
_SPACING_S: Final = FRAME_MS / 1000 / _TIMES


@attrs.define(eq=False)
class Pace:
    """Spaces frames out while there are more of them than time has passed."""

    _due_s: float = attrs.field(default=float("-inf"), init=False)

    def wait_s(self, now_s: float, waiting: int, together: int = 1) -> float:
        """Seconds until the next frames of those *waiting* may go *together*; they count as gone then."""
        lump = max(_LUMP, together)
        credit_s = lump * _SPACING_S if waiting <= lump else 0.0
        self._due_s = max(self._due_s, now_s - credit_s)
        wait_s = max(0.0, self._due_s - now_s)
        self._due_s += together * _SPACING_S
        return wait_s
