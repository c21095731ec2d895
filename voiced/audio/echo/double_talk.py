"""Double talk: who is heard behind a canceller while the loudspeaker sounds, and what of that goes on.

Belongs here: telling somebody from nobody, and from the loudspeaker itself; and that a canceller does not take a
talker's first words away. By what each of them is told is in `near_speech.py`, `leak.py` and `beyond_echo.py`.

    what the canceller left stands out                  -> suspected: the answer is made softer
      ... and is what the loudspeaker was given         -> moved: nobody; the canceller looks for its echo
      ... and the microphone hears more than an echo    -> somebody: all goes on as it came, from his beginning on
"""

from collections import deque
from collections.abc import Sequence
from typing import Final

import attrs

from voiced.audio.echo.beyond_echo import BeyondEcho
from voiced.audio.echo.instant import Instant
from voiced.audio.echo.leak import Leak
from voiced.audio.echo.near_speech import NearSpeech
from voiced.audio.format import Frame, frames_in_ms

_LOOKS: Final = frames_in_ms(140)
"""From the beginning of a burst: who is not the loudspeaker by then is somebody."""

_BEFORE: Final = frames_in_ms(60)  # a burst that stands out somebody has begun to speak
_TOLD_AGAIN: Final = frames_in_ms(200)  # at most: what was taken away of his first words
_TAKEN_DB: Final = 3.0  # by which a frame is softer that did not come through
_LATELY: Final = frames_in_ms(60)
"""Too loud for an echo: the suspicion comes some frames after his first sound, which may be his loudest."""

_PASSES: Final = frames_in_ms(200)  # after a frame that was louder than an echo: he still speaks


@attrs.define(eq=False)
class DoubleTalk:
    """One microphone behind a canceller."""

    moved: bool = attrs.field(default=False, init=False)  # the echo has, by this frame
    passed: int = attrs.field(default=0, init=False)  # frames that went on as they came
    _near: NearSpeech = attrs.field(factory=NearSpeech, init=False)
    _leak: Leak = attrs.field(factory=Leak, init=False)
    _beyond: BeyondEcho = attrs.field(factory=BeyondEcho, init=False)
    _before: deque[Instant] = attrs.field(
        factory=lambda: deque(maxlen=_TOLD_AGAIN), init=False
    )  # of which only what was left went on
    _since_beyond: int = attrs.field(default=_LATELY, init=False)  # frames since one was too loud
    _passes: int = attrs.field(default=0, init=False)  # frames for which it goes on as it comes

    @property
    def suspected(self) -> bool:
        """Whether somebody may be speaking over the loudspeaker now."""
        return self._near.suspected

    @property
    def suspicions(self) -> int:
        """How often that began."""
        return self._near.suspicions

    @property
    def taken_db(self) -> float | None:
        """How much of what the microphone heard last the canceller took away; None: it heard next to nothing."""
        return self._leak.taken_db

    def learn(self, instant: Instant, delay_ms: int | None) -> None:
        """Take the next frame of each end, of which the far one is heard *delay_ms* later (None: nobody knows), while
        it is known that too much is left.
        """
        self.moved = False
        self._passes, self._since_beyond = 0, _LATELY
        self._leak.feed(instant)
        self._beyond.hear(instant.near_dbfs, instant.far_dbfs, delay_ms, suspected=False)
        self._before.append(instant)

    def hear(self, instant: Instant, delay_ms: int | None) -> Sequence[Frame]:
        """The same in good times. Return what goes on: one frame, or more of them when somebody has begun to
        speak, of whom little was left until now.
        """
        self._leak.feed(instant)
        self._near.hear(instant.left_dbfs, instant.far_dbfs)
        somebody = self._somebody(instant, delay_ms)
        told = [instant.left]
        if somebody or self._passes:
            told = [*self._taken_away(), instant.near]
            self.passed += len(told)
        else:
            self._before.append(instant)
        self._passes = _PASSES if somebody else max(0, self._passes - 1)
        looks = self._near.suspected and 0 < self._near.burst <= _LOOKS and not self._passes
        self.moved = looks and self._leak.is_one()
        if self.moved:
            self._near.calm()
        return told

    def _somebody(self, instant: Instant, delay_ms: int | None) -> bool:
        """Whether this frame is certainly somebody's."""
        suspected = self._near.suspected
        beyond = self._beyond.hear(
            instant.near_dbfs, instant.far_dbfs, delay_ms, suspected=suspected
        )
        self._since_beyond = 0 if beyond else self._since_beyond + 1
        loud = suspected and self._since_beyond < _LATELY
        return loud and not self._leak.resembles()

    def _taken_away(self) -> list[Frame]:
        """What is missing of somebody's first words: back to his beginning, or to a frame that came through."""
        lost: list[Frame] = []
        for before in list(self._before)[::-1][: self._near.burst - 1 + _BEFORE]:
            if before.near_dbfs - before.left_dbfs < _TAKEN_DB:
                break
            lost.insert(0, before.near)
        self._before.clear()
        return lost
