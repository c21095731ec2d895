"""A recording of the room: three files that line up, for the owner's eyes only, and bounded."""

import io
import os
import wave
from pathlib import Path

import attrs
import numpy as np
import pytest
import trio

from tests.doctor.rooms import Breaks, Dead, EchoRoom, Plays, Refuses
from tests.fakes.canceller import FakeCanceller
from voiced.audio.conditioning import Conditioning
from voiced.audio.convert import Samples
from voiced.audio.echo.handling import Canceller, Echo, EchoMode
from voiced.audio.format import WIRE_RATE_HZ, Shape
from voiced.audio.level import dbfs
from voiced.config.whole import Config
from voiced.doctor.finding import Verdict
from voiced.doctor.room_recording import LASTS_S, Part, RoomRecording, room_recording_from
from voiced.doctor.speech_like import speech_like
from voiced.edges.far_end import FarEndTap
from voiced.faults import DeviceBusy
from voiced.ports import Microphone, Speaker


def tapped(room: EchoRoom) -> FarEndTap:
    """What the room's loudspeaker gives, for the echo path as well."""
    tap, hear = FarEndTap(), room.speaker.room

    def both(pcm: bytes) -> None:
        hear(pcm)
        for at in range(0, len(pcm), 480):  # 10 ms, as a device would
            tap.leave(pcm[at : at + 480], WIRE_RATE_HZ)

    room.speaker.room = both
    return tap


def recording(
    folder: Path,
    room: EchoRoom,
    said: list[str] | None = None,
    *,
    microphone: Microphone | None = None,
    speaker: Speaker | None = None,
    mode: EchoMode = EchoMode.OFF,
    canceller: Canceller | None = None,
    conditioning: Conditioning | None = None,
    channel: int = 0,
    quiet: bool = False,
) -> RoomRecording:
    return RoomRecording(
        microphone or room.microphone,
        speaker or room.speaker,
        tapped(room),
        Echo(mode, 100, canceller),
        conditioning or Conditioning(),
        folder,
        (said if said is not None else []).append,
        channel=channel,
        quiet=quiet,
    )


def read(path: Path) -> Samples:
    with wave.open(io.BytesIO(path.read_bytes())) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (24_000, 1, 2)
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    return pcm.astype(np.float32) / np.float32(32768)


def level(sound: Samples, from_s: float, to_s: float) -> float:
    piece = sound[round(from_s * 24_000) : round(to_s * 24_000)]
    return dbfs(np.rint(piece * 32767).astype("<i2").tobytes())


async def test_three_files_line_up_and_are_for_their_owner_only(
    autojump_clock: object, tmp_path: Path
) -> None:
    said: list[str] = []
    room, folder = EchoRoom(gain_db=-10.0, delay_ms=60, level_dbfs=-70.0), tmp_path / "room"
    look = recording(
        folder, room, said, mode=EchoMode.WEBRTC, canceller=FakeCanceller(takes_db=30.0)
    )
    finding = await look.look()
    assert finding.verdict is Verdict.OK, finding
    assert "delete them" in finding.action
    assert sorted(path.name for path in folder.iterdir()) == [
        "after.wav",
        "before.wav",
        "played.wav",
    ]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    before, after, played = (read(folder / f"{name}.wav") for name in ("before", "after", "played"))
    assert before.size == after.size == played.size
    assert before.size / 24_000 == pytest.approx(LASTS_S, abs=0.2)
    assert said == [part.sentence for part in Part]
    # Nothing, then the loudspeaker and its echo 10 dB softer, then nothing again (nobody spoke), then both.
    assert level(played, 0.5, 1.8) == -96
    assert level(played, 3, 7) == pytest.approx(-18, abs=3)
    assert level(before, 3, 7) == pytest.approx(level(played, 3, 7) - 10, abs=1)
    assert level(after, 5, 7) < level(before, 5, 7) - 20
    assert level(played, 9, 10.5) == -96
    assert level(played, 11.5, 14.5) == pytest.approx(-18, abs=3)
    assert finding.figures["before_dbfs"] == pytest.approx(level(before, 5, 8), abs=0.5)
    assert finding.figures["mode"] == "webrtc"


