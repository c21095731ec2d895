"""Sound of which every position can be recognised, and what became of it on its way."""

import attrs
import numpy as np
import numpy.typing as npt

from voiced.audio.convert import Pcm, to_mono, to_pcm16
from voiced.audio.resample import Resampler

Floats = npt.NDArray[np.float64]


def pilot(ms: int, rate_hz: int, seed: int = 1) -> Pcm:
    """Noise below 4 kHz, which every resampler on the way lets pass; no two stretches are alike."""
    noise = np.random.default_rng(seed).standard_normal(ms * rate_hz // 1000)
    spectrum = np.fft.rfft(noise)
    spectrum[np.fft.rfftfreq(noise.size, 1 / rate_hz) > 4000] = 0
    shaped = np.fft.irfft(spectrum, noise.size)
    return np.asarray(np.rint(8000 * shaped / np.abs(shaped).max()), np.int16)


def resampled(sound: Pcm, from_hz: int, to_hz: int) -> Pcm:
    """*sound* as our own resampler makes it; the same to the bit, however it was chopped."""
    resampler = Resampler(from_hz, to_hz)
    floats = resampler.feed(to_mono(sound.tobytes(), channels=1))
    return np.frombuffer(to_pcm16(np.concatenate([floats, resampler.finish()])), np.int16)


@attrs.frozen
class Trace:
    """Where each 20 ms of a sound were found in a recording of it."""

    lags: Floats  # in samples, to a fraction of one
    likeness: Floats  # 1: equal but for the level
    level: float  # of the recording, by that of the sound

    @property
    def wander(self) -> float:
        """By how many samples the sound was shifted against itself: 0 if none is missing or doubled."""
        return float(self.lags.max() - self.lags.min())


def trace(sound: Pcm, recording: Pcm, rate_hz: int = 24_000) -> Trace:
    """Look for *sound*, stretch by stretch, in *recording* at the same rate."""
    wanted, heard = sound.astype(np.float64), recording.astype(np.float64)
    size = 1 << (wanted.size + heard.size).bit_length()
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(wanted, size))
    around = int(np.argmax(np.fft.irfft(spectrum, size)[: heard.size]))
    window, reach = rate_hz // 50, 4
    lags, likeness = [], []
    for at in range(0, wanted.size - window, window):
        stretch = wanted[at : at + window]
        scores = []
        for lag in range(around - reach, around + reach + 1):
            place = heard[max(0, at + lag) : at + lag + window]
            norm = np.linalg.norm(place) * np.linalg.norm(stretch)
            whole = norm and place.size == window
            scores.append(float(place @ stretch / norm) if whole else 0.0)
        # The best lies between samples, on a parabola through the best and its neighbours.
        best = int(np.argmax(scores[1:-1])) + 1
        before, top, after = scores[best - 1 : best + 2]
        bend = before - 2 * top + after
        aside = 0.5 * (before - after) / bend if bend else 0.0
        lags.append(around - reach + best + aside)
        likeness.append(top - 0.25 * (before - after) * aside)
    place = heard[max(0, around) : around + wanted.size]
    level = float(np.linalg.norm(place) / np.linalg.norm(wanted[: place.size]))
    return Trace(np.array(lags), np.array(likeness), level)
