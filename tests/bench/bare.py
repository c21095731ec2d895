"""What any program with a microphone and a loudspeaker pays: PortAudio streams whose callbacks do
nothing, with voiced's own rates, blocks and latencies. The measure of everything else.

    python -m tests.bench.bare
"""

import threading

import sounddevice

from voiced.config.sound import Capture, Playout
from voiced.edges.alsa import forget_plugins

_MICROPHONE_HZ, _LOUDSPEAKER_HZ = 24_000, 48_000


def _hear(_block: object, _count: int, _time: object, _status: object) -> None:
    pass


def _silence(block: memoryview, _count: int, _time: object, _status: object) -> None:
    block[:] = bytes(len(block))


if __name__ == "__main__":
    forget_plugins()
    hear = _MICROPHONE_HZ * Capture().block_ms // 1000
    sound = _LOUDSPEAKER_HZ * Playout().device_block_ms // 1000
    latency_s = Playout().device_latency_ms / 1000
    with (
        sounddevice.RawInputStream(
            _MICROPHONE_HZ, hear, "pulse", 1, "int16", "low", callback=_hear
        ),
        sounddevice.RawOutputStream(
            _LOUDSPEAKER_HZ, sound, "pulse", 1, "int16", latency_s, callback=_silence
        ),
    ):
        print('{"what": "running"}', flush=True)
        threading.Event().wait()