async def test_what_was_played_lies_before_its_echo(autojump_clock: object, tmp_path: Path) -> None:
    room = EchoRoom(gain_db=0.0, delay_ms=100, level_dbfs=-80.0)
    await recording(tmp_path, room).look()
    before, played = read(tmp_path / "before.wav"), read(tmp_path / "played.wav")
    size = 1 << 18
    here, there = (np.fft.rfft(sound[: 6 * 24_000], size) for sound in (before, played))
    late_ms = int(np.argmax(np.fft.irfft(here * np.conj(there), size)[:12_000])) / 24
    assert 20 <= late_ms <= 100


async def test_gain_and_filter_are_heard_in_what_is_made_of_it(
    autojump_clock: object, tmp_path: Path
) -> None:
    room = EchoRoom(gain_db=None, shape=Shape(48_000, 2))
    await recording(tmp_path, room, conditioning=Conditioning(12.0)).look()
    before, after = read(tmp_path / "before.wav"), read(tmp_path / "after.wav")
    assert level(after, 1, 14) - level(before, 1, 14) == pytest.approx(12, abs=0.2)


async def test_half_duplex_is_silent_while_the_loudspeaker_sounds(
    autojump_clock: object, tmp_path: Path
) -> None:
    await recording(tmp_path, EchoRoom(gain_db=-10.0), mode=EchoMode.HALF_DUPLEX).look()
    after = read(tmp_path / "after.wav")
    assert level(after, 0.5, 1.8) == pytest.approx(-60, abs=1)
    assert level(after, 9, 10.8) == pytest.approx(-60, abs=1)


@pytest.mark.parametrize(
    ("microphone", "speaker", "words"),
    [
        (Dead(), None, "the microphone gives no sound"),
        (None, Dead(), "the loudspeaker takes no sound"),
        (Breaks(), None, "it went away"),
        (None, Breaks(), "it went away"),
        (Refuses(DeviceBusy("another program has it")), None, "another program has it"),
        (Plays(bytes(1920), Shape(24_000, 2)), None, "channel 5"),
    ],
    ids=["dead", "stuck", "breaks", "loudspeaker breaks", "busy", "channel"],
)
async def test_devices_that_do_not_play_along_are_told_and_nothing_is_written(
    autojump_clock: object,
    tmp_path: Path,
    microphone: Microphone | None,
    speaker: Speaker | None,
    words: str,
) -> None:
    began_s = trio.current_time()
    channel = 5 if words == "channel 5" else 0
    finding = await recording(
        tmp_path / "room", EchoRoom(), microphone=microphone, speaker=speaker, channel=channel
    ).look()
    assert finding.verdict is Verdict.FAILED
    assert words in finding.seen
    assert finding.action
    assert trio.current_time() - began_s < 21
    assert not (tmp_path / "room").exists()


async def test_a_folder_that_can_not_be_written_is_told(
    autojump_clock: object, tmp_path: Path
) -> None:
    taken = tmp_path / "room"
    taken.write_text("a file")
    finding = await recording(taken, EchoRoom()).look()
    assert finding.verdict is Verdict.FAILED
    assert str(taken) in finding.seen


async def test_no_sound_is_made_where_none_is_wanted(tmp_path: Path) -> None:
    refuses = Refuses(DeviceBusy("it was opened"))
    finding = await recording(
        tmp_path, EchoRoom(), microphone=refuses, speaker=refuses, quiet=True
    ).look()
    assert finding.verdict is Verdict.SKIPPED


async def test_files_hear_no_loudspeaker(tmp_path: Path) -> None:
    config = Config()
    config = attrs.evolve(config, capture=attrs.evolve(config.capture, device="file:in.wav"))
    finding = await room_recording_from(config, tmp_path, print).look()
    assert finding.verdict is Verdict.SKIPPED
    assert not os.listdir(tmp_path)


def test_what_sounds_like_speech_is_as_loud_as_asked_and_bounded() -> None:
    sound = speech_like(3.0, -18.0)
    assert sound.size == 3 * 24_000
    assert level(sound, 0, 3) == pytest.approx(-18, abs=2)
    assert np.abs(sound).max() <= 0.71
    assert np.array_equal(sound, speech_like(3.0, -18.0))
    assert not np.array_equal(sound, speech_like(3.0, -18.0, seed=2))
