"""A sound whose every position can be recognised, and what a recording of it says about playing."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from attrs import frozen

RATE_HZ: Final = 24_000
_WINDOW: Final = 960  # 40 ms: short enough to find a hole, long enough to be unmistakable
_AMPLITUDE: Final = 6000
_SILENT: Final = 200.0  # RMS; the pilot's own is about 6000


def pilot(ms: int, seed: int = 7) -> npt.NDArray[np.int16]:
    """Noise below 6 kHz, always the same: no two stretches of it are alike."""
    noise = np.random.default_rng(seed).standard_normal(ms * RATE_HZ // 1000)
    spectrum = np.fft.rfft(noise)
    spectrum[np.fft.rfftfreq(noise.size, 1 / RATE_HZ) > 6000] = 0
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
    """Hold a recording (24 kHz) of *sent* against it."""
    recorded, sent = recorded.astype(np.float64), sent.astype(np.float64)
    start = _find(sent[: 5 * _WINDOW], recorded)
    lag, gaps, gap_windows, jumps, heard, silent = start, 0, 0, 0, 0, False
    for at in range(0, sent.size - _WINDOW + 1, _WINDOW):
        window = recorded[lag + at : lag + at + _WINDOW]
        if window.size < _WINDOW:
            break
        if np.sqrt(np.mean(window**2)) < _SILENT:
            gaps, gap_windows, silent = gaps + (not silent), gap_windows + 1, True
            continue
        silent = False
        if _alike(window, sent[at : at + _WINDOW]) < 0.8:
            reach = slice(max(0, lag + at - _WINDOW), lag + at + 50 * _WINDOW)
            lag = reach.start + _find(sent[at : at + _WINDOW], recorded[reach]) - at
            jumps += 1
        heard += _WINDOW
    return Fidelity(heard * 1000 // RATE_HZ, gaps, gap_windows * 40, jumps)


def _alike(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    return float(np.dot(one, other) / (np.linalg.norm(one) * np.linalg.norm(other) + 1e-9))


def _find(needle: npt.NDArray[np.float64], hay: npt.NDArray[np.float64]) -> int:
    """Where *needle* fits best."""
    size = 1 << (needle.size + hay.size - 1).bit_length()
    product = np.fft.rfft(hay, size) * np.conj(np.fft.rfft(needle, size))
    correlation = np.fft.irfft(product, size)[: max(1, hay.size - needle.size + 1)]
    return int(np.argmax(correlation))
