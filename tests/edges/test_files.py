"""Files as devices: any sound file speaks, and what is heard becomes a file that lines up with time."""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import trio

from voiced.audio.format import Shape
from voiced.edges.files import FileMicrophone, FileSpeaker
from voiced.faults import DeviceError

Floats = npt.NDArray[np.float64]


def tone(rate: int = 24_000, seconds: float = 0.5, hz: float = 440.0) -> Floats:
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(round(rate * seconds)) / rate)


async def heard(path: Path, *, ms: int) -> tuple[Shape, npt.NDArray[np.int16]]:
    """What the microphone gives in that time: instants x channels."""
    blocks: list[bytes] = []
    async with FileMicrophone(path).open() as microphone:
        for _ in range(ms // 20):
            blocks += await microphone.collect()
        shape = microphone.shape
    return shape, np.frombuffer(b"".join(blocks), "<i2").reshape(-1, shape.channels)


async def refusal(path: Path) -> str:
    with pytest.raises(DeviceError) as refused:
        await heard(path, ms=1000)
    assert str(path) in str(refused.value)
    return str(refused.value)


# --- the microphone -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subtype", "coarseness"),
    [
        ("PCM_U8", 2**8),
        ("PCM_16", 1),
        ("PCM_24", 1),
        ("PCM_32", 1),
        ("FLOAT", 1),
        ("DOUBLE", 1),
        ("ULAW", 2**9),
    ],
)
async def test_every_kind_of_wav_sounds_the_same(
    tmp_path: Path, autojump_clock: trio.abc.Clock, subtype: str, coarseness: int
) -> None:
    path = tmp_path / "sound.wav"
    soundfile.write(path, tone(), 24_000, subtype=subtype)
    shape, sound = await heard(path, ms=500)
    assert shape == Shape(24_000, 1)
    assert np.abs(sound[:, 0] - tone() * 32_768).max() <= coarseness


@pytest.mark.parametrize("name", ["sound.flac", "sound.ogg", "sound.aiff"])
async def test_other_formats_are_understood(
    tmp_path: Path, autojump_clock: trio.abc.Clock, name: str
) -> None:
    soundfile.write(tmp_path / name, tone(), 24_000)
    _, sound = await heard(tmp_path / name, ms=500)
    likeness = np.corrcoef(sound[:, 0], tone())[0, 1]
    assert likeness > 0.99


async def test_rate_and_channels_are_those_of_the_file(
    tmp_path: Path, autojump_clock: trio.abc.Clock
) -> None:
    path = tmp_path / "stereo.wav"
    left, right = tone(44_100), tone(44_100, hz=1000)
    soundfile.write(path, np.stack([left, right], axis=1), 44_100)
    shape, sound = await heard(path, ms=500)
    assert shape == Shape(44_100, 2)
    assert np.abs(sound[:, 0] - left * 32_768).max() <= 1
    assert np.abs(sound[:, 1] - right * 32_768).max() <= 1


async def test_samples_that_are_too_loud_saturate(
    tmp_path: Path, autojump_clock: trio.abc.Clock
) -> None:
    path = tmp_path / "loud.wav"
    soundfile.write(path, np.array([2.0, -2.0] * 240), 24_000, subtype="FLOAT")
    _, sound = await heard(path, ms=20)
    assert sound[:, 0].tolist() == [32_767, -32_768] * 240


async def test_after_its_end_there_is_silence_in_real_time(
    tmp_path: Path, autojump_clock: trio.abc.Clock
) -> None:
    path = tmp_path / "short.wav"
    soundfile.write(path, np.full(700, 0.5), 24_000)  # 29 ms: the end is within a block
    began = trio.current_time()
    _, sound = await heard(path, ms=2000)
    assert trio.current_time() - began == pytest.approx(2.0)
    assert sound.shape == (48_000, 1)
    assert np.count_nonzero(sound) == 700
    assert sound[:700].all()


async def test_it_speaks_anew_each_time_it_is_opened(
    tmp_path: Path, autojump_clock: trio.abc.Clock
) -> None:
    path = tmp_path / "sound.wav"
    soundfile.write(path, tone(), 24_000)
    first, second = await heard(path, ms=100), await heard(path, ms=100)
    assert np.array_equal(first[1], second[1])


async def test_a_file_cut_off_in_the_middle_speaks_as_far_as_it_goes(
    tmp_path: Path, autojump_clock: trio.abc.Clock
) -> None:
    path = tmp_path / "cut.wav"
    soundfile.write(path, np.full(12_000, 0.5), 24_000)
    path.write_bytes(path.read_bytes()[: 44 + 2 * 5000 + 1])
    _, sound = await heard(path, ms=500)
    assert np.count_nonzero(sound) == 5000


@pytest.mark.parametrize("length", [0, 4, 11, 12, 20, 30, 40, 43, 44, 45])
async def test_a_file_cut_off_in_its_header_is_refused(
    tmp_path: Path, autojump_clock: trio.abc.Clock, length: int
) -> None:
    path = tmp_path / "cut.wav"
    soundfile.write(path, tone(), 24_000)
    path.write_bytes(path.read_bytes()[:length])
    told = await refusal(path)
    assert "give a WAV, FLAC or Ogg file" in told or "holds no sound at all" in told


