"""Whether the microphone hears more than an echo can be, by loudness: then somebody speaks, for sure.

Belongs here: how loud an echo can be at most, frame by frame. What follows from it is decided in `double_talk.py`.

Theory of operation. A canceller takes a good deal of a talker away along with the echo, most of all when he begins:
for 100 to 300 ms next to nothing is left of him (measured with people's voices 5 dB louder than the echo). But what
the loudspeaker was given is known, how late it is heard too, and so is, roughly, how fast a room falls silent: by how
much the microphone's level exceeds what is reckoned from these hardly changes from one sentence to the next (measured
in an answer's echo: 50 % to 99.9 % of frames lie within 7 dB, 10 in a hard room). The most of it, while nobody is
suspected to speak, is the room's own; people 5 dB louder than the echo exceed that by 3.5 within some 100 ms.
"""

import operator
from collections import deque
from collections.abc import Iterable
from typing import Final

import attrs

from voiced.audio.echo.half_duplex import AUDIBLE_DBFS
from voiced.audio.format import FRAME_MS, frames_in_ms
from voiced.audio.level import SILENCE_DBFS

_BEYOND_DB: Final = 3.5  # the most that an echo was
_ENOUGH: Final = frames_in_ms(3000)  # of the loudspeaker's sound, before the most is known
_LATER: Final = frames_in_ms(300)  # is it known whether somebody spoke: then a frame is an echo's
_CALMS_DB: Final = (
    0.01  # per frame of the loudspeaker's sound: who was taken for an echo is forgotten
)
_TAIL: Final = frames_in_ms(240)  # of a room
_FALLS_DB: Final = 1.5  # per frame: a room that takes 0.8 s for 60 dB
_FALLEN_DB: Final = tuple(_FALLS_DB * frames for frames in range(_TAIL, 0, -1))  # in its tail
_LONGEST: Final = frames_in_ms(500)  # an echo's delay
_LEAST_DBFS: Final = -55.0  # what is softer is nobody who interrupts


@attrs.define(eq=False)
class BeyondEcho:
    """One microphone and one loudspeaker."""

    _far_dbfs: deque[float] = attrs.field(
        factory=lambda: deque([SILENCE_DBFS] * (_LONGEST + _TAIL), maxlen=_LONGEST + _TAIL),
        init=False,
    )
    _most_db: float = attrs.field(default=-SILENCE_DBFS, init=False)  # by which an echo was louder
    _learned: int = attrs.field(default=0, init=False)  # frames that it is known by
    _echoes: deque[float] = attrs.field(factory=deque, init=False)  # frames that may be

    def hear(
        self, near_dbfs: float, far_dbfs: float, delay_ms: int | None, *, suspected: bool
    ) -> bool:
        """Take how loud a frame of the microphone is and its reference, which is heard *delay_ms* later (None: nobody
        knows), and whether somebody is suspected to speak; True if it is too loud for an echo.
        """
        self._far_dbfs.append(far_dbfs)
        if delay_ms is None or (reckoned := self._reckon(delay_ms)) < AUDIBLE_DBFS:
            return False
        over_db = near_dbfs - reckoned
        known = self._learned >= _ENOUGH and near_dbfs > _LEAST_DBFS
        beyond = known and over_db > self._most_db + _BEYOND_DB
        if suspected:
            self._echoes.clear()
        else:
            self._learn(over_db)
        return beyond

    def _learn(self, over_db: float) -> None:
        self._echoes.append(over_db)
        if len(self._echoes) > _LATER:
            echo_db = self._echoes.popleft()
            calmed_db = self._most_db - _CALMS_DB
            self._most_db = max(echo_db, calmed_db) if self._learned else echo_db
            self._learned += 1

    def _reckon(self, delay_ms: int) -> float:
        """How loud the loudspeaker was, as far as it can be heard now. (Also what is not to be heard yet: the
        echo may have moved.)
        """
        delay = min(_LONGEST, delay_ms // FRAME_MS + 1)
        latest = list(self._far_dbfs)[-delay - _TAIL :]
        fallen: Iterable[float] = map(operator.sub, latest, _FALLEN_DB)
        return max(*latest[_TAIL:], *fallen)
