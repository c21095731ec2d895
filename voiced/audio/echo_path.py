"""The way of a frame from the microphone past the loudspeaker's echo: reference, measurement, mode."""

import attrs

from voiced.audio.echo import Cancelled, Canceller, HalfDuplex, Mode
from voiced.audio.echo_choice import Choice, EchoReturn, Facts, choose
from voiced.audio.echo_reference import Reference, cushion_ms
from voiced.audio.format import Frame


@attrs.define(eq=False)
class EchoPath:
    """Takes what the loudspeaker was given, and gives back frames of the microphone without it.

    *delay_ms* is how long a sample takes from the loudspeaker's callback to the end of the microphone's
    block that its echo is in; *tail_ms* how long the room goes on sounding. A muted microphone gives
    silence, which says nothing about the room: such frames are not measured.
    """

    wanted: Mode
    delay_ms: int
    tail_ms: int
    canceller: Canceller | None = None
    device_cancels: bool = False
    choice: Choice = attrs.field(init=False)
    reference: Reference = attrs.field(init=False)
    _half_duplex: HalfDuplex = attrs.field(init=False)
    _cancelled: Cancelled | None = attrs.field(init=False)
    _return: EchoReturn = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        hold_ms = self.delay_ms + self.tail_ms
        self.reference = Reference(cushion_ms(self.delay_ms))
        self._half_duplex = HalfDuplex(hold_ms)
        self._cancelled = None if self.canceller is None else Cancelled(self.canceller)
        self._return = EchoReturn(hold_ms)
        self.choice = choose(self._facts())

    @property
    def withheld(self) -> int:
        """Frames made silent because the loudspeaker sounded."""
        return self._half_duplex.withheld

    @property
    def erle_db(self) -> float:
        """How much the canceller takes away; 0 without one."""
        return 0.0 if self._cancelled is None else self._cancelled.erle_db

    @property
    def return_db(self) -> float | None:
        """How loud the last answer came back, at most; None: none has sounded."""
        return self._return.return_db

    def measured(self, return_db: float) -> None:
        """The room was measured otherwise: by a whistle (`voiced.doctor.whistle.measure_loop`)."""
        self._return.return_db = return_db
        self._choose()

    def take(self, pcm: bytes, rate_hz: int) -> None:
        """A block that the loudspeaker was given: mono PCM16 at its rate."""
        self.reference.take(pcm, rate_hz)

    def clean(self, near: Frame) -> Frame:
        """The next frame of the microphone, without the loudspeaker's echo as far as the mode goes."""
        far = self.reference.next_frame()
        if any(near) and self._return.feed(near, far):
            self._choose()
        match self.choice.mode:
            case Mode.WEBRTC if self._cancelled is not None:
                return self._cancelled.clean(near, far)
            case Mode.HALF_DUPLEX:
                return self._half_duplex.clean(near, far)
            case _:
                return near

    def _choose(self) -> None:
        self.choice = choose(self._facts(), self.choice.mode)

    def _facts(self) -> Facts:
        return Facts(
            self.wanted,
            canceller=self.canceller is not None,
            device_cancels=self.device_cancels,
            return_db=self._return.return_db,
        )
