"""What the scripted user says: spoken by a program, or read from a file."""

from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr

from voiced.audio.convert import to_pcm16
from voiced.audio.format import WIRE_RATE_HZ
from voiced.demo.script import Clips
from voiced.faults import DeviceError
from voiced.local.speech import Timbre, find_voice

_QUESTION: Final = "Tell me a longer story."
_INTERRUPTION: Final = "What is seven times six?"
_PAUSE_S: Final = 0.3  # around each clip: nobody speaks from the very first sample


async def clips_for(question: Path | None) -> Clips:
    """Let a voice other than the assistant's speak; *question*, if given, is asked first instead."""
    story = await _spoken(_QUESTION)
    return Clips(
        question=story if question is None else read_clip(question),
        story=story,
        interruption=await _spoken(_INTERRUPTION),
    )


def read_clip(path: Path) -> bytes:
    """Any sound file as PCM16 mono at 24 kHz; `DeviceError` says what is wrong with it."""
    try:
        sound, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        reason = "no such file" if not path.exists() else str(error)
        raise DeviceError(
            f"{path} can't be read ({reason}): give a WAV, FLAC or Ogg file"
        ) from error
    if not len(sound):
        raise DeviceError(f"{path} holds no sound at all")
    return _padded(to_pcm16(soxr.resample(sound.mean(axis=1), rate_hz, WIRE_RATE_HZ)))


async def _spoken(text: str) -> bytes:
    return _padded(await find_voice(Timbre.USER).speak(text, 1.0))


def _padded(pcm: bytes) -> bytes:
    pause = np.zeros(round(_PAUSE_S * WIRE_RATE_HZ), np.int16).tobytes()
    return pause + pcm + pause
