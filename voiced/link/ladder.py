"""What to try next when the service fails again and again: each step changes one thing. Pure.

Theory of operation. "The server had an error" comes from many causes that nobody outside can tell
apart. What is told apart is what helps: a new session; fewer, larger appends; no sound at all for a
while (a session that dies even so does not die of what we send); another model; time. Each failure
climbs one rung, each answer that is heard to work ends the climb, and at the top one waits and
begins anew.
"""

import enum
from typing import Final

import attrs
from attrs import frozen

SLOWER_BATCH_MS: Final = 200
"""The slowest cadence of appends: still a sane size (20 to 100 ms are usual, 200 is no event's limit)."""

QUIET_S: Final = 10.0
"""How long a session must stay up without sound: faults on the first audio come within 5 s (reported)."""


class Rung(enum.Enum):
    """How the next session is opened."""

    USUAL = "as configured"
    AGAIN = "in a new session"
    SLOWER = "with larger, fewer appends"
    QUIET = "without sound at first"
    OTHER_MODEL = "with another model"
    PAUSE = "after a long pause"


@frozen
class Plan:
    """What is different about the next session."""

    rung: Rung = Rung.USUAL
    batch_ms: int = 0  # at least so much sound in one writing
    quiet_s: float = 0.0  # nothing goes up for so long after the session is open
    model: str = ""  # instead of the configured one


@attrs.define(eq=False)
class Ladder:
    """Remembers how often in a row the service failed us."""

    fallback_models: tuple[str, ...] = ()
    failures: int = attrs.field(default=0, init=False)

    def failed(self) -> None:
        """The service failed once more: the next rung. After the pause at the top, the first again."""
        self.failures = self.failures % (len(self._rungs()) - 1) + 1

    def worked(self) -> None:
        """The service does what it is for: sessions are opened as configured again."""
        self.failures = 0

    @property
    def plan(self) -> Plan:
        """How to open the next session."""
        return self._rungs()[self.failures]

    def _rungs(self) -> list[Plan]:
        slower = SLOWER_BATCH_MS
        others = [
            Plan(Rung.OTHER_MODEL, batch_ms=slower, model=model) for model in self.fallback_models
        ]
        return [
            Plan(),
            Plan(Rung.AGAIN),
            Plan(Rung.SLOWER, batch_ms=slower),
            Plan(Rung.QUIET, batch_ms=slower, quiet_s=QUIET_S),
            *others,
            Plan(Rung.PAUSE, batch_ms=slower),
        ]
