"""Bookkeeper: says in the log when something begins to be lost, how much, and when that ends."""

import logging
from collections.abc import Callable, Mapping
from typing import Final

import attrs
import trio

from voiced.logbook.entry import Entry

log = logging.getLogger(__name__)

_EVERY_S: Final = 1.0  # a run of losses ends with a second without one
_AGAIN_S: Final = 60.0  # one that begins again that soon goes on and off, and
_LONG_EVERY_S: Final = 10.0  # ends with so many seconds without one: else each second had its line
_GOES_ON_S: Final = 60.0  # and one that does not end is told of so often


@attrs.define(eq=False)
class _Run:
    """A run of losses."""

    since_s: float
    first: int  # what the tally was before it
    told: int  # of its losses, in lines so far
    told_s: float
    quiet_s: float  # it is over after so many seconds without one
    last_s: float
    why: str = ""


@attrs.define(eq=False)
class Bookkeeper:
    """Reads the tallies once a second: two lines for a run of losses, and one more for each minute of it.

    Receives: numbers that only grow; what is wrong at the time. Says: log lines. Loses: nothing, the
    counts in its lines add up. Ends: never by itself.
    """

    losses: Mapping[str, Callable[[], int]]
    cause: Callable[[], str] = str  # what is known to be wrong now; empty: nothing
    _seen: dict[str, int] = attrs.field(factory=dict, init=False)
    _runs: dict[str, _Run] = attrs.field(factory=dict, init=False)
    _ended_s: dict[str, float] = attrs.field(factory=dict, init=False)

    async def run(self) -> None:
        """Look for ever."""
        try:
            while True:
                await trio.sleep(_EVERY_S)
                self.look(trio.current_time())
        finally:
            for name, run in self._runs.items():
                self._tell("lost", name, run, trio.current_time())

    def look(self, now: float) -> None:
        """Compare with the last look."""
        for name, read in self.losses.items():
            before, count = self._seen.get(name, 0), read()
            self._seen[name] = count
            run = self._runs.get(name)
            if count > before:
                run = run or self._begin(name, before, now)
                run.last_s = now
                run.why = self.cause() or run.why
                if now - run.told_s >= _GOES_ON_S:
                    self._tell("losing", name, run, now)
            elif run is not None and now - run.last_s >= run.quiet_s:
                self._tell("lost", name, run, now)
                del self._runs[name]
                self._ended_s[name] = now

    def _begin(self, name: str, before: int, now: float) -> _Run:
        again = now - self._ended_s.get(name, -_AGAIN_S) < _AGAIN_S
        quiet_s = _LONG_EVERY_S if again else _EVERY_S
        run = _Run(now, before, 0, now, quiet_s, now)
        self._runs[name] = run
        log.warning(Entry(f"losing {name}", {}, self.cause(), canonical=True))
        return run

    def _tell(self, verb: str, name: str, run: _Run, now: float) -> None:
        """What was lost since the last line about it."""
        lost = self._seen[name] - run.first - run.told
        in_s = run.last_s + _EVERY_S - run.told_s  # a look tells of the second before it
        fields = {"count": lost, "in_s": round(float(in_s), 1)}
        run.told += lost
        run.told_s = now
        log.warning(Entry(f"{verb} {name}", fields, run.why, canonical=True))
