"""Sound as this server keeps it (24 kHz mono PCM16) and the three formats of the wire.

Law of this file: arithmetic on bytes; nothing here knows of turns, items or events.
"""

import enum
from typing import Final

import numpy as np
import soxr
from attrs import define

from voiced.local import g711

RATE_HZ: Final = 24_000
SAMPLES_PER_MS: Final = 24
BYTES_PER_SAMPLE: Final = 2
BYTES_PER_MS: Final = SAMPLES_PER_MS * BYTES_PER_SAMPLE
TELEPHONE_HZ: Final = 8_000
_THRICE: Final = RATE_HZ // TELEPHONE_HZ
_FULL_SCALE: Final = 32768.0


class WireFormat(enum.Enum):
    """How audio is written in an event."""

    PCM = "audio/pcm"
    ULAW = "audio/pcmu"
    ALAW = "audio/pcma"

    @property
    def unit_bytes(self) -> int:
        """How many bytes one sample takes on the wire."""
        return 2 if self is WireFormat.PCM else 1

    def whole(self, pcm: bytes) -> bytes:
        """Return *pcm* without the end that makes no sample on the wire.

        What is kept of an answer must be exactly what is sent of it: positions are counted in both.
        """
        unit = BYTES_PER_SAMPLE if self is WireFormat.PCM else BYTES_PER_SAMPLE * _THRICE
        return pcm[: len(pcm) - len(pcm) % unit]


def ms(pcm: bytes | bytearray | memoryview) -> int:
    """How long *pcm* lasts, in whole milliseconds."""
    return len(pcm) // BYTES_PER_MS


def silence(duration_ms: int) -> bytes:
    """Make nothing, for a while."""
    return bytes(duration_ms * BYTES_PER_MS)


def to_wire(pcm: bytes, wire: WireFormat) -> bytes:
    """Write one whole utterance in a wire format.

    Telephone formats are resampled in one piece, so hand in an utterance, not a slice of one.
    """
    if wire is WireFormat.PCM:
        return pcm
    samples = resample(pcm, RATE_HZ, TELEPHONE_HZ)
    return g711.encode_ulaw(samples) if wire is WireFormat.ULAW else g711.encode_alaw(samples)


def resample(pcm: bytes, from_hz: int, to_hz: int) -> g711.Samples:
    """Convert one whole utterance to another rate (float inside, rounded once)."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / _FULL_SCALE
    return rounded(soxr.resample(samples, from_hz, to_hz))


def rounded(samples: np.typing.NDArray[np.float32]) -> g711.Samples:
    """Turn floats in -1..1 into 16-bit samples, clipped."""
    clipped: g711.Samples = np.clip(np.rint(samples * _FULL_SCALE), -32768, 32767).astype(np.int16)
    return clipped


@define(eq=False)
class Intake:
    """Turns appended wire bytes into PCM, keeping the count of milliseconds exact.

    Telephone audio becomes exactly three samples per sample, by straight lines: a better filter
    would delay, and every position of the protocol is counted from appended bytes.
    """

    wire: WireFormat
    _last: int = 0

    def feed(self, data: bytes) -> bytes:
        """Return *data* as 24 kHz PCM16."""
        if self.wire is WireFormat.PCM or not data:
            return data
        decode = g711.decode_ulaw if self.wire is WireFormat.ULAW else g711.decode_alaw
        now = decode(data).astype(np.float32)
        before = np.concatenate(([self._last], now[:-1]))
        steps = [before + (now - before) * (k + 1) / _THRICE for k in range(_THRICE)]
        self._last = int(now[-1])
        return np.rint(np.stack(steps, axis=1)).astype("<i2").tobytes()
