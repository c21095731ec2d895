"""What the microphone hears of the loudspeaker: whether, how loud, how late; and what a canceller leaves.

Belongs here: measuring while answers play. What follows from the figures is decided in `handling.py`.

Theory of operation. Levels alone can't tell an echo from somebody who speaks meanwhile, or from noise. But an
echo is the far end once more, later and softer: both ends' cross-spectrum over two seconds, averaged over some
seconds, shows how the room answers to a click. There an echo stands out at its delay, while talkers and noise
are spread over all delays, those before the sound among them, where no echo can be: they tell how much of the
rest is chance. So an echo is found 10 dB below a talker, and more below noise (measured). It costs 2 ms once in
a second of the loudspeaker's sound.
"""

import math
from collections import deque
from typing import Any, Final, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt
from attrs import frozen

from voiced.audio.echo.half_duplex import AUDIBLE_DBFS
from voiced.audio.echo.instant import Instant
from voiced.audio.format import FRAME_SAMPLES, WIRE_RATE_HZ, Frame
from voiced.audio.level import SILENCE_DBFS

Spectrum: TypeAlias = npt.NDArray[Any]

_SPAN: Final = 100  # frames that are looked at together: 2 s
_EVERY: Final = 50  # frames: 1 s
_ENOUGH: Final = 25  # of them with sound in the loudspeaker
_LONGEST_MS: Final = 500  # an echo's delay: wireless loudspeakers stay below
_THIRD: Final = 3  # of three samples one is made: it is enough to know the room up to 4 kHz
_RATE_HZ: Final = WIRE_RATE_HZ // _THIRD
_SIZE: Final = _SPAN * FRAME_SAMPLES // _THIRD + _RATE_HZ * _LONGEST_MS // 1000  # nothing wraps
_BANDS_HZ: Final = (200, 3800)  # where speech is, and hum is not
_SMOOTH_HZ: Final = 100
_KEEPS: Final = 0.85  # of the average, in a second of sound

_CELL: Final = _RATE_HZ // 100  # 10 ms of the room's answer
_CELLS: Final = _LONGEST_MS // 10
_TAIL: Final = 12  # cells: what is added up as echo, from one before the loudest on
_BEFORE: Final = 5  # cells before the sound that may hold some of an echo without delay
_STANDS_OUT: Final = 3.0
"""Times the energy of the loudest cell before the sound, which is loud by chance, if it is where it was a second
ago. Measured without an echo, a talker over an answer reaches 2.0, and 3.4 in different places."""

_STANDS_FAR_OUT: Final = 6.0  # tells at once; an echo 10 dB below noise reaches 10

_SURE_DB: Final = -42.0
"""A return that would be missed must be softer than this for "not heard": else noise was too loud to tell."""

_MISSES: Final = 3  # in a row, before what was heard is not heard any more

