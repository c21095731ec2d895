"""Where the loudspeaker's callback leaves a copy of what it has just given: the echo path collects it."""

import time
from collections import deque
from collections.abc import Sequence

import attrs

_BLOCKS = 400  # 2 s in blocks of 5 ms: whoever is later than that has no use for them


@attrs.define(eq=False)
class FarEndTap:
    """Bounded, and never blocks the audio thread: when nobody collects, the oldest block is lost.

    `leave` is called on the audio thread, `take` on the Trio thread; the deque's own atomicity is all the
    locking there is. No bell: who takes comes with every frame of the microphone anyway.
    """

    lost_blocks: int = attrs.field(default=0, init=False)
    _slots: deque[tuple[bytes, int, float]] = attrs.field(
        factory=lambda: deque(maxlen=_BLOCKS), init=False
    )

    def leave(self, pcm: bytes, rate_hz: int) -> None:
        """Take over what the loudspeaker was given: mono PCM16, and its rate (audio thread)."""
        if len(self._slots) == self._slots.maxlen:
            self.lost_blocks += 1
        self._slots.append((pcm, rate_hz, time.perf_counter()))

    def take(self) -> Sequence[tuple[bytes, int, float]]:
        """All that was left since the last time, and how many seconds ago each was (Trio thread)."""
        now_s = time.perf_counter()
        blocks = []
        while self._slots:
            pcm, rate_hz, left_s = self._slots.popleft()
            blocks.append((pcm, rate_hz, max(0.0, now_s - left_s)))
        return blocks
