"""One streaming resampler per direction.

soxr's variable-rate engine is used although the ratio never varies: measured, it hands out 240
samples for every 480 put in and holds a constant 5 ms, while the fixed-rate engine works in FFT
blocks and emits lumps of 20 to 38 ms, which would starve a 10 ms playout. Its `quality` argument has
no effect in this mode.
"""

import numpy as np
import soxr

from voiced.audio.convert import Samples


class Resampler:
    """Mono float32 at one rate in, at another out; chunk sizes do not change the result."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._ratio = (from_hz, to_hz)
        self._stream: soxr.ResampleStream | None = None
        if from_hz != to_hz:
            self._stream = soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32", vr=True)

    def __str__(self) -> str:
        from_hz, to_hz = self._ratio
        return "none" if self._stream is None else f"soxr variable-rate {from_hz}->{to_hz} Hz"

    def feed(self, samples: Samples) -> Samples:
        """Take a stretch of samples; return what is ready (about 5 ms stay inside)."""
        if self._stream is None:
            return samples
        out: Samples = self._stream.resample_chunk(samples)
        return out

    def finish(self) -> Samples:
        """Return what was held back and begin anew."""
        nothing = np.empty(0, np.float32)
        if self._stream is None:
            return nothing
        tail: Samples = self._stream.resample_chunk(nothing, last=True)
        self._stream.clear()
        return tail
