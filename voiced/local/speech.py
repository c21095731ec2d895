"""The voice people hear: flite, or espeak-ng where flite is absent.

Law of this file: one program run per sentence, nothing kept between them. Measured: 5 s of speech
cost flite 70 ms and espeak-ng 16 ms of one core; flite is the clearer one.
"""

import enum
import shutil
import struct
import subprocess
from typing import Final

import trio
from attrs import frozen

from voiced.local import sound
from voiced.local.errors import SpeechFailed, VoiceMissing

_PATIENCE_S: Final = 20.0  # three hundred times what a sentence takes: then the program hangs
_USUAL_WORDS_PER_MINUTE: Final = 165


class Timbre(enum.Enum):
    """Who is heard; two that nobody confuses. Each value: flite's name and espeak-ng's."""

    ASSISTANT = ("slt", "en-us")
    USER = ("rms", "en-gb")


@frozen
class ProgramVoice:
    """Speaks through a program that writes a WAV file to its standard output."""

    program: str
    """Full path of ``flite`` or ``espeak-ng``."""
    timbre: Timbre = Timbre.ASSISTANT

    def command(self, sentence: str, speed: float) -> list[str]:
        """Return what to run."""
        flite, espeak = self.timbre.value
        if self.program.endswith("flite"):
            slower = f"duration_stretch={1 / speed:.3f}"
            voice = ["-voice", flite, "--setf", slower]
            return [self.program, *voice, "-t", sentence, "-o", "/dev/stdout"]
        pace = str(round(_USUAL_WORDS_PER_MINUTE * speed))
        return [self.program, "--stdout", "-v", espeak, "-s", pace, "--", sentence]

    async def speak(self, sentence: str, speed: float) -> bytes:
        """Return *sentence* as 24 kHz mono PCM16."""
        printable = "".join(letter if letter.isprintable() else " " for letter in sentence)
        command = self.command(printable, speed)
        try:
            with trio.fail_after(_PATIENCE_S):
                done = await trio.run_process(command, capture_stdout=True, capture_stderr=True)
        except (OSError, subprocess.CalledProcessError, trio.TooSlowError) as why:
            raise SpeechFailed(f"{self.program} could not speak: {why!r}") from why
        rate_hz, pcm = read_wav(done.stdout)
        return sound.resample(pcm, rate_hz, sound.RATE_HZ).tobytes()


def find_voice(timbre: Timbre = Timbre.ASSISTANT) -> ProgramVoice:
    """Find a program that speaks.

    Raises:
        VoiceMissing: there is none.
    """
    for name in ("flite", "espeak-ng"):
        if program := shutil.which(name):
            return ProgramVoice(program, timbre)
    raise VoiceMissing(
        "the local server has no voice: neither flite nor espeak-ng is installed; apt install flite"
    )


def read_wav(data: bytes) -> tuple[int, bytes]:
    """Return rate and samples of a mono PCM16 WAV, whose sizes may be unknown (a pipe's are).

    Raises:
        SpeechFailed: it is none.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise SpeechFailed("the program that speaks wrote no WAV file")
    at, rate_hz = 12, 0
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        body = at + 8
        if name == b"fmt ":
            coding, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", data, body)
            if (coding, channels, bits) != (1, 1, 16):
                raise SpeechFailed("the program that speaks wrote no mono 16-bit WAV file")
        elif name == b"data" and rate_hz:
            samples = data[body : body + size]
            return rate_hz, samples[: len(samples) // 2 * 2]
        at = body + size + size % 2
    raise SpeechFailed("the program that speaks wrote a WAV file without sound")
