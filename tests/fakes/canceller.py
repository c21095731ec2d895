"""A canceller without a library: it makes the microphone softer while the loudspeaker sounds."""

import attrs
import numpy as np

from voiced.audio.echo.half_duplex import AUDIBLE_DBFS
from voiced.audio.format import Frame
from voiced.audio.level import dbfs, decibels

_LASTS = 25  # frames: the echo of a sound comes later, and takes its time


@attrs.define(eq=False)
class FakeCanceller:
    """Takes *takes_db* off the microphone while the loudspeaker sounds, and for half a second after."""

    takes_db: float = 30.0
    heard: list[tuple[Frame, Frame]] = attrs.field(factory=list)
    _left: int = 0

    def process(self, near: Frame, far: Frame) -> Frame:
        """As the Protocol says."""
        self.heard.append((near, far))
        self._left = _LASTS if dbfs(far) > AUDIBLE_DBFS else max(0, self._left - 1)
        if not self._left:
            return near
        softer = np.frombuffer(near, "<i2") * decibels(-self.takes_db)
        return np.rint(softer).astype("<i2").tobytes()
