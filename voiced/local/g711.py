"""G.711: the telephone's two eight-bit codes, as look-up tables.

Law of this file: samples in, samples out; no rates. Tables are computed once from the definition
in ITU-T G.711 (mu-law: bias 0x84, clip 32635; A-law: 13-bit, even bits inverted) and are frozen.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]
Codes = npt.NDArray[np.uint8]


def _ulaw_value(code: int) -> int:
    code = ~code & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84 << (code >> 4 & 0x07)) - 0x84
    return -magnitude if code & 0x80 else magnitude


def _alaw_value(code: int) -> int:
    code ^= 0x55
    segment = code >> 4 & 0x07
    magnitude = (code & 0x0F) << 4
    magnitude = magnitude + 8 if segment == 0 else magnitude + 0x108 << segment - 1
    return magnitude if code & 0x80 else -magnitude


def _decoder(value: Callable[[int], int]) -> Samples:
    table = np.array([value(code) for code in range(256)], dtype=np.int16)
    table.flags.writeable = False
    return table


def _encoder(decoded: Samples) -> Codes:
    """Give each of the 65,536 sample values the code whose value is nearest."""
    order = np.argsort(decoded, kind="stable")
    values = decoded[order].astype(np.int32)
    borders = (values[:-1] + values[1:]) / 2
    table = order[np.searchsorted(borders, np.arange(-32768, 32768))].astype(np.uint8)
    table.flags.writeable = False
    return table


_ULAW_DECODE: Final = _decoder(_ulaw_value)
_ALAW_DECODE: Final = _decoder(_alaw_value)
_ULAW_ENCODE: Final = _encoder(_ULAW_DECODE)
_ALAW_ENCODE: Final = _encoder(_ALAW_DECODE)


def decode_ulaw(data: bytes) -> Samples:
    """Return 16-bit samples of mu-law *data*."""
    return _ULAW_DECODE[np.frombuffer(data, dtype=np.uint8)]


def decode_alaw(data: bytes) -> Samples:
    """Return 16-bit samples of A-law *data*."""
    return _ALAW_DECODE[np.frombuffer(data, dtype=np.uint8)]


def encode_ulaw(samples: Samples) -> bytes:
    """Return the mu-law codes nearest to *samples*."""
    return _ULAW_ENCODE[samples.astype(np.int32) + 32768].tobytes()


def encode_alaw(samples: Samples) -> bytes:
    """Return the A-law codes nearest to *samples*."""
    return _ALAW_ENCODE[samples.astype(np.int32) + 32768].tobytes()
