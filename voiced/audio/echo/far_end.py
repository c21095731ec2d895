"""The far end: what the loudspeaker was given, as one frame for each frame of the microphone.

Belongs here: the two devices' clocks, jitter and pauses. What is done with the frames is `handling.py`'s.

Theory of operation. A canceller wants one steady reference: a frame for each frame of the microphone,
silence included, each at least 5 ms before its echo (measured: 42 dB when it leads by 5 to 300 ms,
1.6 dB when it does not; 18 dB when it is given only while sound plays). What the loudspeaker took waits
here in a small cushion.

How small: a block is taken before it is heard. From then to the echo's arrival in a frame of the microphone
it takes what the loudspeaker's device holds at its emptiest (15 ms with our 20), the way through the air,
and what the microphone's device holds: assumed is 20 ms at least, 30 to 60 with a sound server. Off that go
the resampler (5 ms for 48 kHz) and the cushion (10 ms). Blocks that come late need a bigger cushion, but
then their device holds more, or it would run dry: so the cushion grows by what was missing.

The level (what waits, whenever a frame is read) is held where it was in the first half second of the first run,
and later runs begin there, so that a canceller finds the echo where it was. It
moves for three reasons, which are told apart: slowly, because the clocks differ (`drift.py`: the reading is
stretched, so that the canceller sees no drift); at once and for good, because blocks of one side were lost
or the loudspeaker ran dry (a jump: mended at once, which puts the reference back to where it was); for a
moment, because somebody was late (nothing is done).
"""

from collections import deque
from typing import Final

import attrs
import numpy as np

from voiced.audio.convert import Samples, to_mono, to_pcm16
from voiced.audio.echo.drift import Drift
from voiced.audio.echo.stretch import MARGIN, between
from voiced.audio.format import (
    BYTES_PER_SAMPLE,
    FRAME_MS,
    FRAME_SAMPLES,
    SILENT_FRAME,
    WIRE_RATE_HZ,
    Frame,
    ms_to_samples,
)
from voiced.audio.resample import Resampler

_CUSHION: Final = ms_to_samples(10)
_PHASE: Final = ms_to_samples(FRAME_MS + 5)
"""By which runs on the same devices differ: the microphone's frame comes up to 20 ms after the loudspeaker has
begun. More than that are other devices, or another way through the sound server."""

_SPARE: Final = ms_to_samples(5)  # above the cushion, not worth a jump; and by which it grows
_GROWS: Final = ms_to_samples(20)  # in all, in a run
_HELD: Final = ms_to_samples(30)  # by devices, usually: who is later than this lets them run dry
_JUMP: Final = ms_to_samples(8)
"""By more, and a block, neither drift nor jitter moves all levels of half a second."""

_WINDOW: Final = 25  # frames that are looked at together: 0.5 s
_ODD: Final = 5  # of them on either side are not averaged: somebody was late
_WINDOW_S: Final = _WINDOW * FRAME_MS / 1000
_RESTS_AFTER: Final = 10  # frames without a block: devices that run give one every 100 ms at least
_MOST: Final = ms_to_samples(1000)  # waits while the microphone gives nothing
_NOISE_US: Final = 2500.0  # of a look at the level, at least; else half a block, which comes whole
_DATED_NOISE_US: Final = 800.0  # where it is known when each block was taken
_US: Final = 1e6 / WIRE_RATE_HZ