async def test_a_file_that_is_damaged_further_on_is_said_to_be(
    tmp_path: Path, autojump_clock: trio.abc.Clock
) -> None:
    path = tmp_path / "damaged.flac"
    soundfile.write(path, np.random.default_rng(1).uniform(-0.5, 0.5, 24_000), 24_000)
    flac = path.read_bytes()
    path.write_bytes(flac[: len(flac) // 2])
    assert "is damaged" in await refusal(path)


async def test_a_file_without_sound_is_refused(
    tmp_path: Path, autojump_clock: trio.abc.Clock
) -> None:
    path = tmp_path / "empty.wav"
    soundfile.write(path, np.empty(0), 24_000)
    assert "holds no sound at all" in await refusal(path)


@pytest.mark.parametrize("rate", [1, 40, 7999, 768_000])
async def test_a_rate_at_which_nobody_speaks_is_refused(
    tmp_path: Path, autojump_clock: trio.abc.Clock, rate: int
) -> None:
    path = tmp_path / "odd.wav"
    soundfile.write(path, tone(), rate)
    assert f"has a rate of {rate} Hz" in await refusal(path)


def text(path: Path) -> None:
    path.write_text("This is not a sound. " * 100)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda _path: None, "No such file or directory"),
        (Path.mkdir, "Is a directory"),
        (text, "Format not recognised"),
    ],
    ids=["missing", "folder", "text"],
)
async def test_what_is_no_sound_file_is_refused_with_the_reason(
    tmp_path: Path, autojump_clock: trio.abc.Clock, make: Callable[[Path], None], words: str
) -> None:
    make(tmp_path / "sound.wav")
    told = await refusal(tmp_path / "sound.wav")
    assert f"({words})" in told
    assert "give a WAV, FLAC or Ogg file" in told


# --- the loudspeaker ------------------------------------------------------------------------------


def frame(value: int) -> bytes:
    return np.full(480, value, "<i2").tobytes()


async def test_what_is_heard_becomes_a_wav_as_long_as_it_was_open(
    tmp_path: Path, autojump_clock: trio.abc.Clock
) -> None:
    path = tmp_path / "heard.wav"
    began = trio.current_time()
    async with FileSpeaker(path).open() as speaker:
        await trio.sleep(0.5)
        for value in range(1, 11):
            await speaker.play(frame(value))
        await speaker.drain()
        await trio.sleep(0.534)
        open_s = trio.current_time() - began
    about = soundfile.info(path)
    assert (about.format, about.subtype) == ("WAV", "PCM_16")
    assert (about.samplerate, about.channels, about.frames) == (24_000, 1, round(open_s * 24_000))
    sound, _ = soundfile.read(path, dtype="int16")
    assert np.flatnonzero(sound)[[0, -1]].tolist() == [12_000, 12_000 + 4800 - 1]
    assert sound[12_000:16_800].tolist() == np.repeat(range(1, 11), 480).tolist()


async def test_a_cut_is_heard_in_the_file(tmp_path: Path, autojump_clock: trio.abc.Clock) -> None:
    path = tmp_path / "heard.wav"
    async with FileSpeaker(path).open() as speaker:
        for _ in range(5):
            await speaker.play(frame(10_000))
        await trio.sleep(0.05)
        assert speaker.flush() == 55 * 24
        await trio.sleep(1)
    sound, _ = soundfile.read(path, dtype="int16")
    assert np.flatnonzero(sound).max() < 55 * 24
    assert sound.size == round(1.05 * 24_000)


async def test_an_hour_in_which_nobody_looked_is_written_piece_by_piece(
    tmp_path: Path, autojump_clock: trio.abc.Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    monkeypatch.setattr(
        soundfile.SoundFile, "buffer_write", lambda _file, pcm, dtype: sizes.append(len(pcm))
    )
    async with FileSpeaker(tmp_path / "heard.wav").open():
        await trio.sleep(3600.5)
    assert sum(sizes) == round(3600.5 * 48_000)
    assert max(sizes) <= 48_000


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "Is a directory"),
        ("nowhere/heard.wav", "No such file or directory"),
        ("file/heard.wav", "Not a directory"),
    ],
)
async def test_a_file_that_cannot_be_written_is_named_with_the_reason(
    tmp_path: Path, autojump_clock: trio.abc.Clock, name: str, words: str
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DeviceError, match=rf"can't be written \({words}\)") as refused:
        async with FileSpeaker(tmp_path / name).open():
            pytest.fail("opened")
    assert str(tmp_path / name) in str(refused.value)


@contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    """As on a full disk: the system writes no byte beyond."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_disk_that_runs_full_is_a_clear_fault(
    tmp_path: Path, autojump_clock: trio.abc.Clock
) -> None:
    async def hear_two_seconds() -> None:
        async with FileSpeaker(tmp_path / "heard.wav").open() as speaker:
            with files_no_longer_than(50_000):
                for _ in range(100):
                    await speaker.play(frame(1))
                await speaker.drain()

    with pytest.raises(DeviceError, match="can't be written any more: is the disk full"):
        await hear_two_seconds()


async def test_whoever_only_looks_is_spared_the_full_disk(
    tmp_path: Path, autojump_clock: trio.abc.Clock
) -> None:
    async with FileSpeaker(tmp_path / "heard.wav").open() as speaker:
        with files_no_longer_than(50_000):
            await trio.sleep(60)
            assert speaker.heard_samples == 0
            with pytest.raises(DeviceError, match="is the disk full"):
                await speaker.watch()


async def test_a_recording_that_was_interrupted_goes_on_where_it_was(
    tmp_path: Path, autojump_clock: trio.abc.Clock
) -> None:
    path = tmp_path / "heard.wav"
    port = FileSpeaker(path)
    for value in (1, 2):
        async with port.open() as speaker:
            await speaker.play(frame(value))
            await speaker.drain()
    sound, _ = soundfile.read(path, dtype="int16")
    assert [int(value) for value in np.unique(sound)] == [1, 2]
    assert np.flatnonzero(sound == 1)[-1] < np.flatnonzero(sound == 2)[0]
