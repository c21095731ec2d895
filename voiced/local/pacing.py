"""How an answer is cut into deltas, and when each of them goes.

Law of this file: pure. Milliseconds of sound in, seconds after the first delta out; it waits for
nothing. The service sends faster than sound, in pieces of about 250 ms, words ahead of the sound.
"""

import re
from collections.abc import Iterator

from attrs import frozen

from voiced.local.sound import BYTES_PER_MS


@frozen
class Pace:
    """How fast deltas follow each other."""

    burst_factor: float
    """Seconds of sound per second; infinite: as fast as the socket takes them."""
    stall_after_ms: int = 0
    """How much sound is sent before the first stall."""
    stall_ms: int = 0
    """How long a stall lasts; 0: there is none."""
    stall_every_ms: int = 0
    """How much sound lies between stalls; 0: one stall only."""

    def due_s(self, sent_ms: float) -> float:
        """When the delta may go before which *sent_ms* of sound were sent."""
        return sent_ms / 1000 / self.burst_factor + self._stalls(sent_ms) * self.stall_ms / 1000

    def _stalls(self, sent_ms: float) -> int:
        if not self.stall_ms or sent_ms < self.stall_after_ms:
            return 0
        if not self.stall_every_ms:
            return 1
        return 1 + int((sent_ms - self.stall_after_ms) // self.stall_every_ms)


def deltas(sound: bytes, size: int, *, odd: bool) -> Iterator[bytes]:
    """Cut *sound* into pieces of *size* bytes; if *odd*, at odd byte counts, in pairs."""
    cut = 0
    sign = 1
    while cut < len(sound):
        length = max(size + sign, 1) if odd and size % 2 == 0 else size
        yield sound[cut : cut + length]
        cut += length
        sign = -sign


def words(text: str) -> list[str]:
    """Cut *text* into deltas of a word each, the spaces kept."""
    return re.findall(r" *[^ ]+", text)


def due_ms(index: int, count: int, sound_bytes: int) -> float:
    """Where word *index* of *count* lies in the sound of its sentence."""
    return index / max(count, 1) * sound_bytes / BYTES_PER_MS
