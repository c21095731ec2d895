"""Rooms to try echo handling in: speech-like sound, impulse responses, two devices with clocks of their own."""

from collections.abc import Iterator

import numpy as np
from attrs import frozen

from voiced.audio.convert import Samples, to_pcm16
from voiced.audio.echo.far_end import FarEnd
from voiced.audio.echo.stretch import MARGIN, between
from voiced.audio.format import FRAME_BYTES, FRAME_SAMPLES, WIRE_RATE_HZ, Frame, ms_to_samples
from voiced.audio.level import decibels
from voiced.audio.resample import Resampler

DEVICE_HZ = 48_000
BLOCK = 240  # 5 ms at the device's rate


def speech_like(seconds: float, seed: int, level_dbfs: float = -20.0) -> Samples:
    """Syllables of harmonics and hiss, with pauses; the level is that of the whole."""
    rng = np.random.default_rng(seed)
    sound = np.zeros(round(seconds * WIRE_RATE_HZ), np.float32)
    at = 0
    while at < sound.size:
        long = int(rng.uniform(0.08, 0.3) * WIRE_RATE_HZ)
        t = np.arange(min(long, sound.size - at)) / WIRE_RATE_HZ
        pitch_hz = rng.uniform(90, 220) * (1 + rng.uniform(-0.3, 0.3) * t)
        phase = 2 * np.pi * np.cumsum(pitch_hz) / WIRE_RATE_HZ
        voiced = sum(
            np.cos(k * phase + rng.uniform(0, 6)) * rng.uniform(0.1, 1) / k for k in range(1, 25)
        )
        hiss = rng.standard_normal(t.size) * rng.uniform(0.05, 0.5)
        envelope = np.sin(np.pi * np.arange(t.size) / max(1, t.size)) ** 0.5
        sound[at : at + t.size] = (voiced + hiss) * envelope * rng.uniform(0.3, 1)
        at += long + int(rng.choice([0.0, 0.02, 0.05, 0.4], p=[0.3, 0.3, 0.3, 0.1]) * WIRE_RATE_HZ)
    return at_rms(sound, level_dbfs)


def noise(seconds: float, level_dbfs: float, seed: int = 9) -> Samples:
    """A room's: more of it low than high."""
    white = np.random.default_rng(seed).standard_normal(round(seconds * WIRE_RATE_HZ))
    return at_rms(np.convolve(white, np.exp(-np.arange(12) / 3), "same").astype("f4"), level_dbfs)


def at_rms(sound: Samples, level_dbfs: float) -> Samples:
    levelled: Samples = sound * np.float32(
        decibels(level_dbfs) / np.sqrt(np.mean(np.square(sound)) + 1e-20)
    )
    return levelled


def through(sound: Samples, response: Samples) -> Samples:
    """Convolved, as long as *sound*."""
    size = 1 << (sound.size + response.size).bit_length()
    spectrum = np.fft.rfft(sound, size) * np.fft.rfft(response, size)
    heard: Samples = np.fft.irfft(spectrum, size)[: sound.size].astype(np.float32)
    return heard


@frozen
class Room:
    """A loudspeaker and a microphone."""

    delay_ms: float = 60.0  # from a block being given to the loudspeaker to its echo's arrival
    return_db: float = -20.0
    rt60_s: float = 0.3
    direct_db: float = 6.0  # against all that is reflected
    ppm: float = 0.0  # by which the loudspeaker's clock is faster

    def response(self) -> Samples:
        rng = np.random.default_rng(3)
        tail = rng.standard_normal(round(self.rt60_s * WIRE_RATE_HZ)).astype("f4")
        tail *= 10 ** (-3 * np.arange(tail.size) / tail.size)
        tail[: ms_to_samples(2)] = 0
        tail *= decibels(-self.direct_db) / np.sqrt(np.sum(tail**2))
        tail[0] = 1.0
        tail *= decibels(self.return_db) / np.sqrt(np.sum(tail**2))
        return np.concatenate((np.zeros(round(self.delay_ms * 24), np.float32), tail))

    def echo(self, far: Samples) -> Samples:
        """What the microphone hears of *far*, on its own clock."""
        heard = through(far, self.response())
        if not self.ppm:
            return heard
        step, pieces = 1 + self.ppm * 1e-6, []
        ample = np.concatenate((np.zeros(MARGIN, np.float32), heard, np.zeros(WIRE_RATE_HZ, "f4")))
        for frame in range(far.size // FRAME_SAMPLES):
            at = MARGIN + frame * FRAME_SAMPLES * step
            pieces.append(between(ample, at, step, FRAME_SAMPLES))
        return np.concatenate(pieces)

    def blocks(self, far: Samples, jitter_ms: float = 3.0) -> Iterator[list[bytes]]:
        """The loudspeaker's blocks that have come when each frame of the microphone's comes."""
        rng = np.random.default_rng(4)
        resampler = Resampler(WIRE_RATE_HZ, DEVICE_HZ)
        pcm = to_pcm16(np.concatenate((resampler.feed(far), resampler.finish())))
        rate = DEVICE_HZ * (1 + self.ppm * 1e-6)
        given = 0
        for frame in range(far.size // FRAME_SAMPLES):
            now_s = (frame + 1) * 0.02 + rng.uniform(0, jitter_ms / 1000)
            come = []
            while (given + BLOCK) / rate + rng.uniform(0, jitter_ms / 1000) <= now_s:
                come.append(pcm[2 * given : 2 * (given + BLOCK)])
                given += BLOCK
            yield [block for block in come if block]


def frames(sound: Samples) -> list[Frame]:
    pcm = to_pcm16(sound)
    whole = len(pcm) // FRAME_BYTES * FRAME_BYTES
    return [pcm[at : at + FRAME_BYTES] for at in range(0, whole, FRAME_BYTES)]


def far_frames(room: Room, far: Samples) -> list[Frame]:
    """*far*, as `FarEnd` gives it."""
    far_end, out = FarEnd(), []
    for come in room.blocks(far):
        for block in come:
            far_end.take(block, DEVICE_HZ)
        out.append(far_end.next_frame())
    return out


def pcm(sound: list[Frame]) -> Samples:
    return np.frombuffer(b"".join(sound), "<i2").astype(np.float32) / np.float32(32768)
