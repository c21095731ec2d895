"""What is done about the loudspeaker's sound in the microphone, frame by frame, and why.

Belongs here: the modes, the choice among them, and the way of a frame through far end, canceller, measuring, double
talk and gate. Each of those has a file of its own: `far_end.py`, `echo_return.py`, `double_talk.py`, `learning.py`,
`half_duplex.py`; a foreign canceller stands behind `Canceller` (`voiced/edges/canceller.py`).
"""

import enum
from collections.abc import Sequence
from typing import Final, Protocol

import attrs
from attrs import frozen

from voiced.audio.echo.double_talk import DoubleTalk
from voiced.audio.echo.echo_return import EchoReturn, Erle, Returned
from voiced.audio.echo.far_end import FarEnd
from voiced.audio.echo.half_duplex import AUDIBLE_DBFS, HalfDuplex
from voiced.audio.echo.instant import Instant
from voiced.audio.echo.learning import AGAIN, FIRST, Learning
from voiced.audio.format import Frame
from voiced.audio.level import SILENCE_DBFS

HEARD_DB: Final = -45.0
"""From here on a return needs something done about it: an answer at -20 dBFS comes back at -65, about as
loud as a quiet room."""

UNHEARD_DB: Final = -52.0  # and below here no longer: a room at the edge must not change its mind

LEAST_ERLE_DB: Final = 10.0
"""A canceller that takes away less hears itself: measured, it takes 24 dB in hard rooms, and 1 to 8 when
its reference does not reach it in time."""

GOOD_ERLE_DB: Final = 16.0  # with which one that failed is trusted again

_SURE_AFTER: Final = 3
"""Findings in a row (seconds of the loudspeaker's sound) before another mode is taken that protects less."""


class EchoMode(enum.Enum):
    """What an owner may want (`[echo] mode`), and what is done in the end (that is never `AUTO`)."""

    AUTO = "auto"
    WEBRTC = "webrtc"  # cancelled here
    SYSTEM = "system"  # cancelled by the sound server or the device: nothing is done here
    HALF_DUPLEX = "half_duplex"  # nothing is heard while the loudspeaker sounds
    OFF = "off"


def cancels_by_name(device: str) -> bool:
    """Whether a microphone of that name is a sound server's canceller (PulseAudio's and PipeWire's are
    called like this, unless somebody named them otherwise).
    """
    plain = device.lower().replace("-", "").replace("_", "").replace(" ", "")
    return "echocancel" in plain


class Canceller(Protocol):
    """Takes the far end out of the near end."""

    def process(self, near: Frame, far: Frame) -> Frame:
        """Return the next frame of the microphone without what it holds of the loudspeaker.

        *far* is the loudspeaker's next frame, 5 to 300 ms ahead of its echo; silence counts, too, so every
        frame has to come by. What is returned may be some 10 ms later than *near*.
        """


@frozen
class EchoChoice:
    """What is done, why in a sentence, and the figures (None: not measured yet)."""

    mode: EchoMode
    why: str
    return_db: float | None = None  # the loudspeaker in the microphone, against what it was given
    delay_ms: int | None = None  # from a frame of the far end to its echo
    erle_db: float | None = None  # what the canceller takes away

    def __str__(self) -> str:
        return f"{self.mode.value}: {self.why}"


@frozen
class Room:
    """What a choice goes by."""

    canceller: bool
    found: Returned | None = None  # by `EchoReturn`
    erle_db: float | None = None
    by_voice: bool = True  # turns are taken by what is heard; else a button is held


