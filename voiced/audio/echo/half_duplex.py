"""Half duplex: a microphone that hears nothing while the loudspeaker is heard, and a little longer.

Belongs here: when the gate is shut, and that its edges make no click. Whether a room needs it is decided
in `handling.py`. Frames are made silent, never left out: the server's voice detection counts sound, not time.
"""

from typing import Final

import attrs
import numpy as np

from voiced.audio.fade import FADE_MS, fade_out
from voiced.audio.format import FRAME_MS, SILENT_FRAME, Frame, ms_to_samples

AUDIBLE_DBFS: Final = -60.0
"""From here on a frame of the loudspeaker's counts as sound: some 40 dB below an answer, and above the
tail of a fade. What is softer comes back below what any voice detection takes for speech."""

_EDGE: Final = ms_to_samples(FADE_MS)


@attrs.define(eq=False)
class HalfDuplex:
    """A gate in one stream of microphone frames.

    It shuts with the first audible frame of the far end, which precedes its echo by 5 ms at least, so that
    the fall is over when the echo comes. It opens again *delay_ms* (from the reference to its echo) and
    *tail_ms* (how long the room goes on sounding) after the last audible frame. `silenced` counts the
    frames that were made silent, the two with an edge among them.
    """

    tail_ms: int = 300
    delay_ms: int = 200  # until it is measured: more than most devices take
    threshold_dbfs: float = AUDIBLE_DBFS
    silenced: int = attrs.field(default=0, init=False)
    _left_ms: int = attrs.field(default=0, init=False)
    _shut: bool = attrs.field(default=False, init=False)  # the last frame ended in silence

    def pass_on(self, near: Frame, far_dbfs: float) -> Frame:
        """Return *near*, silence, or one of the edges between them; *far_dbfs*: how loud its reference is."""
        if far_dbfs > self.threshold_dbfs:
            self._left_ms = FRAME_MS + self.delay_ms + self.tail_ms
        was_shut, self._shut = self._shut, self._left_ms > 0
        self._left_ms = max(0, self._left_ms - FRAME_MS)
        if self._shut or was_shut:
            self.silenced += 1
        match was_shut, self._shut:
            case False, True:
                return _fallen(near)
            case True, True:
                return SILENT_FRAME
            case True, False:
                return _risen(near)
            case _:
                return near


def _fallen(frame: Frame) -> Frame:
    pcm = np.frombuffer(frame, "<i2").astype(np.int16)
    pcm[:_EDGE] = fade_out(pcm[:_EDGE])
    pcm[_EDGE:] = 0
    return pcm.astype("<i2").tobytes()


def _risen(frame: Frame) -> Frame:
    pcm = np.frombuffer(frame, "<i2").astype(np.int16)
    pcm[:_EDGE] = fade_out(pcm[:_EDGE][::-1])[::-1]
    return pcm.astype("<i2").tobytes()
