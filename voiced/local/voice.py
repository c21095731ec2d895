"""The port that speaks, and the plain voices of tests and benches.

Law of this file: a sentence in, 24 kHz mono PCM16 out, whole sentences only. Which program speaks
for people is the business of `speech`.
"""

import re
import textwrap
from collections.abc import Iterator
from typing import Final, Protocol

import numpy as np
from attrs import frozen

from voiced.local import sound

_TONE: Final = re.compile(r"\[tone (\d{1,6})\]")
_LONGEST_BREATH: Final = 400  # characters; a tool's result may have no full stop at all
_SENTENCE_END: Final = re.compile(r"(?<=[.!?]) +")


class Voice(Protocol):
    """Whoever speaks."""

    async def speak(self, sentence: str, speed: float) -> bytes:
        """Return *sentence* as 24 kHz mono PCM16, *speed* times as fast as usual.

        Raises:
            SpeechFailed: the sentence could not be said.
        """
        ...


@frozen
class ToneVoice:
    """Hums: ``[tone 3000]`` lasts exactly 3000 ms, other text so many ms per character."""

    ms_per_character: int = 60
    frequency_hz: int = 440
    amplitude: int = 8_000

    async def speak(self, sentence: str, speed: float) -> bytes:
        """Hum for as long as *sentence* says; *speed* is ignored, for exact lengths."""
        del speed
        found = _TONE.search(sentence)
        duration_ms = int(found[1]) if found else len(sentence) * self.ms_per_character
        return tone(duration_ms, self.frequency_hz, self.amplitude)


@frozen
class RecordedVoice:
    """Says everything with the same given sound."""

    pcm: bytes

    async def speak(self, sentence: str, speed: float) -> bytes:
        """Return the recording, whatever *sentence* is."""
        del sentence, speed
        return self.pcm


def tone(duration_ms: int, frequency_hz: int = 440, amplitude: int = 8_000) -> bytes:
    """Make a sine tone."""
    at = np.arange(duration_ms * sound.SAMPLES_PER_MS) / sound.RATE_HZ
    wave: np.typing.NDArray[np.int16] = np.rint(
        amplitude * np.sin(2 * np.pi * frequency_hz * at)
    ).astype(np.int16)
    return wave.tobytes()


def sentences(text: str) -> Iterator[str]:
    """Cut *text* where a speaker would breathe, so that the first sound comes early."""
    for part in _SENTENCE_END.split(text.strip()):
        yield from textwrap.wrap(part, _LONGEST_BREATH)