_WINDOW: Final = np.hanning(_SPAN * FRAME_SAMPLES // _THIRD).astype(np.float32)
_LOW, _HIGH = (hz * _SIZE // _RATE_HZ for hz in _BANDS_HZ)
_SMOOTH: Final = _SMOOTH_HZ * _SIZE // _RATE_HZ
_FINER: Final = 10  # times: the spectra, than one of what is added up as echo has to be
_COARSE: Final = _SIZE // _FINER
_MEAN: Final = np.full(_THIRD, 1 / _THIRD, np.float32)


@frozen
class Returned:
    """What was found: *heard* at all; if so, how loud in dB (0: as loud as the loudspeaker was given it)
    and how many ms after its reference.
    """

    heard: bool
    return_db: float | None = None
    delay_ms: int | None = None


@attrs.define(eq=False)
class EchoReturn:
    """Listens to both ends; its findings are of the last few seconds in which the loudspeaker sounded."""

    found: Returned | None = attrs.field(default=None, init=False)  # None: too little has sounded
    _near: deque[Frame] = attrs.field(factory=lambda: deque(maxlen=_SPAN), init=False)
    _far: deque[Frame] = attrs.field(factory=lambda: deque(maxlen=_SPAN), init=False)
    _since: int = attrs.field(default=0, init=False)  # frames since the last look
    _sounded: int = attrs.field(default=0, init=False)  # of these, with sound in the loudspeaker
    _missed: int = attrs.field(default=0, init=False)  # looks in a row that found nothing
    _cross: Spectrum = attrs.field(factory=lambda: _nothing(np.complex64), init=False)
    _phase: Spectrum = attrs.field(factory=lambda: _nothing(np.complex64), init=False)
    _loudest: int | None = attrs.field(default=None, init=False)  # cell, at the last look
    _power: Spectrum = attrs.field(factory=lambda: _nothing(np.float32), init=False)

    def feed(self, instant: Instant) -> bool:
        """Take the next frame of each end; True when `found` was made anew. A microphone that is muted tells
        nothing.
        """
        if instant.near_dbfs <= SILENCE_DBFS:
            self._near.clear()
            self._far.clear()
            self._since = self._sounded = 0
            return False
        self._near.append(instant.near)
        self._far.append(instant.far)
        self._since += 1
        self._sounded += instant.far_dbfs > AUDIBLE_DBFS
        if self._since < _EVERY or self._sounded < _ENOUGH:
            if self._since >= _EVERY and not self._sounded:
                self._since = 0
            return False
        self._since = self._sounded = 0
        self._listen()
        return self._judge()

    def _listen(self) -> None:
        far, near = _spectrum(self._far), _spectrum(self._near)
        cross = np.conj(far) * near
        self._cross = _KEEPS * self._cross + cross
        self._power = _KEEPS * self._power + np.square(far.real) + np.square(far.imag)
        self._phase = _KEEPS * self._phase + cross / (np.abs(cross) + np.float32(1e-9))

    def _judge(self) -> bool:
        energies = np.square(_click(self._phase)).reshape(-1, _CELL).sum(axis=1)
        loudest = int(np.argmax(energies[:_CELLS]))
        stands_out = energies[loudest] / energies[-_CELLS:-_BEFORE].max()
        was, self._loudest = self._loudest, loudest
        where_it_was = was is not None and abs(loudest - was) <= 1
        weights = _smoothed(self._power)
        click = _click(self._cross / weights)
        by_chance = _power(click, -_TAIL - _BEFORE, weights)
        if stands_out < (_STANDS_OUT if where_it_was else _STANDS_FAR_OUT):
            return self._miss(_db(by_chance))
        first = max(0, loudest - 1)
        at = first * _CELL + int(np.argmax(np.abs(click[first * _CELL :][: 3 * _CELL])))
        returned = max(by_chance, _power(click, first, weights) - by_chance)
        self._missed = 0
        self.found = Returned(True, _db(returned / _overlap(at)), at * 1000 // _RATE_HZ)
        return True

    def _miss(self, limit_db: float) -> bool:
        """Nothing was found; what returns with *limit_db* would have been."""
        if limit_db > _SURE_DB:
            return False
        self._missed += 1
        if self._missed < _MISSES:
            return False
        self.found = Returned(False)
        return True


def _click(spectrum: Spectrum) -> Spectrum:
    """How the room answers to a click, by its spectrum; what would be before the click comes last."""
    whole = np.zeros(_SIZE // 2 + 1, np.complex64)
    whole[_LOW:_HIGH] = spectrum
    return np.fft.irfft(whole, _SIZE)


def _spectrum(sound: deque[Frame]) -> Spectrum:
    pcm = np.frombuffer(b"".join(sound), "<i2")
    come = pcm.reshape(-1, _THIRD).astype(np.float32) @ _MEAN
    whole = np.zeros_like(_WINDOW)
    whole[whole.size - come.size :] = come
    return np.fft.rfft(whole * _WINDOW, _SIZE)[_LOW:_HIGH]


def _smoothed(power: Spectrum) -> Spectrum:
    """So that the gaps between a voice's harmonics do not count as much as these."""
    sums = np.cumsum(
        np.pad(power, (_SMOOTH // 2 + 1, _SMOOTH - _SMOOTH // 2 - 1)), dtype=np.float64
    )
    smooth: Spectrum = ((sums[_SMOOTH:] - sums[:-_SMOOTH]) / _SMOOTH).astype(np.float32)
    smooth += np.float32(1e-3) * smooth.mean() + np.float32(1.0)
    return smooth


def _power(click: Spectrum, first: int, weights: Spectrum) -> float:
    """Of what comes within `_TAIL` cells from *first* on, against that of the far end."""
    echo = np.fft.rfft(click[first * _CELL :][: _TAIL * _CELL], _COARSE)[
        _LOW // _FINER : _HIGH // _FINER
    ]
    weights = weights[::_FINER]  # (which were smoothed over more)
    gains = np.square(echo.real) + np.square(echo.imag)
    return float(np.dot(gains, weights) / weights.sum())


def _overlap(delay: int) -> float:
    """What of an echo's power is left by the windows, which lie *delay* samples beside each other."""
    together = np.dot(_WINDOW[delay:], _WINDOW[: _WINDOW.size - delay])
    return float(together / np.dot(_WINDOW, _WINDOW)) ** 2


def _nothing(dtype: type) -> Spectrum:
    return np.zeros(_HIGH - _LOW, dtype)


def _db(power: float) -> float:
    return 10.0 * math.log10(max(power, 1e-12))


_CHUNK: Final = 10  # frames: 0.2 s
_CHUNKS: Final = 50  # are remembered: 10 s of the loudspeaker's sound
_FEWEST: Final = 40  # before anything is said
_ABOVE_NOISE_DB: Final = 15.0  # an echo must be to tell how much of it was taken away
_ABOVE_ECHO_DB: Final = 6.0  # louder than the echo should be: somebody speaks


@attrs.define(eq=False)
class Erle:
    """How much a canceller takes away (echo return loss enhancement, dB), while only the far end sounds.

    Where the echo hardly stands out of what is heard without it (noise, a television) nothing is measured. What is
    usual there counts, in 20 s without the loudspeaker, so that questions do not.
    """

    _near: float = attrs.field(default=0.0, init=False)  # power, in this chunk
    _left: float = attrs.field(default=0.0, init=False)
    _loudest_far_dbfs: float = attrs.field(default=SILENCE_DBFS, init=False)
    _frames: int = attrs.field(default=0, init=False)
    _far_before_dbfs: float = attrs.field(default=SILENCE_DBFS, init=False)  # of the chunk before
    _without_dbfs: deque[float] = attrs.field(factory=lambda: deque(maxlen=2 * _CHUNKS), init=False)
    _taken_db: deque[float] = attrs.field(factory=lambda: deque(maxlen=_CHUNKS), init=False)

    @property
    def db(self) -> float | None:
        """What it reached in a quarter of the last 10 s that could be measured; None: there was too little.

        Not the middle: what else is heard stays, and makes it look worse; nothing makes it look better.
        """
        return float(np.percentile(self._taken_db, 75)) if len(self._taken_db) >= _FEWEST else None

    def feed(self, instant: Instant, found: Returned | None) -> None:
        """Take the next frame of each end."""
        if instant.near_dbfs <= SILENCE_DBFS:
            return  # muted: that is neither noise nor an echo that was taken away
        self._near += _power_of(instant.near_dbfs)
        self._left += _power_of(instant.left_dbfs)
        self._loudest_far_dbfs = max(self._loudest_far_dbfs, instant.far_dbfs)
        self._frames += 1
        if self._frames == _CHUNK:
            self._weigh(found)
            self._far_before_dbfs, self._loudest_far_dbfs = self._loudest_far_dbfs, SILENCE_DBFS
            self._near = self._left = 0.0
            self._frames = 0

    def _weigh(self, found: Returned | None) -> None:
        near_dbfs = _db(self._near / _CHUNK)
        far_dbfs = max(self._loudest_far_dbfs, self._far_before_dbfs)
        if far_dbfs <= AUDIBLE_DBFS:
            self._without_dbfs.append(near_dbfs)
            return
        if found is None or found.return_db is None:
            return
        noise_dbfs = float(np.median(self._without_dbfs)) if self._without_dbfs else SILENCE_DBFS
        most_dbfs = far_dbfs + found.return_db + _ABOVE_ECHO_DB
        if noise_dbfs + _ABOVE_NOISE_DB < near_dbfs < most_dbfs:
            self._taken_db.append(_db(self._near) - _db(self._left))


def _power_of(level_dbfs: float) -> float:
    """Of full scale."""
    return float(10.0 ** (level_dbfs / 10))
