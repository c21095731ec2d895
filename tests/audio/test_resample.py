"""The resampler: a steady cadence, the same sound however it is chopped, nothing lost at the end.

soxr marks its variable-rate engine experimental; what we rely on is written down here.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voiced.audio.convert import Samples
from voiced.audio.resample import Resampler
from voiced.edges.microphone import _RATES as MICROPHONE_RATES
from voiced.edges.speaker import _RATES as SPEAKER_RATES

WIRE = 24_000
UP = [(rate, WIRE) for rate in MICROPHONE_RATES]
DOWN = [(WIRE, rate) for rate in SPEAKER_RATES]

each_way = pytest.mark.parametrize(("from_hz", "to_hz"), UP + DOWN)


def tone(hz: float, rate: int, seconds: float = 1.0) -> Samples:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype("f4")


def noise(samples: int) -> Samples:
    return np.random.default_rng(7).uniform(-1, 1, samples).astype(np.float32)


def blocks(samples: Samples, size: int) -> Iterator[Samples]:
    for at in range(0, samples.size, size):
        yield samples[at : at + size]


def through(resampler: Resampler, pieces: Iterator[Samples] | Sequence[Samples]) -> Samples:
    return np.concatenate([*(resampler.feed(piece) for piece in pieces), resampler.finish()])


def test_48_khz_gives_240_samples_for_480_at_once_and_for_ever() -> None:
    resampler = Resampler(48_000, WIRE)
    counts = [resampler.feed(piece).size for piece in blocks(noise(48_000), 480)]
    assert counts[0] == 120  # 5 ms stay inside
    assert set(counts[1:]) == {240}


@each_way
def test_20_ms_in_give_20_ms_out_in_a_steady_cadence(from_hz: int, to_hz: int) -> None:
    resampler = Resampler(from_hz, to_hz)
    counts = [resampler.feed(piece).size for piece in blocks(noise(from_hz), from_hz // 50)]
    assert set(counts[2:]) == {to_hz // 50}
    held = 3 * (to_hz // 50) - sum(counts[:3])
    assert 0 <= held * 1000 / to_hz <= 30  # what stays inside is short, and constant


@each_way
def test_nothing_is_lost_or_added_by_the_end(from_hz: int, to_hz: int) -> None:
    sound = through(Resampler(from_hz, to_hz), blocks(noise(from_hz), from_hz // 50))
    assert sound.size == to_hz


@pytest.mark.parametrize(("from_hz", "to_hz"), [(48_000, WIRE), (44_100, WIRE), (WIRE, 48_000)])
@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 4800), max_size=10))
def test_however_sound_is_chopped_the_result_is_the_same_to_the_bit(
    from_hz: int, to_hz: int, cuts: list[int]
) -> None:
    sound = noise(4800)
    chopped = np.split(sound, sorted(cuts))
    assert np.array_equal(
        through(Resampler(from_hz, to_hz), chopped), through(Resampler(from_hz, to_hz), [sound])
    )


@each_way
def test_a_tone_keeps_its_pitch_and_its_level(from_hz: int, to_hz: int) -> None:
    sound = through(Resampler(from_hz, to_hz), blocks(tone(1000, from_hz), from_hz // 50))
    middle = sound[to_hz // 4 : to_hz // 4 + to_hz // 2]  # half a second: 2 Hz to a bin
    spectrum = np.abs(np.fft.rfft(middle)) / (middle.size / 2)
    assert np.argmax(spectrum) * 2 == 1000
    assert spectrum.max() == pytest.approx(0.5, rel=0.001)
    noise_and_images = np.sqrt(max(0.0, 2 * float(np.mean(middle**2)) - spectrum.max() ** 2))
    assert noise_and_images < 0.5 * 10 ** (-60 / 20)


@pytest.mark.parametrize("hz", [13_000, 16_000, 20_000])
def test_what_the_wire_cannot_carry_is_not_folded_into_what_it_can(hz: int) -> None:
    sound = through(Resampler(48_000, WIRE), blocks(tone(hz, 48_000), 960))
    assert np.abs(sound[2400:-2400]).max() < 10 ** (-80 / 20)


@each_way
def test_an_event_stays_where_it_was_within_a_tenth_of_a_millisecond(
    from_hz: int, to_hz: int
) -> None:
    click = np.zeros(from_hz, np.float32)
    click[from_hz // 2] = 0.9
    sound = through(Resampler(from_hz, to_hz), blocks(click, from_hz // 50))
    assert abs(int(np.argmax(np.abs(sound))) / to_hz - 0.5) < 0.000_13  # the longest sample: 8 kHz


@each_way
def test_after_the_end_it_begins_anew(from_hz: int, to_hz: int) -> None:
    resampler = Resampler(from_hz, to_hz)
    sound = noise(from_hz // 5)
    first = through(resampler, blocks(sound, from_hz // 50))
    assert np.array_equal(first, through(resampler, blocks(sound, from_hz // 50)))


@each_way
def test_the_end_of_nothing_is_nothing(from_hz: int, to_hz: int) -> None:
    resampler = Resampler(from_hz, to_hz)
    assert resampler.finish().size == 0
    assert resampler.finish().size == 0


def test_silence_stays_silent() -> None:
    assert not through(Resampler(48_000, WIRE), blocks(np.zeros(48_000, np.float32), 480)).any()


def test_equal_rates_change_nothing() -> None:
    resampler = Resampler(WIRE, WIRE)
    sound = noise(480)
    assert resampler.feed(sound) is sound
    assert str(resampler) == "none"


def test_it_says_what_it_does() -> None:
    assert str(Resampler(44_100, WIRE)) == "soxr variable-rate 44100->24000 Hz"
