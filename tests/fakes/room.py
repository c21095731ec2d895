"""The room: a user who speaks into the microphone, and ears at the loudspeaker."""

from collections.abc import Sequence

import attrs
import numpy as np
import trio

from voiced.audio.convert import Pcm
from voiced.audio.format import FRAME_BYTES, WIRE_RATE_HZ, Shape
from voiced.edges.paced import PacedMicrophone, PacedSpeaker


@attrs.define(eq=False)
class User:
    """Speaks by the millisecond; each utterance has a value of its own, so that it can be found."""

    absence: trio.Event | None = attrs.field(default=None, init=False)  # fired when it ends
    _waiting: bytes = b""

    def says(self, ms: int, value: int = 1000) -> None:
        """Speak: constant sound from the next 20 ms on."""
        self._waiting += value.to_bytes(2, "little", signed=True) * 24 * ms

    def leaves(self) -> None:
        """Nobody is there, and the microphone gives nothing: so days pass in no time."""
        self.absence = trio.Event()

    def comes(self) -> None:
        """Somebody is there again."""
        if self.absence is not None:
            self.absence.set()
            self.absence = None

    def next_block(self) -> bytes:
        """What the microphone hears in the next 20 ms."""
        block, self._waiting = self._waiting[:FRAME_BYTES], self._waiting[FRAME_BYTES:]
        return block.ljust(FRAME_BYTES, b"\0")

    def microphone(self) -> PacedMicrophone:
        """A microphone that this user speaks into."""
        return DozingMicrophone(Shape(24_000, 1), self.next_block, self)


@attrs.define(eq=False)
class DozingMicrophone(PacedMicrophone):
    """One that gives nothing while its user is away."""

    user: User = attrs.field(kw_only=False)

    async def collect(self) -> Sequence[bytes]:
        """As the port says, once the user is there."""
        if self.user.absence is not None:
            await self.user.absence.wait()
            self._opened_at, self._given = trio.current_time(), 0
        return await super().collect()


@attrs.define(eq=False)
class Loudspeaker(PacedSpeaker):
    """One that may take nothing for a while, as a busy machine's does."""

    def hiccups(self, ms: int) -> None:
        """Stand still from now on, for that long."""
        self._move_on()
        self._opened_at += ms / 1000

    def _move_on(self) -> None:
        if (trio.current_time() - self._opened_at) * WIRE_RATE_HZ >= self._elapsed:
            super()._move_on()


@attrs.define(eq=False)
class Ears:
    """All that sounded since the start."""

    pcm: bytearray = attrs.field(factory=bytearray, repr=False)
    speaker: Loudspeaker = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.speaker = Loudspeaker(self.pcm.extend)

    def heard(self) -> Pcm:
        """All samples until now, silence included."""
        _ = self.speaker.heard_samples  # who looks moves it on to the present
        return np.frombuffer(bytes(self.pcm), dtype="<i2")

    def sounding_ms(self) -> int:
        """How many milliseconds were not silent."""
        return int(np.count_nonzero(self.heard())) // 24
