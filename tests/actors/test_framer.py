"""From the odd shapes of real microphones to exact frames."""

from collections.abc import Sequence

import numpy as np
import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from voiced.actors.capture import Block
from voiced.actors.framer import Framer
from voiced.audio.conditioning import Conditioning
from voiced.audio.convert import Pcm
from voiced.audio.format import FRAME_BYTES, Frame, Shape
from voiced.channel import Channel, WhenFull
from voiced.counts import Counts
from voiced.faults import DeviceError
from voiced.notices import LevelMeasured, NoticeBoard, Party

WIRE = Shape(24_000, 1)
SHAPES = [
    WIRE,
    Shape(44_100, 2),
    Shape(48_000, 1),
    Shape(48_000, 2),
    Shape(8_000, 1),
    Shape(16_000, 4),
    Shape(32_000, 2),
    Shape(96_000, 8),
]

any_shape = pytest.mark.parametrize("shape", SHAPES, ids=lambda s: f"{s.channels}x{s.rate_hz}")


async def framed(
    blocks: Sequence[Block], channel: int | None = None, board: NoticeBoard | None = None
) -> list[Frame]:
    """All frames that a Framer makes of *blocks*."""
    inlet = Channel[Block]("blocks", max(1, len(blocks)), WhenFull.DROP_OLDEST)
    outlet = Channel[Frame]("frames", 10_000, WhenFull.DROP_OLDEST)
    for block in blocks:
        inlet.offer(block)
    inlet.close()
    await Framer(inlet, outlet, board or NoticeBoard(), channel).run()
    outlet.close()
    return [frame async for frame in outlet]


def cut(sound: Pcm, shape: Shape, block_ms: int = 20) -> list[Block]:
    """The blocks in which a device of that shape would give *sound* (instants x channels)."""
    size = shape.rate_hz * block_ms // 1000
    return [Block(sound[at : at + size].tobytes(), shape) for at in range(0, len(sound), size)]


def a_second_of(hz: float, shape: Shape, amplitude: int = 10_000) -> Pcm:
    """A tone, the same in each channel."""
    wave = amplitude * np.sin(2 * np.pi * hz * np.arange(shape.rate_hz) / shape.rate_hz)
    return np.repeat(np.rint(wave).astype(np.int16)[:, None], shape.channels, axis=1)


def joined(frames: Sequence[Frame]) -> Pcm:
    return np.frombuffer(b"".join(frames), "<i2")


@any_shape
async def test_a_second_of_any_shape_becomes_a_second_of_exact_frames(shape: Shape) -> None:
    frames = await framed(cut(a_second_of(500, shape), shape))
    assert {len(frame) for frame in frames} == {FRAME_BYTES}
    assert len(frames) in {48, 49, 50}  # the rest is still inside the resampler


@any_shape
@pytest.mark.parametrize("block_ms", [5, 7, 10, 23, 100])
async def test_blocks_of_any_length_give_the_same_frames(shape: Shape, block_ms: int) -> None:
    sound = a_second_of(500, shape)
    assert await framed(cut(sound, shape, block_ms)) == await framed(cut(sound, shape))


@any_shape
async def test_a_tone_is_the_same_tone_and_as_loud(shape: Shape) -> None:
    sound = joined(await framed(cut(a_second_of(500, shape), shape)))[2400:21600]
    spectrum = np.abs(np.fft.rfft(sound)) / (sound.size / 2)
    assert np.argmax(spectrum) * 24_000 / sound.size == 500
    assert spectrum.max() == pytest.approx(10_000, rel=0.001)


async def test_what_is_already_as_the_wire_wants_it_is_not_changed_by_a_bit() -> None:
    sound = np.random.default_rng(1).integers(-32768, 32767, (4800, 1), np.int16, endpoint=True)
    assert b"".join(await framed(cut(sound, WIRE, block_ms=7))) == sound.tobytes()


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 2000), min_size=1, max_size=20))
def test_ragged_blocks_lose_nothing(sizes: list[int]) -> None:
    sound = np.arange(sum(sizes), dtype=np.int16)
    parts = np.split(sound, np.cumsum(sizes)[:-1])
    frames = trio.run(framed, [Block(part.tobytes(), WIRE) for part in parts])
    assert len(frames) == sound.size // 480
    assert b"".join(frames) == sound[: len(frames) * 480].tobytes()


@pytest.mark.parametrize("picked", range(8))
async def test_a_picked_channel_is_the_only_one_heard(picked: int) -> None:
    shape = Shape(96_000, 8)
    sound = np.random.default_rng(1).integers(-9000, 9000, (96_000, 8), np.int16)
    sound[:, picked] = a_second_of(500, shape)[:, 0]
    alone = cut(a_second_of(500, Shape(96_000, 1)), Shape(96_000, 1))
    assert await framed(cut(sound, shape), channel=picked) == await framed(alone)


