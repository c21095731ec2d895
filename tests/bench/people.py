"""Human speech for benches: prompts that people have recorded, from Debian's packages of Asterisk.

Belongs here: finding, decoding and choosing recordings. Nothing of them is kept in this repository.
"""

import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from tests.bench.stage import CannotMeasureError
from voiced.audio.convert import Samples, to_mono
from voiced.audio.format import WIRE_RATE_HZ
from voiced.audio.level import at_level
from voiced.audio.resample import Resampler

ASSISTANT: Final = "en_US_f_Allison"
TALKERS: Final = ("it_IT_m_Carlo", "fr_CA_f_June", "ru_RU_f_IvrvoiceRU")

_SOUNDS: Final = Path("/usr/share/asterisk/sounds")
_PACKAGE: Final = "asterisk-core-sounds-{language}-g722"
_RATE_HZ: Final = 16_000
_SAMPLES_PER_BYTE: Final = 2  # of G.722 at 64 kbit/s
_NO_SPEECH: Final = ("beep", "tone", "monkeys", "silence", "screen")
_PAUSE_S: Final = (0.2, 0.2, 0.2, 0.8)  # between prompts, in turn
_LOUD: Final = 0.01  # of a recording's peak: what is softer at its ends is left out
_FRAME: Final = WIRE_RATE_HZ // 100
_BEGUN_DB: Final = -12.0  # against the loudness of the whole: 30 ms of that, and somebody speaks


def assistant(seconds: float, dbfs: float) -> Samples:
    """One voice that speaks prompt after prompt, so long, with short pauses (24 kHz)."""
    size, parts = 0, list[Samples]()
    while size < seconds * WIRE_RATE_HZ:  # a second time through them only in very long runs
        for number, prompt in enumerate(_prompts(ASSISTANT)):
            pause_s = _PAUSE_S[number % len(_PAUSE_S)]
            pause = np.zeros(round(pause_s * WIRE_RATE_HZ), np.float32)
            parts += [prompt, pause]
            size += prompt.size + pause.size
            if size >= seconds * WIRE_RATE_HZ:
                break
    return at_level(np.concatenate(parts)[: round(seconds * WIRE_RATE_HZ)], dbfs)


def utterances(count: int, least_s: float, most_s: float, *, unseen: bool = False) -> list[Samples]:
    """That many of other voices in turn, each beginning with its first sound (24 kHz). The *unseen* lie halfway
    between the others: nothing was tuned on them.
    """
    of_each = -(-count // len(TALKERS))
    chosen = [_spread_out(voice, of_each, least_s, most_s, unseen) for voice in TALKERS]
    return [voice[number] for number in range(of_each) for voice in chosen][:count]


def begins_s(utterance: Samples) -> float:
    """How far into it there is speech for certain: breath and a soft consonant may come before."""
    size = utterance.size // _FRAME * _FRAME
    power = np.mean(np.square(utterance[:size].reshape(-1, _FRAME)), axis=1)
    loud = power > np.mean(power) * 10 ** (_BEGUN_DB / 10)
    begun = loud[:-2] & loud[1:-1] & loud[2:]
    return int(np.argmax(begun)) * 0.01


def _spread_out(
    voice: str, count: int, least_s: float, most_s: float, unseen: bool
) -> list[Samples]:
    """From all over what there is of that voice, in the order of names."""
    fitting = [
        prompt for prompt in _prompts(voice) if least_s <= prompt.size / WIRE_RATE_HZ <= most_s
    ]
    return [fitting[(2 * number + unseen) * len(fitting) // (2 * count)] for number in range(count)]


@cache
def _prompts(voice: str) -> tuple[Samples, ...]:
    return tuple(_trimmed(prompt) for prompt in _decoded(voice))


def _decoded(voice: str) -> Iterator[Samples]:
    """All at once: G.722 has no headers, so that recordings can be decoded in line and then cut."""
    paths = [
        path
        for path in sorted((_SOUNDS / voice).glob("*.g722"))
        if path.stat().st_size and not any(word in path.name for word in _NO_SPEECH)
    ]
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None or not paths:
        package = _PACKAGE.format(language=voice[:2])
        raise CannotMeasureError(f"no human speech: apt install {package} ffmpeg")
    whole = subprocess.run(
        [ffmpeg, "-loglevel", "error", "-f", "g722", "-i", "-", "-f", "s16le", "-"],
        input=b"".join(path.read_bytes() for path in paths),
        capture_output=True,
        check=True,
    ).stdout
    resampler = Resampler(_RATE_HZ, WIRE_RATE_HZ)
    sound, at = to_mono(whole, 1), 0
    for path in paths:
        size = path.stat().st_size * _SAMPLES_PER_BYTE
        yield np.concatenate([resampler.feed(sound[at : at + size]), resampler.finish()])
        at += size


def _trimmed(prompt: Samples) -> Samples:
    loud = np.flatnonzero(np.abs(prompt) > _LOUD * np.abs(prompt).max())
    return prompt[loud[0] : loud[-1]] if loud.size else prompt[:0]
