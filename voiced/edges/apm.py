"""WebRTC's echo canceller (AEC3), as the package livekit brings it. An extra: imported only when wanted.

Law of this file: it feeds the library as was measured (LIBRARIES.md 1.3) and knows nothing of modes. Noise
suppression and gain control stay off, since both do harm; the library's own high-pass is on. It needs no
room, no network and no event loop, and starts five threads of its own.
"""

import importlib
from importlib.util import find_spec
from typing import Any, Final

from voiced.audio.echo_choice import INSTALL
from voiced.audio.format import BYTES_PER_SAMPLE, FRAME_BYTES, WIRE_RATE_HZ, Frame
from voiced.faults import ConfigError

_STEP_SAMPLES: Final = WIRE_RATE_HZ // 100  # it works in steps of 10 ms
_STEP_BYTES: Final = _STEP_SAMPLES * BYTES_PER_SAMPLE


def is_installed() -> bool:
    """Whether there is the package; nothing of it is imported yet."""
    return find_spec("livekit") is not None


class WebRtcCanceller:
    """One microphone and one loudspeaker. `ConfigError` if the package is missing or can't be loaded."""

    def __init__(self) -> None:
        try:
            rtc = importlib.import_module("livekit.rtc")
        except (ImportError, OSError) as error:
            raise ConfigError(
                '[echo] mode = "webrtc" wants a package that is not installed, or can\'t be loaded '
                f'({error}): {INSTALL}, or set mode = "half_duplex"'
            ) from error
        self._frame: Any = rtc.AudioFrame
        self._processor: Any = rtc.AudioProcessingModule(
            echo_cancellation=True, high_pass_filter=True
        )

    def clean(self, near: Frame, far: Frame) -> Frame:
        """As `voiced.audio.echo.Canceller` says."""
        cleaned = bytearray()
        for at in range(0, FRAME_BYTES, _STEP_BYTES):
            self._processor.process_reverse_stream(self._step(far, at))
            step = self._step(near, at)
            self._processor.process_stream(step)  # in place
            cleaned += bytes(step.data)
        return bytes(cleaned)

    def _step(self, frame: Frame, at: int) -> Any:
        return self._frame(bytearray(frame[at : at + _STEP_BYTES]), WIRE_RATE_HZ, 1, _STEP_SAMPLES)
