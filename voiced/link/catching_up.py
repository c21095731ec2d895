"""How fast a backlog may go up: a little faster than it was spoken. Pure."""

from typing import Final

import attrs

from voiced.audio.format import FRAME_MS

_TIMES: Final = (
    4  # real time: servers take more, but a burst is no way to treat a link that just came back
)
_LUMP: Final = 5  # frames at once: devices give sound in lumps, and 100 ms of it are no backlog
_SPACING_S: Final = FRAME_MS / 1000 / _TIMES


@attrs.define(eq=False)
class Pace:
    """Spaces frames out while there are more of them than time has passed."""

    _due_s: float = attrs.field(default=float("-inf"), init=False)

    def wait_s(self, now_s: float, frames: int = 1) -> float:
        """Seconds until the next frames may go, together; they count as gone then."""
        self._due_s = max(self._due_s, now_s - max(_LUMP, frames) * _SPACING_S)
        wait_s = max(0.0, self._due_s - now_s)
        self._due_s += frames * _SPACING_S
        return wait_s
