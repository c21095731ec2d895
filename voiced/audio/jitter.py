"""When an answer may begin to sound, and when it must wait again.

The jitter buffer is a decision, not a container: sound waits in the playout's channel, this says how
long. All of it is in milliseconds of sound and of time, never in deltas: a server may send 0.6 s of
speech in two deltas or in thirty.

Theory of operation. A delta is *late* by the time since the answer's first delta, less the sound
received before it: 0 if it arrives just when the last sample before it has been played by somebody
who did not wait at all, negative if the server is ahead. An answer sounds without a gap if its
beginning was put off by as much as the lateness rises, at most, above the earliest delta before it
(the first delta may have been late itself, hence not just the lateness). That rise is what an answer
*needed*. The next ones are held back by the most that one of the last answers needed. An answer that
comes in a burst falls ever earlier, needs nothing, and its lead counts as time already waited.

A rise beyond `max_ms` is no jitter but a pause of the server: from there it counts anew.
"""

import math
from collections import OrderedDict
from typing import Final

import attrs

from voiced.audio.format import FRAME_MS

MARGIN_MS: Final = 40
"""A frame for what was never seen before, 20 ms for the resampler (10) and the device's block (10)."""

UNKNOWN_NEED_MS: Final = 160
"""Before anything was seen: deltas that are 80 ms early or late, a mobile link on a middling day."""

LUCK_MS: Final = UNKNOWN_NEED_MS
"""So much earlier than the first delta another may be by luck; more is a server that is ahead, and what
it then loses of its lead harms nobody."""

_TELLING: Final = 20  # arrivals until what was seen is believed
_REMEMBERED: Final = 12  # answers; more than can wait in line, and a few minutes of conversation
_A_HAIR_MS: Final = 0.5  # clocks are no finer, and sleeping less is no use


@attrs.define(eq=False)
class _Arrivals:
    """How one answer came in."""

    first_s: float
    received_ms: int = 0
    earliest_ms: float = 0.0  # the least lateness so far
    need_ms: float = -math.inf

    def late_ms(self, now_s: float, before_ms: int) -> float:
        """How late is, at *now_s*, what follows on the first *before_ms* of the answer?"""
        return (now_s - self.first_s) * 1000 - before_ms

    def note(self, now_s: float, ms: int, hold_ms: float, max_ms: int) -> None:
        late_ms = self.late_ms(now_s, self.received_ms)
        rise_ms = late_ms - max(self.earliest_ms, -LUCK_MS)
        if rise_ms > max_ms:
            self.first_s = now_s - self.received_ms / 1000
            self.earliest_ms = 0.0
        elif self.received_ms:
            # Between two deltas nobody sees a stall begin: one that made a gap counts in full length.
            unseen_ms = ms if rise_ms > hold_ms else 0
            self.need_ms = max(self.need_ms, rise_ms + unseen_ms)
            self.earliest_ms = min(self.earliest_ms, late_ms)
        self.received_ms += ms


@attrs.define(eq=False)
class JitterBuffer:
    """Told what arrives by the receiving side, asked by the Player; both on one thread.

    At least *min_ms* of sound are held before an answer begins (or goes on after an underrun), and
    nothing is put off by more than *max_ms*. Where the two are equal that is all, and nothing is
    learned. The end of an answer is never held back, however short the answer.
    """

    min_ms: int
    max_ms: int
    _answers: OrderedDict[str, _Arrivals] = attrs.field(factory=OrderedDict, init=False)
    _seen: int = attrs.field(default=0, init=False)

    @property
    def hold_ms(self) -> float:
        """By how much the beginning of an answer is put off now, at most."""
        if self.min_ms == self.max_ms:
            return 0.0
        needs = [answer.need_ms for answer in self._answers.values()]
        if not self._believed:
            needs.append(UNKNOWN_NEED_MS)
        return min(float(self.max_ms), max(0.0, max(needs, default=0.0) + MARGIN_MS))

    def arrived(self, item_id: str, now_s: float, ms: int) -> None:
        """Note *ms* of an answer's sound; *now_s* is any clock, as long as it is always the same."""
        if not ms:
            return
        answer = self._answers.get(item_id)
        if answer is None:
            answer = self._answers[item_id] = _Arrivals(now_s)
            if len(self._answers) > _REMEMBERED:
                self._answers.popitem(last=False)
        answer.note(now_s, ms, self.hold_ms, self.max_ms)
        self._seen += 1

    def wait_s(
        self, item_id: str, now_s: float, *, held_frames: int, played_ms: int, complete: bool
    ) -> float:
        """How long to wait before playing what is held, should no more come meanwhile.

        Infinite if only more sound will do, 0 if it may be played now. *played_ms* of the answer
        have been played, and the device has run dry since.
        """
        held_ms = held_frames * FRAME_MS
        if complete:
            return 0.0
        if held_ms < self.min_ms:
            return math.inf
        answer = self._answers.get(item_id)
        if answer is None or (held_ms >= self.max_ms and not self._believed):
            return 0.0
        put_off_ms = answer.late_ms(now_s, played_ms) - answer.earliest_ms
        wait_ms = self.hold_ms - put_off_ms
        return wait_ms / 1000 if wait_ms > _A_HAIR_MS else 0.0

    @property
    def _believed(self) -> bool:
        return self._seen >= _TELLING