def prefer(room: Room, now: EchoMode | None) -> tuple[EchoMode, str]:
    """The mode that `auto` would have in that room, and why; *now* is the one it has."""
    found, told = room.found, _told(room)
    if found is None:
        return (EchoMode.WEBRTC, told) if room.canceller else (EchoMode.OFF, f"{told}; {_NONE}")
    limit_db = HEARD_DB if now is EchoMode.OFF else UNHEARD_DB
    if not found.heard:
        return EchoMode.OFF, told
    if found.return_db is None or found.return_db < limit_db:
        return EchoMode.OFF, f"{told}, too softly to matter"
    if not room.canceller and not room.by_voice:
        return EchoMode.OFF, f"{told}, and a button says who speaks"
    if not room.canceller:
        return EchoMode.HALF_DUPLEX, f"{told}, and {_NONE}"
    least_db = GOOD_ERLE_DB if now is EchoMode.HALF_DUPLEX else LEAST_ERLE_DB
    if room.by_voice and room.erle_db is not None and room.erle_db < least_db:
        return EchoMode.HALF_DUPLEX, f"{told}, and {least_db:.0f} are needed"
    return EchoMode.WEBRTC, told


_AS_SET: Final = "as [echo] mode says"
_NONE: Final = "no canceller is installed (pip install 'voiced[echo]')"


def _figures(found: Returned) -> str:
    if found.return_db is None or found.delay_ms is None:
        return ""
    return f" ({found.return_db:.0f} dB, after {found.delay_ms} ms)"


def _told(room: Room) -> str:
    """What was measured, in words."""
    found, taken = room.found, ""
    if found is None:
        return "no answer has sounded yet by which to measure the room"
    if room.erle_db is not None:
        taken = f"; the canceller takes {room.erle_db:.0f} dB away"
    hears = "hears" if found.heard else "does not hear"
    return f"the microphone {hears} the loudspeaker{_figures(found)}{taken}"


_PROTECTION: Final = (EchoMode.OFF, EchoMode.WEBRTC, EchoMode.HALF_DUPLEX)  # the least first


