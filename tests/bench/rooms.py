"""Rooms made of arithmetic: a loudspeaker, a microphone, and a clock for each.

    answer -> 48 kHz -> gain -> block of 5 ms -> FarEnd of the daemon
                                     |
                                     v
              (soft clipping) -> the room's response -> + talker + noise -> 20 ms blocks -> daemon

Belongs here: what a room does to sound, and when the daemon is given what. The daemon's half is its own:
`Framer`'s conversion, `Echo`. What is measured in rooms is in `echo.py`.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

import attrs
import numpy as np

from voiced.audio.convert import Samples, to_mono, to_pcm16
from voiced.audio.echo.handling import Echo
from voiced.audio.echo.stretch import MARGIN, between
from voiced.audio.format import WIRE_RATE_HZ, Frame
from voiced.audio.framing import FrameSlicer
from voiced.audio.level import decibels
from voiced.audio.resample import Resampler
from voiced.audio.valve import RAMP_MS

DEVICE_HZ: Final = 48_000
_PER_MS: Final = DEVICE_HZ // 1000
_BLOCK: Final = 5 * _PER_MS  # the loudspeaker's
_CHUNK: Final = 20 * _PER_MS  # the microphone's block, and what is convolved at once
_RAMP: Final = RAMP_MS * _PER_MS
_DIRECT_MS: Final = 2  # before the first reflection
_MOVES_AFTER: Final = 8 * DEVICE_HZ // _CHUNK  # chunks
_SMALL_HZ: Final = 250.0  # below it a small loudspeaker gives next to nothing


@attrs.frozen
class Room:
    """What lies between the daemon's loudspeaker and its microphone."""

    delay_ms: int = 60  # from a block being taken to its echo's arrival: devices and air
    return_db: float = -10.0  # of white noise
    rt60_s: float = 0.3
    direct_db: float = 6.0  # the direct way against all reflections
    drift_ppm: float = 0.0  # by which the loudspeaker's clock is faster
    clips_at: float | None = None  # of full scale: soft clipping, by a small loudspeaker
    noise_dbfs: float = -90.0
    jitter_ms: float = 3.0  # most by which blocks are taken late, on either side
    burst: int = 1  # blocks that the loudspeaker's device takes at once
    moves_ms: int = 0  # by which the way becomes longer, and shorter again, every 8 s
    seed: int = 1

    def response(self) -> Samples:
        """At the devices' rate, without the delay."""
        random = np.random.default_rng(self.seed)
        size = round(self.rt60_s * DEVICE_HZ)
        tail = random.standard_normal(size) * 10 ** (-3 * np.arange(size) / size)
        tail[: _DIRECT_MS * _PER_MS] = 0
        tail *= decibels(-self.direct_db) / np.sqrt(np.sum(tail**2))
        tail[0] = 1.0
        response: Samples = tail.astype(np.float32)
        if self.clips_at is not None:
            response = _high_passed(response)
        response *= decibels(self.return_db) / np.sqrt(np.sum(response**2))
        return response


def _high_passed(response: Samples) -> Samples:
    """Of second order, causal."""
    spectrum = np.fft.rfft(response, 2 * response.size)
    s = 1j * np.fft.rfftfreq(2 * response.size, 1 / DEVICE_HZ) / _SMALL_HZ
    passed = np.fft.irfft(spectrum * s**2 / (s**2 + np.sqrt(2) * s + 1))
    return passed[: response.size].astype(np.float32)


@attrs.define(eq=False)
class Loudspeaker:
    """Plays an answer at a gain that can be changed while it plays, and tells what it took."""

    sound: Samples  # at the devices' rate
    gain_db: float = 0.0
    _gain: float = attrs.field(default=1.0, init=False)
    _at: int = attrs.field(default=0, init=False)

    def block(self) -> bytes:
        """The next 5 ms as the device takes them."""
        sound = self.sound[self._at : self._at + _BLOCK]
        self._at += _BLOCK
        block = np.zeros(_BLOCK, np.float32)
        block[: sound.size] = sound
        wanted, step = decibels(self.gain_db), _BLOCK / _RAMP
        end = self._gain + np.clip(wanted - self._gain, -step, step)
        gains = np.linspace(self._gain, end, _BLOCK, dtype=np.float32)
        self._gain = float(end)
        return to_pcm16(block * gains)


