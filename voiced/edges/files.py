"""Files as devices: `file:PATH` for either side, paced in real time.

A microphone file may be any WAV, FLAC or Ogg: 8 to 32 bits, float, any rate, any channels. When it
ends there is silence, as in a room where nobody speaks any more. A loudspeaker file is a 24 kHz mono
PCM16 WAV that holds everything from start to stop, silence included, so that it lines up with time;
opened again after a fault it goes on where it was.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from voiced.audio.convert import to_pcm16
from voiced.audio.format import BYTES_PER_SAMPLE, WIRE_RATE_HZ, Shape
from voiced.edges.paced import PacedMicrophone, PacedSpeaker
from voiced.faults import DeviceError, DeviceUnfit

if TYPE_CHECKING:
    import soundfile

_LEAST_HZ: Final = 8_000
_MOST_HZ: Final = 384_000


@attrs.define(eq=False)
class FileMicrophone:
    """Plays a sound file into the daemon, once, in real time."""

    path: Path

    @asynccontextmanager
    async def open(self) -> AsyncIterator[PacedMicrophone]:
        """As the port says."""
        with _reading(self.path) as sound:
            shape = Shape(sound.samplerate, sound.channels)
            samples = sound.samplerate // 50
            silence = bytes(samples * sound.channels * BYTES_PER_SAMPLE)

            def next_block() -> bytes:
                # Float even for integers: libsndfile would not scale float files to int16.
                try:
                    floats = sound.read(samples, dtype="float32", always_2d=True)
                except RuntimeError as error:  # soundfile's own errors are such
                    raise DeviceUnfit(f"the microphone file {self.path} is damaged") from error
                return to_pcm16(floats.reshape(-1)).ljust(len(silence), b"\0")

            async with PacedMicrophone(shape, next_block, f"file:{self.path}").open() as opened:
                yield opened


@attrs.define(eq=False)
class FileSpeaker:
    """Writes what would be heard into a WAV file."""

    path: Path
    _begun: bool = attrs.field(default=False, init=False)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[PacedSpeaker]:
        """As the port says."""
        with _writing(self.path, goes_on=self._begun) as sound:
            self._begun = True

            def room(pcm: bytes) -> None:
                try:
                    sound.buffer_write(pcm, dtype="int16")
                except RuntimeError as error:  # soundfile's own errors are such
                    raise DeviceError(
                        f"the loudspeaker file {self.path} can't be written any more: is the disk full?"
                    ) from error

            async with PacedSpeaker(room, name=f"file:{self.path}").open() as opened:
                yield opened


def _reading(path: Path) -> "soundfile.SoundFile":
    import soundfile  # noqa: PLC0415  only who uses files pays for it

    try:
        sound = soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, OSError) as error:
        raise DeviceError(
            f"the microphone file {path} can't be read ({_reason(error, path, 'rb')}): "
            "give a WAV, FLAC or Ogg file"
        ) from error
    if not sound.frames:
        sound.close()
        raise DeviceError(f"the microphone file {path} holds no sound at all")
    if not _LEAST_HZ <= sound.samplerate <= _MOST_HZ:
        sound.close()
        raise DeviceError(
            f"the microphone file {path} has a rate of {sound.samplerate} Hz: give one of "
            f"{_LEAST_HZ} to {_MOST_HZ} Hz"
        )
    return sound


def _writing(path: Path, *, goes_on: bool) -> "soundfile.SoundFile":
    import soundfile  # noqa: PLC0415  only who uses files pays for it

    try:
        if goes_on:
            sound = soundfile.SoundFile(path, "r+")
            sound.seek(0, soundfile.SEEK_END)
            return sound
        return soundfile.SoundFile(path, "w", WIRE_RATE_HZ, 1, "PCM_16", format="WAV")
    except (soundfile.LibsndfileError, OSError) as error:
        raise DeviceError(
            f"the loudspeaker file {path} can't be written ({_reason(error, path, 'ab')})"
        ) from error


def _reason(error: Any, path: Path, mode: str) -> str:
    """What libsndfile said; where that is no more than 'System error', the system says it better."""
    try:
        path.open(mode).close()
    except OSError as refused:
        return refused.strerror or str(refused)
    return str(getattr(error, "error_string", error)).rstrip(".")
