"""Which 20 ms of the loudspeaker's sound go along with which frame of the microphone's.

Theory of operation. The two devices run on clocks of their own, and the loudspeaker's stream sleeps in
longer pauses; but a canceller wants one steady reference: a frame for each frame of the microphone,
silence included, and each before its echo arrives (measured, ERLE after 20 s: 42 dB when the reference
leads by 5 to 300 ms, 1.6 dB when it does not lead; 18 dB when it is given only while sound plays).

So what the loudspeaker took waits in a cushion, as small as the lead allows and large enough that blocks
may come unevenly. When the loudspeaker begins, the cushion is filled with silence first; when it stops
and the cushion runs out, silence is given. Clocks that differ let the cushion grow or shrink, by 50 µs a
second at 50 ppm. The mean level is steered back by resampling the reference very slightly: a step of
whole milliseconds would make the canceller learn anew. A level that is far off (the microphone lost
blocks, somebody slept) is a jump in time, and is mended at once and counted.
"""

import enum
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from voiced.audio.convert import Samples, to_mono, to_pcm16
from voiced.audio.format import (
    FRAME_MS,
    FRAME_SAMPLES,
    SILENT_FRAME,
    WIRE_RATE_HZ,
    Frame,
    ms_to_samples,
)
from voiced.audio.resample import Resampler

LEAST_LEAD_MS: Final = 5
"""By which the reference must precede its echo (LIBRARIES.md 1.3)."""

_LONGEST_LEAD_MS: Final = 200
"""300 ms are followed (measured); the rest is for the room, and for a delay that was measured badly."""

_CUSHION_MS: Final = 20
"""One frame of the microphone: less, and a loudspeaker block that is late would be a hole."""

_RESAMPLER_MS: Final = 5  # stay inside it, and come off the lead

_STEP_MS: Final = 60  # off the cushion: no drift of a second, but a jump
_MOST_PPM: Final = 500.0  # that two crystals differ; real ones stay below 200
_AROUND: Final = 3  # samples after a place that reading between them takes
_LEVEL_S: Final = 4.0  # over which the level is averaged: blocks come in lumps
_CATCH_UP_S: Final = 8.0  # in which the proportional part would mend what is off
_LEARN_S: Final = 60.0  # in which the standing part learns the clocks' difference


def cushion_ms(delay_ms: float) -> int:
    """How long the reference is held back, where an echo takes *delay_ms* from a sample being given to the
    loudspeaker to the end of the microphone's block that it is in: the least that is good for the flow,
    if the lead allows it; more where a wireless loudspeaker takes longer than a canceller looks back.
    """
    spare = delay_ms - LEAST_LEAD_MS - _RESAMPLER_MS
    return round(max(0.0, min(spare, _CUSHION_MS), delay_ms - _LONGEST_LEAD_MS))


class _Flow(enum.Enum):
    DRY = "dry"  # the loudspeaker rests, or there is none
    FLOWING = "flowing"


