"""A sound that the user makes for as long as wanted, and where in it a stretch of sound belongs.

It never repeats itself, so that what a server was given says by itself when it was spoken: `Talker` says
it and notes when, `Spoken` finds stretches of it again, to a sample at 24 kHz. It goes from the mouth to
the server through resamplers that are linear and clocks that are one, so its level and its pace are kept.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from typing import Final

import attrs
import numpy as np
import soxr

from tests.bench.pilot import RATE_HZ, Floats, pilot
from tests.rig import RATE_HZ as RIG_HZ
from tests.rig import Mouth, RigError, Samples

LOUD: Final = 1.0  # a pilot's own level: speech, to whoever judges loudness
MURMUR: Final = 1 / 60  # 100 of 32768: four times softer than what the server's ears call speech
_PIECE: Final = RATE_HZ // 4  # said at once
_NEAR: Final = 5  # pieces on either side: a busy machine dates one of them wrongly, not all
_ALIKE: Final = 0.9  # as in pilot.py: what is true gives 0.97 or more
_AUDIBLE: Final = 20.0  # amplitude below which there is nothing to be recognised


@attrs.define(eq=False)
class Spoken:
    """What is or was said: places in it are counted in samples at 24 kHz."""

    sound: Samples
    begun_s: list[float] = attrs.field(factory=list)  # of each piece, when it began to sound

    def time_s(self, place: int) -> float:
        """When the sample at *place* sounded."""
        piece = min(place // _PIECE, len(self.begun_s) - 1)
        first = max(0, piece - _NEAR)
        near = self.begun_s[first : piece + _NEAR + 1]
        starts = (at - (first + k) * _PIECE / RATE_HZ for k, at in enumerate(near))
        return float(np.median(list(starts))) + place / RATE_HZ

    def places(self, stretches: Sequence[Samples]) -> list[int | None]:
        """Where each of these begins, most of which follow one another; None: it is not of this."""
        found: list[int | None] = []
        expected: int | None = None
        for stretch in stretches:
            place = self._place(stretch.astype(np.float64), expected)
            found.append(place)
            if place is not None:
                expected = place + stretch.size
            elif expected is not None:
                expected += stretch.size
        return found

    def _place(self, stretch: Floats, expected: int | None) -> int | None:
        if float(np.sqrt(np.mean(stretch**2))) < _AUDIBLE:
            return None
        if expected is not None and self._alike(stretch, expected):
            return expected
        spectrum, size = self._spectrum
        correlation = np.fft.irfft(spectrum * np.conj(np.fft.rfft(stretch, size)), size)
        place = int(np.argmax(correlation[: self.sound.size - stretch.size + 1]))
        return place if self._alike(stretch, place) else None

    def _alike(self, stretch: Floats, place: int) -> bool:
        there = self.sound[place : place + stretch.size].astype(np.float64)
        if there.size != stretch.size:
            return False
        norms = float(np.linalg.norm(stretch) * np.linalg.norm(there)) + 1e-9
        return float(np.dot(stretch, there)) / norms >= _ALIKE

    @cached_property
    def _spectrum(self) -> tuple[np.typing.NDArray[np.complex128], int]:
        size = 1 << self.sound.size.bit_length()
        return np.fft.rfft(self.sound.astype(np.float64), size), size


@attrs.define(eq=False)
class Talker:
    """Somebody who talks until told to stop."""

    mouth: Mouth
    spoken: Spoken
    trouble: RigError | None = None
    _over: threading.Event = attrs.field(factory=threading.Event, init=False)
    _thread: threading.Thread | None = attrs.field(default=None, init=False)

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._talk, name="talker", daemon=True)
        self._thread.start()

    def stop(self) -> float:
        """End, within half a second; return when the last of it sounds.

        Raises:
            RigError: the mouth broke, or what there was to say did not last.
        """
        self.hush()
        if self.trouble is not None:
            raise self.trouble
        return self.spoken.time_s(len(self.spoken.begun_s) * _PIECE)

    def hush(self) -> None:
        """End; doing so again changes nothing."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _talk(self) -> None:
        fine = _fine(self.spoken)
        size = _PIECE * RIG_HZ // RATE_HZ
        try:
            for at in range(0, fine.size - size + 1, size):
                if self._over.is_set():
                    return
                self.spoken.begun_s.append(self.mouth.say(fine[at : at + size]))
        except RigError as trouble:
            self.trouble = trouble
            return
        self.trouble = RigError(f"nothing left to say after {fine.size / RIG_HZ:g} s")


def _fine(spoken: Spoken) -> Samples:
    whole = soxr.resample(spoken.sound.astype(np.float64), RATE_HZ, RIG_HZ)
    fine: Samples = np.clip(np.rint(whole), -32768, 32767).astype(np.int16)
    return fine


@contextmanager
def talking(mouth: Mouth, seconds: int, level: float) -> Iterator[Talker]:
    """Somebody talks, for *seconds* at most."""
    sound = np.rint(_pilot(seconds) * level).astype(np.int16)
    talker = Talker(mouth, Spoken(sound))
    talker.start()
    try:
        yield talker
    finally:
        talker.hush()


@cache
def _pilot(seconds: int) -> Samples:
    return pilot(1000 * seconds, seed=19)
