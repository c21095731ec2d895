"""A sound whose every position can be recognised, and what a recording of it says about playing.

Two looks at a recording: `Reference.trace` finds where in the pilot it begins and ends, to a sample at
48 kHz (for cuts and short answers); `compare` walks through a long one and finds every hole and jump.
"""

from itertools import pairwise
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import soxr
from attrs import frozen

from tests.rig import RATE_HZ as RIG_HZ

Floats: TypeAlias = npt.NDArray[np.float64]

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


# --- where it begins and ends ---------------------------------------------------------------------

_PER_MS: Final = RIG_HZ // 1000
_AUDIBLE: Final = 0  # the rig is silent to the bit; a fade falls to 0 some 0.1 ms before its end
_PAUSE: Final = _PER_MS  # so much silence is a hole; the pilot itself is never silent for as long
_LOOK: Final = 40 * _PER_MS  # what is looked up in the pilot
_SURE: Final = 8 * _PER_MS  # shorter stretches are looked for only where they should be
_NEAR: Final = 25 * _PER_MS
_MARGIN: Final = 50 * _PER_MS  # silence around the reference: resamplers ring, answers are padded


@frozen
class Traced:
    """Which part of a pilot a recording holds; positions in ms of the pilot."""

    begins_ms: float
    ends_ms: float
    first: int  # index in the recording of the first audible sample
    last: int  # and of the last one
    silent_ms: float  # in holes of more than a millisecond
    likeness: float  # of its end to the pilot there: 1 is equal; a fade costs some

    @property
    def missing_ms(self) -> float:
        """How much was left out on the way; negative: said twice."""
        sounding_ms = (self.last + 1 - self.first) / _PER_MS - self.silent_ms
        return self.ends_ms - self.begins_ms - sounding_ms


class Reference:
    """A pilot as it sounds at the rig's rate."""

    def __init__(self, sent: npt.NDArray[np.int16]) -> None:
        self.ms = sent.size * 1000 / RATE_HZ
        fine = soxr.resample(sent.astype(np.float64), RATE_HZ, RIG_HZ)
        self._sound: Floats = np.pad(fine, _MARGIN)
        self._power: Floats = np.concatenate(([0.0], np.cumsum(self._sound**2)))

    def trace(self, recorded: npt.NDArray[np.int16]) -> Traced | None:
        """Find what a recording (48 kHz) holds; None if it is silent."""
        sound = recorded.astype(np.float64)
        stretches = _stretches(sound)
        if not stretches:
            return None
        (first, first_end), (last_begin, end) = stretches[0], stretches[-1]
        begins, _ = self._look_up(sound[first : min(first_end, first + _LOOK)], near=_MARGIN)
        begin = max(last_begin, end - _LOOK)
        # A stretch too short to be recognised anywhere goes on where the one before it ended.
        near = _MARGIN
        if len(stretches) > 1 and end - begin < _SURE:
            before_begin, before_end = stretches[-2]
            at = max(before_begin, before_end - _LOOK)
            near = self._look_up(sound[at:before_end], near=_MARGIN)[0] + before_end - at
        ends, likeness = self._look_up(sound[begin:end], near=near)
        holes = sum(after - before for (_, before), (after, _) in pairwise(stretches))
        return Traced(
            (begins - _MARGIN) / _PER_MS,
            (ends + end - begin - _MARGIN) / _PER_MS,
            first,
            end - 1,
            holes / _PER_MS,
            likeness,
        )

    def gains_db(self, recorded: npt.NDArray[np.int16], known: int, window: int) -> Floats:
        """The level of a recording, window after window, by that of the pilot.

        Its first *known* samples are taken to find where it is; from there on nothing may be missing.
        """
        sound = recorded.astype(np.float64)
        place, _ = self._look_up(sound[:known], near=_MARGIN)
        size = min(sound.size, self._sound.size - place) // window * window
        heard = sound[:size].reshape(-1, window)
        wanted = self._sound[place : place + size].reshape(-1, window)
        gains = np.sum(heard * wanted, axis=1) / (np.sum(wanted**2, axis=1) + 1e-9)
        decibels: Floats = 20 * np.log10(np.maximum(gains, 1e-5))
        return decibels

    def _look_up(self, stretch: Floats, *, near: int) -> tuple[int, float]:
        """Where in the reference a stretch fits best, and how well (normalised correlation)."""
        begin, end = 0, self._sound.size
        if stretch.size < _SURE:
            begin, end = max(0, near - _NEAR), min(end, near + _NEAR + stretch.size)
        hay = self._sound[begin:end]
        places = hay.size - stretch.size + 1
        size = 1 << (hay.size + stretch.size).bit_length()
        product = np.fft.rfft(hay, size) * np.conj(np.fft.rfft(stretch, size))
        fits = np.fft.irfft(product, size)[:places]
        power = self._power[begin + stretch.size : end + 1] - self._power[begin : begin + places]
        loudness = np.sqrt(power * float(stretch @ stretch))
        # Where the reference is next to silent anything would be alike.
        scores = fits / np.maximum(loudness, 0.01 * loudness.max() + 1e-9)
        best = int(np.argmax(scores))
        return begin + best, float(scores[best])


