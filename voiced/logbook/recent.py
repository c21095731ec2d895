"""What was told last: the lines of the log, and the timelines of the session of now and of the one before.

It is what one attaches to a report, so it is bounded, in memory only, and as masked as the log itself.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final

import attrs

MOST_LINES: Final = 200
MOST_MOMENTS: Final = 500  # of one session: an hour of talk
_SESSIONS: Final = 2

Timeline = deque[str]


def _lines() -> "deque[str]":
    return deque(maxlen=MOST_LINES)


def _timelines() -> "deque[Timeline]":
    return deque([Timeline(maxlen=MOST_MOMENTS)], maxlen=_SESSIONS)


@attrs.define(eq=False)
class Recent:
    """JSON objects as text, the oldest first. Any thread may add a line."""

    _log: "deque[str]" = attrs.field(factory=_lines, init=False)
    _sessions: "deque[Timeline]" = attrs.field(factory=_timelines, init=False)

    def line(self, told: str) -> None:
        """One more line of the log."""
        self._log.append(told)

    def session_begins(self) -> None:
        """What happens from now on is another session's."""
        if self._sessions[-1]:
            self._sessions.append(Timeline(maxlen=MOST_MOMENTS))

    def moment(self, told: str) -> None:
        """Something happened in the session of now."""
        self._sessions[-1].append(told)

    @property
    def log(self) -> Sequence[str]:
        """The last lines."""
        return tuple(self._log)

    @property
    def timeline(self) -> Sequence[str]:
        """The session before, then the one of now."""
        return tuple(each for session in self._sessions for each in session)
