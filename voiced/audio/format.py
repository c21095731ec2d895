"""What sound looks like on its way through the house: rates, widths, blocks, frames.

A *sample* is one instant of one channel. A *block* is what a device gives or takes in one
callback. A *frame* is exactly 20 ms of mono PCM16 little-endian at 24 kHz: 480 samples, 960 bytes,
the one unit of speech in the house, and on the wire too unless that is G.711, which `wire.py` makes
of it (documented: `audio/pcm` has the constant rate 24000).
"""

from typing import Final, TypeAlias

from attrs import frozen

WIRE_RATE_HZ: Final = 24_000
FRAME_MS: Final = 20
FRAME_SAMPLES: Final = WIRE_RATE_HZ * FRAME_MS // 1000
BYTES_PER_SAMPLE: Final = 2
FRAME_BYTES: Final = FRAME_SAMPLES * BYTES_PER_SAMPLE

Frame: TypeAlias = bytes
"""960 bytes; made by `framing.FrameSlicer` only."""

SILENT_FRAME: Final[Frame] = bytes(FRAME_BYTES)


@frozen
class Shape:
    """How a device speaks: PCM16 native-endian, interleaved, at this rate."""

    rate_hz: int
    channels: int


def samples_to_ms(samples: int, rate_hz: int = WIRE_RATE_HZ) -> int:
    """Whole milliseconds in *samples*, rounded down: never claim more than there is."""
    return samples * 1000 // rate_hz


def ms_to_samples(ms: int, rate_hz: int = WIRE_RATE_HZ) -> int:
    """Samples in *ms* milliseconds, rounded down."""
    return ms * rate_hz // 1000


def frames_in_ms(ms: int) -> int:
    """How many whole frames fit into *ms*; at least one."""
    return max(1, ms // FRAME_MS)
