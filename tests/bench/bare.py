"""What any program with a microphone and a loudspeaker pays: PortAudio streams whose callbacks do
nothing, with voiced's own rates, blocks and latencies. The measure of everything else.

    python -m tests.bench.bare
"""

import threading

import sounddevice

from voiced.edges.alsa import forget_plugins


def _hear(_block: object, _count: int, _time: object, _status: object) -> None:
    pass


def _silence(block: memoryview, _count: int, _time: object, _status: object) -> None:
    block[:] = bytes(len(block))


if __name__ == "__main__":
    forget_plugins()
    with (
        sounddevice.RawInputStream(24_000, 480, "pulse", 1, "int16", "low", callback=_hear),
        sounddevice.RawOutputStream(48_000, 480, "pulse", 1, "int16", 0.02, callback=_silence),
    ):
        print('{"what": "running"}', flush=True)
        threading.Event().wait()
