"""Which echo mode an owner gets, and why; and what an answer tells about the room meanwhile."""

import math
from typing import Final

import attrs
from attrs import frozen

from voiced.audio.echo import AUDIBLE_DBFS, Mode, energy
from voiced.audio.format import FRAME_MS, Frame
from voiced.audio.level import dbfs

INSTALL: Final = "pip install 'voiced[echo]'"

INAUDIBLE_DB: Final = -45.0
"""What returns more softly than this disturbs nobody: an answer at -20 dBFS comes back at -65, below the
noise of most rooms. (The whistle of `voiced doctor` gives the same figure.)"""

_AUDIBLE_AGAIN_DB: Final = -40.0  # so that a room at the edge does not change its mind
_ENOUGH_MS: Final = 1000  # of an answer's sound, to judge by
_QUIET_RISE: Final = 1.005
"""By which the noise is thought to rise with each frame, until a frame says less: 1 dB in a second."""


@frozen
class Facts:
    """What the choice goes by."""

    wanted: Mode
    canceller: bool = False  # there is one
    device_cancels: bool = False  # by its name
    return_db: float | None = None  # None: not measured


@frozen
class Choice:
    """What is done, and why, in a sentence."""

    mode: Mode
    why: str

    def __str__(self) -> str:
        return f"{self.mode.value}: {self.why}"


def cancels_by_name(device: str) -> bool:
    """Whether a microphone of that name is a sound server's canceller (PulseAudio's and PipeWire's are
    called like this, unless somebody named them otherwise).
    """
    plain = device.lower().replace("-", "").replace("_", "").replace(" ", "")
    return "echocancel" in plain


def choose(facts: Facts, now: Mode | None = None) -> Choice:
    """The mode by *facts*; *now* is the one in use."""
    if facts.wanted is not Mode.AUTO:
        return Choice(facts.wanted, "as [echo] mode says")
    if facts.device_cancels:
        return Choice(Mode.SYSTEM, "by its name the microphone is an echo canceller already")
    if facts.canceller:
        return Choice(Mode.WEBRTC, "there is a canceller, and it does no harm where none is needed")
    hint = f"to be heard meanwhile: {INSTALL}, or headphones"
    if facts.return_db is None:
        return Choice(
            Mode.HALF_DUPLEX,
            f"no answer has sounded yet to tell whether the microphone hears it; {hint}",
        )
    limit_db = _AUDIBLE_AGAIN_DB if now is Mode.OFF else INAUDIBLE_DB
    if facts.return_db < limit_db:
        return Choice(Mode.OFF, "the microphone does not hear the loudspeaker")
    heard = f"the microphone hears the loudspeaker at {facts.return_db:.0f} dB"
    return Choice(Mode.HALF_DUPLEX, f"{heard} and there is no canceller; {hint}")


@attrs.define(eq=False)
class EchoReturn:
    """How loud answers come back, from the levels alone: at most as loud as this, for somebody who speaks
    over them, and noise that begins with them, counts as echo. That errs towards caution.

    *hold_ms* as for half duplex: within it after the loudspeaker has sounded, what is heard may be echo.
    """

    hold_ms: int
    return_db: float | None = attrs.field(default=None, init=False)
    _noise: float | None = attrs.field(default=None, init=False)  # energy of the quietest
    _near: float = attrs.field(default=0.0, init=False)
    _far: float = attrs.field(default=0.0, init=False)
    _sounded_ms: int = attrs.field(default=0, init=False)
    _left_ms: int = attrs.field(default=0, init=False)

    def feed(self, near: Frame, far: Frame) -> bool:
        """Take a frame of either, unprocessed; True when `return_db` is a new one."""
        sounds = dbfs(far) > AUDIBLE_DBFS
        if sounds:
            self._left_ms = self.hold_ms
        near_energy = energy(near)
        if not self._left_ms:
            self._noise = (
                near_energy
                if self._noise is None
                else min(near_energy, self._noise * _QUIET_RISE + 1e-3)
            )
            return False
        self._left_ms = max(0, self._left_ms - FRAME_MS)
        self._near += max(0.0, near_energy - (self._noise or 0.0))
        if sounds:
            self._far += energy(far)
            self._sounded_ms += FRAME_MS
        if self._sounded_ms < _ENOUGH_MS:
            return False
        self.return_db = 10.0 * math.log10(max(self._near, 1e-9) / self._far)
        self._near = self._far = 0.0
        self._sounded_ms = 0
        return True
