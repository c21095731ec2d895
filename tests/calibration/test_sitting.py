"""A whole calibration, from the first silence to settings: a room in which somebody speaks."""

from contextlib import AbstractAsyncContextManager

import attrs
import pytest

from tests.doctor.rooms import EchoRoom, Refuses, noise
from tests.doctor.test_hearing import hearing
from voiced.audio.convert import to_mono, to_pcm16
from voiced.calibration.proposal import propose
from voiced.calibration.sitting import Sitting
from voiced.config.whole import Config
from voiced.edges.paced import PacedMicrophone
from voiced.faults import DeviceError


@attrs.define(eq=False)
class Lounge:
    """A room with an echo, in which somebody speaks as soon as the microphone is opened for the third time:
    after the silence and the whistle.
    """

    voice_dbfs: float
    room: EchoRoom
    opened: int = 0

    def open(self) -> AbstractAsyncContextManager[PacedMicrophone]:
        self.opened += 1
        return PacedMicrophone(self.room.shape, self._next_block).open()

    def _next_block(self) -> bytes:
        block = self.room.microphone.source()
        if self.opened < 3:
            return block
        return to_pcm16(to_mono(block, 1) + noise(480, self.voice_dbfs, self.opened))


def sitting(lounge: Lounge, said: list[str], *, quiet: bool = False, asks: bool = True) -> Sitting:
    return Sitting(
        Config(),
        hearing(lounge, lounge.room.speaker, quiet=quiet),
        say=said.append,
        meter=lambda dbfs, spoken_ms: None,
        canceller=True,
        asks=asks,
    )


async def test_a_room_is_measured_and_settings_follow(autojump_clock: object) -> None:
    said: list[str] = []
    room = await sitting(Lounge(-38.0, EchoRoom(gain_db=-8.0, level_dbfs=-70.0)), said).run()
    assert room.talker is not None
    assert room.talker.level_dbfs == pytest.approx(-38, abs=1)
    assert room.loop is not None
    assert room.loop.return_db == pytest.approx(-8, abs=1.5)
    found = {each.key: each.value for each in propose(room)}
    assert found["high_pass_hz"] == 0
    assert found["gain_db"] == pytest.approx(18, abs=1.5)
    assert found["mode"] == "webrtc"
    assert isinstance(found["max_volume_percent"], int)
    assert found["max_volume_percent"] < 80
    assert said[0] == "microphone: Kitchen Jabra"
    assert [line.split()[0] for line in said[1:]] == [
        *("Please", "noise", "Now", "echo", "Now", "voice")
    ]


async def test_quiet_makes_no_sound_and_leaves_the_echo_alone(autojump_clock: object) -> None:
    said: list[str] = []
    lounge = Lounge(-38.0, EchoRoom())
    lounge.opened = 1  # there is no whistle to wait for
    sits = sitting(lounge, said, quiet=True)
    sits.hearing.speaker = Refuses(DeviceError("the loudspeaker was opened"))
    room = await sits.run()
    assert room.loop is None
    assert room.talker is not None
    assert {each.section for each in propose(room)} == {"capture"}
    assert any("--quiet" in line for line in said)


async def test_nobody_is_asked_to_speak_who_is_not_there(autojump_clock: object) -> None:
    said: list[str] = []
    lounge = Lounge(-38.0, EchoRoom())
    room = await sitting(lounge, said, asks=False).run()
    assert lounge.opened == 2
    assert room.talker is None
    assert "gain_db" not in {each.key for each in propose(room)}


async def test_a_microphone_that_cancels_by_its_name_is_left_to_do_so(
    autojump_clock: object,
) -> None:
    async def called() -> str:
        return "Echo-Cancel Source"

    sits = sitting(Lounge(-38.0, EchoRoom()), [], asks=False)
    sits.hearing.microphone_name = called
    assert (await sits.run()).device_cancels
