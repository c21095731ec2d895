"""Whether something will have to be played soon: by that, who plays it gets ready in good time. Pure."""

from typing import Final

import attrs

from voiced.turns.moments import Moment

ANNOUNCES: Final = frozenset(
    {
        Moment.WOKEN,
        Moment.SPEECH_START,
        Moment.SPEECH_STOPPED,
        Moment.ASKED,
        Moment.COMMITTED,
        Moment.RESPONSE_CREATED,
    }
)
"""After each of these an answer, or a tone, is to come."""

SETTLES: Final = frozenset({Moment.PLAYED, Moment.DISMISSED, Moment.UNANSWERED})
"""And after each of these none, for now."""

LONGEST_S: Final = 20.0
"""By then [limits] have given up an answer of which nothing is heard (created_ms and first_delta_ms)."""

_NEVER_S: Final = float("-inf")


@attrs.define(eq=False)
class Expectation:
    """Told every moment. Times are seconds of any one clock."""

    until_s: float = attrs.field(default=_NEVER_S, init=False)

    def follows(self, moment: Moment, now_s: float) -> bool:
        """Take in *moment*; True if it says that something is to come."""
        if moment in ANNOUNCES:
            self.until_s = now_s + LONGEST_S
        elif moment in SETTLES:
            self.until_s = _NEVER_S
        return moment in ANNOUNCES
