"""Repeats: the first is told at once, then their number once per window, and once more when they end.

Law of this file: nothing is lost. What was let through and what was summed up is what was noted.
"""

from typing import Final

import attrs
from attrs import frozen

_MOST_RUNS: Final = 256  # at the same time; the oldest gives way, and is summed up for that


@frozen
class Summary:
    """So many were held back since the last one was told."""

    key: str
    count: int
    in_s: float


@attrs.define(eq=False)
class _Run:
    """Repeats of one thing."""

    since_s: float  # this window began
    passed: int  # let through in it
    held: int = 0
    told_s: float = 0.0  # the last one that was told, by itself or in a sum
    last_s: float = 0.0  # the last one there was


@attrs.define(eq=False)
class Throttle:
    """Lets *burst* of a kind through in each window, and sums up the others."""

    window_s: float = 10.0
    burst: int = 1
    _runs: dict[str, _Run] = attrs.field(factory=dict, init=False)

    def passes(self, key: str, now: float) -> bool:
        """Note one; False if it is held back. Ask `due` first: what is overdue belongs before it."""
        run = self._runs.get(key)
        if run is None:
            self._runs[key] = _Run(now, 1, told_s=now, last_s=now)
            return True
        run.last_s = now
        if run.passed < self.burst and not run.held:
            run.passed += 1
            run.told_s = now
            return True
        run.held += 1
        return False

    def due(self, now: float) -> list[Summary]:
        """Sums of windows that are over, or of runs that had to give way; the oldest first."""
        sums: list[Summary] = []
        for key, run in tuple(self._runs.items()):
            crowded = len(self._runs) > _MOST_RUNS
            if not crowded and now - run.since_s < self.window_s:
                continue
            if run.held:
                sums.append(self._sum(key, run))
                run.since_s, run.passed = now, self.burst
            if crowded or now - run.last_s >= self.window_s:
                del self._runs[key]
            elif run.since_s != now:  # nothing was held back: a new window, as at the beginning
                run.since_s, run.passed = now, 0
        return sums

    def end(self) -> list[Summary]:
        """Sum up all that is held back: nothing more will come."""
        sums = [self._sum(key, run) for key, run in self._runs.items() if run.held]
        self._runs.clear()
        return sums

    def _sum(self, key: str, run: _Run) -> Summary:
        told = Summary(key, run.held, max(0.0, run.last_s - run.told_s))
        run.held, run.told_s = 0, run.last_s
        return told