@attrs.define(eq=False)
class Air:
    """What the microphone hears of blocks, on the loudspeaker's clock."""

    room: Room
    heard: Samples = attrs.field(init=False, repr=False)
    _spectrum: np.typing.NDArray[np.complex64] = attrs.field(init=False, repr=False)
    _size: int = attrs.field(init=False)
    _taken: list[Samples] = attrs.field(factory=list, init=False)
    _at: int = attrs.field(init=False)
    _carried: int = attrs.field(default=0, init=False)  # chunks
    seconds: float = attrs.field(kw_only=True)

    def __attrs_post_init__(self) -> None:
        response = self.room.response()
        self._size = 1 << (response.size + _CHUNK).bit_length()
        self._spectrum = np.fft.rfft(response, self._size).astype(np.complex64)
        self._at = MARGIN + self.room.delay_ms * _PER_MS
        total = (
            self._at
            + max(0, self.room.moves_ms) * _PER_MS
            + round((self.seconds + 1) * DEVICE_HZ)
            + self._size
        )
        self.heard = np.zeros(total, np.float32)

    def carry(self, block: bytes) -> None:
        """Take what was played."""
        self._taken.append(to_mono(block, 1))
        if len(self._taken) * _BLOCK < _CHUNK:
            return
        chunk = np.concatenate(self._taken)
        self._taken.clear()
        if (limit := self.room.clips_at) is not None:
            chunk = limit * np.tanh(chunk / limit)
        echo = np.fft.irfft(np.fft.rfft(chunk, self._size) * self._spectrum, self._size)
        self.heard[self._at : self._at + self._size] += echo.astype(np.float32)
        self._at += _CHUNK
        self._carried += 1
        if self._carried % _MOVES_AFTER == 0:
            there = self._carried // _MOVES_AFTER % 2
            self._at += self.room.moves_ms * _PER_MS * (1 if there else -1)

    def at(self, frame: int) -> Samples:
        """What arrives in that frame of the microphone's clock."""
        step = 1 + self.room.drift_ppm * 1e-6
        return between(self.heard, MARGIN + frame * _CHUNK * step, step, _CHUNK)


@attrs.frozen
class Heard:
    """One frame: as the microphone gave it, and what the daemon made of it."""

    raw: Frame
    sent: Sequence[Frame]

    @property
    def clean(self) -> Frame:
        """What was made of this one."""
        return self.sent[-1]


def played(
    room: Room, answer: Samples, echo: Echo, talker: Samples | None = None
) -> tuple[Loudspeaker, Iterator[Heard]]:
    """An *answer* (24 kHz) in a room where a *talker* (24 kHz, as loud as at the microphone) may speak,
    too. The gain of the loudspeaker may be changed between two frames.
    """
    loudspeaker = Loudspeaker(_at_device_rate(answer))
    return loudspeaker, _frames(room, loudspeaker, echo, talker)


def _frames(
    room: Room, loudspeaker: Loudspeaker, echo: Echo, talker: Samples | None
) -> Iterator[Heard]:
    random = np.random.default_rng(room.seed)
    frames = loudspeaker.sound.size // _CHUNK
    air = Air(room, seconds=frames * 0.02)
    said = np.zeros(frames * _CHUNK, np.float32)
    if talker is not None:
        spoken = _at_device_rate(talker)[: said.size]
        said[: spoken.size] = spoken
    said += _noise(said.size, room.noise_dbfs, random)
    resampler, slicer = Resampler(DEVICE_HZ, WIRE_RATE_HZ), FrameSlicer()
    rate = DEVICE_HZ * (1 + room.drift_ppm * 1e-6)
    late_s = room.jitter_ms / 1000
    taken = 0
    under_way: deque[tuple[float, bytes]] = deque()
    for frame in range(frames):
        now_s = (frame + 1) * 0.02 + random.uniform(0, late_s)
        while (given_s := (taken * _BLOCK) / rate + random.uniform(0, late_s)) <= now_s:
            for _ in range(room.burst):
                block = loudspeaker.block()
                air.carry(block)
                under_way.append((given_s, block))
                taken += 1
        sound = air.at(frame) + said[frame * _CHUNK : (frame + 1) * _CHUNK]
        mono = resampler.feed(to_mono(to_pcm16(sound), 1))
        while under_way:
            given_s, block = under_way.popleft()
            echo.take(block, DEVICE_HZ, now_s - given_s)
        for raw in slicer.feed(to_pcm16(mono)):
            yield Heard(raw, echo.clean(raw))


def _at_device_rate(sound: Samples) -> Samples:
    resampler = Resampler(WIRE_RATE_HZ, DEVICE_HZ)
    return np.concatenate([resampler.feed(sound), resampler.finish()])


def _noise(size: int, dbfs: float, random: np.random.Generator) -> Samples:
    """A room's: more of it low than high."""
    white = np.convolve(random.standard_normal(size), np.exp(-np.arange(24) / 6), "same")
    noise: Samples = (white * decibels(dbfs) / np.sqrt(np.mean(white**2))).astype(np.float32)
    return noise
