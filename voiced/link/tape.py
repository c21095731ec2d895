"""The last of what the user said, as it went up, so that a new session can hear it again. Pure.

Theory of operation. A session that dies takes with it what it was told. What deserves to be told
again is little: the user's turn that nobody has begun to answer, and what had just gone up when it
died and may be the beginning of one. The tape keeps a few seconds of what went up, and from the moment
the server hears speech all of the turn, until it is answered, dismissed or given up.

After a fault of the service's, or when a session gives way to its successor, the whole turn is told
again, once. After an outage nothing is that is older than the owner's limit for stale speech: who
waited for long has said it again, or gone.

What waits to go up may not get stale either: on a link that is too narrow it would fall behind without
end. So it may grow by as much as may be stale, and not more, beyond the least that has waited since all
was told that is told again: that is stale by intent, and so is what was said meanwhile.

Frames are placed by the milliseconds of sound that went up before them, the server's own count.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final

import attrs

from voiced.audio.format import FRAME_MS, Frame, frames_in_ms

_ROLLING_MS: Final = 6000
"""Kept while no turn is open: the longest prefix padding (5 s), and the time that the server takes to
hear speech.
"""

_LUMPS_MS: Final = 400
"""Waits however wide the link is: twice the slowest batch, and what devices give at once."""


@attrs.frozen
class _Sent:
    """One frame that went up."""

    from_ms: int  # of the session's sound
    at_s: float
    frame: Frame


@attrs.define(eq=False)
class Tape:
    """What goes up, over all sessions: first what waits, then what was sent."""

    longest_ms: int  # of what is kept, and of what waits
    keep_ms: int = 2000  # of what waits because the link takes less than is said
    dropped: int = attrs.field(default=0, init=False)  # frames that waited too long
    retold: int = attrs.field(default=0, init=False)  # frames that went up a second time
    _waiting: deque[tuple[float, Frame]] = attrs.field(factory=deque, init=False)
    _sent: deque[_Sent] = attrs.field(factory=deque, init=False)
    _again: int = attrs.field(default=0, init=False)  # of those that wait, the first so many
    _least: int = attrs.field(
        default=0, init=False
    )  # that has waited since there are none of these
    _turn_from_ms: int | None = attrs.field(default=None, init=False)
    _over_ms: int = attrs.field(default=0, init=False)  # before it, all is answered or was nothing
    _retold_turn: bool = attrs.field(default=False, init=False)

    @property
    def turn_is_open(self) -> bool:
        """Whether the user is owed an answer, or still speaks."""
        return self._turn_from_ms is not None

    @property
    def may_retell(self) -> bool:
        """Whether an unanswered turn may still be told again: once is enough."""
        return not self._retold_turn

    @property
    def waiting(self) -> int:
        """How many frames wait to go up."""
        return len(self._waiting)

    def add(self, frames: Sequence[Frame], at_s: float) -> None:
        """Frames wait to go up, the last of which was spoken at *at_s*, the others before it; if that
        becomes too many, the oldest are dropped and counted.
        """
        first_s = at_s - (len(frames) - 1) * FRAME_MS / 1000
        spoken_s = (first_s + place * FRAME_MS / 1000 for place in range(len(frames)))
        self._waiting.extend(zip(spoken_s, frames, strict=True))
        most = frames_in_ms(self.longest_ms)
        if not self._again:
            most = min(most, self._least + frames_in_ms(max(self.keep_ms, _LUMPS_MS)))
        while len(self._waiting) > most:
            self._drop_oldest()

    def take(self) -> tuple[float, Frame]:
        """The frame that waited longest, and since when; IndexError if none waits."""
        taken = self._waiting.popleft()
        self._least = len(self._waiting) if self._again else min(self._least, len(self._waiting))
        self._again = max(0, self._again - 1)
        return taken

    def sent(self, frame: Frame, end_ms: int, at_s: float) -> None:
        """A frame goes up; *end_ms* is where it ends in the session's sound."""
        self._sent.append(_Sent(end_ms - FRAME_MS, at_s, frame))
        from_ms = end_ms - _ROLLING_MS
        if self._turn_from_ms is not None:
            from_ms = max(end_ms - self.longest_ms, min(from_ms, self._turn_from_ms))
        while self._sent[0].from_ms + FRAME_MS <= from_ms:
            self._sent.popleft()

    def turn_begins(self, from_ms: int) -> None:
        """The user speaks, from there in the session's sound on."""
        if self._turn_from_ms is None:
            self._turn_from_ms = from_ms

    def turn_is_over(self) -> None:
        """It is being answered, or was none, or was given up."""
        self._turn_from_ms = None
        self._retold_turn = False
        if self._sent:
            self._over_ms = self._sent[-1].from_ms + FRAME_MS

    def retell(self, now_s: float, *, whole: bool, keep_ms: int) -> int:
        """A session begins: put what it should hear of the last one before what waits already.

        *whole*: all of the open turn, if it was not told again before; else only what is younger than
        *keep_ms*, and what waited longer than that is dropped. Returns how many frames go up again.
        """
        since_s = now_s - keep_ms / 1000
        if whole and self._turn_from_ms is not None and self.may_retell:
            from_ms = self._turn_from_ms
            again = [each for each in self._sent if each.from_ms + FRAME_MS > from_ms]
            self._retold_turn = True
        else:
            young = (each for each in self._sent if each.at_s > since_s)
            again = [each for each in young if each.from_ms >= self._over_ms]
            while self._waiting and self._waiting[0][0] < since_s:
                self._drop_oldest()
        self._waiting.extendleft((each.at_s, each.frame) for each in reversed(again))
        self._sent.clear()
        self._turn_from_ms, self._over_ms = None, 0
        self._again, self._least = len(again), len(self._waiting)
        self.retold += len(again)
        return len(again)

    def forget_before(self, since_s: float) -> None:
        """Another conversation begins: nothing older belongs to it. While no session is in use."""
        while self._waiting and self._waiting[0][0] <= since_s:
            self._drop_oldest()
        while self._sent and self._sent[0].at_s <= since_s:
            self._sent.popleft()
        self._turn_from_ms, self._retold_turn = None, False

    def _drop_oldest(self) -> None:
        self.take()
        self.dropped += 1
