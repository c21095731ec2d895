"""The voice of this machine: a program that speaks, if one is installed. For announcements only.

Law of this file: a sentence in, 24 kHz mono PCM16 at the level of answers out, or a `VoiceError`.
"""

import io
import shutil
import subprocess
import wave
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import trio
from attrs import frozen

from voiced.audio.convert import Samples, to_mono, to_pcm16
from voiced.audio.earcons import LEVEL_DBFS
from voiced.audio.format import WIRE_RATE_HZ, ms_to_samples
from voiced.audio.level import at_level
from voiced.audio.resample import Resampler
from voiced.faults import VoiceError

_LIMIT_S: Final = 5.0  # ten seconds of speech took 0.2 s at most (measured, two cores)
_HEARABLE: Final = 0.005  # of full scale: what programs leave before and after speech is below
_EDGE_MS: Final = 10  # of it that stay, and fade

_Command = Callable[[str, str, str], list[str]]

_PROGRAMS: Final[Mapping[str, _Command]] = MappingProxyType(
    {
        "espeak-ng": lambda program, language, sentence: (
            [program, "--stdout", "-v", language, "--", sentence]
        ),
        "flite": lambda program, _language, sentence: (
            [program, "-voice", "slt", "-t", sentence, "-o", "/dev/stdout"]
        ),
    }
)
"""Each writes a WAV file to its standard output; the first knows a hundred languages."""

_ENGLISH_ONLY: Final = frozenset({"flite"})


@frozen
class ProgramVoice:
    """Speaks through one of the programs above."""

    name: str
    path: str
    language: str
    limit_s: float = _LIMIT_S

    async def speak(self, sentence: str) -> bytes:
        """As the port says."""
        command = _PROGRAMS[self.name](self.path, self.language, sentence)
        try:
            with trio.fail_after(self.limit_s):
                done = await trio.run_process(
                    command, capture_stdout=True, capture_stderr=True, check=False
                )
        except (OSError, trio.TooSlowError) as error:
            reason = getattr(error, "strerror", None) or f"took longer than {self.limit_s:g} s"
            raise VoiceError(f"{self.path} could not speak: {reason}") from error
        if done.returncode:
            raise VoiceError(f"{self.path} could not speak: {_complaint(done)}")
        rate_hz, samples = self._read(done.stdout)
        return _prepared(samples, rate_hz)

    def _read(self, output: bytes) -> tuple[int, Samples]:
        """Rate and samples of a WAV whose length may be a guess: it was written to a pipe."""
        try:
            with wave.open(io.BytesIO(output)) as sound:
                channels, width, rate_hz = sound.getparams()[:3]
                block = sound.readframes(len(output))
        except (wave.Error, EOFError) as error:
            raise VoiceError(
                f"{self.path} wrote no WAV file: {str(error) or 'it is too short'}"
            ) from error
        if width != 2 or not rate_hz:
            raise VoiceError(f"{self.path} wrote no 16-bit WAV file")
        whole = len(block) - len(block) % (width * channels)
        return rate_hz, to_mono(block[:whole], channels)


def find_voice(language: str) -> ProgramVoice:
    """The first program that is installed and knows *language*; `VoiceError` if none does."""
    english = language.lower().startswith("en")
    for name in _PROGRAMS:
        path = shutil.which(name)
        if path is not None and (english or name not in _ENGLISH_ONLY):
            return ProgramVoice(name, path, language)
    raise VoiceError(f'no program that speaks "{language}" is installed: apt install espeak-ng')


def _prepared(samples: Samples, rate_hz: int) -> bytes:
    """At the house's rate and level, without the silence around it, and without a click."""
    resampler = Resampler(rate_hz, WIRE_RATE_HZ)
    sound = np.concatenate([resampler.feed(samples), resampler.finish()])
    loud = np.flatnonzero(np.abs(sound) > _HEARABLE)
    if not loud.size:
        raise VoiceError("the voice of this machine said nothing")
    edge = ms_to_samples(_EDGE_MS)
    kept = sound[max(0, loud[0] - edge) : loud[-1] + edge].copy()
    ramp = np.linspace(0.0, 1.0, min(edge, kept.size), dtype=np.float32)
    kept[: ramp.size] *= ramp
    kept[kept.size - ramp.size :] *= ramp[::-1]
    return to_pcm16(at_level(kept, LEVEL_DBFS))


def _complaint(done: "subprocess.CompletedProcess[bytes]") -> str:
    """The last line that a program wrote before it failed."""
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"it ended with {done.returncode}"