@attrs.define(eq=False)
class Reference:
    """What the loudspeaker took, on the microphone's clock."""

    cushion_ms: int
    jumps: int = attrs.field(default=0, init=False)  # mended at once
    runs: int = attrs.field(default=0, init=False)  # times the loudspeaker began after it was dry
    _rate_hz: int = attrs.field(default=WIRE_RATE_HZ, init=False)
    _resampler: Resampler = attrs.field(
        factory=lambda: Resampler(WIRE_RATE_HZ, WIRE_RATE_HZ), init=False
    )
    _flow: _Flow = attrs.field(default=_Flow.DRY, init=False)
    _waiting: Samples = attrs.field(factory=lambda: np.zeros(0, np.float32), init=False)
    _at: float = attrs.field(default=0.0, init=False)  # where in them the next sample is read
    _off: float = attrs.field(default=0.0, init=False)  # samples beyond the cushion, averaged
    _standing_ppm: float = attrs.field(default=0.0, init=False)  # learned; outlives a rest

    @property
    def drift_ppm(self) -> float:
        """By how much faster the loudspeaker's clock runs, as learned until now."""
        return self._standing_ppm

    def take(self, pcm: bytes, rate_hz: int) -> None:
        """A block that the loudspeaker was given: mono PCM16 at its rate."""
        if rate_hz != self._rate_hz:
            self._rate_hz, self._resampler = rate_hz, Resampler(rate_hz, WIRE_RATE_HZ)
        fresh = self._resampler.feed(to_mono(pcm, channels=1))
        self._waiting = np.concatenate((self._waiting, fresh))

    def next_frame(self) -> Frame:
        """What goes along with the next frame of the microphone; silence while the loudspeaker rests."""
        if self._flow is _Flow.DRY:
            if not self._waiting.size:
                return SILENT_FRAME
            self._begin()
        self._mend_jump()
        step = 1.0 + self._steer() * 1e-6
        places = self._at + step * np.arange(FRAME_SAMPLES, dtype=np.float64)
        if places[-1] + _AROUND > self._waiting.size:
            return self._run_dry()
        frame = _between(self._waiting, places)
        self._at += step * FRAME_SAMPLES
        used = max(0, int(self._at) - 1)  # one sample before the next is needed to read between
        self._waiting, self._at = self._waiting[used:], self._at - used
        return to_pcm16(frame)

    def _begin(self) -> None:
        """Silence goes before what has come, so that the cushion is exactly full."""
        wanted = FRAME_SAMPLES + ms_to_samples(self.cushion_ms) + _AROUND
        missing = max(0, wanted - self._waiting.size)
        self._waiting, self._at = np.concatenate((_silence(missing), self._waiting)), 0.0
        self._flow, self._off = _Flow.FLOWING, 0.0
        self.runs += 1

    def _level(self) -> float:
        return (
            self._waiting.size - self._at - _AROUND - FRAME_SAMPLES - ms_to_samples(self.cushion_ms)
        )

    def _mend_jump(self) -> None:
        """Too much waits: the microphone was away, or nobody came. The oldest is of no use any more."""
        level = self._level()
        if level > ms_to_samples(_STEP_MS):
            self.jumps += 1
            self._at += level
            self._off = 0.0

    def _steer(self) -> float:
        """Parts per million by which to read faster."""
        frame_s = FRAME_MS / 1000
        self._off += frame_s / _LEVEL_S * (self._level() - self._off)
        off_ppm = self._off / WIRE_RATE_HZ * 1e6
        self._standing_ppm = _within(
            self._standing_ppm + off_ppm * frame_s / _CATCH_UP_S / _LEARN_S
        )
        return _within(self._standing_ppm + off_ppm / _CATCH_UP_S)

    def _run_dry(self) -> Frame:
        """The last that waits, and silence: its stream has stopped, or is later than the cushion."""
        rest = self._waiting[int(self._at) :][:FRAME_SAMPLES]
        self._flow = _Flow.DRY
        self._waiting = _silence(0)
        return to_pcm16(np.concatenate((rest, _silence(FRAME_SAMPLES - rest.size))))


def _within(ppm: float) -> float:
    return max(-_MOST_PPM, min(_MOST_PPM, ppm))


def _silence(samples: int) -> Samples:
    return np.zeros(samples, np.float32)


def _between(samples: Samples, places: npt.NDArray[np.float64]) -> Samples:
    """Read between samples, by a cubic through four (Catmull-Rom): exact where a place is whole."""
    at = places.astype(np.int64)
    x = (places - at).astype(np.float32)
    before, a, b, after = (samples[np.maximum(at + k, 0)] for k in (-1, 0, 1, 2))
    slope_a, slope_b = (b - before) / 2, (after - a) / 2
    curve = a + x * (
        slope_a + x * (3 * (b - a) - 2 * slope_a - slope_b + x * (2 * (a - b) + slope_a + slope_b))
    )
    return curve.astype(np.float32)
