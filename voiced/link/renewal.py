"""When a session gives way to its successor, before the server ends it; pure.

A session lasts at most 60 minutes (documented, seen on the live wire), and a successor takes a second or
two to open. So that nobody notices, the change is made where nothing happens; where something
always happens, at the end of a sentence; and in the last half minute, wherever it may be.
"""

import enum
from typing import Final

from attrs import frozen

_FORCED_S: Final = 540.0  # with the default of 50 minutes: at 59
_LAST_S: Final = 570.0  # half a minute before the server's own end
_RETRY_S: Final = 60.0


class Bustle(enum.IntEnum):
    """What is going on in a session."""

    NONE = 0  # nobody speaks, nothing plays, no response is being made or owed
    ANSWERING = 1  # the user has ended
    SPEAKING = 2  # the user has not


@frozen
class Renewal:
    """The times of one session, in seconds."""

    after_s: float = 3000.0  # since it was opened: from here on it is due
    retry_s: float = _RETRY_S  # after a successor could not be opened

    def may_move(self, overdue_s: float, bustle: Bustle) -> bool:
        """Whether a session may give way that has been due for so long."""
        match bustle:
            case Bustle.NONE:
                return overdue_s >= 0
            case Bustle.ANSWERING:
                return overdue_s >= _FORCED_S
            case Bustle.SPEAKING:
                return overdue_s >= _LAST_S
