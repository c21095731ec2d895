"""Between PCM16 and float: nothing is changed that need not be, and what is too loud saturates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.audio.convert import spread, to_mono, to_pcm16

EVERY_VALUE = np.arange(-32768, 32768, dtype="<i2")

values = st.integers(-32768, 32767)


def pcm(*samples: int) -> bytes:
    return np.array(samples, "<i2").tobytes()


def test_every_value_of_16_bits_survives_the_way_to_float_and_back() -> None:
    assert to_pcm16(to_mono(EVERY_VALUE.tobytes(), channels=1)) == EVERY_VALUE.tobytes()


def test_floats_are_within_one_and_of_single_precision() -> None:
    floats = to_mono(EVERY_VALUE.tobytes(), channels=1)
    assert floats.dtype == np.float32
    assert (floats.min(), floats.max()) == (-1.0, 32767 / 32768)


@pytest.mark.parametrize(
    ("loud", "saturated"),
    [(1.0, 32767), (1.5, 32767), (1e9, 32767), (-1.0, -32768), (-1.0001, -32768), (-1e9, -32768)],
)
def test_what_is_too_loud_saturates_and_never_wraps(loud: float, saturated: int) -> None:
    assert to_pcm16(np.array([loud], np.float32)) == pcm(saturated)


@given(st.floats(-0.9990234375, 0.9990234375, width=32))
def test_rounding_is_to_the_nearest_step(value: float) -> None:
    (step,) = np.frombuffer(to_pcm16(np.array([value], np.float32)), "<i2")
    assert abs(int(step) - value * 32768) <= 0.5


def test_silence_stays_silent() -> None:
    assert to_pcm16(to_mono(bytes(960), channels=1)) == bytes(960)


@given(st.lists(st.tuples(values, values), min_size=1, max_size=20))
def test_the_mean_of_two_channels_is_rounded_once(pairs: list[tuple[int, int]]) -> None:
    mono = np.frombuffer(to_pcm16(to_mono(np.array(pairs, "<i2").tobytes(), 2)), "<i2")
    means = [(left + right) / 2 for left, right in pairs]
    assert mono.tolist() == [round(mean) for mean in means]  # both round half to even


@given(st.integers(1, 8).flatmap(lambda n: st.lists(st.lists(values, min_size=n, max_size=n))))
def test_equal_channels_mix_to_what_each_of_them_is(rows: list[list[int]]) -> None:
    channels = len(rows[0]) if rows else 1
    equal = np.array([[row[0]] * channels for row in rows], "<i2").reshape(-1, channels)
    mono = to_pcm16(to_mono(equal.tobytes(), channels))
    assert mono == equal[:, 0].tobytes()


@given(st.integers(2, 8), st.data())
def test_a_picked_channel_is_that_channel_bit_for_bit(channels: int, data: st.DataObject) -> None:
    row = st.lists(values, min_size=channels, max_size=channels)
    rows = np.array(data.draw(st.lists(row, min_size=1, max_size=20)), "<i2")
    pick = data.draw(st.integers(0, channels - 1))
    assert to_pcm16(to_mono(rows.tobytes(), channels, pick)) == rows[:, pick].tobytes()


def test_nothing_becomes_nothing() -> None:
    assert to_mono(b"", channels=2).size == 0
    assert to_pcm16(np.empty(0, np.float32)) == b""


@pytest.mark.parametrize("channels", [1, 2, 8])
def test_spreading_puts_the_same_into_each_channel(channels: int) -> None:
    mono = np.array([1, -2, 3], np.int16)
    many = spread(mono, channels).reshape(-1, channels)
    assert many.shape == (3, channels)
    assert all((many[:, each] == mono).all() for each in range(channels))


@given(st.lists(values, max_size=50), st.integers(2, 8))
def test_spread_then_mixed_is_what_it_was(samples: list[int], channels: int) -> None:
    mono = np.array(samples, np.int16)
    assert to_pcm16(to_mono(spread(mono, channels).tobytes(), channels)) == mono.tobytes()