async def test_without_a_choice_all_channels_are_mixed() -> None:
    shape = Shape(24_000, 2)
    left_only = np.zeros((24_000, 2), np.int16)
    left_only[:, 0] = 8_000
    assert set(joined(await framed(cut(left_only, shape))).tolist()) == {4_000}


async def test_the_only_channel_there_is_serves_whatever_was_chosen() -> None:
    sound = a_second_of(500, WIRE)
    assert await framed(cut(sound, WIRE), channel=5) == await framed(cut(sound, WIRE))


async def test_a_channel_that_the_microphone_does_not_have_is_a_clear_fault() -> None:
    shape = Shape(48_000, 2)
    with pytest.raises(DeviceError, match=r"2 channels.*\[capture\] channel"):
        await framed(cut(a_second_of(500, shape), shape), channel=2)


async def test_a_device_that_changes_its_shape_is_followed() -> None:
    first, then = Shape(48_000, 2), Shape(16_000, 1)
    blocks = cut(a_second_of(500, first), first) + cut(a_second_of(500, then), then)
    frames = await framed(blocks)
    assert len(frames) in {97, 98, 99, 100}
    spectrum = np.abs(np.fft.rfft(joined(frames)[30_000:42_000]))
    assert np.argmax(spectrum) * 2 == 500


async def test_each_shape_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    shape = Shape(44_100, 2)
    await framed(cut(a_second_of(500, shape), shape), channel=1)
    assert [record.getMessage() for record in caplog.records] == [
        "microphone rate_hz=44100 channels=2 channel=2 resampler=soxr variable-rate 44100->24000 Hz"
    ]


async def test_levels_are_told_while_somebody_watches() -> None:
    board = NoticeBoard()
    with board.watch() as stream:
        await framed(cut(a_second_of(500, WIRE, amplitude=3277), WIRE), board=board)
    notices = [notice async for notice in stream]
    levels = [notice for notice in notices if isinstance(notice, LevelMeasured)]
    assert len(levels) == len(notices) == 50
    assert {level.who for level in levels} == {Party.USER}
    assert [level.dbfs for level in levels] == pytest.approx([-23.0] * 50, abs=0.1)


async def test_a_full_channel_loses_the_oldest_frames_and_counts_them() -> None:
    inlet = Channel[Block]("blocks", 100, WhenFull.DROP_OLDEST)
    outlet = Channel[Frame]("frames", 10, WhenFull.DROP_OLDEST)
    for value in range(50):
        inlet.offer(Block(np.full(480, value, np.int16).tobytes(), WIRE))
    inlet.close()
    await Framer(inlet, outlet, NoticeBoard()).run()
    outlet.close()
    assert [frame[0] async for frame in outlet] == list(range(40, 50))
    assert outlet.tally.dropped == 40


async def conditioned(
    blocks: Sequence[Block], conditioning: Conditioning, counts: Counts | None = None
) -> tuple[list[Frame], list[Frame]]:
    """All frames that go on, and all that are overheard."""
    inlet = Channel[Block]("blocks", 100, WhenFull.DROP_OLDEST)
    outlet = Channel[Frame]("frames", 100, WhenFull.DROP_OLDEST)
    overheard: list[Frame] = []
    for block in blocks:
        inlet.offer(block)
    inlet.close()
    await Framer(
        inlet,
        outlet,
        NoticeBoard(),
        counts=counts or Counts(),
        overhears=lambda frame, _now_s: overheard.append(frame),
        conditioning=conditioning,
    ).run()
    outlet.close()
    return [frame async for frame in outlet], overheard


async def test_a_gain_comes_before_anybody_listens_and_what_it_clips_is_counted() -> None:
    counts = Counts()
    loud = cut(a_second_of(500, WIRE, amplitude=10_000), WIRE)
    frames, overheard = await conditioned(loud, Conditioning(20.0), counts)
    assert overheard == frames
    assert joined(frames).max() == 32767
    assert counts.frames_clipped == 50


async def test_a_filter_begins_anew_with_another_microphone() -> None:
    conditioning = Conditioning(0.0, 80)
    await conditioned([Block(np.full(480, 9000, np.int16).tobytes(), WIRE)] * 10, conditioning)
    soft = cut(a_second_of(500, WIRE, amplitude=300), WIRE)
    frames, _ = await conditioned(soft, conditioning)
    assert np.abs(joined(frames)).max() < 400
