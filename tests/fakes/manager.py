"""A service manager that remembers what it was told, and when."""

from itertools import pairwise

import attrs
import trio


@attrs.define(eq=False)
class FakeManager:
    """As the port ServiceManager says; a day passes in no time, so it keeps numbers only."""

    watchdog_s: float | None = 30.0
    told: list[tuple[float, str]] = attrs.field(
        factory=list
    )  # all but what is told again and again
    awake_at: list[float] = attrs.field(factory=list)
    alive_at: list[float] = attrs.field(factory=list)

    def ready(self) -> None:
        """As the port says."""
        self._note("ready")

    def status(self, sentence: str) -> None:
        """As the port says."""
        self._note(sentence)

    def awake(self) -> None:
        """As the port says."""
        self.awake_at.append(trio.current_time())

    def alive(self) -> None:
        """As the port says."""
        self.alive_at.append(trio.current_time())

    def reloading(self) -> None:
        """As the port says."""
        self._note("reloading")

    def stopping(self) -> None:
        """As the port says."""
        self._note("stopping")

    def _note(self, what: str) -> None:
        self.told.append((round(trio.current_time(), 3), what))

    @property
    def said(self) -> list[str]:
        """What it was told, in order."""
        return [what for _, what in self.told]

    def ready_at(self) -> float | None:
        """When it was told that all is ready."""
        return next((at_s for at_s, what in self.told if what == "ready"), None)

    def longest_silence_s(self, until_s: float) -> float:
        """Between two signs of life, or since the last one."""
        moments = [0.0, *self.alive_at, until_s]
        return max(after - before for before, after in pairwise(moments))
