"""From the server's audio time to our clock.

A server under voice activity detection speaks of speech in milliseconds of the audio it was sent
(seen on the live wire: it counts bytes, not seconds).
"""

from collections import deque
from typing import Final

import attrs

from voiced.audio.format import samples_to_ms

_GAP_S: Final = (
    0.5  # devices, batches and a busy machine bring sound later than it was spoken, by less
)
_STRETCHES: Final = 8  # a server speaks of what it has just heard


@attrs.define(eq=False)
class SpeechClock:
    """Knows when the last sample went up, and so when any recent one was spoken.

    Where nothing went up for a while (muted, gated, held back), the server's time stood still: the ends
    of such stretches are remembered.
    """

    sent_samples: int = 0
    _last_at_s: float = 0.0
    _ends: deque[tuple[int, float]] = attrs.field(
        factory=lambda: deque(maxlen=_STRETCHES), init=False
    )

    def sent(self, samples: int, at_s: float) -> None:
        """Note that *samples* more went up, the last of which was spoken at *at_s*."""
        if self.sent_samples and at_s - self._last_at_s > _GAP_S:
            self._ends.append((samples_to_ms(self.sent_samples), self._last_at_s))
        self.sent_samples += samples
        self._last_at_s = at_s

    def time_of(self, audio_ms: int) -> float:
        """When that millisecond was spoken; exact within a stretch of sound that went up."""
        for end_ms, at_s in self._ends:
            if audio_ms <= end_ms:
                return at_s - (end_ms - audio_ms) / 1000
        return self._last_at_s - (samples_to_ms(self.sent_samples) - audio_ms) / 1000
