"""Does the microphone hear the loudspeaker? How late, and how loud? Arithmetic on a recording, no device.

Theory of operation. A short whistle, rising and then falling, is played and recorded. Dividing what was
recorded by what was played (in the frequency domain, within the whistle's band) gives the way from the
loudspeaker to the microphone as an impulse response; this is done for the rising and for the falling
half apart. An echo stands in both at the same place. A clap, a word, a tone or hum is smeared over
hundreds of milliseconds, in another direction for either half, and piles up nowhere in both: that is
why nobody needs to be quiet, and why silence in the microphone is not mistaken for an echo.

All sound here is mono float in ±1 at the wire's rate, and all delays count from the moment when the
probe's first sample was handed to the loudspeaker.
"""

import math
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from attrs import frozen

from voiced.audio.convert import Samples
from voiced.audio.format import WIRE_RATE_HZ, ms_to_samples
from voiced.audio.level import decibels

_Spectrum: TypeAlias = npt.NDArray[np.complex128]
_Floats: TypeAlias = npt.NDArray[np.float64]

SLOWEST_MS: Final = 800
"""The longest delay looked for: a Bluetooth loudspeaker behind a sound server takes up to 500 ms."""

_HALF_MS: Final = 400  # of the whistle: 400 ms times 4700 Hz lift an echo 33 dB out of the noise
_LOWEST_HZ: Final = 300.0  # below, small loudspeakers give nothing and rooms hum
_HIGHEST_HZ: Final = 5000.0  # within what a headset at 16 kHz and a resampler let pass
_FADE_MS: Final = 20  # no click at either end
_LEVEL_DBFS: Final = -26.0  # of the probe: as loud as quiet speech
_EDGE: Final = 0.15  # of the band, at either end, over which it is faded in
_BLUR_SAMPLES: Final = 13  # 0.5 ms; within it both halves agree: clocks may differ by some 100 ppm
_AUDIBLE_DB: Final = 13.0
"""From here on there is an echo. Measured: steady noise reaches 6.5 at most, claps 8.5, speech 9.6; a clear
echo 28, one of -40 dB in noise of -50 dBFS 14.5, one whose reverberation is ten times as strong 17."""

_ROOM_MS: Final = 200  # of reverberation that is counted as returned
_BIN_MS: Final = 2  # in which reverberation is told from noise
_ABOVE_NOISE: Final = 3.0  # times the noise: what a bin must hold to count


@frozen
class Loop:
    """What came back."""

    audible: bool
    """Whether anything did, beyond doubt; the two figures after it say nothing if not."""
    delay_ms: float
    """From handing a sample to the loudspeaker to its arrival in the microphone's blocks."""
    return_db: float
    """Energy of what returned against what was played (300 to 5000 Hz); 0 dB: as loud as it went out."""
    confidence_db: float
    """How far the echo stands above the mean of all places where one was looked for."""


def make_probe() -> Samples:
    """The whistle: 0.8 s at 24 kHz, -26 dBFS, faded at both ends."""
    return np.concatenate(_halves())


def find(recording: Samples, played_at: int) -> Loop:
    """Look for the probe in a *recording* in which sample *played_at* arrived as its play began.

    To see an echo of any delay up to `SLOWEST_MS`, the recording must last that much longer than the
    probe. What it lacks is taken for silence.
    """
    rising, falling = _halves()
    responses = (
        _response(recording, rising, played_at),
        _response(recording, falling, played_at + rising.size),
    )
    if not all(response.any() for response in responses):  # not a sound
        return Loop(audible=False, delay_ms=0.0, return_db=-math.inf, confidence_db=0.0)
    blur = np.ones(_BLUR_SAMPLES) / _BLUR_SAMPLES
    both = np.minimum(*(np.convolve(each / each.mean(), blur, "same") for each in responses))
    place = int(np.argmax(both))
    confidence_db = 10.0 * math.log10(max(1.0, float(both[place])))
    return Loop(
        audible=confidence_db >= _AUDIBLE_DB,
        delay_ms=place * 1000 / WIRE_RATE_HZ,
        return_db=_returned_db((responses[0] + responses[1]) / 2, place),
        confidence_db=confidence_db,
    )


def _halves() -> tuple[Samples, Samples]:
    """An exponential sweep (each octave takes as long: more of it where rooms are noisy) and back."""
    samples = ms_to_samples(_HALF_MS)
    time_s = np.arange(samples) / WIRE_RATE_HZ
    length_s = samples / WIRE_RATE_HZ
    octaves = math.log(_HIGHEST_HZ / _LOWEST_HZ)
    phase = 2 * np.pi * _LOWEST_HZ * length_s / octaves * np.expm1(time_s / length_s * octaves)
    fade = ms_to_samples(_FADE_MS)
    ramp = np.sin(np.linspace(0, np.pi / 2, fade)) ** 2
    sweep = np.sin(phase)
    sweep[:fade] *= ramp
    sweep[-fade:] *= ramp[::-1]
    sweep *= math.sqrt(2) * decibels(_LEVEL_DBFS)
    rising = sweep.astype(np.float32)
    return rising, rising[::-1].copy()


def _response(recording: Samples, played: Samples, played_at: int) -> _Floats:
    """Power of the way back at each delay from 0 to `SLOWEST_MS`; a way that changes nothing sums to 1."""
    reach = ms_to_samples(SLOWEST_MS)
    heard = recording[max(0, played_at) : played_at + played.size + reach].astype(np.float64)
    size = 1 << (played.size + 2 * reach).bit_length()
    sent = np.fft.rfft(played, size)
    band = _band(size)
    power = np.abs(sent) ** 2
    # Where the sweep is weak (in its fades) division would lift noise: a hundredth of its mean is added.
    quotient: _Spectrum = (
        np.fft.rfft(heard, size) * np.conj(sent) / (power + 0.01 * power[band > 0].mean())
    )
    analytic = np.zeros(
        size, np.complex128
    )  # no negative frequencies: its amplitude is an envelope
    analytic[: band.size] = 2 * quotient * band
    nothing_changed = 2 * float(np.sum(band**2)) * 2 / size
    response: _Floats = np.abs(np.fft.ifft(analytic)[:reach]) ** 2 / nothing_changed
    return response


def _band(size: int) -> _Floats:
    """1 within the whistle's octaves, falling smoothly to 0 at their ends, over frequencies of an rfft."""
    frequencies = np.fft.rfftfreq(size, 1 / WIRE_RATE_HZ)
    octaves = np.log(np.maximum(frequencies, 1.0) / _LOWEST_HZ) / math.log(_HIGHEST_HZ / _LOWEST_HZ)
    inside = np.clip(np.minimum(octaves, 1 - octaves) / _EDGE, 0.0, 1.0)
    band: _Floats = np.sin(inside * np.pi / 2) ** 2
    return band


def _returned_db(response: _Floats, place: int) -> float:
    """Energy of the echo at *place* and of the reverberation after it, less that of the noise."""
    noise = float(np.median(response)) / math.log(
        2
    )  # the mean of what is exponentially distributed
    width = ms_to_samples(_BIN_MS)
    start = max(0, place - width)
    bins = [
        response[at : at + width] for at in range(start, place + ms_to_samples(_ROOM_MS), width)
    ]
    energy = sum(
        float(each.sum()) - noise * each.size
        for each in bins
        if each.size and float(each.mean()) > _ABOVE_NOISE * noise
    )
    return 10.0 * math.log10(energy) if energy > 0 else -math.inf
