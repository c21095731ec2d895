"""When a microphone that gives nothing but zeros is dead, and what is to be done about it. Pure.

A real room is never exactly silent, and neither is a converter: sound that is zero to the last bit comes
from a stream that has come apart from its microphone, or from one that is muted (in the mixer, by its own
switch), or from a gate in the device that makes zeros of a quiet room. From here they look alike. So the
stream is opened anew once, which mends the first; if it still gives zeros, that is told, and it stays
open: a switch or a gate may give sound at any moment, and not a word of it may be lost. One that has
given sound again by itself has shown to be a switch or a gate, and is not opened anew for it again.
"""

import enum
from typing import Final

import attrs

_SETTLES_S: Final = 3.0  # after being opened anew: many a device begins with zeros


class Air(enum.Enum):
    """What the latest sound means."""

    USUAL = "usual"  # nothing new
    REOPEN = "reopen"
    DEAD = "dead"  # it is to be told, once
    ALIVE = "alive"  # after DEAD: sound again


class _Belief(enum.Enum):
    WORKS = "works"
    DOUBTED = "doubted"  # it was opened anew
    DEAD = "dead"


@attrs.define(eq=False)
class DeadAir:
    """Judges one microphone through all the times it is opened."""

    limit_s: float  # of zeros; 0: never judge
    _belief: _Belief = attrs.field(default=_Belief.WORKS, init=False)
    _zeros_since_s: float | None = attrs.field(default=None, init=False)
    _gates: bool = attrs.field(default=False, init=False)  # it has given sound after long zeros

    @property
    def dead(self) -> bool:
        """Whether it counts as dead now."""
        return self._belief is _Belief.DEAD

    def opened(self) -> None:
        """It is another stream now, perhaps of another device."""
        self._zeros_since_s = None

    def unheard(self) -> None:
        """Nobody listens: zeros are expected, and so is anything else."""
        self._zeros_since_s = None

    def hear(self, now_s: float, *, zeros: bool) -> Air:
        """Take in whether what came now was nothing but zeros."""
        if not zeros:
            return self._sound()
        if self._zeros_since_s is None:
            self._zeros_since_s = now_s
        if not self.limit_s or self.dead or now_s - self._zeros_since_s < self._limit_s:
            return Air.USUAL
        if self._belief is _Belief.WORKS and not self._gates:
            self._belief = _Belief.DOUBTED
            return Air.REOPEN
        self._belief = _Belief.DEAD
        return Air.DEAD

    @property
    def _limit_s(self) -> float:
        return _SETTLES_S if self._belief is _Belief.DOUBTED else self.limit_s

    def _sound(self) -> Air:
        was, self._belief = self._belief, _Belief.WORKS
        since_s, self._zeros_since_s = self._zeros_since_s, None
        if was is not _Belief.DEAD:
            return Air.USUAL
        self._gates = since_s is not None  # through the same stream, so it came back by itself
        return Air.ALIVE
