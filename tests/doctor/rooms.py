"""Rooms for the doctor: a loudspeaker and a microphone with a known way from one to the other."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NoReturn

import attrs
import numpy as np
import trio

from voiced.audio.convert import Samples, to_pcm16
from voiced.audio.format import WIRE_RATE_HZ, Shape
from voiced.audio.level import decibels
from voiced.audio.resample import Resampler
from voiced.doctor.loop import SLOWEST_MS
from voiced.edges.paced import PacedMicrophone, PacedSpeaker
from voiced.faults import DeviceError

WIRE_SHAPE = Shape(WIRE_RATE_HZ, 1)
CARD_SHAPE = Shape(48_000, 2)


def noise(samples: int, level_dbfs: float, seed: int = 1) -> Samples:
    """White, of that level."""
    white = np.random.default_rng(seed).standard_normal(samples)
    return (white * decibels(level_dbfs)).astype(np.float32)


def resampled(sound: Samples, from_hz: int, to_hz: int) -> Samples:
    resampler = Resampler(from_hz, to_hz)
    return np.concatenate([resampler.feed(sound), resampler.finish()])


def reverberant(sound: Samples, decay_ms: int, direct_db: float, seed: int = 1) -> Samples:
    """*sound* as a room returns it: the energy stays, *direct_db* tells the first arrival from the rest."""
    length = decay_ms * WIRE_RATE_HZ // 1000
    tail = np.random.default_rng(seed).standard_normal(length)
    tail *= np.exp(-6.9 * np.arange(length) / length)
    tail /= np.linalg.norm(tail)
    tail[0] += decibels(direct_db)
    size = 1 << (sound.size + length).bit_length()
    wet = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(tail / np.linalg.norm(tail), size))
    return wet[: sound.size + length].astype(np.float32)


def recording_of(
    sound: Samples,
    *,
    delay_ms: float = 50.0,
    gain_db: float = -20.0,
    noise_dbfs: float = -60.0,
    before_ms: int = 300,
    seed: int = 1,
) -> tuple[Samples, int]:
    """What a microphone at the wire's rate records of *sound*, and when that began to play."""
    played_at = before_ms * WIRE_RATE_HZ // 1000
    longest = played_at + sound.size + SLOWEST_MS * WIRE_RATE_HZ // 1000
    heard = noise(longest, noise_dbfs, seed)
    at = played_at + round(delay_ms * WIRE_RATE_HZ / 1000)
    piece = sound[: longest - at]
    heard[at : at + piece.size] += piece * np.float32(decibels(gain_db))
    return heard, played_at


@attrs.define(eq=False)
class EchoRoom:
    """Devices that keep Trio's time; what sounds comes back after *delay_ms*, *gain_db* louder."""

    gain_db: float | None = -20.0  # None: nothing comes back
    delay_ms: int = 80
    shape: Shape = WIRE_SHAPE  # of the microphone
    level_dbfs: float | None = -60.0  # of the room itself; None: digital silence
    speaker: PacedSpeaker = attrs.field(init=False)
    microphone: PacedMicrophone = attrs.field(init=False)
    _sounded: list[Samples] = attrs.field(factory=list, init=False)
    _given: int = attrs.field(default=0, init=False)  # blocks

    def __attrs_post_init__(self) -> None:
        self.speaker = PacedSpeaker(self._hear)
        self.microphone = PacedMicrophone(self.shape, self._next_block)

    def _hear(self, pcm: bytes) -> None:
        pcm16 = np.frombuffer(pcm, "<i2")
        self._sounded.append(pcm16.astype(np.float32) / np.float32(32768))

    def _next_block(self) -> bytes:
        """20 ms: white noise, and what the loudspeaker gave then."""
        assert self.speaker.waiting_samples >= 0  # whoever looks moves it on to the present
        start = self._given * 480 - self.delay_ms * 24
        self._given += 1
        mono = (
            noise(480, self.level_dbfs, self._given)
            if self.level_dbfs is not None
            else np.zeros(480)
        )
        if self.gain_db is not None:
            heard = np.concatenate([np.zeros(480 + self.delay_ms * 24), *self._sounded])
            at = start + 480 + self.delay_ms * 24
            piece = heard[max(0, at) : at + 480]
            mono[: piece.size] += piece * decibels(self.gain_db)
        repeated = np.repeat(mono.astype(np.float32), self.shape.rate_hz // WIRE_RATE_HZ)
        return to_pcm16(np.repeat(repeated, self.shape.channels))


@attrs.define(eq=False)
class Plays:
    """A microphone that gives the same 20 ms again and again."""

    block: bytes
    shape: Shape = WIRE_SHAPE

    @asynccontextmanager
    async def open(self) -> AsyncIterator[PacedMicrophone]:
        async with PacedMicrophone(self.shape, lambda: self.block).open() as opened:
            yield opened


@attrs.define(eq=False)
class Dead:
    """A device that opens, and then gives and takes nothing: either side."""

    shape: Shape = CARD_SHAPE
    name: str = "dead"
    lost_blocks: int = 0
    overflows: int = 0
    latency_s: float = 0.05
    end_samples: int = 0
    heard_samples: int = 0
    waiting_samples: int = 0
    underflows: int = 0
    dry_samples: int = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Dead"]:
        yield self

    async def collect(self) -> Sequence[bytes]:
        return await self._for_ever()

    async def watch(self) -> NoReturn:
        await self._for_ever()

    async def wake(self) -> None: ...

    async def rest(self) -> None: ...

    async def play(self, pcm: bytes) -> None: ...

    async def drain(self) -> None:
        await self._for_ever()

    def ramp_to(self, gain_db: float) -> None: ...

    def flush(self) -> int:
        return 0

    async def _for_ever(self) -> NoReturn:
        await trio.sleep_forever()
        raise AssertionError


@attrs.define(eq=False)
class Breaks(Dead):
    """One that breaks as soon as it is used."""

    async def _for_ever(self) -> NoReturn:
        raise DeviceError("it went away. There is:\n  nothing")


@attrs.define(eq=False)
class Refuses:
    """A device, either side, that can't be opened."""

    fault: DeviceError

    def open(self) -> "Refuses":
        return self

    async def __aenter__(self) -> Dead:
        raise self.fault

    async def __aexit__(self, *_: object) -> None: ...
