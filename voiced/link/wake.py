"""Words that are listened for while nothing leaves the machine: when one was said, and what it asks for.
Pure.

Theory of operation. A detector says, some thirty times a second, how probable it is that a word has
just ended. The word counts as said where that rises above a cutoff, once: it must have fallen well
below before it counts again, and two words take longer than `_REST_S`, whatever an echo of the room
makes of the first.
"""

from collections.abc import Sequence
from typing import Final

import attrs
from attrs import frozen

SHIPPED: Final = ("alexa", "hey_jarvis", "hey_mycroft", "okay_nabu")
"""Words whose models lie in the detector's own package (pymicro-wakeword 2.5)."""

OWN: Final = ".json"
"""How the name of an owner's own model ends: a microWakeWord description, its .tflite beside it."""

RECOGNISED_AFTER_MS: Final = 400
"""From the end of a word to its recognition at most (measured: 0 to 350, by word and voice); what is
said since belongs to the conversation.
"""

WAITING_MS: Final = 600
"""Sound that may wait for a detector that is behind; more is lost to it, and counted."""

_LEAST: Final = 0.5  # of a cutoff, at full sensitivity: below, it would guess
_MOST: Final = 0.99  # models answer in steps of 1/256, and none says 1
_FALLEN: Final = 0.5  # of the cutoff
_REST_S: Final = 1.0
_HUSH_DB: Final = 20.0  # below the loudest frame of a word; vowels of one word differ by less


@frozen
class Spotted:
    """A word was said; it was recognised in the frame that came at *at_s*."""

    word: str
    at_s: float


@frozen
class Summons:
    """What follows from a word that was said."""

    stops: frozenset[str] = frozenset()  # these end a conversation, all others begin one
    back_ms: int = (
        RECOGNISED_AFTER_MS  # before its recognition what belongs to the conversation begins
    )
    sends_word: bool = False  # else what of it lies in that time is left out


def cutoff(usual: float, sensitivity: float) -> float:
    """From which probability on a word counts as said: at a *sensitivity* of 0.5 what its maker found
    to be right, less towards 1, more towards 0.
    """
    if sensitivity >= 0.5:
        return usual - (usual - min(usual, _LEAST)) * (sensitivity - 0.5) * 2
    return usual + (max(usual, _MOST) - usual) * (0.5 - sensitivity) * 2


def tail_frames(levels: Sequence[float]) -> int:
    """How many frames of those that came before a recognition are still the word itself, by their
    *levels* in dB: all up to the first pause. Without a pause, none: what follows could be cut.
    """
    if not levels:
        return 0
    hush_db = max(levels) - _HUSH_DB
    quiet = [level < hush_db for level in levels]
    return next((at for at in range(len(quiet) - 1) if quiet[at] and quiet[at + 1]), 0)


@attrs.define(eq=False)
class Trigger:
    """Tells one saying of a word from the next."""

    cutoff: float
    _ready: bool = attrs.field(default=True, init=False)
    _fired_s: float = attrs.field(default=float("-inf"), init=False)

    def pull(self, probability: float, now_s: float) -> bool:
        """Whether the word has been said just now; *now_s* is the sound's own time."""
        if probability < self.cutoff * _FALLEN:
            self._ready = True
        if probability <= self.cutoff or not self._ready or now_s < self._fired_s + _REST_S:
            return False
        self._ready, self._fired_s = False, now_s
        return True
