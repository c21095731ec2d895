"""What the room should be told about the link, and when. Pure.

Theory of operation. The link is told to be away, open, given up or stopped; what the room was told
last (`told`) is what it believes. An announcement is due when the link's state calls for it for long
enough (`_CALLS`) and the room does not believe so already (`_FOLLOWS`): state changes are announced,
not events, so that a link which flaps is lost once.

An *outage* lasts until a session has been open for `STEADY_S`. Only then it is over, and a room that
heard of it is told, once. After that it is left in peace for `QUIET_S`, whatever the link does: the
next bad news waits. Hence the same is never said twice within that time, and good news always comes
promptly to those who heard the bad ones.

Who carries an announcement out says when it was heard; one that was not heard was never made.
"""

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import attrs

_NEVER: Final = float("inf")

CONNECTING_S: Final = 2.0  # a first connection usually takes half a second
LOST_S: Final = 1.5  # an expired session, or one short pause, is over by then
UNREACHABLE_S: Final = 30.0  # five attempts have failed, or six
STEADY_S: Final = 3.0
QUIET_S: Final = 60.0


class Announcement(enum.Enum):
    """What can be announced."""

    CONNECTING = "connecting"
    LOST = "lost"
    UNREACHABLE = "unreachable"
    BACK = "back"


class Link(enum.Enum):
    """What may become of the link."""

    AWAY = "away"  # being dialled, or waiting to be
    OPEN = "open"  # sound may go up
    GIVEN_UP = "given up"  # until a person does something
    STOPPED = "stopped"


class State(enum.Enum):
    """Where the link is, as far as the room is concerned."""

    STOPPED = "stopped"
    FIRST = "first"  # away, and never was open before
    OPEN = "open"
    AWAY = "away"
    GIVEN_UP = "given up"


_S = State
_A = Announcement

_LEADS: Final[Mapping[Link, Mapping[State, State]]] = MappingProxyType(
    {
        # A new attempt after giving up is no news before it succeeds.
        Link.AWAY: {_S.STOPPED: _S.FIRST, _S.OPEN: _S.AWAY},
        Link.OPEN: dict.fromkeys(State, _S.OPEN),
        Link.GIVEN_UP: dict.fromkeys(State, _S.GIVEN_UP),
        Link.STOPPED: dict.fromkeys(State, _S.STOPPED),
    }
)
"""What leads from one state to another; where it is absent, the state stays."""

_CALLS: Final[Mapping[State, Mapping[Announcement, float]]] = MappingProxyType(
    {
        _S.STOPPED: {},
        _S.FIRST: {_A.UNREACHABLE: UNREACHABLE_S, _A.CONNECTING: CONNECTING_S},
        _S.OPEN: {_A.BACK: STEADY_S},
        _S.AWAY: {_A.UNREACHABLE: UNREACHABLE_S, _A.LOST: LOST_S},
        _S.GIVEN_UP: {_A.UNREACHABLE: 0.0},
    }
)
"""What each state calls for, after how many seconds; the gravest first."""

_FOLLOWS: Final[Mapping[Announcement, frozenset[Announcement | None]]] = MappingProxyType(
    {
        _A.CONNECTING: frozenset({None}),
        _A.LOST: frozenset({None, _A.CONNECTING}),
        _A.UNREACHABLE: frozenset({None, _A.CONNECTING, _A.LOST}),
        _A.BACK: frozenset({_A.LOST, _A.UNREACHABLE}),
    }
)
"""What the room must have been told last; None: nothing since all was well."""


@attrs.define(eq=False)
class Announcements:
    """One daemon's. Times are seconds of any one clock."""

    state: State = attrs.field(default=State.STOPPED, init=False)
    told: Announcement | None = attrs.field(default=None, init=False)
    _since_s: float = attrs.field(default=0.0, init=False)  # of the state
    _outage_s: float = attrs.field(default=0.0, init=False)  # since when nothing was steady
    _quiet_until_s: float = attrs.field(default=-_NEVER, init=False)

    @property
    def wakes_at_s(self) -> float:
        """When something is due, unless something happens before."""
        return min((self._due_at_s(each) for each in _CALLS[self.state]), default=_NEVER)

    def due(self, now_s: float) -> Announcement | None:
        """What should be announced now, if anything; the same until it is `heard` or outdated."""
        return next((each for each in _CALLS[self.state] if self._due_at_s(each) <= now_s), None)

    def link_is(self, link: Link, now_s: float) -> None:
        """Take in what became of the link."""
        state = _LEADS[link].get(self.state, self.state)
        if state is self.state:
            return
        if self.state is State.STOPPED:
            self._outage_s = now_s
        elif self.state is State.OPEN and now_s - self._since_s >= STEADY_S:
            self._outage_s = now_s
            if self.told is Announcement.CONNECTING:
                self.told = None
        self.state, self._since_s = state, now_s

    def heard(self, announcement: Announcement, now_s: float) -> None:
        """The room has been told."""
        if announcement is Announcement.BACK:
            self._all_is_well(now_s)
        else:
            self.told = announcement

    def user_speaks(self, now_s: float) -> None:
        """The server hears the user: whoever is answered need not be told that somebody is there."""
        if self.state is State.OPEN and self.told is not None:
            self._all_is_well(now_s)

    def _all_is_well(self, now_s: float) -> None:
        self.told = None
        self._outage_s = now_s
        self._quiet_until_s = now_s + QUIET_S

    def _due_at_s(self, announcement: Announcement) -> float:
        if self.told not in _FOLLOWS[announcement]:
            return _NEVER
        due_s = self._since_s + _CALLS[self.state][announcement]
        if announcement is Announcement.BACK:
            return due_s
        if self.state is State.AWAY and announcement is Announcement.UNREACHABLE:
            # An outage may have been interrupted by sessions too short to be of use.
            due_s = max(self._outage_s + UNREACHABLE_S, self._since_s + LOST_S)
        return max(due_s, self._quiet_until_s)
