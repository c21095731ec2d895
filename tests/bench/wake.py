"""How often the wake words are heard, how often something else is taken for one, and what that costs.

Voices are those of espeak-ng and flite: how people are heard, this can't tell. Nothing here needs a sound
server, for the detector does not.
"""

import io
import shutil
import subprocess
import time
import wave
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import numpy as np
import trio

from tests.bench.stage import Facts
from voiced.audio.convert import Samples, to_mono, to_pcm16
from voiced.audio.format import FRAME_SAMPLES, WIRE_RATE_HZ, Frame
from voiced.audio.level import at_level
from voiced.audio.resample import Resampler
from voiced.edges.wake_word import MicroDetector, MicroWakeWords
from voiced.link.wake import SHIPPED

SPOKEN: Final = {
    "okay_nabu": "Okay Naboo",
    "hey_jarvis": "Hey Jarvis",
    "hey_mycroft": "Hey Mycroft",
    "alexa": "Alexa",
}
"""How a synthesiser is told to say it; it reads "Nabu" as it likes."""

TARGETS: Final = {
    f"{word}, false in 600 s of {sound}": "0"
    for word in SPOKEN
    for sound in ("speech", "noise like music")
} | {f"{words} words, % of a core": "<= 1" for words in (1, 2, 4)}

_ESPEAK: Final = [
    f"{language}{variant}"
    for language in ("en-us", "en-gb", "en-gb-scotland")
    for variant in ("", "+f2", "+f4", "+m3", "+m7")
]
_FLITE: Final = ("slt", "rms", "awb", "kal16")
_SPEEDS: Final = (140, 175)
_SENTENCES: Final = (
    "What time does the museum open tomorrow, and how much is a ticket for two?",
    "The quick brown fox jumps over the lazy dog, and nobody seems to mind.",
    "Alexander asked a neighbour about the harvest, and Nathan knew about it.",
    "Okay, nobody knew that the new book was in the library all along.",
    "Hey, Charlie, have you seen my coat? I left it in the car park.",
    "Please mind the gap between the train and the platform edge.",
)
_SPEECH_DBFS: Final = -26.0
_LATEST_S: Final = 1.0  # after a word's end


def detection(noise_db: float | None = None) -> Facts:
    """Hits in percent, by word and voices; *noise_db*: white noise so far below the speech."""
    facts: dict[str, float] = {}
    for word, text in SPOKEN.items():
        for kind, say in _voices(text):
            hits, lag_ms = 0, 0.0
            clips = list(say())
            for number, clip in enumerate(clips):
                sound = np.concatenate([_silence(1.0), clip, _silence(1.5)])
                if noise_db is not None:
                    sound = sound + _noise(sound.size, number, _SPEECH_DBFS - noise_db)
                end_s = 1.0 + clip.size / WIRE_RATE_HZ
                found = [at_s for at_s, _ in spotted([word], sound)][:1]
                hits += any(at_s < end_s + _LATEST_S for at_s in found)
                lag_ms = max([lag_ms, *(1000 * (at_s - end_s) for at_s in found)])
            facts[f"{word}, {kind}: heard of {len(clips)}"] = hits
            facts[f"{word}, {kind}: recognised after its end, ms at most"] = lag_ms
    return facts


def false_wakes(seconds: float) -> Facts:
    """How often each word is heard where none is said."""
    facts: dict[str, float] = {}
    sounds = {"speech": _speech(seconds), "noise like music": _music(seconds)}
    for name, sound in sounds.items():
        found = spotted(SHIPPED, sound)
        for word in SHIPPED:
            facts[f"{word}, false in {seconds:g} s of {name}"] = sum(w == word for _, w in found)
    return facts


def cost(seconds: float) -> Facts:
    """Processor time of the detector, thread and crossing included, by number of words."""
    frames = list(_frames(_speech(seconds)))
    facts: dict[str, float] = {}
    for words in (SHIPPED[-1:], SHIPPED[:2], SHIPPED):
        detector = MicroWakeWords(words, 0.5).make()
        trio.run(_listen, detector, frames[:300])
        began_s = time.process_time()
        trio.run(_listen, detector, frames)
        share = (time.process_time() - began_s) / (len(frames) * 0.02)
        facts[f"{len(words)} words, % of a core"] = 100 * share
    return facts


