"""The room, the whistle and the talker, measured on devices made of time."""

import numpy as np
import pytest
import trio

from tests.doctor.rooms import WIRE_SHAPE, Breaks, Dead, EchoRoom, Plays, Refuses, noise
from voiced.audio.convert import to_pcm16
from voiced.audio.format import Shape
from voiced.calibration.measuring import Measuring
from voiced.calibration.sounds import measure_noise, measure_talker
from voiced.edges.paced import PacedMicrophone
from voiced.faults import DeviceBusy, DeviceError
from voiced.ports import Microphone, Speaker


def measuring(
    microphone: Microphone | None = None, speaker: Speaker | None = None, channel: int = 0
) -> Measuring:
    room = EchoRoom()
    return Measuring(microphone or room.microphone, speaker or room.speaker, channel)


class Talks:
    """A microphone in a room of -65 dBFS in which somebody speaks at a time, for a while."""

    def __init__(self, from_s: float, for_s: float, level_dbfs: float) -> None:
        self._blocks = 0
        self._from, self._until = from_s * 50, (from_s + for_s) * 50
        self._level_dbfs = level_dbfs
        self._microphone = PacedMicrophone(WIRE_SHAPE, self._next)
        self.open = self._microphone.open

    def _next(self) -> bytes:
        self._blocks += 1
        talks = self._from <= self._blocks < self._until
        return to_pcm16(noise(480, self._level_dbfs if talks else -65.0, self._blocks))


@pytest.mark.parametrize("shape", [WIRE_SHAPE, Shape(48_000, 2)])
async def test_a_room_is_listened_to(autojump_clock: object, shape: Shape) -> None:
    room = EchoRoom(shape=shape, level_dbfs=-55.0)
    sound = await measuring(room.microphone).silence()
    assert sound.size == pytest.approx(3 * 24_000, abs=480)
    # Held samples are what this room makes of a higher rate: a little is lost on the way back.
    assert measure_noise(sound).floor_dbfs == pytest.approx(-55.5, abs=1.5)


async def test_a_whistle_is_heard(autojump_clock: object) -> None:
    room = EchoRoom(gain_db=-15.0, delay_ms=70)
    loop = await measuring(room.microphone, room.speaker).loop()
    assert loop.audible
    assert loop.return_db == pytest.approx(-15, abs=1.5)


async def test_somebody_is_waited_for_and_heard_until_it_is_enough(autojump_clock: object) -> None:
    shown: list[tuple[float, int]] = []
    began_s = trio.current_time()
    room = measure_noise(noise(3 * 24_000, -65.0))
    sound = await measuring(Talks(3.0, 60.0, -30.0)).speech(
        room, lambda dbfs, spoken_ms: shown.append((dbfs, spoken_ms))
    )
    assert trio.current_time() - began_s == pytest.approx(7, abs=0.2)
    talker = measure_talker(sound, room)
    assert talker is not None
    assert talker.level_dbfs == pytest.approx(-30, abs=0.5)
    assert shown[0][0] == pytest.approx(-65, abs=1)
    assert shown[-1][0] == pytest.approx(-30, abs=1)
    assert shown[-1][1] == 4000


async def test_nobody_is_waited_for_for_ever(autojump_clock: object) -> None:
    began_s = trio.current_time()
    room = measure_noise(noise(3 * 24_000, -65.0))
    sound = await measuring(Talks(1.0, 0.4, -30.0)).speech(room, lambda *_: None)
    assert trio.current_time() - began_s == pytest.approx(15, abs=0.1)
    assert measure_talker(sound, room) is None


@pytest.mark.parametrize(
    ("microphone", "words"),
    [
        (Plays(bytes(960)), "nothing but zeros"),
        (Dead(), "gives no sound"),
        (Breaks(), "it went away"),
        (Refuses(DeviceBusy("another program has it")), "another program has it"),
        (Plays(np.full(480, 700, np.int16).tobytes()), "every sample is the same"),
    ],
    ids=["muted", "dead", "breaks", "busy", "stuck"],
)
async def test_a_sick_microphone_is_told_instead_of_measured(
    autojump_clock: object, microphone: Microphone, words: str
) -> None:
    with pytest.raises(DeviceError, match=words):
        await measuring(microphone).silence()


async def test_a_microphone_that_breaks_while_somebody_speaks_is_told(
    autojump_clock: object,
) -> None:
    with pytest.raises(DeviceError, match="it went away"):
        await measuring(Breaks()).speech(measure_noise(noise(24_000, -65.0)), lambda *_: None)


async def test_a_channel_that_there_is_not_is_told(autojump_clock: object) -> None:
    room = EchoRoom(shape=Shape(48_000, 2))
    with pytest.raises(DeviceError, match="channel 3"):
        await measuring(room.microphone, channel=3).silence()
