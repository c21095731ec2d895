"""What all that is heard goes through first: nothing changes unasked, nothing clicks, nothing is cut unseen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.audio.conditioning import Conditioning
from voiced.audio.format import FRAME_BYTES, Frame
from voiced.audio.level import dbfs


def frames_of(hz: float, amplitude: float, count: int, offset: float = 0.0) -> list[Frame]:
    wave = amplitude * np.sin(2 * np.pi * hz * np.arange(count * 480) / 24_000) + offset
    pcm = np.rint(wave).astype("<i2").tobytes()
    return [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES)]


def samples(*frames: Frame) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.frombuffer(b"".join(frames), "<i2").astype(np.int64)


@given(st.binary(min_size=FRAME_BYTES, max_size=FRAME_BYTES))
def test_with_both_off_not_a_bit_is_changed(frame: Frame) -> None:
    assert Conditioning().apply(frame) is frame


@pytest.mark.parametrize("gain_db", [-40.0, -6.0, 0.5, 12.0, 20.0])
def test_a_gain_is_that_much_louder(gain_db: float) -> None:
    (frame,) = frames_of(500, 3000, 1)
    conditioning = Conditioning(gain_db)
    assert dbfs(conditioning.apply(frame)) - dbfs(frame) == pytest.approx(gain_db, abs=0.05)
    assert not conditioning.book_clipped()


def test_what_is_too_loud_is_cut_off_at_full_scale_and_counted_once() -> None:
    conditioning = Conditioning(20.0)
    loud, soft = frames_of(500, 20_000, 1)[0], frames_of(500, 1000, 1)[0]
    out = samples(*(conditioning.apply(frame) for frame in (loud, soft, loud)))
    assert (out.min(), out.max()) == (-32768, 32767)
    assert conditioning.book_clipped() == 2
    assert not conditioning.book_clipped()


def test_the_loudest_sound_there_is_is_not_clipped_without_a_gain() -> None:
    square = np.tile(np.array([32767] * 240 + [-32768] * 240, "<i2"), 1).tobytes()
    conditioning = Conditioning(0.0)
    assert conditioning.apply(square) == square
    assert not conditioning.book_clipped()


def test_rumble_and_offset_go_and_the_voice_stays() -> None:
    conditioning = Conditioning(high_pass_hz=100)
    low = b"".join(map(conditioning.apply, frames_of(12, 8000, 100, offset=3000)))
    assert dbfs(low[-50 * FRAME_BYTES :]) < -45
    conditioning = Conditioning(high_pass_hz=100)
    high = b"".join(map(conditioning.apply, frames_of(500, 8000, 100, offset=3000)))
    assert dbfs(high[-50 * FRAME_BYTES :]) == pytest.approx(-15.25, abs=0.1)


@pytest.mark.parametrize(
    ("before", "after"),
    [((0.0, 0), (20.0, 0)), ((20.0, 0), (0.0, 0)), ((0.0, 0), (0.0, 300)), ((6.0, 80), (-6.0, 0))],
)
def test_other_settings_come_in_without_a_click(
    before: tuple[float, int], after: tuple[float, int]
) -> None:
    conditioning = Conditioning(*before)
    heard = frames_of(100, 3000, 30)
    first = [conditioning.apply(frame) for frame in heard[:10]]
    conditioning.adopt(*after)
    out = samples(*first, *(conditioning.apply(frame) for frame in heard[10:]))
    louder = max(10 ** (each[0] / 20) for each in (before, after))
    # The steepest step of this tone is 78; a ramp adds its own slope of a 480th of the difference.
    assert np.abs(np.diff(out)).max() < (78.6 + 3000 / 480) * louder + 2
    settled = Conditioning(*after)
    for frame in heard[:29]:
        settled.apply(frame)
    assert np.abs(out[-480:] - samples(settled.apply(heard[29]))).max() <= 1


def test_the_same_settings_again_change_nothing() -> None:
    conditioning, undisturbed = Conditioning(6.0, 80), Conditioning(6.0, 80)
    for frame in frames_of(300, 5000, 5):
        conditioning.adopt(6.0, 80)
        assert conditioning.apply(frame) == undisturbed.apply(frame)


def test_another_microphone_begins_anew() -> None:
    conditioning = Conditioning(0.0, 80)
    for frame in frames_of(30, 20_000, 5, offset=9000):
        conditioning.apply(frame)
    conditioning.begin()
    (frame,) = frames_of(300, 5000, 1)
    assert conditioning.apply(frame) == Conditioning(0.0, 80).apply(frame)
