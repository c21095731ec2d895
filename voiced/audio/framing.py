"""Any run of bytes in, exact frames out, the remainder kept."""

import attrs

from voiced.audio.format import BYTES_PER_SAMPLE, FRAME_BYTES, Frame


@attrs.define(eq=False)
class FrameSlicer:
    """Cuts a stream of PCM16 bytes into frames of 960 bytes, whatever the sizes it comes in.

    Deltas from the server need not be aligned to samples, so a single odd byte is a legal remainder
    between two calls; at the end it belongs to no sample and is reported, never padded into one.
    """

    _rest: bytes = b""

    def feed(self, pcm: bytes) -> list[Frame]:
        """Take any number of bytes; return the frames that are now complete."""
        data = self._rest + pcm if self._rest else pcm
        whole = len(data) - len(data) % FRAME_BYTES
        self._rest = data[whole:]
        return [data[at : at + FRAME_BYTES] for at in range(0, whole, FRAME_BYTES)]

    def finish(self) -> tuple[list[Frame], int]:
        """Return the last frame, padded with silence, if one was begun; and bytes of half a sample."""
        stray = len(self._rest) % BYTES_PER_SAMPLE
        rest, self._rest = self._rest[: len(self._rest) - stray], b""
        return ([rest.ljust(FRAME_BYTES, b"\0")] if rest else []), stray
