"""The detector of wake words: pymicro-wakeword (an optional extra, its models inside its package).

Law of this file: frames in, words out. The only place that knows the library, and nobody imports it but
for a mode that wants words. All of the library's work is done in one thread at a time, off the loop:
measured, it takes some 80 us for a frame of 20 ms and a word, 25 for each further word, and lets the interpreter go while a model
is asked, so that no frame waits for it and no process of its own is worth its memory.
"""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
import trio

from voiced.audio.convert import to_mono, to_pcm16
from voiced.audio.format import FRAME_MS, WIRE_RATE_HZ, Frame
from voiced.audio.resample import Resampler
from voiced.faults import ConfigError
from voiced.link.wake import OWN, Trigger, cutoff

if TYPE_CHECKING:
    from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures

_TFLITE: Final = b"TFL3"  # a FlatBuffer's identifier, after four bytes
_RATE_HZ: Final = 16_000  # the models'
_MISSING: Final = (
    '[activation] mode = "wake_word" needs a detector that is not installed ({why}): '
    "pip install 'voiced[wake]' into voiced's environment (x86-64 and aarch64, glibc 2.35 or newer), or "
    "choose another mode"
)


@attrs.define(eq=False)
class _Listener:
    """One word's model, which remembers what it has heard."""

    name: str
    model: "MicroWakeWord"
    trigger: Trigger


@attrs.define(eq=False)
class MicroDetector:
    """Listens for words; what it remembers of the sound is its own."""

    features: "MicroWakeWordFeatures | None"
    listeners: Sequence[_Listener]
    _resampler: Resampler = attrs.field(init=False)
    _heard_frames: int = attrs.field(default=0, init=False)
    _one: trio.CapacityLimiter = attrs.field(factory=lambda: trio.CapacityLimiter(1), init=False)

    def __attrs_post_init__(self) -> None:
        self._resampler = Resampler(WIRE_RATE_HZ, _RATE_HZ)

    async def listen(self, frames: Sequence[Frame]) -> Sequence[tuple[int, str]]:
        """As the port says."""
        return await trio.to_thread.run_sync(
            self._listen, tuple(frames), abandon_on_cancel=True, limiter=self._one
        )

    def close(self) -> None:
        """Let go of the library's front end, here and now: freed while an exception is on its way, it eats
        that (seen with pymicro-features 2.0.2), be it a cancellation.
        """
        self.features = None

    def _listen(self, frames: Sequence[Frame]) -> list[tuple[int, str]]:
        return [(index, name) for index, frame in enumerate(frames) for name in self._hear(frame)]

    def _hear(self, frame: Frame) -> list[str]:
        self._heard_frames += 1
        now_s = self._heard_frames * FRAME_MS / 1000
        pcm = to_pcm16(self._resampler.feed(to_mono(frame, 1)))
        spotted: list[str] = []
        if self.features is None:
            return spotted
        for features in self.features.process_streaming(pcm):
            for each in self.listeners:
                probability = each.model.process_streaming_prob(features)
                if probability is not None and each.trigger.pull(probability, now_s):
                    spotted.append(each.name)
        return spotted


@attrs.define(eq=False)
class MicroWakeWords:
    """Makes a detector of words that are shipped, or an owner's."""

    words: Sequence[str]
    sensitivity: float

    @asynccontextmanager
    async def open(self) -> AsyncIterator[MicroDetector]:
        """As the port says. Models are some 60 kB each, and read in a few ms."""
        detector = self.make()
        try:
            yield detector
        finally:
            detector.close()

    def make(self) -> MicroDetector:
        """A detector that has heard nothing yet."""
        from pymicro_wakeword import MicroWakeWordFeatures  # noqa: PLC0415  an optional extra

        listeners = [self._listener(word) for word in self.words]  # may raise: see `close`
        return MicroDetector(MicroWakeWordFeatures(), listeners)

    def _listener(self, word: str) -> _Listener:
        from pymicro_wakeword import MicroWakeWord, Model  # noqa: PLC0415  an optional extra

        try:
            if word.endswith(OWN):
                model = MicroWakeWord.from_config(_checked(Path(word).expanduser()))
            else:
                model = MicroWakeWord.from_builtin(Model(word))
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            RuntimeError,
        ) as error:  # its own are such
            mistake = (
                f"[activation] the model of {word!r} can't be used "
                f"({type(error).__name__}: {error}): it must be a microWakeWord description "
                f"({OWN}) with its .tflite beside it"
            )
            raise ConfigError([mistake]) from error
        usual = model.probability_cutoff
        return _Listener(word, model, Trigger(cutoff(usual, self.sensitivity)))


def _checked(path: Path) -> Path:
    """The description of an owner's model, if that is one: the library reads a bad one without looking,
    and the process dies of it (seen with 2.5: a segmentation fault).
    """
    model = path.parent / str(json.loads(path.read_bytes())["model"])
    with model.open("rb") as file:
        if file.read(8)[4:] != _TFLITE:
            raise ValueError(f"{model} is no TensorFlow Lite model")
    return path


def detector_from(words: Sequence[str], sensitivity: float) -> MicroWakeWords:
    """Whoever listens for *words*; `ConfigError` if it isn't installed, or can't use a word's model."""
    try:
        import pymicro_wakeword  # noqa: F401, PLC0415  an optional extra
    except (ImportError, OSError) as error:
        raise ConfigError([_MISSING.format(why=error)]) from error
    found = MicroWakeWords(tuple(dict.fromkeys(words)), sensitivity)
    found.make().close()  # told now, if a model is no good
    return found