def _stretches(sound: Floats) -> list[tuple[int, int]]:
    """Beginnings and ends of what sounds, parted by holes."""
    audible = np.flatnonzero(np.abs(sound) > _AUDIBLE)
    if not audible.size:
        return []
    parted = np.flatnonzero(np.diff(audible) > _PAUSE)
    begins = audible[np.concatenate(([0], parted + 1))]
    ends = audible[np.concatenate((parted, [audible.size - 1]))] + 1
    return list(zip(begins.tolist(), ends.tolist(), strict=True))


# --- holes and jumps ------------------------------------------------------------------------------


@frozen
class Gap:
    """Silence in an answer; at which place of it, and how long."""

    at_ms: int
    ms: int


@frozen
class Fidelity:
    """How truly a pilot was played."""

    heard_ms: int
    gaps: tuple[Gap, ...]
    jumps: int  # places where it went on elsewhere: a skip or a repeat


def compare(recorded: npt.NDArray[Any], sent: npt.NDArray[Any]) -> Fidelity:
    """Hold a recording (24 kHz) of *sent* against it, window by window."""
    recorded, sent = recorded.astype(np.float64), sent.astype(np.float64)
    lag = _find(sent[:_WINDOW], recorded)
    at = heard = jumps = 0
    gaps = []
    while at + _WINDOW <= sent.size and lag + at + _WINDOW <= recorded.size:
        if _alike(recorded[lag + at : lag + at + _WINDOW], sent[at : at + _WINDOW]) < _ALIKE:
            # It goes on elsewhere. If what lies between is silence, that is a gap, else a jump.
            after, new_lag = _resume(recorded, sent, at, lag)
            silent = _silent_samples(recorded[lag + at : new_lag + after])
            if silent:
                gaps.append(Gap(at * 1000 // RATE_HZ, silent * 1000 // RATE_HZ))
            else:
                jumps += 1
            at, lag = after, new_lag
        heard, at = heard + _WINDOW, at + _WINDOW
    return Fidelity(heard * 1000 // RATE_HZ, tuple(gaps), jumps)


def _resume(recorded: Floats, sent: Floats, at: int, lag: int) -> tuple[int, int]:
    """The next window of *sent* that is found again, and its lag; the end if there is none."""
    reach = recorded[lag + at : lag + at + _REACH]
    for after in range(at + _WINDOW, min(at + _REACH, sent.size - _WINDOW), _WINDOW):
        wanted = sent[after : after + _WINDOW]
        found = _find(wanted, reach)
        if _alike(reach[found : found + _WINDOW], wanted) >= _ALIKE:
            return after, lag + at + found - after
    return sent.size, lag


def _silent_samples(samples: Floats) -> int:
    """How long the longest stretch of silence in it is, if longer than a millisecond."""
    loud = np.flatnonzero(np.abs(samples) > _SILENT)
    edges = np.concatenate(([-1], loud, [samples.size]))
    longest = int(np.diff(edges).max()) - 1
    return longest if longest > RATE_HZ // 1000 else 0


def _alike(one: Floats, other: Floats) -> float:
    if one.size != other.size:
        return 0.0
    return float(np.dot(one, other) / (np.linalg.norm(one) * np.linalg.norm(other) + 1e-9))


def _find(needle: Floats, hay: Floats) -> int:
    """Where *needle* fits best."""
    size = 1 << (needle.size + hay.size - 1).bit_length()
    product = np.fft.rfft(hay, size) * np.conj(np.fft.rfft(needle, size))
    correlation = np.fft.irfft(product, size)[: max(1, hay.size - needle.size + 1)]
    return int(np.argmax(correlation))
