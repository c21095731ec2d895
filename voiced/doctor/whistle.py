"""Plays the probe and records what comes back: the part of the loop's measurement that takes time.

No verdict here: whoever calibrates an echo canceller wants the same two numbers as the doctor.
"""

from typing import Final

import trio

from voiced.audio.convert import to_pcm16
from voiced.audio.format import BYTES_PER_SAMPLE, WIRE_RATE_HZ, ms_to_samples
from voiced.doctor.loop import SLOWEST_MS, Loop, find, make_probe
from voiced.doctor.recorder import Recorder
from voiced.faults import DeviceError
from voiced.ports import Microphone, OpenSpeaker, Speaker

_WARM_UP_MS: Final = (
    200  # silence that is played first: a stream takes its whole latency as it starts
)
_PATIENCE_S: Final = 10.0  # for 2 s of sound: devices that hang are given up


async def measure_loop(microphone: Microphone, speaker: Speaker, channel: int = 0) -> Loop:
    """Whistle for 0.8 s and listen, about 2 s in all; `DeviceError` if a device does not play along.

    *channel* of the microphone from 1, or 0 for the mean of all. The delay is good to about one block
    of either device.
    """
    faults: list[DeviceError] = []
    async with microphone.open() as opened, speaker.open() as loud:
        recorder = Recorder(opened, channel)
        played_s = 0.0
        with trio.move_on_after(_PATIENCE_S) as patience:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(recorder.run)
                try:
                    played_s = await _whistle(recorder, loud)
                except DeviceError as fault:  # not raised in here: it would come out as a group
                    faults.append(fault)
                nursery.cancel_scope.cancel()
        if faults:
            raise faults[0]
        if patience.cancelled_caught:
            stuck = "loudspeaker takes" if recorder.blocks else "microphone gives"
            raise DeviceError(f"the {stuck} no sound: it was given up after {_PATIENCE_S:.0f} s")
        played_at = recorder.index_at(played_s) * WIRE_RATE_HZ // opened.shape.rate_hz
        return find(recorder.wire_samples(), played_at)


async def _whistle(recorder: Recorder, speaker: OpenSpeaker) -> float:
    """Return when the probe was handed over, once all that could come back has."""
    await recorder.until(blocks=1)
    await speaker.play(bytes(ms_to_samples(_WARM_UP_MS) * BYTES_PER_SAMPLE))
    await speaker.drain()
    probe = make_probe()
    played_s = trio.current_time()
    await speaker.play(to_pcm16(probe))
    rate_hz = recorder.microphone.shape.rate_hz
    due = recorder.index_at(played_s) + (probe.size * rate_hz) // WIRE_RATE_HZ
    await recorder.until(samples=due + ms_to_samples(SLOWEST_MS, rate_hz))
    return played_s
