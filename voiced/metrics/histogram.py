"""Histograms of fixed size, and where their buckets lie."""

from bisect import bisect_left
from typing import Final

import attrs
from attrs import frozen

from voiced.turns.figures import Figure, Turn

LATENCY_S: Final = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 5.0, 8.0, 15.0, 30.0)
"""End of speech to first sound. People leave 0.2 s between turns and repeat themselves after some 3 s: it
is fine in between. 15 s is [limits] first_delta_ms; whoever waited for longer was asked twice.
"""

STEP_S: Final = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 15.0)
"""One step of a turn: from a jitter buffer's 60 ms over a VAD's 500 ms to the limits of [limits]."""

SILENCE_S: Final = (0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.075, 0.1, 0.2, 0.5)
"""Speech is heard to the last audible sample. 17 to 35 ms were measured (see PROFILES in config/sound.py), so it
is fine there; a Bluetooth loudspeaker takes 0.1 to 0.3 s.
"""

OPENING_S: Final = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 15.0)
"""Dialling to `session.updated`: four round trips at least, three limits of 5 s at most."""

MOUTH_TO_WIRE_S: Final = (0.005, 0.01, 0.02, 0.04, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0)
"""Age of a frame when the socket took it. A frame lasts 20 ms; 0.4 s are lumps and batches, 2 s is
[uplink] keep_ms, and 60 s the longest turn that is told again.
"""


@attrs.define(eq=False)
class Histogram:
    """How many values lay below each bound; it never grows, however many there are."""

    bounds: tuple[float, ...]  # rising
    counts: list[int] = attrs.field(init=False)  # by bucket; the last is of what no bound covers
    sum: float = attrs.field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        if list(self.bounds) != sorted(set(self.bounds)):
            raise ValueError(f"the bounds of a histogram rise: {self.bounds}")
        self.counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float) -> None:
        """Count *value*. Less than nothing counts as nothing: a sum that fell would look like a restart."""
        value = max(0.0, value)
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def freeze(self) -> "Measured":
        """As it is now."""
        return Measured(self.bounds, tuple(self.counts), self.sum)


@frozen
class Measured:
    """A histogram at one moment."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    sum: float

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self.counts)


_STEPS: Final = tuple(f for f in Figure if f not in {Figure.TOTAL, Figure.SILENCE})


@attrs.define(eq=False)
class Durations:
    """How long everything took, since the start: what figures of the last hundred turns can't tell."""

    latency: Histogram = attrs.field(factory=lambda: Histogram(LATENCY_S), init=False)
    silence: Histogram = attrs.field(factory=lambda: Histogram(SILENCE_S), init=False)
    opening: Histogram = attrs.field(factory=lambda: Histogram(OPENING_S), init=False)
    mouth_to_wire: Histogram = attrs.field(factory=lambda: Histogram(MOUTH_TO_WIRE_S), init=False)
    steps: dict[Figure, Histogram] = attrs.field(
        factory=lambda: {step: Histogram(STEP_S) for step in _STEPS}, init=False
    )

    def turn_ended(self, turn: Turn) -> None:
        """Take in all that is known of a turn."""
        for figure, ms in turn.figures_ms.items():
            match figure:
                case Figure.TOTAL:
                    self.latency.observe(ms / 1000)
                case Figure.SILENCE:
                    self.silence.observe(ms / 1000)
                case _:
                    self.steps[figure].observe(ms / 1000)
