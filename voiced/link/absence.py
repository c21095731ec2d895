"""How often to look for a device that is gone, and when to stop looking. Pure: time is an argument."""

from typing import Final

import attrs

_PROVEN_S: Final = 10.0
"""A device that was lost sooner than this has not been back: its absence goes on, and so do the pauses."""

_BRISK_S: Final = 1.6
_SHARE: Final = 20
"""A pause is at most so long, or a twentieth of the absence: who unplugs a device and plugs it in again
does not wait for it, and nobody tries hundreds of times for one that is away all day."""

_HUNG_S: Final = 30.0
"""A sound system that answers nothing for so long will not do so again in this process: calls into it
that hang never return, not even after the server behind it has come to life (measured)."""


@attrs.define(eq=False)
class Absence:
    """The whole story of one device: when it was opened, when it was lost, how often it was tried."""

    first_pause_s: float
    longest_pause_s: float
    give_up_after_s: float
    waits_at_start: bool = False  # for one that was not there yet, as at boot
    since_s: float | None = attrs.field(default=None, init=False)  # None: it was never lost
    attempts: int = attrs.field(default=0, init=False)  # to bring it back, in this absence
    _opened_s: float | None = attrs.field(default=None, init=False)  # None: it is not open
    _hung_since_s: float | None = attrs.field(default=None, init=False)

    def opened(self, now_s: float) -> None:
        """It is open, for the first time or again."""
        self._opened_s, self._hung_since_s = now_s, None

    def stirs(self) -> None:
        """Something has changed: it may be back, so pauses are short again."""
        self.attempts = 0

    def pause_s(self, now_s: float, *, hung: bool = False) -> float | None:
        """How long to wait before the next attempt, now that it was lost or one has failed.

        None: make none. It was never there (and nobody waits at the start), it is away for too long, or (*hung*) what it depends on
        can't be mended from within this process.
        """
        if self._opened_s is None and self.since_s is None and not self.waits_at_start:
            return None
        if self.since_s is None or self._proven(now_s):
            self.since_s, self.attempts = now_s, 0
        self._opened_s = None
        if not hung:
            self._hung_since_s = None
        elif self._hung_since_s is None:
            self._hung_since_s = now_s
        elif now_s - self._hung_since_s >= _HUNG_S:
            return None
        if now_s - self.since_s >= self.give_up_after_s:
            return None
        doubled_s = self.first_pause_s * (1 << min(self.attempts, 16))
        self.attempts += 1
        away_s = now_s - self.since_s
        patient_s = max(_BRISK_S, self.first_pause_s, away_s / _SHARE)
        return min(self.longest_pause_s, doubled_s, patient_s)

    def _proven(self, now_s: float) -> bool:
        return self._opened_s is not None and now_s - self._opened_s >= _PROVEN_S