@attrs.define(eq=False)
class Echo:
    """What the Framer asks about each frame of the microphone.

    *wanted* as the owner set it. `webrtc` needs a *canceller*. With `system` and `off` nothing is changed
    and nothing measured: the loudspeaker needs no tap then (`listens`). Where turns are not taken *by_voice*
    but with a button, whose press cuts the answer, the microphone is not silenced unasked: that would take
    the first words after the press.
    """

    wanted: EchoMode
    tail_ms: int = 300
    canceller: Canceller | None = None
    by_voice: bool = True
    moves: int = attrs.field(default=0, init=False)  # of the echo: the canceller had to follow
    choice: EchoChoice = attrs.field(init=False)
    far_end: FarEnd = attrs.field(factory=FarEnd, init=False)
    _far_dbfs: float = attrs.field(default=SILENCE_DBFS, init=False)  # along with the last frame
    _gate: HalfDuplex = attrs.field(init=False)
    _talk: DoubleTalk = attrs.field(factory=DoubleTalk, init=False)
    _return: EchoReturn = attrs.field(factory=EchoReturn, init=False)
    _erle: Erle = attrs.field(factory=Erle, init=False)
    _learning: Learning = attrs.field(factory=Learning, init=False)
    _stumbles: int = attrs.field(default=0, init=False)  # of the far end, as seen last
    _agreeing: int = attrs.field(default=0, init=False)  # findings in a row that want another mode

    def __attrs_post_init__(self) -> None:
        if self.wanted is EchoMode.WEBRTC and self.canceller is None:
            raise ValueError("webrtc needs a canceller")
        self._gate = HalfDuplex(self.tail_ms)
        self._distrust(FIRST)
        if self.wanted is EchoMode.AUTO:
            self.choice = EchoChoice(*prefer(self._room(), None))
        else:
            self.choice = EchoChoice(self.wanted, _AS_SET)

    @property
    def listens(self) -> bool:
        """Whether it is of any use to be given what the loudspeaker plays."""
        return self.wanted not in (EchoMode.OFF, EchoMode.SYSTEM)

    @property
    def silenced(self) -> int:
        """Frames made silent because the loudspeaker sounded."""
        return self._gate.silenced

    @property
    def spoken_over(self) -> bool:
        """Whether somebody may be speaking over the loudspeaker: only a canceller's leavings tell."""
        return self.choice.mode is EchoMode.WEBRTC and self._talk.suspected

    @property
    def suspicions(self) -> int:
        """How often that began."""
        return self._talk.suspicions

    @property
    def passed(self) -> int:
        """Frames that went on as the microphone gave them: somebody was louder than the echo can be."""
        return self._talk.passed

    def take(self, pcm: bytes, rate_hz: int, ago_s: float | None = None) -> None:
        """A block that the loudspeaker was given *ago_s* before now (None: nobody knows): mono PCM16 at its
        rate, after volume and ducking.
        """
        if self.listens:
            self.far_end.take(pcm, rate_hz, ago_s)

    def cancel(self, near: Frame) -> Sequence[Frame]:
        """Return the microphone's next frame without the loudspeaker's echo, as far as a canceller goes. Where it
        has taken somebody's first words away, they come before it.
        """
        if not self.listens:
            return [near]
        far, left, mode = self.far_end.next_frame(), near, self.choice.mode
        cancels = self.canceller is not None and mode is not EchoMode.OFF
        if self.canceller is not None and cancels:
            left = self.canceller.process(near, far)
        instant = Instant.of(near, left, far)
        self._far_dbfs = instant.far_dbfs
        told: Sequence[Frame] = [near]
        if cancels:
            self._erle.feed(instant, self._return.found)
            heard = self._tell_apart(instant)
            told = heard if mode is EchoMode.WEBRTC else told
        if self._return.feed(instant):
            self._judge()
        return told

    def gate(self, cancelled: Frame) -> Frame:
        """Return what `cancel` gave last, or silence in half duplex, and while a canceller looks for the
        loudspeaker's echo: when it hears it for the first time, or elsewhere. (A wake word is heard before this.)
        """
        match self.choice.mode:
            case EchoMode.HALF_DUPLEX:
                return self._gate.pass_on(cancelled, self._far_dbfs)
            case EchoMode.WEBRTC if self._learning.goes_on:
                return self._gate.pass_on(cancelled, self._far_dbfs)
            case _:
                return cancelled

    def clean(self, near: Frame) -> Sequence[Frame]:
        """Both: the microphone's next frame as it may go on, and what comes before it."""
        return [self.gate(each) for each in self.cancel(near)]

    def stumble(self) -> None:
        """One of the devices has lost sound: the echo may come sooner or later from now on."""
        self._distrust(AGAIN)

    def _tell_apart(self, instant: Instant) -> Sequence[Frame]:
        """Somebody, nobody, or the loudspeaker itself."""
        delay_ms = self._return.found.delay_ms if self._return.found else None
        if self.far_end.stumbles != self._stumbles:
            self._stumbles = self.far_end.stumbles
            self._distrust(AGAIN)
        if self._learning.goes_on:
            self._talk.learn(instant, delay_ms)
            if instant.far_dbfs > AUDIBLE_DBFS:
                self._learning.hear(self._talk.taken_db)
            return [instant.left]
        told = self._talk.hear(instant, delay_ms)
        if self._talk.moved:
            self.moves += 1
            self._distrust(AGAIN)
        return told

    def _distrust(self, frames: int) -> None:
        if self.by_voice:
            self._learning.begin(frames)

    def _room(self) -> Room:
        canceller = self.canceller is not None
        return Room(canceller, self._return.found, self._erle.db, self.by_voice)

    def _judge(self) -> None:
        """The room was measured anew."""
        found, now = self._return.found, self.choice.mode
        if found is not None and found.delay_ms is not None:
            self._gate.delay_ms = found.delay_ms
        room = self._room()
        if self.wanted is EchoMode.AUTO:
            mode, why = prefer(room, now)
        else:
            mode, why = now, f"{_AS_SET}; {_told(room)}"
        if mode is now:
            self._agreeing = 0
        else:
            self._agreeing += 1
            more = _PROTECTION.index(mode) > _PROTECTION.index(now)
            if not more and self._agreeing < _SURE_AFTER:
                mode, why = now, self.choice.why
        self.choice = EchoChoice(
            mode,
            why,
            found.return_db if found else None,
            found.delay_ms if found else None,
            self._erle.db,
        )
