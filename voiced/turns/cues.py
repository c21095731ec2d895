"""Which tone a moment of the conversation calls for, if any. Pure.

Three things are worth a tone: that somebody listens now (else people say the wake word twice), that what was
said is understood to be all, and that no answer will come. A tone is right only in its moment: one that
comes late would say something else.
"""

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from attrs import frozen

from voiced.turns.moments import Moment


class Cue(enum.Enum):
    """What a tone says."""

    WAKE = "wake"
    TURN_END = "turn_end"
    ERROR = "error"


LATE_S: Final[Mapping[Cue, float]] = MappingProxyType(
    {Cue.WAKE: 0.5, Cue.TURN_END: 0.3, Cue.ERROR: 3.0}
)
"""After so many seconds it says nothing true any more: who called speaks by then, the answer is about to
come. Bad news keep a little longer: they may wait for what there is of an answer."""


@frozen(kw_only=True)
class Tones:
    """What an owner wants."""

    cues: frozenset[Cue] = frozenset()
    level_db: float = 0.0  # against answers
    stops: frozenset[str] = frozenset()  # words that begin nothing
    tells_faults: bool = False  # that wait for a person: else they are announced


@frozen(kw_only=True)
class Scene:
    """How things are at that moment."""

    muted: bool = False  # nobody listens, and a tone would say the opposite
    hearing: bool = False  # the user is speaking
    deafens: bool = False  # what sounds makes the microphone deaf: words after it would be lost


def called_for(moment: Moment, detail: str, tones: Tones, scene: Scene) -> Cue | None:
    """The cue that *moment* calls for, as things are; *detail* is the notice's."""
    cue = _cue(moment, detail, tones, scene)
    return cue if cue in tones.cues else None


def _cue(moment: Moment, detail: str, tones: Tones, scene: Scene) -> Cue | None:
    match moment:
        case Moment.WOKEN if not (scene.muted or scene.deafens or detail in tones.stops):
            return Cue.WAKE
        case Moment.SPEECH_STOPPED if not scene.muted:
            return Cue.TURN_END
        case Moment.UNANSWERED if detail and not scene.hearing:  # else nobody did anything wrong
            return Cue.ERROR
        case Moment.GAVE_UP if tones.tells_faults:
            return Cue.ERROR
        case _:
            return None
