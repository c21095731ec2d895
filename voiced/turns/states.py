"""The states of the floor: what each party is doing, what is waited for in each, and how long.

Law of this file: names and limits only. What leads from one to another is in `floor.py`.
"""

import enum
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from voiced.turns.policy import Limits
from voiced.turns.setbacks import PAUSE_S


class User(enum.Enum):
    """Where the user's turn is."""

    SILENT = "silent"
    SPEAKING = "speaking"
    STOPPED = "stopped"  # not committed yet
    FORCED = "forced"  # the same, and we have asked for the commit


class Generation(enum.Enum):
    """Where the response is that is being made, if one is."""

    NONE = "none"
    ASKED = "asked"
    ASKED_AGAIN = "asked again"
    UNWANTED = "unwanted"  # asked for, and to be cancelled as soon as it is there
    CREATED = "created"
    FLOWING = "flowing"
    INTERRUPTED = "interrupted"  # by the server, which has not said so yet
    CANCELLING = "cancelling"  # by us
    PAUSING = "pausing"  # one failed: the next is asked for a little later


class Debt(enum.Enum):
    """Whether the user is owed an answer."""

    NONE = "none"
    OURS = "ours"  # to be asked for when the floor is free
    SERVERS = "server's"  # it answers by itself


_G = Generation
ASKED: Final = frozenset({_G.ASKED, _G.ASKED_AGAIN})
MADE: Final = frozenset({_G.CREATED, _G.FLOWING})

WAITS: Final[Mapping[enum.Enum, Callable[[Limits], float]]] = MappingProxyType(
    {
        User.SPEAKING: lambda limits: limits.turn_s,
        User.STOPPED: lambda limits: limits.committed_s,
        User.FORCED: lambda limits: limits.committed_s,
        Debt.SERVERS: lambda limits: limits.created_s,
        _G.ASKED: lambda limits: limits.created_s,
        _G.ASKED_AGAIN: lambda limits: limits.created_s,
        _G.UNWANTED: lambda limits: limits.created_s,
        _G.CREATED: lambda limits: limits.first_delta_s,
        _G.FLOWING: lambda limits: limits.delta_gap_s,
        _G.INTERRUPTED: lambda limits: limits.cancelled_s,
        _G.CANCELLING: lambda limits: limits.cancelled_s,
        _G.PAUSING: lambda _: PAUSE_S,  # at least: the server may ask for more
    }
)
"""What is waited for, and how long; in all other states nobody owes us anything."""

BEGINS_WHEN_SENT: Final = frozenset({_G.ASKED, _G.ASKED_AGAIN, _G.CANCELLING, User.FORCED})
"""States in which we have just wanted to say something: until that is sent, a limit would measure our
own link, and there is a limit for that (`Line.watch`)."""
