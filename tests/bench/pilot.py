"""A sound whose every position can be recognised, and what a recording of it says about playing."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from attrs import frozen

RATE_HZ: Final = 24_000
_WINDOW: Final = 960  # 40 ms: short enough to find a hole, long enough to be unmistakable
_AMPLITUDE: Final = 6000
_SILENT: Final = 60.0  # amplitude; the pilot's own RMS is 6000
_HIGHEST_HZ: Final = 3000  # where the recording falls half a sample beside it, that costs 3 % only
_ALIKE: Final = 0.9  # correlation; what is true gives 0.97 or more
_REACH: Final = 3 * RATE_HZ  # where a window is looked for that is not in its place


def pilot(ms: int, seed: int = 7) -> npt.NDArray[np.int16]:
    """Noise below 3 kHz, always the same: no two stretches of it are alike."""
    noise = np.random.default_rng(seed).standard_normal(ms * RATE_HZ // 1000)
    spectrum = np.fft.rfft(noise)
    spectrum[np.fft.rfftfreq(noise.size, 1 / RATE_HZ) > _HIGHEST_HZ] = 0
    shaped = np.fft.irfft(spectrum, noise.size)
    sound: npt.NDArray[np.int16] = (
        (shaped / shaped.std() * _AMPLITUDE).clip(-32000, 32000).astype(np.int16)
    )
    return sound


@frozen
class Fidelity:
    """How truly a pilot was played."""

    heard_ms: int
    gaps: int  # stretches of silence inside the answer
    gap_ms: int
    jumps: int  # places where it went on elsewhere: a skip or a repeat


def compare(recorded: npt.NDArray[Any], sent: npt.NDArray[Any]) -> Fidelity:
    """Hold a recording (24 kHz) of *sent* against it, window by window."""
    recorded, sent = recorded.astype(np.float64), sent.astype(np.float64)
    lag = _find(sent[: 5 * _WINDOW], recorded)
    at = heard = gap_samples = gaps = jumps = 0
    while at + _WINDOW <= sent.size and lag + at + _WINDOW <= recorded.size:
        if _alike(recorded[lag + at : lag + at + _WINDOW], sent[at : at + _WINDOW]) < _ALIKE:
            # It goes on elsewhere. If what lies between is silence, that is a gap, else a jump.
            after, new_lag = _resume(recorded, sent, at, lag)
            silent = _silent_samples(recorded[lag + at : new_lag + after])
            gaps, jumps = gaps + (silent > 0), jumps + (not silent)
            gap_samples += silent
            at, lag = after, new_lag
        heard, at = heard + _WINDOW, at + _WINDOW
    return Fidelity(heard * 1000 // RATE_HZ, gaps, gap_samples * 1000 // RATE_HZ, jumps)


def _resume(
    recorded: npt.NDArray[np.float64], sent: npt.NDArray[np.float64], at: int, lag: int
) -> tuple[int, int]:
    """The next window of *sent* that is found again, and its lag; the end if there is none."""
    reach = recorded[lag + at : lag + at + _REACH]
    for after in range(at + _WINDOW, min(at + _REACH, sent.size - _WINDOW), _WINDOW):
        wanted = sent[after : after + _WINDOW]
        found = _find(wanted, reach)
        if _alike(reach[found : found + _WINDOW], wanted) >= _ALIKE:
            return after, lag + at + found - after
    return sent.size, lag


def _silent_samples(samples: npt.NDArray[np.float64]) -> int:
    """How long the longest stretch of silence in it is, if longer than a millisecond."""
    loud = np.flatnonzero(np.abs(samples) > _SILENT)
    edges = np.concatenate(([-1], loud, [samples.size]))
    longest = int(np.diff(edges).max()) - 1
    return longest if longest > RATE_HZ // 1000 else 0


def _alike(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    if one.size != other.size:
        return 0.0
    return float(np.dot(one, other) / (np.linalg.norm(one) * np.linalg.norm(other) + 1e-9))


def _find(needle: npt.NDArray[np.float64], hay: npt.NDArray[np.float64]) -> int:
    """Where *needle* fits best."""
    size = 1 << (needle.size + hay.size - 1).bit_length()
    product = np.fft.rfft(hay, size) * np.conj(np.fft.rfft(needle, size))
    correlation = np.fft.irfft(product, size)[: max(1, hay.size - needle.size + 1)]
    return int(np.argmax(correlation))
