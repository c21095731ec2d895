"""Whether there may be another turn: the owner's limits, and when there is room again. Pure.

Theory of operation. Money and tokens are counted by the day, and the day's end is their end; turns are
counted in the hour that has just passed. An hour that is full shuts for so long that a tenth of its
turns is free again: else a session would be opened for each single turn. The wall clock may be set
at any time, so nothing is computed from it but what day it is and how long that lasts; whoever
waits looks again at least once a minute.
"""

import enum
from collections import deque
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final

import attrs
from attrs import frozen

from voiced.account.prices import Bill

LOOKS_EVERY_S: Final = 60.0
_NEAR: Final = 0.8  # of a limit
_HOUR_S: Final = 3600.0
_DAY_S: Final = 86_400.0
_ROOM: Final = 10  # so many parts of an hour's turns are one that is worth a session


class Level(enum.IntEnum):
    """How it stands with the budget."""

    WITHIN = 0
    NEAR = 1  # four fifths of some limit are used
    SPENT = 2


@frozen
class Limits:
    """What an owner allows; 0 is without limit."""

    daily: float = 0.0  # in the currency of the prices
    daily_tokens: int = 0
    turns_per_hour: int = 0


@frozen
class Standing:
    """How it stands now: *share* of that limit which is nearest, and a sentence from `NEAR` on."""

    level: Level = Level.WITHIN
    share: float | None = None  # None: there are no limits
    why: str = ""


@frozen
class _Use:
    """One limit: how much of it is used, in words too, and until when that matters."""

    name: str
    share: float
    words: str
    until: str = "midnight"
    spent: bool = False


@attrs.define(eq=False)
class Budget:
    """One daemon's. Seconds are of any one clock that is never set; days and hours are the wall's."""

    limits: Limits = Limits()
    _turns: deque[float] = attrs.field(factory=deque, init=False)  # of the last hour
    _shut_until_s: float = attrs.field(default=0.0, init=False)
    _lifted_on: date | None = attrs.field(default=None, init=False)

    def turn_begins(self, now_s: float) -> None:
        """One more turn; the hour may be full by it."""
        most = self.limits.turns_per_hour
        if not most:
            return
        self._forget_old(now_s)
        if len(self._turns) == most:  # the budget was lifted
            self._turns.popleft()
        self._turns.append(now_s)
        if len(self._turns) == most:
            self._shut_until_s = self._turns[max(1, most // _ROOM) - 1] + _HOUR_S

    def lift(self, today: date) -> bool:
        """Somebody wants it to be no limit for the rest of the day; False if it is none already."""
        lifted = self._lifted_on != today
        self._lifted_on = today
        return lifted

    def standing(self, now_s: float, wall: datetime, today: Bill) -> Standing:
        """How it stands, at *wall* (local time), *today* having been used so far."""
        uses = tuple(self._uses(now_s, wall, today))
        if not uses:
            return Standing()
        worst = max(uses, key=lambda use: (use.spent, use.share))
        told = f"({worst.name}: {worst.words})"
        if worst.spent and self._lifted_on == wall.date():
            return Standing(Level.NEAR, worst.share, f"budget lifted until midnight {told}")
        if worst.spent:
            return Standing(Level.SPENT, worst.share, f"budget reached until {worst.until} {told}")
        if worst.share >= _NEAR:
            return Standing(Level.NEAR, worst.share, f"budget nearly reached {told}")
        return Standing(Level.WITHIN, worst.share)

    def wakes_in_s(self, now_s: float, wall: datetime) -> float:
        """How long the standing holds, if nothing is used and nobody sets a clock."""
        passed = timedelta(hours=wall.hour, minutes=wall.minute, seconds=wall.second)
        waits_s = [LOOKS_EVERY_S, _DAY_S - passed.total_seconds()]  # or a second too late
        if self._shut_until_s > now_s:
            waits_s.append(self._shut_until_s - now_s)
        return min(waits_s)

    def _uses(self, now_s: float, wall: datetime, today: Bill) -> Iterator[_Use]:
        limits = self.limits
        if limits.daily:
            share = today.cost.amount / limits.daily
            words = f"{today.cost} of {limits.daily:.2f}"
            yield _Use("daily", share, words, spent=share >= 1)
        if limits.daily_tokens:
            share = today.used.tokens / limits.daily_tokens
            words = f"{today.used.tokens} of {limits.daily_tokens}"
            yield _Use("daily_tokens", share, words, spent=share >= 1)
        if limits.turns_per_hour:
            self._forget_old(now_s)
            until = wall + timedelta(seconds=max(0.0, self._shut_until_s - now_s) + 59)
            yield _Use(
                "turns_per_hour",
                len(self._turns) / limits.turns_per_hour,
                f"{len(self._turns)} of {limits.turns_per_hour}",
                f"{until:%H:%M}",
                spent=now_s < self._shut_until_s,
            )

    def _forget_old(self, now_s: float) -> None:
        while self._turns and self._turns[0] <= now_s - _HOUR_S:
            self._turns.popleft()
