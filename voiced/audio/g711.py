"""G.711, the telephone's code of eight bits per sample: mu-law and A-law, by table.

Law of this file: PCM16 in, codes out, and back; rates are the business of `wire.py`.

Both laws cut the magnitudes into 128 intervals, which double their width with each *segment* of 16,
and send sign and number of the interval. So the error follows the level, and a sine has some 37 dB
of signal to noise, loud or soft. A code stands for the middle of its interval.

Numbers from ITU-T G.711 (11/88), tables 1a to 2b. A magnitude on the border of two intervals is of
the upper one, on both sides of zero, and a sample below zero keeps its sign in the lowest interval.
Implementations differ in just that (some complement negative samples, which moves their borders by
one); for each of the 65,536 samples and 256 codes ours says what libsndfile says. The lowest
interval of mu-law is the one around zero; A-law has none such, so its silence comes back as +8.
"""

from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from voiced.audio.convert import Pcm

_Codes = npt.NDArray[np.uint8]
_Whole = npt.NDArray[np.int64]

_NEGATIVE: Final = 0x80  # the bit that tells one side of zero from the other
_INTERVALS: Final = np.arange(128)
_SEGMENTS: Final = _INTERVALS >> 4


@attrs.frozen(eq=False)
class Law:
    """One of the two, as tables."""

    _codes: _Codes = attrs.field(repr=False)  # by the sample's 16 bits, read without a sign
    _values: Pcm = attrs.field(repr=False)  # by code

    def encode(self, pcm: bytes) -> bytes:
        """PCM16 little-endian, whole samples → one byte for each sample."""
        codes: bytes = self._codes[np.frombuffer(pcm, "<u2")].tobytes()
        return codes

    def decode(self, codes: bytes) -> bytes:
        """One byte for each sample → PCM16 little-endian."""
        pcm: bytes = self._values[np.frombuffer(codes, np.uint8)].tobytes()
        return pcm


def _law(widths: _Whole, values: _Whole, lowest: int) -> Law:
    """From the intervals' widths and values in 16 bits, and the code of the lowest above zero."""
    found = np.repeat(_INTERVALS, widths)
    found = np.pad(
        found, (0, (1 << 15) + 1 - found.size), mode="edge"
    )  # what is too loud saturates
    codes = np.concatenate([found[: 1 << 15], found[:0:-1] | _NEGATIVE]) ^ lowest
    by_code = np.empty(256, "<i2")
    by_code[_INTERVALS ^ lowest] = values
    by_code[_INTERVALS ^ lowest ^ _NEGATIVE] = -values
    return Law(codes.astype(np.uint8), by_code)


def _mu_law() -> Law:
    widths = 8 << _SEGMENTS
    widths[0] = 4  # and 4 below zero
    values = np.cumsum(widths) - widths // 2
    values[0] = 0
    return _law(widths, values, 0xFF)


def _a_law() -> Law:
    widths = 16 << np.maximum(_SEGMENTS - 1, 0)  # the first two segments are one straight line
    return _law(widths, np.cumsum(widths) - widths // 2, 0xD5)


MU_LAW: Final = _mu_law()
"""Of North America and Japan; `audio/pcmu` on the wire."""
A_LAW: Final = _a_law()
"""Of everywhere else; `audio/pcma` on the wire."""
