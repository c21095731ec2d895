"""Between the house's sound and what travels: PCM16 at 24 kHz as it is, or G.711 at 8 kHz.

Law of this file: whole streams, one direction each, no base64 and no events. Inside the house every
sample is one of 24 kHz; here alone one third as many are counted, and one byte each.

Both ways the resampler holds the last stretch of sound back (measured: 25 ms going up, 30 ms coming
down, always the same), so each side says what becomes of it: up, `Encoder.held_samples` tells how
old the newest sample sent is; down, `Decoder.finish` gives the rest, so that one byte received is
three samples heard, exactly, and a truncation is as true as with PCM.
"""

import enum
from collections.abc import Mapping
from typing import Final

import attrs

from voiced.audio.convert import to_mono, to_pcm16
from voiced.audio.format import (
    BYTES_PER_SAMPLE,
    FRAME_MS,
    FRAME_SAMPLES,
    WIRE_RATE_HZ,
    Frame,
    samples_to_ms,
)
from voiced.audio.g711 import A_LAW, MU_LAW, Law
from voiced.audio.resample import Resampler

TELEPHONE_RATE_HZ: Final = 8_000
_THRICE: Final = WIRE_RATE_HZ // TELEPHONE_RATE_HZ
_PIECE_BYTES: Final = TELEPHONE_RATE_HZ * FRAME_MS // 1000  # of 20 ms
_SILENT_SAMPLE: Final = bytes(BYTES_PER_SAMPLE)


class WireFormat(enum.Enum):
    """How sound is written on the wire; the same in both directions."""

    PCM = "pcm"
    PCMU = "pcmu"
    PCMA = "pcma"

    @property
    def rate_hz(self) -> int:
        """Samples in a second of it (documented)."""
        return TELEPHONE_RATE_HZ if self in _LAWS else WIRE_RATE_HZ

    def ms_of(self, wire_bytes: int) -> int:
        """Whole milliseconds in so many bytes, rounded down (documented: bytes/48 and bytes/8)."""
        sample_bytes = 1 if self in _LAWS else BYTES_PER_SAMPLE
        return samples_to_ms(wire_bytes // sample_bytes, self.rate_hz)


_LAWS: Final[Mapping[WireFormat, Law]] = {WireFormat.PCMU: MU_LAW, WireFormat.PCMA: A_LAW}
"""PCM is not among them: it travels as it is."""


@attrs.define(eq=False)
class Encoder:
    """Frames in, pieces of 20 ms for the wire out: 960 bytes of PCM or 160 of G.711."""

    wire_format: WireFormat
    _resampler: Resampler = attrs.field(init=False, repr=False)
    _rest: bytes = attrs.field(init=False, default=b"")
    _begun: bool = attrs.field(init=False, default=False)  # whether anything has come out
    _inside_samples: int = attrs.field(init=False, default=0)  # of the resampler

    def __attrs_post_init__(self) -> None:
        self._resampler = Resampler(WIRE_RATE_HZ, self.wire_format.rate_hz)

    @property
    def held_samples(self) -> int:
        """24 kHz samples taken and not yet given: by so much the newest piece is behind."""
        return self._inside_samples + len(self._rest) * _THRICE

    def feed(self, frame: Frame) -> list[bytes]:
        """Take a frame; return the pieces that are now complete (the very first may make none)."""
        law = _LAWS.get(self.wire_format)
        if law is None:
            return [frame]
        codes = law.encode(to_pcm16(self._resampler.feed(to_mono(frame, channels=1))))
        self._inside_samples += FRAME_SAMPLES - len(codes) * _THRICE
        if codes and not self._begun:
            # A little silence first, so that each frame completes a piece; else what the resampler
            # gives would fall between two of them, and wait for the next frame for ever.
            self._begun = True
            codes = codes.rjust(_up_to_whole(len(codes)), law.encode(_SILENT_SAMPLE))
        return self._cut(codes)

    def finish(self) -> list[bytes]:
        """Return what was held back, filled up with silence to whole pieces, and begin anew."""
        law = _LAWS.get(self.wire_format)
        if law is None:
            return []
        codes = law.encode(to_pcm16(self._resampler.finish()))
        size = _up_to_whole(len(self._rest) + len(codes)) - len(self._rest)
        pieces = self._cut(codes.ljust(size, law.encode(_SILENT_SAMPLE)))
        self._begun, self._inside_samples = False, 0
        return pieces

    def _cut(self, codes: bytes) -> list[bytes]:
        data = self._rest + codes
        whole = len(data) - len(data) % _PIECE_BYTES
        self._rest = data[whole:]
        return [data[at : at + _PIECE_BYTES] for at in range(0, whole, _PIECE_BYTES)]


@attrs.define(eq=False)
class Decoder:
    """Any run of bytes off the wire in, PCM16 at 24 kHz out; how it was cut changes nothing.

    What it needs for G.711 (a resampler: 97 kB, measured) it has from the first byte to the end.
    """

    wire_format: WireFormat
    _resampler: Resampler | None = attrs.field(init=False, default=None, repr=False)
    _owed_samples: int = attrs.field(init=False, default=0)

    def feed(self, delta: bytes) -> bytes:
        """Take any number of bytes; return the sound that is ready."""
        law = _LAWS.get(self.wire_format)
        if law is None:
            return delta
        if self._resampler is None:
            self._resampler = Resampler(TELEPHONE_RATE_HZ, WIRE_RATE_HZ)
        pcm = to_pcm16(self._resampler.feed(to_mono(law.decode(delta), channels=1)))
        self._owed_samples += len(delta) * _THRICE - len(pcm) // BYTES_PER_SAMPLE
        return pcm

    def finish(self) -> bytes:
        """Return the rest, cut or filled up with silence to three samples per byte in all."""
        if self._resampler is None:
            return b""
        size = self._owed_samples * BYTES_PER_SAMPLE
        rest = to_pcm16(self._resampler.finish())[:size].ljust(size, b"\0")
        self.drop()
        return rest

    def drop(self) -> None:
        """Forget the rest: nobody will hear it."""
        self._resampler = None
        self._owed_samples = 0


def _up_to_whole(codes: int) -> int:
    """The size of so many codes when filled up to whole pieces."""
    return codes + -codes % _PIECE_BYTES
