"""A room that is heard: what the loudspeaker plays comes back to the microphone, and a canceller that knows it."""

from collections.abc import Sequence

import attrs
import numpy as np

from tests.fakes.room import Ears, User
from voiced.audio.format import FRAME_BYTES, FRAME_SAMPLES, WIRE_RATE_HZ, Frame

DELAY_MS = 60  # from the loudspeaker to the microphone
SHARE = 0.25  # -12 dB


@attrs.define(eq=False)
class HeardLoudspeaker:
    """The far end, as the port says: what the ears have heard since it was taken last."""

    ears: Ears
    lost_blocks: int = 0
    _taken: int = attrs.field(default=0, init=False)

    def take(self) -> Sequence[tuple[bytes, int, float]]:
        """As the port says."""
        self.ears.heard()  # who looks moves it on
        news, self._taken = bytes(self.ears.pcm[self._taken :]), len(self.ears.pcm)
        return [(news, WIRE_RATE_HZ, 0.0)] if news else []


@attrs.define(eq=False)
class UserWithEcho(User):
    """A user beside a loudspeaker."""

    ears: Ears = attrs.field(factory=Ears)

    def next_block(self) -> bytes:
        """What the microphone hears in the next 20 ms, the loudspeaker included."""
        said = np.frombuffer(super().next_block(), "<i2").astype(np.float64)
        played = self.ears.heard()
        end = max(0, played.size - DELAY_MS * WIRE_RATE_HZ // 1000)
        echo = played[max(0, end - FRAME_SAMPLES) : end] * SHARE
        said[FRAME_SAMPLES - echo.size :] += echo
        return np.rint(said).astype("<i2").tobytes()


@attrs.define(eq=False)
class KnowingCanceller:
    """Takes the echo of a loudspeaker away by knowing the room; what it is given, it keeps."""

    given: list[tuple[Frame, Frame]] = attrs.field(factory=list)  # near, far

    def process(self, near: Frame, far: Frame) -> Frame:
        """As `voiced.audio.echo.handling.Canceller` says."""
        self.given.append((near, far))
        late = (DELAY_MS + 40) // 20 + 1  # its echo may be in the frame after, too
        sounded = b"".join(each for _, each in self.given[-late:])
        return bytes(FRAME_BYTES) if any(sounded) else near
