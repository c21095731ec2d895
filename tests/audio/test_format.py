"""What sound looks like: frames, samples and milliseconds agree with each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.audio import format as sound
from voiced.audio.format import frames_in_ms, ms_to_samples, samples_to_ms

rates = st.sampled_from([8_000, 16_000, 24_000, 32_000, 44_100, 48_000, 96_000])


def test_a_frame_is_20_ms_of_mono_pcm16_at_24_khz() -> None:
    assert sound.FRAME_SAMPLES == 480
    assert sound.FRAME_BYTES == 960
    assert not any(sound.SILENT_FRAME)
    assert samples_to_ms(sound.FRAME_SAMPLES) == sound.FRAME_MS == 20


@given(st.integers(0, 10**8), rates)
def test_milliseconds_never_claim_more_than_there_is(samples: int, rate: int) -> None:
    ms = samples_to_ms(samples, rate)
    assert ms * rate <= samples * 1000 < (ms + 1) * rate


@given(st.integers(0, 10**7))
def test_on_the_wire_a_millisecond_is_a_whole_number_of_samples(ms: int) -> None:
    assert samples_to_ms(ms_to_samples(ms)) == ms


@given(st.integers(0, 10**6), rates)
def test_samples_of_a_millisecond_are_rounded_down(ms: int, rate: int) -> None:
    samples = ms_to_samples(ms, rate)
    assert samples * 1000 <= ms * rate < (samples + 1) * 1000


@pytest.mark.parametrize(
    ("ms", "frames"), [(0, 1), (1, 1), (19, 1), (20, 1), (39, 1), (40, 2), (2000, 100)]
)
def test_there_is_always_room_for_a_frame(ms: int, frames: int) -> None:
    assert frames_in_ms(ms) == frames
