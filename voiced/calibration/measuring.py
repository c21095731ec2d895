"""Listens to the room, whistles, and listens to somebody: the part of calibration that takes time.

No verdict here. All sound it gives back is mono in ±1 at 24 kHz, as the microphone gives it: neither gain nor
filter of the settings is applied, for it is those that are sought.
"""

from typing import Final, Protocol

import attrs
import numpy as np

from voiced.audio.convert import Samples
from voiced.audio.format import ms_to_samples
from voiced.audio.level import SILENCE_DBFS, decibels
from voiced.calibration.sounds import Noise
from voiced.doctor import level
from voiced.doctor.finding import Verdict
from voiced.doctor.loop import Loop
from voiced.doctor.recorder import Recorder, record
from voiced.doctor.whistle import measure_loop
from voiced.faults import DeviceUnfit
from voiced.ports import Microphone, Speaker

SILENCE_S: Final = 3
SPEECH_S: Final = 15
"""For how long somebody is waited for at most; people think before they speak."""

_SETTLES_MS: Final = 300  # at its start many a device gives a click, or zeros
_WITHIN_S: Final = 2.0  # by which a device may be late
_LOOK_MS: Final = 100  # as often as a meter is worth moving
_ENOUGH_MS: Final = 4000  # of speech: a sentence or two
_ABOVE_NOISE_DB: Final = 10.0  # somebody speaks


class Meter(Protocol):
    """Whoever is shown how loud it is."""

    def __call__(self, dbfs: float, spoken_ms: int) -> object:
        """The last 100 ms, and how much of speech there was."""


@attrs.define(eq=False)
class Measuring:
    """On devices that nobody else uses now; `DeviceError` says why it can't be done."""

    microphone: Microphone
    speaker: Speaker
    channel: int = 0  # as in [capture] channel

    async def silence(self) -> Samples:
        """Some seconds of the room. `DeviceUnfit` if the microphone is sick: figures would mean nothing."""
        async with self.microphone.open() as opened:
            rate_hz = opened.shape.rate_hz
            samples = ms_to_samples(_SETTLES_MS + 1000 * SILENCE_S, rate_hz)
            recorder = Recorder(opened, self.channel)
            await record(recorder, lambda: recorder.until(samples=samples), SILENCE_S + _WITHIN_S)
        settled = recorder.samples(ms_to_samples(_SETTLES_MS, rate_hz))
        ailment = level.ailment(level.measure(settled, rate_hz))
        if ailment is not None and ailment.verdict is Verdict.FAILED:
            raise DeviceUnfit(f"the microphone: {ailment.cause}; {ailment.action}")
        return recorder.wire_samples()[ms_to_samples(_SETTLES_MS) :]

    async def loop(self) -> Loop:
        """What comes back of a whistle."""
        return await measure_loop(self.microphone, self.speaker, self.channel)

    async def speech(self, noise: Noise, meter: Meter) -> Samples:
        """What somebody says, until it is enough or nobody did for too long."""
        async with self.microphone.open() as opened:
            recorder = Recorder(opened, self.channel)

            async def listen() -> None:
                rate_hz = opened.shape.rate_hz
                step, spoken_ms = ms_to_samples(_LOOK_MS, rate_hz), 0
                at = ms_to_samples(_SETTLES_MS, rate_hz)
                while spoken_ms < _ENOUGH_MS:
                    await recorder.until(samples=at + step)
                    loud = _dbfs(recorder.samples(at)[:step])
                    at += step
                    if loud > noise.floor_dbfs + _ABOVE_NOISE_DB:
                        spoken_ms += _LOOK_MS
                    meter(loud, spoken_ms)

            await record(recorder, listen, SPEECH_S)
        return recorder.wire_samples()[ms_to_samples(_SETTLES_MS) :]


def _dbfs(samples: Samples) -> float:
    """About its own mean: an offset and slow rumble are no speech."""
    rms = float(samples.std()) if samples.size else 0.0
    return float(20 * np.log10(rms)) if rms > decibels(SILENCE_DBFS) else SILENCE_DBFS
