"""What the microphone hears of the loudspeaker: whether, how loud, how late; and what a canceller leaves.

Belongs here: measuring while answers play. What follows from the figures is decided in `echo.py`.
"""

import attrs
from attrs import frozen

from voiced.audio.format import Frame


@frozen
class Returned:
    """What was found: *heard* at all; if so, how loud in dB (0: as loud as the loudspeaker was given it)
    and how many ms after its reference.
    """

    heard: bool
    return_db: float | None = None
    delay_ms: int | None = None


@attrs.define(eq=False)
class EchoReturn:
    """Listens to both ends; its findings are of the last few seconds in which the loudspeaker sounded."""

    found: Returned | None = attrs.field(
        default=None, init=False
    )  # None: not enough has sounded yet

    def feed(self, near: Frame, far: Frame) -> bool:
        """Take a frame of each, the microphone's unprocessed; True when `found` was made anew."""
        return False


@attrs.define(eq=False)
class Erle:
    """How much a canceller takes away (echo return loss enhancement, dB), while only the far end sounds."""

    db: float | None = attrs.field(default=None, init=False)  # None: not enough has sounded yet

    def feed(self, near: Frame, far: Frame, cleaned: Frame, found: Returned | None) -> None:
        """Take a frame of the microphone, its reference, and what the canceller made of it."""