@attrs.define(eq=False)
class FarEnd:
    """What the loudspeaker took, on the microphone's clock; counts are in samples at 24 kHz."""

    runs: int = attrs.field(default=0, init=False)  # times the loudspeaker began to take sound
    jumps: int = attrs.field(default=0, init=False)  # of the time between the devices, mended
    stumbles: int = attrs.field(default=0, init=False)  # times that one of the two lost sound
    starved: int = attrs.field(default=0, init=False)  # zeros given because blocks were late
    inserted: int = attrs.field(default=0, init=False)  # zeros that mended a jump
    dropped: int = attrs.field(default=0, init=False)  # left out, at a beginning or for a jump
    rested_frames: int = attrs.field(default=0, init=False)  # silent ones, while nothing was taken
    _rate_hz: int = attrs.field(default=WIRE_RATE_HZ, init=False)
    _resampler: Resampler = attrs.field(
        factory=lambda: Resampler(WIRE_RATE_HZ, WIRE_RATE_HZ), init=False
    )
    _blocks: deque[bytes] = attrs.field(factory=deque, init=False)  # not yet resampled
    _blocks_samples: int = attrs.field(default=0, init=False)
    _waiting: Samples = attrs.field(factory=lambda: _silence(MARGIN), init=False)
    _at: float = attrs.field(default=float(MARGIN), init=False)  # where in them is read next
    _resting: bool = attrs.field(default=True, init=False)
    _without: int = attrs.field(default=0, init=False)  # frames since blocks came; -1: just now
    _levels: list[float] = attrs.field(factory=list, init=False)
    _wanted: float | None = attrs.field(default=None, init=False)  # the level; None: not settled
    _home: float | None = attrs.field(default=None, init=False)  # the level that runs begin with
    _grown: int = attrs.field(default=0, init=False)  # the cushion, in this run
    _padded: int = attrs.field(default=0, init=False)  # zeros given since blocks came
    _late: int = attrs.field(default=0, init=False)  # zeros given for blocks, since the last look
    _ago_s: float | None = attrs.field(default=None, init=False)  # since when the last block waited
    _block: int = attrs.field(default=0, init=False)  # the longest that came, at 24 kHz
    _drift: Drift = attrs.field(factory=Drift, init=False)

    @property
    def drift_ppm(self) -> float:
        """By how much faster the loudspeaker's clock runs than the microphone's, as learned until now."""
        return self._drift.ppm

    @property
    def held_ms(self) -> float:
        """How much of what the loudspeaker took waits here, after a frame was read."""
        return (self._level() + FRAME_SAMPLES) * 1000 / WIRE_RATE_HZ

    def take(self, pcm: bytes, rate_hz: int, ago_s: float | None = None) -> None:
        """A block that the loudspeaker was given: mono PCM16 at its rate, silence included; *ago_s*: how
        long before the next frame, if that is known.
        """
        if rate_hz != self._rate_hz:
            self._resample()
            self._append(self._resampler.finish())
            self._rate_hz, self._resampler = rate_hz, Resampler(rate_hz, WIRE_RATE_HZ)
        self._without = -1
        self._ago_s = ago_s
        samples = len(pcm) // BYTES_PER_SAMPLE
        self._blocks.append(pcm)
        self._blocks_samples += samples
        self._block = max(self._block, samples * WIRE_RATE_HZ // rate_hz)
        if self._blocks_samples > rate_hz:  # a second, and no frame of the microphone
            self._resample()

    def next_frame(self) -> Frame:
        """What goes along with the next frame of the microphone; silence while the loudspeaker rests."""
        self._without += 1
        self._resample()
        if not self._without:  # what was padded was late; else it is a pause
            self.starved += self._padded
            self._late += self._padded
            self.stumbles += self._padded >= _SPARE
            self._padded = 0
        if self._resting and self._without:
            self.rested_frames += 1
            return SILENT_FRAME
        if self._resting:
            self._begin()
        elif self._without == _RESTS_AFTER:
            self._append(self._resampler.finish())
        elif self._without > _RESTS_AFTER and not self._waiting.any():
            self._rest()
            return SILENT_FRAME
        elif (
            self._without < _RESTS_AFTER
        ):  # else what is left is read to its end, wherever the level is
            self._look()
        return self._read()

    def _resample(self) -> None:
        if self._blocks:
            sound = to_mono(b"".join(self._blocks), channels=1)
            self._append(self._resampler.feed(sound))
            self._blocks.clear()
            self._blocks_samples = 0

    def _append(self, samples: Samples) -> None:
        self._waiting = np.concatenate((self._waiting, samples))
        if (surplus := int(self._level()) - _MOST) > 0:
            self._drop(surplus)

    def _level(self) -> float:
        """Samples that can still be read once another frame has been."""
        return self._waiting.size - MARGIN - self._at - FRAME_SAMPLES

    def _begin(self) -> None:
        """The first frame of a run: what came is placed where it was in earlier runs, or so that the cushion is
        full at least. (What a device has taken ahead stays: its echo is as much later, and a canceller learns
        sooner where little has to be found out.)
        """
        self.runs += 1
        self._resting, self._wanted = False, None
        self._grown = self._late = 0
        self._levels.clear()
        if self._home is not None:
            off = self._level() + self._since() - self._home
            if abs(off) <= _PHASE:
                self._move(off)
            else:
                self._home = None
        self._move(min(0.0, self._level() - _CUSHION))

    def _rest(self) -> None:
        self._resting = True
        self._padded = 0
        self.rested_frames += 1
        self._waiting, self._at = _silence(MARGIN), float(MARGIN)

    def _look(self) -> None:
        """Once in half a second: what has become of the level."""
        self._levels.append(self._level() + self._since())
        if len(self._levels) < _WINDOW:
            return
        levels = sorted(self._levels)
        least, most, usual = levels[0], levels[-1], float(np.mean(levels[_ODD:-_ODD]))
        self._levels.clear()
        late, self._late = self._late, 0
        if self._padded:
            return  # it rests, or blocks are late now: that is seen next time
        if late:
            self._grow(late)
        elif self._wanted is None:
            self._settle(usual)
        else:
            self._hold(least - self._wanted, most - self._wanted, usual - self._wanted)

    def _since(self) -> float:
        """Samples that the loudspeaker has played since it took its last block: they will come with the next.
        Without them the level is known by whole blocks only.
        """
        if self._ago_s is None:
            return 0.0
        return self._ago_s * WIRE_RATE_HZ + self._without * FRAME_SAMPLES

    def _grow(self, late: int) -> None:
        """Zeros had to be given. If it was for long, the loudspeaker ran dry, and had zeros, too: the level
        will be what it was. Else blocks come more unevenly than the cushion bears.
        """
        if late > _HELD:
            return
        if self._grown < _GROWS:
            self._grown += _SPARE
            self._insert(_SPARE)
        self._wanted = None

    def _hold(self, least: float, most: float, off: float) -> None:
        """By how much the levels of the last half second are off the wanted one."""
        jump = _JUMP + self._block
        if least > jump or most < -jump:
            self._mend(round(off))
        else:
            whole_us = max(_NOISE_US, self._block * _US / 2)
            noise_us = whole_us if self._ago_s is None else _DATED_NOISE_US
            self._drift.observe(off * _US, _WINDOW_S, noise_us)

    def _settle(self, usual: float) -> None:
        """From now on the level is held; and the next run begins with it, or a canceller would have to find
        the echo anew with each.
        """
        self._wanted = usual
        if self._home is None:
            self._home = usual
        self._drift.begin()

    def _mend(self, off: int) -> None:
        self.jumps += 1
        self.stumbles += 1
        self._move(off)
        self._drift.begin()

    def _move(self, off: float) -> None:
        """Bring a level that is *off* back to where it should be."""
        if off > 0:
            self._drop(round(off))
        elif off < 0:
            self._insert(round(-off))

    def _drop(self, samples: int) -> None:
        """Leave out the oldest."""
        at = int(self._at)
        self._waiting = np.concatenate((self._waiting[:at], self._waiting[at + samples :]))
        self.dropped += samples

    def _insert(self, samples: int) -> None:
        at = int(self._at)
        self._waiting = np.concatenate((self._waiting[:at], _silence(samples), self._waiting[at:]))
        self.inserted += samples

    def _read(self) -> Frame:
        step = 1.0 + self._drift.steer_ppm * 1e-6
        end = self._at + step * FRAME_SAMPLES
        missing = int(np.ceil(end)) + MARGIN - self._waiting.size
        if missing > 0:
            self._padded += missing
            self._waiting = np.concatenate((self._waiting, _silence(missing)))
        frame = between(self._waiting, self._at, step, FRAME_SAMPLES)
        used = int(end) - MARGIN  # what is needed to read before the next place stays
        self._waiting, self._at = self._waiting[used:], end - used
        return to_pcm16(frame)


def _silence(samples: int) -> Samples:
    return np.zeros(samples, np.float32)
