"""How long a canceller is not trusted: until it has heard the loudspeaker for a while, and is seen to take it away.

Belongs here: counting and limits. What a canceller takes away is `leak.py`'s to measure, what is done meanwhile
`handling.py`'s.

Theory of operation. Time alone does not tell: the echo may move while a canceller looks for it, once more. That it takes
most of what the microphone hears away does; but somebody who speaks, or a television, hides that. So it is waited for,
but not for ever.
"""

from typing import Final

import attrs

from voiced.audio.format import frames_in_ms

FIRST: Final = frames_in_ms(3000)
"""Frames of the loudspeaker's sound after which a canceller knows its first room: before that enough comes
through for a server to hear speech (measured: until 2.5 s of the first answer)."""

AGAIN: Final = frames_in_ms(2500)
"""The same, after an echo has moved (measured: 0.2 to 1.3 s for moves of up to 150 ms, 2 s for 280)."""

_LONGEST: Final = frames_in_ms(5000)
"""The most: who is not proven by then is trusted all the same."""

_PROVEN: Final = frames_in_ms(500)  # of its sound, in a row, that was taken away
_TAKEN_DB: Final = 12.0  # before it is proven, a good canceller takes 20 and more


@attrs.define(eq=False)
class Learning:
    """One canceller; counts are in frames in which the loudspeaker sounded."""

    _left: int = attrs.field(default=0, init=False)
    _gone: int = attrs.field(default=0, init=False)

    @property
    def goes_on(self) -> bool:
        """Whether it is not trusted yet."""
        return self._left > 0

    def begin(self, frames: int) -> None:
        """It has to learn for so long at least."""
        if not self._left:
            self._gone = 0
        self._left = max(self._left, frames)

    def hear(self, taken_db: float | None) -> None:
        """Take a frame in which the loudspeaker sounded, and how much was taken away just now (None: there was
        nothing to take).
        """
        self._gone += 1
        late = self._gone >= _LONGEST
        if late or self._left > _PROVEN or (taken_db is not None and taken_db >= _TAKEN_DB):
            self._left -= 1
        elif taken_db is not None:
            self._left = _PROVEN
