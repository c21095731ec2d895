"""The ports that listen, and the plain ears of tests and benches.

Law of this file: 24 kHz mono PCM16 in; where speech is likely, and which words were said, out. When
a turn begins or ends is decided in `turns`. The real ears are in `hearing`.
"""

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from attrs import define, field, frozen

from voiced.local import sound

_WINDOW_SAMPLES: Final = 20 * sound.SAMPLES_PER_MS
_WINDOW_BYTES: Final = _WINDOW_SAMPLES * sound.BYTES_PER_SAMPLE


@frozen
class Window:
    """A stretch of sound that has been judged."""

    samples: int
    probability: float
    """How likely it is speech, 0 to 1."""


class VoiceActivity(Protocol):
    """Judges one stream of sound, window after window; one object per session."""

    async def feed(self, pcm: bytes) -> Sequence[Window]:
        """Take the next bytes; return the windows they completed, in order and without gaps."""
        ...


class Ears(Protocol):
    """What a server hears with."""

    def voice_activity(self) -> VoiceActivity:
        """Make a fresh judge for a new stream."""
        ...

    async def recognise(self, pcm: bytes, hints: Sequence[str]) -> str:
        """Return the words of one utterance; empty if there were none one can vouch for.

        Args:
            pcm: The utterance.
            hints: Sentences that make sense in this session besides the usual ones.

        Raises:
            RecognitionFailed: the recogniser is ill.
        """
        ...

    async def aclose(self) -> None:
        """Let go of whatever runs."""
        ...


@define(eq=False)
class EnergyActivity:
    """Speech is what is loud: exact, instant, deaf to meaning."""

    threshold: int
    """Root mean square of a 20 ms window, in sample values."""
    _rest: bytes = b""

    async def feed(self, pcm: bytes) -> list[Window]:
        """Judge every whole window of 20 ms."""
        data = self._rest + pcm
        whole = len(data) // _WINDOW_BYTES * _WINDOW_BYTES
        self._rest = data[whole:]
        rows = np.frombuffer(data[:whole], dtype="<i2").reshape(-1, _WINDOW_SAMPLES)
        return [Window(_WINDOW_SAMPLES, float(loud)) for loud in loudness(rows) >= self.threshold]


@define(eq=False)
class PlainEars:
    """Hears loudness, and understands what it was told it would hear."""

    texts: Sequence[str] = ()
    """What the utterances say, one after another; then the last one for ever."""
    threshold: int = 500
    heard_ms: list[int] = field(init=False, factory=list)
    """How long the utterances were, the latest hundred."""
    _next: int = field(init=False, default=0)

    def voice_activity(self) -> EnergyActivity:
        """Make a judge of loudness."""
        return EnergyActivity(self.threshold)

    async def recognise(self, pcm: bytes, hints: Sequence[str]) -> str:
        """Return the next line of the script."""
        del hints
        del self.heard_ms[:-99]
        self.heard_ms.append(sound.ms(pcm))
        if not self.texts:
            return ""
        text = self.texts[min(self._next, len(self.texts) - 1)]
        self._next += 1
        return text

    async def aclose(self) -> None:
        """Nothing runs."""


def loudness(rows: np.typing.NDArray[np.int16]) -> np.typing.NDArray[np.float64]:
    """Return the root mean square of each row of samples."""
    powers: np.typing.NDArray[np.float64] = np.mean(np.square(rows.astype(np.float64)), axis=1)
    return np.sqrt(powers)
