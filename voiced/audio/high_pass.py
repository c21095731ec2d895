"""A high-pass against rumble, hum and an off-centre microphone, frame by frame.

Theory of operation. A second-order Butterworth filter is a recursion over single samples, which Python is
too slow for. But it is linear, so that a run of 24 samples is one small matrix applied to them, plus what
the two numbers of its state add; and the states before all 20 runs of a frame are another small matrix,
applied to what each run leaves behind. That is the same recursion in another order (the rounding of
float64 aside), in a handful of products; one matrix for the whole frame would have 230,000 numbers and
take ten times as long.
"""

import math
from typing import Final, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from voiced.audio.format import FRAME_SAMPLES, WIRE_RATE_HZ

Floats: TypeAlias = npt.NDArray[np.float64]

_RUN: Final = 24  # samples; runs and samples in them take about as long when they are about as many
_RUNS: Final = FRAME_SAMPLES // _RUN
_NOTHING: Final = 1e-9
"""Of full scale: far below a step of 16 bits. Smaller states are zero, or silence would shrink them to
numbers that processors are slow with."""


@attrs.define(eq=False)
class HighPass:
    """One stream of frames at 24 kHz. -3 dB at *cutoff_hz*, -12 dB per octave below, nothing at 0 Hz."""

    cutoff_hz: int
    _state: Floats | None = attrs.field(default=None, init=False)
    _direct: Floats = attrs.field(init=False, repr=False)  # samples of a run -> the same, filtered
    _leaves: Floats = attrs.field(init=False, repr=False)  # samples of a run -> state after it
    _echoes: Floats = attrs.field(init=False, repr=False)  # state before a run -> its share of it
    _states: Floats = attrs.field(
        init=False, repr=False
    )  # a state and what runs leave -> all states

    def __attrs_post_init__(self) -> None:
        taps, feedback = coefficients(self.cutoff_hz)
        b0, b1, b2 = taps
        a1, a2 = feedback
        # Transposed direct form II: y = b0 x + s1, and then s1, s2 = step @ (s1, s2) + push x.
        step = np.array([[-a1, 1.0], [-a2, 0.0]])
        push = np.array([b1 - a1 * b0, b2 - a2 * b0])
        powers = [np.linalg.matrix_power(step, count) for count in range(_RUN + 1)]
        response = [b0, *(float((power @ push)[0]) for power in powers[:-2])]
        self._direct = np.array(
            [
                [response[out - at] if out >= at else 0.0 for out in range(_RUN)]
                for at in range(_RUN)
            ]
        )
        self._leaves = np.array([powers[_RUN - 1 - at] @ push for at in range(_RUN)])
        self._echoes = np.array([power[0] for power in powers[:-1]]).T
        whole = [np.linalg.matrix_power(powers[_RUN], count) for count in range(_RUNS + 1)]
        nothing = np.zeros((2, 2))
        self._states = np.block(
            [
                [whole[run], *(whole[run - 1 - of] if of < run else nothing for of in range(_RUNS))]
                for run in range(_RUNS + 1)
            ]
        )

    def feed(self, frame: Floats) -> Floats:
        """Filter 480 samples in ±1; the stream begins as if it had stood at its first frame's mean."""
        if self._state is None:
            self._state = resting_state(self.cutoff_hz, float(frame.mean()))
        runs = frame.reshape(_RUNS, _RUN)
        known = np.concatenate([self._state, (runs @ self._leaves).reshape(-1)])
        states = (self._states @ known).reshape(_RUNS + 1, 2)
        filtered: Floats = (runs @ self._direct + states[:-1] @ self._echoes).reshape(-1)
        last = states[-1]
        self._state = last if float(np.abs(last).max()) > _NOTHING else np.zeros(2)
        return filtered


def coefficients(cutoff_hz: float) -> tuple[tuple[float, float, float], tuple[float, float]]:
    """Butterworth, second order, by the bilinear transform: (b0, b1, b2) and (a1, a2), a0 being 1.

    From the Audio EQ Cookbook (R. Bristow-Johnson), HPF with Q = 1/sqrt(2).
    """
    omega = 2 * math.pi * cutoff_hz / WIRE_RATE_HZ
    alpha = math.sin(omega) / math.sqrt(2)
    scale = 1 + alpha
    b0 = (1 + math.cos(omega)) / 2 / scale
    return (b0, -2 * b0, b0), (-2 * math.cos(omega) / scale, (1 - alpha) / scale)


def resting_state(cutoff_hz: float, level: float) -> Floats:
    """The filter's state after *level* for ever, when nothing of it is left: no thump at the start."""
    (b0, _b1, b2), _feedback = coefficients(cutoff_hz)
    return np.array([-b0 * level, b2 * level])
