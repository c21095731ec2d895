"""A switch whose position says whether anybody is heard, beside others who may mute, too. Pure."""

import enum

import attrs


class Position(enum.Enum):
    """Where the switch is."""

    NONE = "none"  # there is no such switch
    UNREAD = "unread"  # there is one, and nobody is heard before it was read
    MUTED = "muted"
    OPEN = "open"


@attrs.define(eq=False)
class MuteSwitch:
    """While it says muted nobody else can unmute; while it is open, others may do both."""

    position: Position = Position.NONE
    by_others: bool = False
    """Somebody else has muted, and nobody has unmuted since: that outlives us, the switch's word does not
    need to."""

    @property
    def holds(self) -> bool:
        """Whether nobody else can unmute."""
        return self.position in {Position.UNREAD, Position.MUTED}

    def turn(self, *, muted: bool) -> bool | None:
        """It stands like this: whether to mute (True) or unmute (False) now, or to leave it (None). Who
        had muted before it was first read stays muted: nobody has touched the switch since.
        """
        before, self.position = self.position, Position.MUTED if muted else Position.OPEN
        if muted:
            return True
        if before is Position.OPEN or (before is Position.UNREAD and self.by_others):
            return None
        self.by_others = False
        return False
