"""Whether somebody speaks over the loudspeaker, by what the canceller leaves.

Belongs here: a suspicion within some 60 ms, by loudness alone, so that the answer can be made softer at once.
Whether it is speech, and meant, is for the server and `voiced/turns/doubt.py` to say.

Theory of operation. A canceller takes its far end away so thoroughly that hardly anything is left (measured
with people's voices: 99 % of frames below -70 dBFS in a usual room, below -58 in a hard one), and it takes
much of a talker who is softer than the echo away, too: a server hears him late, or not at all. But what does
come through stands far out of what is usually left. (In a room where that is not so, suspicions come to nothing,
and it becomes wary.) With the answer 20 dB softer for a moment, the canceller
lets the talker through, and the server hears him.
"""

from collections import deque
from typing import Final

import attrs

from voiced.audio.echo.half_duplex import AUDIBLE_DBFS
from voiced.audio.format import frames_in_ms
from voiced.audio.level import SILENCE_DBFS

_ABOVE_DB: Final = 10.0  # what is usually left
_LEAST_DBFS: Final = -65.0  # below it nothing counts: it would come through to nobody
_RISE_DB: Final = 0.02  # per frame: 1 dB/s
_OF: Final = 3  # frames that are looked at
_NEEDED: Final = 2  # of them: a click is one
_SUSTAINED: Final = (
    7  # frames of a suspicion that a voice fills; crackle of the canceller's does not
)
_WARIER_DB: Final = 2.0  # after each suspicion that nothing followed
_WARIEST_DB: Final = 15.0
_CALMS_DB: Final = 0.002  # per frame: 6 dB a minute
_HOLD: Final = frames_in_ms(700)
"""How long a suspicion lasts after the last such frame: a server needs some 300 ms to hear speech, and 120 ms
go by until the room is softer."""

_RETURNS: Final = frames_in_ms(500)  # until the room is as loud as before, after a suspicion
_PAUSE: Final = frames_in_ms(100)  # that does not end a burst
_ECHO: Final = frames_in_ms(1000)  # how long after the far end's last sound there may be an echo


@attrs.define(eq=False)
class NearSpeech:
    """One microphone behind a canceller."""

    suspicions: int = attrs.field(default=0, init=False)  # times it began to suspect somebody
    burst: int = attrs.field(default=0, init=False)
    """Frames since that which stands out began to; 0 if nothing does, nor did a moment ago."""

    _pause: int = attrs.field(default=_PAUSE, init=False)  # frames since something stood out
    _usual_dbfs: float = attrs.field(default=-60.0, init=False)
    _standing_out: deque[bool] = attrs.field(factory=lambda: deque(maxlen=_OF), init=False)
    _wary_db: float = attrs.field(default=0.0, init=False)  # because of suspicions for nothing
    _stood: int = attrs.field(default=0, init=False)  # frames of this suspicion that stood out
    _held: int = attrs.field(default=0, init=False)  # frames for which the suspicion still lasts
    _softer: int = attrs.field(default=0, init=False)  # frames for which the room may be
    _echoing: int = attrs.field(default=0, init=False)  # frames for which there may be an echo

    @property
    def suspected(self) -> bool:
        """Whether somebody may be speaking over the loudspeaker now."""
        return self._held > 0

    def hear(self, level_dbfs: float, far_dbfs: float) -> None:
        """Take how loud a frame is behind the canceller, and its reference."""
        self._echoing = _ECHO if far_dbfs > AUDIBLE_DBFS else max(0, self._echoing - 1)
        self._softer = max(0, self._softer - 1)
        if not self._softer:  # what a softer answer leaves is not the usual
            self._usual_dbfs = max(SILENCE_DBFS, min(level_dbfs, self._usual_dbfs + _RISE_DB))
        limit_dbfs = max(self._usual_dbfs + _ABOVE_DB, _LEAST_DBFS) + self._wary_db
        self._standing_out.append(level_dbfs > limit_dbfs)
        self._wary_db = max(0.0, self._wary_db - _CALMS_DB)
        self._pause = 0 if self._standing_out[-1] else self._pause + 1
        self.burst = self.burst + 1 if self._pause < _PAUSE else 0
        self._suspect()

    def calm(self) -> None:
        """It was not somebody: the loudspeaker itself came through."""
        self._standing_out.clear()
        self._held = 0

    def _suspect(self) -> None:
        self._stood += self._standing_out[-1]
        if self._echoing and sum(self._standing_out) >= _NEEDED:
            if not self._held:
                self.suspicions += 1
                self._stood = _NEEDED
            self._held, self._softer = _HOLD, _HOLD + _RETURNS
        elif self._held:
            self._held -= 1
            if not self._held and self._stood < _SUSTAINED:
                self._wary_db = min(_WARIEST_DB, self._wary_db + _WARIER_DB)
