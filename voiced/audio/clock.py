"""From the server's audio time to our clock.

A server under voice activity detection speaks of speech in milliseconds of the audio it was sent
(seen on the live wire: it counts bytes, not seconds).
"""

import attrs

from voiced.audio.format import samples_to_ms


@attrs.define(eq=False)
class SpeechClock:
    """Knows when the last sample went up, and so when any recent one was spoken."""

    sent_samples: int = 0
    _last_at_s: float = 0.0

    def sent(self, samples: int, at_s: float) -> None:
        """Note that *samples* more went up, the last of which was spoken at *at_s*."""
        self.sent_samples += samples
        self._last_at_s = at_s

    def time_of(self, audio_ms: int) -> float:
        """When that millisecond was spoken; exact while speech flows up without gaps."""
        return self._last_at_s - (samples_to_ms(self.sent_samples) - audio_ms) / 1000
