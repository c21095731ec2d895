"""The far end: what the loudspeaker was given, as one frame for each frame of the microphone.

Belongs here: the two devices' clocks and jitter. What is done with the frames is `echo.py`'s.
"""

import attrs

from voiced.audio.format import SILENT_FRAME, Frame


@attrs.define(eq=False)
class FarEnd:
    """What the loudspeaker took, on the microphone's clock."""

    starved_samples: int = attrs.field(default=0, init=False)  # zeros put in while it played
    dropped_samples: int = attrs.field(
        default=0, init=False
    )  # given too early or too late to be of use
    jumps: int = attrs.field(default=0, init=False)  # of the time between both devices
    runs: int = attrs.field(default=0, init=False)  # times the loudspeaker began to take sound

    @property
    def drift_ppm(self) -> float:
        """By how much faster the loudspeaker's clock runs than the microphone's, as learned until now."""
        return 0.0

    def take(self, pcm: bytes, rate_hz: int) -> None:
        """A block that the loudspeaker was given: mono PCM16 at its rate."""

    def next_frame(self) -> Frame:
        """What goes along with the next frame of the microphone; silence while the loudspeaker rests."""
        return SILENT_FRAME
