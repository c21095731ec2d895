"""Bookkeeper: says in the log when something begins to be lost, and when that ends."""

import logging
from collections.abc import Callable, Mapping
from typing import Final

import attrs
import trio

log = logging.getLogger(__name__)

_EVERY_S: Final = 1.0  # a run of losses ends with a second without one


@attrs.define(eq=False)
class Bookkeeper:
    """Reads the tallies once a second: two lines for a run of losses, however many there are.

    Receives: numbers that only grow. Says: log lines. Loses: nothing. Ends: never by itself.
    """

    losses: Mapping[str, Callable[[], int]]
    _seen: dict[str, int] = attrs.field(factory=dict, init=False)
    _since: dict[str, tuple[int, float]] = attrs.field(factory=dict, init=False)

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await trio.sleep(_EVERY_S)
            self.look(trio.current_time())

    def look(self, now: float) -> None:
        """Compare with the last look; a run that goes on stays silent."""
        for name, read in self.losses.items():
            before, count = self._seen.get(name, 0), read()
            self._seen[name] = count
            if count > before and name not in self._since:
                self._since[name] = (before, now)
                log.warning("losing %s", name)
            elif count == before and name in self._since:
                first, at_s = self._since.pop(name)
                log.warning("lost %s count=%d in_s=%.1f", name, count - first, now - at_s)
