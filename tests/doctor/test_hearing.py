"""The checks of devices, each on a fault of its own: devices made of time, by a clock that jumps."""

from pathlib import Path

import attrs
import numpy as np
import pytest
import trio

from tests.doctor.rooms import WIRE_SHAPE, Breaks, Dead, EchoRoom, Plays, Refuses
from voiced.audio.format import Shape
from voiced.config.whole import Config
from voiced.doctor.finding import Finding, Verdict
from voiced.doctor.hearing import Hearing, hearing_from
from voiced.doctor.whistle import measure_loop
from voiced.edges.mixer import MixerSays
from voiced.edges.sound_server import Surroundings
from voiced.faults import DeviceAbsent, DeviceBusy, DeviceError, DeviceHung
from voiced.ports import Microphone, Speaker

LIST = ' There is:\n  "pulse" (ALSA): microphone with 2 channels\n  "USB" (ALSA): loudspeaker'


async def unused() -> Surroundings:
    raise AssertionError


async def silent_mixer() -> MixerSays:
    return MixerSays()


def hearing(
    microphone: Microphone | None = None,
    speaker: Speaker | None = None,
    *,
    channel: int = 0,
    quiet: bool = False,
) -> Hearing:
    room = EchoRoom()

    async def called() -> str:
        return "Kitchen Jabra"

    return Hearing(
        microphone or room.microphone,
        speaker or room.speaker,
        called,
        called,
        unused,
        silent_mixer,
        channel=channel,
        quiet=quiet,
    )


def assert_told(finding: Finding, verdict: Verdict, *words: str) -> None:
    told = f"{finding.seen}\n{finding.cause}\n{finding.action}"
    assert finding.verdict is verdict, finding
    assert all(word in told for word in words), told
    assert "\n" not in finding.seen
    assert verdict is not Verdict.FAILED or (finding.cause and finding.action)


# --- what opens -----------------------------------------------------------------------------------


async def test_devices_that_work_are_told_with_what_was_measured(autojump_clock: object) -> None:
    room = EchoRoom(shape=Shape(48_000, 2))
    examined = hearing(room.microphone, room.speaker)
    heard = await examined.microphone_opens()
    assert_told(heard, Verdict.OK, "Kitchen Jabra: 48000 Hz, 2 channels")
    assert heard.figures == {
        "device": "Kitchen Jabra",
        "rate_hz": 48_000,
        "channels": 2,
        "blocks": 10,
        "lost_blocks": 0,
        "overflows": 0,
    }
    spoke = await examined.speaker_opens()
    assert_told(spoke, Verdict.OK, "Kitchen Jabra: 24000 Hz, 1 channel, latency 0 ms")
    assert spoke.figures["played_ms"] == 200


async def test_devices_that_open_and_then_do_nothing_are_stuck(autojump_clock: object) -> None:
    examined = hearing(Dead(), Dead())
    began_s = trio.current_time()
    assert_told(await examined.microphone_opens(), Verdict.FAILED, "0 blocks in 2 s", "stuck")
    assert trio.current_time() - began_s == pytest.approx(2)
    assert_told(await examined.speaker_opens(), Verdict.FAILED, "did not take 200 ms", "stuck")
    assert trio.current_time() - began_s == pytest.approx(4.05)
    assert_told(await examined.microphone_level(), Verdict.FAILED, "gives no sound")
    assert_told(await examined.loop(), Verdict.FAILED, "the microphone gives no sound")


async def test_a_loudspeaker_that_takes_nothing_ends_the_whistle(autojump_clock: object) -> None:
    assert_told(await hearing(speaker=Dead()).loop(), Verdict.FAILED, "loudspeaker takes no sound")


async def test_devices_that_break_while_they_are_looked_at_are_told(autojump_clock: object) -> None:
    examined = hearing(Breaks(), Breaks())
    for check in (examined.microphone_opens, examined.microphone_level, examined.speaker_opens):
        assert_told(await check(), Verdict.FAILED, "it went away", "There is: nothing")
    assert_told(await examined.loop(), Verdict.FAILED, "it went away")
    assert_told(await hearing(speaker=Breaks()).loop(), Verdict.FAILED, "it went away")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (DeviceAbsent(f'"gramophone": there is none of that name.{LIST}'), "put a name that there"),
        (
            DeviceBusy(f"it can't be opened at any rate: Device unavailable.{LIST}"),
            "stop that prog",
        ),
        (DeviceError(f"it can't be opened at 8000 Hz: Invalid sample rate.{LIST}"), "rate_hz to 0"),
        (DeviceHung("the sound system did not answer within 5 s"), "restart it"),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_what_is_refused_is_told_with_cause_action_and_all_there_is(
    autojump_clock: object, fault: DeviceError, words: str
) -> None:
    refuses = Refuses(fault)
    examined = hearing(refuses, refuses)
    for check in (
        examined.microphone_opens,
        examined.speaker_opens,
        examined.microphone_level,
        examined.loop,
    ):
        finding = await check()
        assert_told(finding, Verdict.FAILED, words)
        if "There is:" in str(fault):
            listed = '"pulse" (ALSA): microphone with 2 channels; "USB" (ALSA): loudspeaker'
            assert finding.action.endswith(listed)
            assert finding.figures["there_is"] == listed


