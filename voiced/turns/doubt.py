"""Whether speech over an answer is an interruption or a cough. Pure.

Theory of operation. The server takes half a second of silence to say that speech has stopped, so it
cannot tell in time whether speech *lasts*; our own frames can (`voiced.audio.voicing`). All places are
milliseconds of the sound that was sent up, the server's own measure: no clock is needed.

    speech_started -> LISTENING (softer) -- voiced for confirm_ms ------> meant
                          |    \\----------- words --------------------> meant
                          v
                      UNCONVINCED (as loud as before) - voiced again --> meant
                          | committed                 - words ---------> meant
                          v
                      WAITING for the transcript ---- words -----------> meant
                          \\-- none, none in time, none to be expected -> dismissed
"""

import enum
from typing import Final

import attrs

from voiced.audio.voicing import Voicing
from voiced.turns.words import has_words

_PATIENCE_MS: Final = (
    60  # beyond confirm_ms, before the level comes back: three frames on their way
)


class Belief(enum.Enum):
    """What we think of what the user says over an answer."""

    LISTENING = "listening"
    UNCONVINCED = "unconvinced"
    WAITING = "waiting"
    MEANT = "meant"


@attrs.define(eq=False)
class Doubt:
    """What is believed of one item of the user's."""

    item_id: str
    from_ms: int  # of the sound sent up: what the server says is the item's beginning
    confirm_ms: int
    belief: Belief = attrs.field(default=Belief.LISTENING, init=False)
    _words: str = attrs.field(default="", init=False, repr=False)

    def listen(self, voicing: Voicing) -> bool:
        """Look at what was voiced; True if that changed the belief."""
        if self.belief not in {Belief.LISTENING, Belief.UNCONVINCED}:
            return False
        span = voicing.span_ms(self.from_ms)
        if span is not None and span[1] - span[0] >= self.confirm_ms:
            self.belief = Belief.MEANT
            return True
        began = span[0] if span is not None else self.from_ms
        late = voicing.heard_ms - began > self.confirm_ms + _PATIENCE_MS
        if late and self.belief is Belief.LISTENING:
            self.belief = Belief.UNCONVINCED
            return True
        return False

    def stopped(self) -> bool:
        """Take in that the server heard it end; True if it is softer no more."""
        changed = self.belief is Belief.LISTENING
        if changed:
            self.belief = Belief.UNCONVINCED
        return changed

    def read(self, text: str, *, final: bool) -> bool:
        """Take in words, piece by piece or all of them; True if they change the belief."""
        self._words = text if final else self._words + text
        # An unfinished last word may be the first half of "okay".
        said = self._words if final else self._words.rpartition(" ")[0]
        if self.belief is Belief.MEANT or not has_words(said):
            return False
        self.belief = Belief.MEANT
        return True
