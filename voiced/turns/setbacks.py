"""When the server fails: how long to wait before it is asked again, and what it may be to blame for. Pure."""

from collections.abc import Iterable
from typing import Final

import attrs
from attrs import frozen

from voiced.realtime.objects import RateLimit

PAUSE_S: Final = 1.0
"""Before a response that failed is asked for again; errors of the server's pass in moments or not at all."""

LONGEST_PAUSE_S: Final = 20.0
"""Nobody waits longer for an answer; the session is given back instead of holding it idle."""

_SUSPECT_FOR_S: Final = 30.0  # what ends a session later than this has another cause


@frozen
class Setback:
    """What the server said: the code decides, the message is for people."""

    code: str
    message: str = attrs.field(repr=False)
    limited: bool = False  # it asks us to slow down


@attrs.define(eq=False)
class Allowance:
    """What the server lets us use, as it told last."""

    _limits: tuple[RateLimit, ...] = attrs.field(default=(), init=False)
    _told_at_s: float = attrs.field(default=0.0, init=False)

    def told(self, now_s: float, limits: Iterable[RateLimit]) -> None:
        """Take in `rate_limits.updated`."""
        self._limits, self._told_at_s = tuple(limits), now_s

    def pause_s(self, now_s: float) -> float:
        """How long to wait until what is used up is there again; the longest of all if none is."""
        used_up = [limit.reset_s for limit in self._limits if limit.remaining <= 0]
        reset_s = max(used_up or [limit.reset_s for limit in self._limits], default=0.0)
        return max(PAUSE_S, reset_s - (now_s - self._told_at_s))


@attrs.define(eq=False)
class Suspicion:
    """An error of the server's after which the session went on, for a while at least."""

    _setback: Setback | None = attrs.field(default=None, init=False)
    _at_s: float = attrs.field(default=0.0, init=False)

    def note(self, now_s: float, setback: Setback) -> None:
        """Remember it."""
        self._setback, self._at_s = setback, now_s

    def of(self, now_s: float) -> Setback | None:
        """What is to blame if the session ends now."""
        return self._setback if now_s - self._at_s <= _SUSPECT_FOR_S else None