async def test_a_device_that_is_not_found_is_told_before_it_is_opened(
    autojump_clock: object,
) -> None:
    async def unknown() -> str:
        raise DeviceAbsent("there is no loudspeaker at all")

    examined = hearing()
    examined.speaker_name = unknown
    assert_told(await examined.speaker_opens(), Verdict.FAILED, "there is no loudspeaker at all")


async def test_a_channel_that_the_microphone_lacks_is_told(autojump_clock: object) -> None:
    room = EchoRoom(shape=Shape(48_000, 2))
    examined = hearing(room.microphone, room.speaker, channel=3)
    assert_told(await examined.microphone_opens(), Verdict.FAILED, "has 2 channels, and channel 3")


async def test_only_the_wanted_channel_is_listened_to(autojump_clock: object) -> None:
    left_only = np.array([[300, 0]] * 480, np.int16) * np.where(np.arange(480) % 2, 1, -1)[:, None]
    stereo = Plays(left_only.astype("<i2").tobytes(), Shape(24_000, 2))
    assert_told(await hearing(stereo, channel=1).microphone_level(), Verdict.OK, "-41 dBFS")
    assert_told(await hearing(stereo, channel=2).microphone_level(), Verdict.FAILED, "zeros")
    assert_told(await hearing(stereo, channel=0).microphone_level(), Verdict.OK, "-47 dBFS")


# --- what is heard --------------------------------------------------------------------------------


async def test_a_quiet_room_is_fine(autojump_clock: object) -> None:
    finding = await hearing().microphone_level()
    assert_told(finding, Verdict.OK, "-60 dBFS, noise floor -60 dBFS")
    assert finding.figures["samples"] == 2 * 24_000


async def test_a_muted_microphone_is_told(autojump_clock: object) -> None:
    muted = Plays(bytes(960))
    finding = await hearing(muted).microphone_level()
    assert_told(finding, Verdict.FAILED, "nothing but zeros", "unmute")
    assert finding.figures["zeros_percent"] == 100


@pytest.mark.parametrize("shape", [WIRE_SHAPE, Shape(48_000, 2), Shape(96_000, 1)])
@pytest.mark.parametrize(("delay_ms", "gain_db"), [(20, -12.0), (80, -25.0), (300, -38.0)])
async def test_a_loop_is_measured(
    autojump_clock: object, shape: Shape, delay_ms: int, gain_db: float
) -> None:
    room = EchoRoom(gain_db, delay_ms, shape)
    loop = await measure_loop(room.microphone, room.speaker)
    assert loop.audible
    assert loop.delay_ms == pytest.approx(delay_ms, abs=2)
    assert loop.return_db == pytest.approx(gain_db, abs=1.5)


@pytest.mark.parametrize(
    ("room", "verdict", "words"),
    [
        (EchoRoom(-25.0, 80), Verdict.OK, "audible after 80 ms, echo return -25 dB"),
        (EchoRoom(-3.0, 80), Verdict.WARNING, "interrupt themselves"),
        (EchoRoom(-25.0, 450), Verdict.WARNING, "Bluetooth"),
        (EchoRoom(None), Verdict.WARNING, "not audible in the microphone"),
        (EchoRoom(None, level_dbfs=None), Verdict.WARNING, "right with headphones"),
    ],
    ids=["near", "too loud", "late", "headphones", "headphones, muted microphone"],
)
async def test_what_returns_is_judged(
    autojump_clock: object, room: EchoRoom, verdict: Verdict, words: str
) -> None:
    finding = await hearing(room.microphone, room.speaker).loop()
    assert_told(finding, verdict, words)
    assert ("delay_ms" in finding.figures) == (room.gain_db is not None)
    assert verdict is Verdict.OK or finding.action


async def test_no_sound_is_made_where_none_is_wanted(autojump_clock: object) -> None:
    refuses = Refuses(DeviceError("it was opened"))
    examined = hearing(refuses, refuses, quiet=True)
    assert_told(await examined.loop(), Verdict.SKIPPED, "--quiet")


def with_devices(microphone: str, loudspeaker: str) -> Config:
    config = Config()
    return attrs.evolve(
        config,
        capture=attrs.evolve(config.capture, device=microphone, channel=2),
        playout=attrs.evolve(config.playout, device=loudspeaker),
    )


async def test_files_are_devices_that_need_no_sound_system(tmp_path: Path) -> None:
    kept = tmp_path / "out.wav"
    kept.write_bytes(b"a recording that somebody wants to keep")
    examined = hearing_from(with_devices("file:in.wav", f"file:{kept}"))
    assert await examined.microphone_name() == "file:in.wav"
    assert examined.channel == 2
    found = {name: await look() for name, look, _ in examined.looks()}
    assert_told(found.pop("microphone"), Verdict.FAILED, "microphone file in.wav can't be read")
    assert_told(found.pop("microphone level"), Verdict.FAILED, "in.wav")
    assert {finding.verdict for finding in found.values()} == {Verdict.SKIPPED}
    assert kept.read_bytes() == b"a recording that somebody wants to keep"


async def test_one_file_leaves_the_other_device_to_be_looked_at() -> None:
    examined = hearing_from(with_devices("file:in.wav", "default"))
    assert_told(await examined.loop(), Verdict.SKIPPED, "file")
    assert (await examined.audio_server()).verdict is not Verdict.SKIPPED


def test_checks_stand_on_those_before_them() -> None:
    before: set[str] = set()
    for name, _look, needs in hearing().looks():
        assert set(needs) <= before
        before.add(name)
    assert len(before) == 7
