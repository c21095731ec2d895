"""The ledger: what was used by turn, session, day and month.

Theory of operation. A day is a name and nothing more: whatever the clock does, what is used goes to the
day that it shows just then. So a clock that jumps, for an hour or by years, may put an amount
under a wrong day, but none is lost and none counts twice. For the same reason days are not thrown away
for their age, which a clock in 2099 would make of all of them, but for their number.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final

import attrs

from voiced.account.usage import Used

MOST_DAYS: Final = 400  # on which anything was used: a year, and the month before


@attrs.define(eq=False)
class Ledger:
    """One daemon's. Days are local ones."""

    session: Used = attrs.field(default=Used(), init=False)
    turn: Used = attrs.field(default=Used(), init=False)  # since the last one ended
    life: Used = attrs.field(default=Used(), init=False)  # since the start; never less
    changes: int = attrs.field(default=0, init=False)  # of the days; only grows
    _days: dict[date, Used] = attrs.field(factory=dict, init=False)

    @property
    def days(self) -> Mapping[date, Used]:
        """All that is known, as it is now."""
        return dict(self._days)

    def recall(self, days: Mapping[date, Used]) -> None:
        """Add what earlier lives have used."""
        for day, used in days.items():
            self._add(day, used)

    def charge(self, day: date, used: Used) -> None:
        """Something was used on that *day*."""
        self._add(day, used)
        self.session += used
        self.turn += used
        self.life += used

    def session_begins(self) -> None:
        """What is used from now on is another session's."""
        self.session = Used()

    def turn_ends(self) -> Used:
        """What was used since the last turn ended; it belongs to this one, or came too late for that."""
        used, self.turn = self.turn, Used()
        return used

    def on(self, day: date) -> Used:
        """What was used on a day."""
        return self._days.get(day, Used())

    def in_month(self, day: date) -> Used:
        """What was used in the month of that day."""
        month = day.replace(day=1)
        return sum((u for d, u in self._days.items() if d.replace(day=1) == month), Used())

    def _add(self, day: date, used: Used) -> None:
        self.changes += 1
        self._days[day] = self.on(day) + used
        while len(self._days) > MOST_DAYS:
            del self._days[min(each for each in self._days if each != day)]
