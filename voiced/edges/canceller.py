"""The echo canceller: WebRTC's AEC3, as the package livekit brings it (an optional extra).

Law of this file: one frame of each end in, one out. The only place that knows the library, and nobody imports
it but for an echo mode that wants it. It is fed as was measured: both ends in steps of
10 ms, the far end first, always; no delay is hinted at, since it finds that out; its high-pass is on, its
noise suppression and gain control are an owner's choice, and do harm.

What it brings along, used for nothing but this: it needs no room, no network and no event loop, but starts
five threads of its own and takes some 25 MB. Its clean-up at the end of the process is left out (see
`_forgo_farewell`). It must not be used across a fork (it raises then; programs that voiced starts are not concerned,
since they are executed at once). When its native part panics it sends the process SIGTERM: the daemon ends in good
order, and systemd starts another.
Its log goes to a logger of its own, `livekit`.
"""

import atexit
import sys
from typing import TYPE_CHECKING, Final

import attrs

from voiced.audio.format import BYTES_PER_SAMPLE, FRAME_BYTES, WIRE_RATE_HZ, Frame
from voiced.faults import ConfigError

if TYPE_CHECKING:
    from livekit.rtc import AudioFrame, AudioProcessingModule

_STEP_SAMPLES: Final = WIRE_RATE_HZ // 100  # 10 ms: it takes no other
_STEP_BYTES: Final = _STEP_SAMPLES * BYTES_PER_SAMPLE
_MISSING: Final = (
    '[echo] mode = "webrtc" needs a canceller that is not installed ({why}): '
    "pip install 'voiced[echo]' into voiced's environment (x86-64 and aarch64, glibc 2.28 or newer), or "
    'set mode = "half_duplex"'
)


@attrs.define(eq=False)
class WebRtcCanceller:
    """One microphone and one loudspeaker; what it has learned of the room is its own. About 0.15 ms a frame
    of the caller's thread.
    """

    processor: "AudioProcessingModule"
    frame_of: "type[AudioFrame]"
    _near: bytearray = attrs.field(factory=lambda: bytearray(_STEP_BYTES), init=False)
    _far: bytearray = attrs.field(factory=lambda: bytearray(_STEP_BYTES), init=False)

    def process(self, near: Frame, far: Frame) -> Frame:
        """As `voiced.audio.echo.handling.Canceller` says; it comes some 8 ms later than *near*."""
        return b"".join(
            self._step(near[at : at + _STEP_BYTES], far[at : at + _STEP_BYTES])
            for at in range(0, FRAME_BYTES, _STEP_BYTES)
        )

    def _step(self, near: bytes, far: bytes) -> bytes:
        self._near[:], self._far[:] = near, far
        self.processor.process_reverse_stream(self._frame(self._far))
        self.processor.process_stream(self._frame(self._near))  # in place
        return bytes(self._near)

    def _frame(self, pcm: bytearray) -> "AudioFrame":
        return self.frame_of(pcm, WIRE_RATE_HZ, 1, _STEP_SAMPLES)


def canceller_from(
    *, noise_suppression: bool = False, automatic_gain: bool = False
) -> WebRtcCanceller:
    """A canceller that has heard nothing yet; `ConfigError` if the library isn't installed, or can't be
    loaded.
    """
    try:
        from livekit import rtc  # noqa: PLC0415  an optional extra

        processor = rtc.AudioProcessingModule(
            echo_cancellation=True,
            high_pass_filter=True,
            noise_suppression=noise_suppression,
            auto_gain_control=automatic_gain,
        )
    except (ImportError, OSError) as error:
        raise ConfigError([_MISSING.format(why=error)]) from error
    atexit.unregister(_forgo_farewell)
    atexit.register(_forgo_farewell)  # behind the library's own, so that it comes before
    return WebRtcCanceller(processor, rtc.AudioFrame)


def _forgo_farewell() -> None:
    """Have the library believe that it was cleaned up already: there is no room and no connection to leave.

    Its farewell writes a log record, which one of its threads hands to Python a moment later. Where Python
    has ended by then, that thread can't go back into Rust, and the process aborts: of 120 processes one ended by
    SIGABRT instead of 0 (livekit 1.2.0, on a busy machine).
    """
    if client := getattr(sys.modules.get("livekit.rtc._ffi_client"), "FfiClient", None):
        client._ffi_disposed = True
