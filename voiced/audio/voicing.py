"""Whether somebody speaks, by loudness alone: enough to measure how long, not to hear what.

The server decides what speech is. This only tells, without waiting for the server's silence time,
whether the sound that it took for speech is still going on.
"""

from collections import deque
from typing import Final

import attrs

from voiced.audio.format import FRAME_MS

_ABOVE_DB: Final = 12.0  # speech stands out of a room's noise by more, fans and hiss do not
_LOUDEST_QUIET_DBFS: Final = -50.0  # below it nothing counts, however silent the room is
_RISE_DB: Final = 0.02  # per frame: 1 dB/s, so that ten seconds of speech do not become the noise
_KEPT: Final = 150  # frames: 3 s, longer than a server takes to say that it hears speech


@attrs.define(eq=False)
class Voicing:
    """Remembers which of the last frames were voiced, by their place in what was sent up."""

    _noise_dbfs: float = attrs.field(default=-60.0, init=False)
    _voiced_at_ms: deque[int] = attrs.field(factory=lambda: deque(maxlen=_KEPT), init=False)
    heard_ms: int = attrs.field(default=0, init=False)

    def hear(self, end_ms: int, dbfs: float) -> None:
        """Take in the frame that ends at *end_ms* of what was sent up."""
        self._noise_dbfs = min(dbfs, self._noise_dbfs + _RISE_DB)
        if dbfs > max(self._noise_dbfs + _ABOVE_DB, _LOUDEST_QUIET_DBFS):
            self._voiced_at_ms.append(end_ms)
        self.heard_ms = end_ms

    def voiced_ms(self, from_ms: int) -> int:
        """How much was voiced from *from_ms* on."""
        return FRAME_MS * sum(1 for at in self._voiced_at_ms if at > from_ms)

    def span_ms(self, from_ms: int) -> tuple[int, int] | None:
        """Beginning and end of what was voiced from *from_ms* on; None if nothing was."""
        voiced = [at for at in self._voiced_at_ms if at > from_ms]
        return (voiced[0] - FRAME_MS, voiced[-1]) if voiced else None
