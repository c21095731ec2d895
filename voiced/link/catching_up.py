"""How fast a backlog may go up: a little faster than it was spoken. Pure."""

from typing import Final

import attrs

from voiced.audio.format import FRAME_MS

_TIMES: Final = (
    4  # real time: servers take more, but a burst is no way to treat a link that just came back
)
_SLACK_S: Final = 0.1  # devices give sound in lumps; what is only that late is no backlog


@attrs.define(eq=False)
class Pace:
    """Spaces frames out while there are more of them than time has passed."""

    _due_s: float = attrs.field(default=float("-inf"), init=False)

    def wait_s(self, now_s: float) -> float:
        """Seconds until the next frame may go; it counts as gone then."""
        self._due_s = max(self._due_s, now_s - _SLACK_S)
        wait_s = max(0.0, self._due_s - now_s)
        self._due_s += FRAME_MS / 1000 / _TIMES
        return wait_s
