"""The room: a user who speaks into the microphone, and ears at the loudspeaker."""

import attrs
import numpy as np

from voiced.audio.convert import Pcm
from voiced.audio.format import FRAME_BYTES, Shape
from voiced.edges.paced import PacedMicrophone, PacedSpeaker


@attrs.define(eq=False)
class User:
    """Speaks by the millisecond; each utterance has a value of its own, so that it can be found."""

    _waiting: bytes = b""

    def says(self, ms: int, value: int = 1000) -> None:
        """Speak: constant sound from the next 20 ms on."""
        self._waiting += value.to_bytes(2, "little", signed=True) * 24 * ms

    def next_block(self) -> bytes:
        """What the microphone hears in the next 20 ms."""
        block, self._waiting = self._waiting[:FRAME_BYTES], self._waiting[FRAME_BYTES:]
        return block.ljust(FRAME_BYTES, b"\0")

    def microphone(self) -> PacedMicrophone:
        """A microphone that this user speaks into."""
        return PacedMicrophone(Shape(24_000, 1), self.next_block)


@attrs.define(eq=False)
class Ears:
    """All that sounded since the start."""

    pcm: bytearray = attrs.field(factory=bytearray, repr=False)
    speaker: PacedSpeaker = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.speaker = PacedSpeaker(self.pcm.extend)

    def heard(self) -> Pcm:
        """All samples until now, silence included."""
        _ = self.speaker.heard_samples  # who looks moves it on to the present
        return np.frombuffer(bytes(self.pcm), dtype="<i2")

    def sounding_ms(self) -> int:
        """How many milliseconds were not silent."""
        return int(np.count_nonzero(self.heard())) // 24
