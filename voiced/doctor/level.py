"""What a microphone's sound says about the microphone: dead, stuck, overdriven, off centre, too quiet, too
noisy. Arithmetic on samples, no device. Nobody is asked to speak: a room is never quite silent.
"""

import math
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from attrs import frozen

from voiced.audio.convert import Samples
from voiced.audio.format import FRAME_MS, ms_to_samples
from voiced.audio.level import SILENCE_DBFS
from voiced.doctor.finding import Verdict

_FULL: Final = 32767 / 32768  # the loudest that 16 bits can say, upwards
_QUIET_SHARE: Final = 10.0  # percent of the frames that are taken for the room alone


@frozen(kw_only=True)
class Level:
    """What was measured. Levels are RMS without the DC part, in dB below full scale; never under -96."""

    samples: int
    rms_dbfs: float
    peak_dbfs: float
    floor_dbfs: float
    """The noise floor: what the quietest tenth of all 20 ms stays under."""
    dc_percent: float
    """The mean, of full scale; its sign says on which side."""
    clipped_percent: float
    """Samples at full scale."""
    zeros_percent: float
    varies: bool
    """Whether two samples differ at all."""

    def figures(self) -> Mapping[str, float | int]:
        """For JSON."""
        return {
            "samples": self.samples,
            "rms_dbfs": round(self.rms_dbfs, 1),
            "peak_dbfs": round(self.peak_dbfs, 1),
            "floor_dbfs": round(self.floor_dbfs, 1),
            "dc_percent": round(self.dc_percent, 3),
            "clipped_percent": round(self.clipped_percent, 3),
            "zeros_percent": round(self.zeros_percent, 1),
        }


@frozen(kw_only=True)
class Ailment:
    """One thing that can be wrong with a microphone, and what to do about it."""

    is_so: Callable[[Level], bool]
    verdict: Verdict
    cause: str
    action: str


_RAISE: Final = "raise the microphone's volume (`pactl set-source-volume @DEFAULT_SOURCE@ 100%`, or alsamixer, F4)"
_LOWER: Final = (
    "lower the microphone's volume or boost (alsamixer, F4), or turn its own switch down"
)
_LET_SOUND_IN: Final = (
    "unmute the microphone (its own switch, `pactl set-source-mute @DEFAULT_SOURCE@ 0`, or alsamixer, "
    "F4), or put another one into [capture] device: `voiced devices` lists what there is"
)

AILMENTS: Final = (
    Ailment(
        is_so=lambda level: level.samples == 0,
        verdict=Verdict.FAILED,
        cause="the microphone was opened, but gives no sound: it or the sound server is stuck",
        action="plug it out and in again, or restart the sound server",
    ),
    Ailment(  # even the best converter's lowest bit moves: only what is switched off is digital silence
        is_so=lambda level: level.zeros_percent == 100,
        verdict=Verdict.FAILED,
        cause="nothing but zeros: it is muted, switched off, or the monitor of a silent loudspeaker",
        action=_LET_SOUND_IN,
    ),
    Ailment(
        is_so=lambda level: not level.varies,
        verdict=Verdict.FAILED,
        cause="every sample is the same: its converter is stuck, or the channel is not connected",
        action="set [capture] channel to another channel, or plug the microphone out and in again",
    ),
    Ailment(  # of a voice that is clipped so often, recognition misses words
        is_so=lambda level: level.clipped_percent >= 10,
        verdict=Verdict.FAILED,
        cause="it is overdriven so badly that no word can be understood",
        action=_LOWER,
    ),
    Ailment(  # one sample in a thousand is 24 a second: clicks that one hears, and echo that stays
        is_so=lambda level: level.clipped_percent >= 0.1,
        verdict=Verdict.WARNING,
        cause="it is overdriven: loud sounds are cut off",
        action=_LOWER,
    ),
    Ailment(  # -40 dBFS: as much as soft speech has, and it costs headroom; sound cards stay below 0.1 %
        is_so=lambda level: abs(level.dc_percent) > 1,
        verdict=Verdict.WARNING,
        cause="its sound is off centre (a DC offset): a cheap or faulty sound card, or a wrong plug",
        action="try another input or sound card; a mono plug in a socket for headsets does this too",
    ),
    Ailment(  # a quiet room is at -70 to -50 dBFS with usual gains; -80 is 3 steps of 16 bits
        is_so=lambda level: level.rms_dbfs < -80,
        verdict=Verdict.WARNING,
        cause="it hears next to nothing: its volume is near zero, or it is covered",
        action=_RAISE,
    ),
    Ailment(  # speech at arm's length is at -40 to -20 dBFS: it would drown, and no turn would end
        is_so=lambda level: level.floor_dbfs > -35,
        verdict=Verdict.WARNING,
        cause="the room or the microphone's amplifier is so noisy that the end of speech is hard to tell",
        action=f"{_LOWER}; set [realtime] noise_reduction; or move it away from fans and loudspeakers",
    ),
)
"""Looked for in this order; the first that fits is told. Each limit's reason stands beside it."""


def measure(samples: Samples, rate_hz: int) -> Level:
    """Measure mono sound in ±1."""
    if not samples.size:
        return Level(
            samples=0,
            rms_dbfs=SILENCE_DBFS,
            peak_dbfs=SILENCE_DBFS,
            floor_dbfs=SILENCE_DBFS,
            dc_percent=0.0,
            clipped_percent=0.0,
            zeros_percent=0.0,
            varies=False,
        )
    exact = samples.astype(np.float64)
    mean = float(exact.mean())
    centred = exact - mean
    frame = ms_to_samples(FRAME_MS, rate_hz)
    whole = exact[: exact.size // frame * frame].reshape(-1, frame)
    # Each frame about its own mean: where somebody spoke, the mean of all is not that of the pauses.
    powers = whole.var(axis=1) if whole.size else np.array([exact.var()])
    return Level(
        samples=samples.size,
        rms_dbfs=_dbfs(math.sqrt(float((centred**2).mean()))),
        peak_dbfs=_dbfs(float(np.abs(exact).max())),
        floor_dbfs=_dbfs(math.sqrt(float(np.percentile(powers, _QUIET_SHARE)))),
        dc_percent=100 * mean,
        clipped_percent=100 * float((np.abs(exact) >= _FULL).mean()),
        zeros_percent=100 * float((exact == 0).mean()),
        varies=bool((exact != exact[0]).any()),
    )


def ailment(level: Level) -> Ailment | None:
    """What is wrong with it, if anything is."""
    return next((each for each in AILMENTS if each.is_so(level)), None)


def _dbfs(amplitude: float) -> float:
    return max(SILENCE_DBFS, 20.0 * math.log10(amplitude)) if amplitude else SILENCE_DBFS
