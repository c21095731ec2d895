"""All that is doubted at a time: what is being said, and turns that wait for their words. Pure."""

import enum
from collections import OrderedDict
from typing import Final

import attrs

from voiced.audio.voicing import Voicing
from voiced.turns.doubt import Belief, Doubt

_MOST: Final = 16  # items waiting for their words; beyond it the oldest is let pass


class Reading(enum.Enum):
    """What words of the user's change."""

    NOTHING = "nothing"
    MEANT = "meant"  # what is being said is an interruption
    TURN = "turn"  # the item that waited for its words is a turn, and owed an answer
    NO_TURN = "no turn"  # it is none


@attrs.define(eq=False)
class Doubts:
    """Needed while `policy.doubts` only; otherwise nothing is ever in doubt."""

    voicing: Voicing = attrs.field(factory=Voicing, init=False)
    speech: Doubt | None = attrs.field(default=None, init=False)  # about what is being said now
    _wordless: OrderedDict[str, tuple[Doubt, float]] = attrs.field(factory=OrderedDict, init=False)

    @property
    def waiting(self) -> bool:
        """Whether a turn that may be none waits for its words."""
        return bool(self._wordless)

    @property
    def wakes_at_s(self) -> float:
        """When the first of them has waited long enough."""
        return next(iter(self._wordless.values()), (None, float("inf")))[1]

    def begin(self, item_id: str, from_ms: int | None, confirm_ms: int) -> None:
        """Doubt what is said from that place of the sound on, or from now."""
        start_ms = self.voicing.heard_ms if from_ms is None else from_ms
        self.speech = Doubt(item_id, start_ms, confirm_ms)

    def end(self) -> Doubt | None:
        """Nothing is being said any more; return what was doubted."""
        doubt, self.speech = self.speech, None
        return doubt

    def await_words(self, doubt: Doubt, item_id: str, until_s: float) -> str | None:
        """Let an item wait for its words; return the oldest, if too many wait now."""
        doubt.item_id = item_id
        doubt.belief = Belief.WAITING
        self._wordless[item_id] = doubt, until_s
        return self._wordless.popitem(last=False)[0] if len(self._wordless) > _MOST else None

    def overdue(self, now_s: float) -> str | None:
        """An item whose words did not come in time: each is named once."""
        if self.wakes_at_s > now_s:
            return None
        return self._wordless.popitem(last=False)[0]

    def read(self, item_id: str, text: str, *, final: bool) -> Reading:
        """Take in words of an item: a piece, or all of them."""
        if self.speech is not None and self.speech.item_id == item_id:
            return Reading.MEANT if self.speech.read(text, final=final) else Reading.NOTHING
        if item_id not in self._wordless:
            return Reading.NOTHING
        turn = self._wordless[item_id][0].read(text, final=final)
        if not (turn or final):
            return Reading.NOTHING
        del self._wordless[item_id]
        return Reading.TURN if turn else Reading.NO_TURN
