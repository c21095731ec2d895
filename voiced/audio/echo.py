"""What is done about the assistant's own voice in the microphone, frame by frame: modes and paths.

Belongs here: what modes there are, half duplex, and what a canceller is asked. When the loudspeaker's sound belongs to which frame, `echo_reference.py` says; which mode an owner gets,
`echo_choice.py`; `echo_path.py` puts them together. A foreign canceller stands behind `Canceller`: an edge.
"""

import enum
import math
from typing import Final, Protocol

import attrs
import numpy as np

from voiced.audio.format import FRAME_MS, SILENT_FRAME, Frame
from voiced.audio.level import dbfs

AUDIBLE_DBFS: Final = -60.0
"""From here on a frame of the loudspeaker's counts as sound: 30 dB below speech, and above the tail of a
fade. What is softer returns below any server's threshold, even from a loudspeaker that stands close."""

_ENERGY_FLOOR: Final = 1.0  # squared steps of 16 bits: one step, so that silence has a logarithm
_ERLE_MS: Final = 2000  # over which echo and rest are averaged


class Mode(enum.Enum):
    """What an owner may want, and what is done in the end (never `AUTO`)."""

    AUTO = "auto"
    WEBRTC = "webrtc"  # cancelled here
    SYSTEM = "system"  # cancelled by the sound server or the device: nothing is done here
    HALF_DUPLEX = "half_duplex"  # nothing is heard while the loudspeaker sounds
    OFF = "off"


class Canceller(Protocol):
    """Takes the far end out of the near end."""

    def clean(self, near: Frame, far: Frame) -> Frame:
        """Return the next frame of the microphone without what it holds of *far*, which is the next frame
        of the loudspeaker and must have been given before its echo arrives. It may come a little later
        than *near* did (some 10 ms), but is as long.
        """


@attrs.define(eq=False)
class HalfDuplex:
    """Silence while the loudspeaker sounds, until its echo has died away.

    *hold_ms* is the time from a sample being given to the loudspeaker until its echo is over: the delay of
    loudspeaker, air and microphone, and the room's tail.
    """

    hold_ms: int
    withheld: int = attrs.field(default=0, init=False)  # frames made silent
    _left_ms: int = attrs.field(default=0, init=False)

    def clean(self, near: Frame, far: Frame) -> Frame:
        """Return *near*, or silence."""
        if dbfs(far) > AUDIBLE_DBFS:
            self._left_ms = self.hold_ms + FRAME_MS
        if not self._left_ms:
            return near
        self._left_ms = max(0, self._left_ms - FRAME_MS)
        self.withheld += 1
        return SILENT_FRAME


@attrs.define(eq=False)
class Cancelled:
    """Asks a canceller, and keeps account of how much it took away."""

    canceller: Canceller
    _echo: float = attrs.field(default=0.0, init=False)  # energy before, averaged
    _rest: float = attrs.field(default=0.0, init=False)  # and after

    @property
    def erle_db(self) -> float:
        """How much softer the microphone was made of late while the loudspeaker sounded (echo return loss
        enhancement). Somebody who speaks over it makes it small. 0: it has not sounded yet.
        """
        if not self._echo:
            return 0.0
        return 10.0 * math.log10((self._echo + _ENERGY_FLOOR) / (self._rest + _ENERGY_FLOOR))

    def clean(self, near: Frame, far: Frame) -> Frame:
        """Return *near* without the echo."""
        cleaned = self.canceller.clean(near, far)
        if dbfs(far) > AUDIBLE_DBFS:
            share = FRAME_MS / _ERLE_MS
            self._echo += share * (energy(near) - self._echo)
            self._rest += share * (energy(cleaned) - self._rest)
        return cleaned


def energy(frame: Frame) -> float:
    """Mean square of *frame*, in steps of 16 bits."""
    samples = np.frombuffer(frame, dtype="<i2").astype(np.float64)
    return float(np.dot(samples, samples)) / samples.size
