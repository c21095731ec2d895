"""Both sides of a conversation on one time axis."""

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NoReturn

import attrs
import numpy as np
import soundfile
import soxr
import trio

from voiced.audio.convert import Pcm, to_mono, to_pcm16
from voiced.audio.format import WIRE_RATE_HZ, Shape
from voiced.edges.paced import PacedSpeaker
from voiced.ports import Microphone, OpenMicrophone

_LONGEST_S: Final = 600  # 10 minutes of both sides are 58 MB: enough for a demonstration


@attrs.define(eq=False)
class Track:
    """Mono sound that began at a known moment and has no holes."""

    rate_hz: int = WIRE_RATE_HZ
    begins_at_s: float = math.inf
    _pcm: bytearray = attrs.field(factory=bytearray, repr=False)

    def begin(self, at_s: float, rate_hz: int = WIRE_RATE_HZ) -> None:
        """Say when the first sample sounds, and how fast they follow; the first word counts."""
        if not self._pcm:
            self.begins_at_s, self.rate_hz = at_s, rate_hz

    def add(self, pcm: bytes) -> None:
        """Append PCM16; beyond ten minutes nothing is kept."""
        if len(self._pcm) < 2 * self.rate_hz * _LONGEST_S:
            self._pcm += pcm

    def samples(self) -> Pcm:
        """All of it at 24 kHz."""
        pcm = np.frombuffer(bytes(self._pcm), dtype="<i2")
        if self.rate_hz == WIRE_RATE_HZ:
            return pcm
        floats = soxr.resample(pcm.astype(np.float32) / 32768, self.rate_hz, WIRE_RATE_HZ)
        return np.frombuffer(to_pcm16(floats), dtype="<i2")


@attrs.define(eq=False)
class Recording:
    """What went into the microphone and what came out of the loudspeaker."""

    microphone: Track = attrs.field(factory=Track)
    speaker: Track = attrs.field(factory=Track)

    @property
    def begins_at_s(self) -> float:
        """When the earlier of the two tracks begins."""
        return min(self.microphone.begins_at_s, self.speaker.begins_at_s)

    def stereo(self) -> Pcm:
        """Microphone left, loudspeaker right, aligned in time: an array of (samples, 2)."""
        sides = [self._aligned(self.microphone), self._aligned(self.speaker)]
        length = max(side.size for side in sides)
        return np.stack([np.pad(side, (0, length - side.size)) for side in sides], axis=1)

    def save(self, path: Path) -> None:
        """Write it as a stereo WAV."""
        soundfile.write(path, self.stereo(), WIRE_RATE_HZ, "PCM_16")

    def _aligned(self, track: Track) -> Pcm:
        if not track.samples().size:
            return track.samples()
        late = round((track.begins_at_s - self.begins_at_s) * WIRE_RATE_HZ)
        return np.concatenate((np.zeros(late, np.int16), track.samples()))


@attrs.define(eq=False)
class TappedMicrophone:
    """Another microphone, recorded on its way."""

    microphone: Microphone
    track: Track

    @asynccontextmanager
    async def open(self) -> AsyncIterator["_Tapped"]:
        """As the port says."""
        async with self.microphone.open() as opened:
            self.track.begin(trio.current_time(), opened.shape.rate_hz)
            yield _Tapped(opened, self.track)


@attrs.define(eq=False)
class TappedSpeaker:
    """A loudspeaker made of time, recorded from the moment it is opened."""

    track: Track

    @asynccontextmanager
    async def open(self) -> AsyncIterator[PacedSpeaker]:
        """As the port says."""
        self.track.begin(trio.current_time())
        async with PacedSpeaker(self.track.add).open() as opened:
            yield opened


@attrs.define(eq=False)
class _Tapped:
    _opened: OpenMicrophone
    _track: Track

    @property
    def name(self) -> str:
        return self._opened.name

    @property
    def shape(self) -> Shape:
        return self._opened.shape

    @property
    def lost_blocks(self) -> int:
        return self._opened.lost_blocks

    @property
    def overflows(self) -> int:
        return self._opened.overflows

    async def collect(self) -> Sequence[bytes]:
        blocks = await self._opened.collect()
        for block in blocks:
            self._track.add(to_pcm16(to_mono(block, self.shape.channels)))
        return blocks

    async def watch(self) -> NoReturn:
        await self._opened.watch()