async def _listen(detector: MicroDetector, frames: list[Frame]) -> None:
    for at in range(0, len(frames), 3):
        await detector.listen(frames[at : at + 3])


def spotted(words: Iterable[str], sound: Samples) -> list[tuple[float, str]]:
    """Each word that is recognised in *sound*, and at which second."""

    async def listen() -> list[tuple[float, str]]:
        found = await MicroWakeWords(tuple(words), 0.5).make().listen(list(_frames(sound)))
        return [((index + 1) * 0.02, word) for index, word in found]

    return trio.run(listen)


def _voices(text: str) -> Iterator[tuple[str, Callable[[], Iterator[Samples]]]]:
    if espeak := shutil.which("espeak-ng"):
        yield (
            "espeak-ng",
            lambda: (
                _say(espeak, "--stdout", "-v", voice, "-s", str(speed), text)
                for voice in _ESPEAK
                for speed in _SPEEDS
            ),
        )
    if flite := shutil.which("flite"):
        for voice in _FLITE:
            yield (
                f"flite {voice}",
                lambda voice=voice: (  # type: ignore[misc]
                    _say(
                        flite,
                        "--setf",
                        f"duration_stretch={stretch}",
                        "-voice",
                        voice,
                        "-t",
                        text,
                        "-o",
                        "/dev/stdout",
                    )
                    for stretch in ("0.85", "1.0", "1.2")
                ),
            )


def _say(*command: str) -> Samples:
    """Speech at the usual level, at the wire's rate, without the silence around it."""
    out = subprocess.run(command, capture_output=True, check=True).stdout
    with wave.open(io.BytesIO(out)) as file:
        rate_hz = file.getframerate()
        samples = to_mono(file.readframes(len(out)), 1)
    resampler = Resampler(rate_hz, WIRE_RATE_HZ)
    sound = np.concatenate([resampler.feed(samples), resampler.finish()])
    loud = np.flatnonzero(np.abs(sound) > 0.01)
    return at_level(sound[loud[0] : loud[-1]], _SPEECH_DBFS)


def _silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * WIRE_RATE_HZ), np.float32)


def _noise(size: int, seed: int, dbfs: float) -> Samples:
    white: Samples = np.random.default_rng(seed).standard_normal(size).astype(np.float32)
    return white * np.float32(10 ** (dbfs / 20))


def _speech(seconds: float) -> Samples:
    """Other sentences by all voices, until it is long enough."""
    espeak, size = shutil.which("espeak-ng") or "espeak-ng", 0
    parts: list[Samples] = []
    while size < seconds * WIRE_RATE_HZ:
        number = len(parts) // 2
        voice = _ESPEAK[number % len(_ESPEAK)]
        sentence = _SENTENCES[number % len(_SENTENCES)]
        speed = str(130 + 7 * (number % 13))
        parts += [_say(espeak, "--stdout", "-v", voice, "-s", speed, sentence), _silence(0.4)]
        size += parts[-2].size + parts[-1].size
    return np.concatenate(parts)[: round(seconds * WIRE_RATE_HZ)]


def _music(seconds: float) -> Samples:
    """Chords that change, over noise that beats: nobody speaks."""
    random = np.random.default_rng(7)
    beat = round(0.4 * WIRE_RATE_HZ)
    at = np.arange(beat) / WIRE_RATE_HZ
    parts = []
    for _ in range(round(seconds / 0.4)):
        tones = 110.0 * 2 ** (random.integers(0, 36, 4) / 12)
        chord = sum(
            np.sin(2 * np.pi * hz * harmonic * at) / harmonic
            for hz in tones
            for harmonic in (1, 2, 3)
        )
        drum = random.standard_normal(beat) * np.exp(-at * 30)
        parts.append((chord * np.exp(-at * 3) + drum).astype(np.float32))
    return at_level(np.concatenate(parts), _SPEECH_DBFS)


def _frames(sound: Samples) -> Iterator[Frame]:
    for at in range(0, sound.size - FRAME_SAMPLES + 1, FRAME_SAMPLES):
        yield to_pcm16(sound[at : at + FRAME_SAMPLES])
