"""The last thing that sound passes: breaks without clicks, and how loud."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.audio.convert import Pcm
from voiced.audio.valve import EDGE_MS, RAMP_MS, Valve

MS = 24
EDGE, RAMP = EDGE_MS * MS, RAMP_MS * MS
LOUD = 20_000
STEP = LOUD * 4 / EDGE  # the most that two neighbours may differ where constant sound has an edge


def passed(valve: Valve, real: int, silence: int = 0, value: int = LOUD) -> Pcm:
    """What comes out for constant sound and then nothing."""
    out = np.full(real + silence, -7, np.int16)  # what lies in a buffer of the device
    out[:real] = value
    valve.pass_on(out, real)
    return out


def in_an_answer() -> Valve:
    valve = Valve(24_000)
    valve.goes_on()
    return valve


# --- breaks ---------------------------------------------------------------------------------------


def test_a_break_falls_from_the_last_sample_to_silence() -> None:
    out = passed(in_an_answer(), 1000, 1000).astype(int)
    assert (out[:1000] == LOUD).all()
    falling = out[999 : 1000 + EDGE]
    assert (np.diff(falling) <= 0).all()
    assert np.abs(np.diff(falling)).max() < STEP
    assert not out[1000 + EDGE - 1 :].any()


def test_after_a_break_the_sound_rises_and_then_is_as_it_was() -> None:
    valve = in_an_answer()
    passed(valve, 1000, 1000)
    out = passed(valve, 1000).astype(int)
    assert (np.diff(out) >= 0).all()
    assert np.abs(np.diff(out)).max() < STEP
    assert out[0] < STEP
    assert (out[EDGE:] == LOUD).all()


def test_an_answer_begins_and_ends_as_it_was_sent() -> None:
    valve = in_an_answer()
    assert (passed(valve, 1000) == LOUD).all()
    valve.ends(waiting=500)
    out = passed(valve, 500, 1000)
    assert (out[:500] == LOUD).all()
    assert not out[500:].any()
    valve.goes_on()
    assert (passed(valve, 500) == LOUD).all()


def test_silence_before_an_answer_is_no_break() -> None:
    """Its first samples may still be inside the resampler when the device begins to take."""
    valve = in_an_answer()
    assert not passed(valve, 0, 1000).any()
    assert (passed(valve, 1000) == LOUD).all()


def test_an_answer_that_ends_in_a_break_does_not_touch_the_next() -> None:
    valve = in_an_answer()
    passed(valve, 1000, 1000)
    valve.ends(waiting=0)
    valve.goes_on()
    assert (passed(valve, 1000) == LOUD).all()


def test_what_comes_after_a_break_rises_even_if_it_is_the_end() -> None:
    valve = in_an_answer()
    passed(valve, 1000, 1000)
    valve.ends(waiting=500)
    out = passed(valve, 500, 500)
    assert out[0] < STEP
    assert not out[500:].any()
    valve.goes_on()
    assert (passed(valve, 1000) == LOUD).all()


@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), max_size=30),
    st.lists(st.integers(1, 200), min_size=1, max_size=5),
)
def test_it_does_not_matter_in_what_pieces_it_comes(
    stretches: list[tuple[int, int]], sizes: list[int]
) -> None:
    one, other = in_an_answer(), in_an_answer()
    for real, silence in stretches:
        whole = np.concatenate([passed(one, real), passed(one, 0, silence)])
        pieces = [np.empty(0, np.int16)]
        for total, is_real in ((real, True), (silence, False)):
            at = 0
            while at < total:
                size = min(sizes[len(pieces) % len(sizes)], total - at)
                pieces.append(passed(other, size if is_real else 0, 0 if is_real else size))
                at += size
        assert np.array_equal(np.concatenate(pieces), whole)


@given(st.lists(st.tuples(st.integers(1, 300), st.integers(0, 300)), max_size=30))
def test_there_is_never_a_click(stretches: list[tuple[int, int]]) -> None:
    """A rise may be broken by the next fall, a fall by the next rise: then that is a step."""
    valve = in_an_answer()
    heard = [passed(valve, EDGE)]
    for real, silence in stretches:
        heard.append(passed(valve, real + EDGE, silence + EDGE))
    assert np.abs(np.diff(np.concatenate(heard).astype(int))).max(initial=0) < STEP


# --- how loud -------------------------------------------------------------------------------------


def test_at_full_gain_not_a_bit_changes() -> None:
    sound = np.random.default_rng(1).integers(-32768, 32768, 10_000).astype(np.int16)
    out = sound.copy()
    in_an_answer().pass_on(out, out.size)
    assert np.array_equal(out, sound)


@pytest.mark.parametrize(("before", "after"), [(1.0, 0.25), (0.25, 1.0), (0.0, 1.0), (1.0, 0.0)])
def test_the_gain_is_reached_in_time_and_evenly(before: float, after: float) -> None:
    valve = in_an_answer()
    valve.ramp_to(before, at_once=True)
    assert (passed(valve, 100) == before * LOUD).all()
    valve.ramp_to(after)
    out = passed(valve, RAMP + 100).astype(int)
    assert (out[RAMP - 1 :] == after * LOUD).all()
    steps = np.diff([before * LOUD, *out[:RAMP]])
    assert np.abs(steps - (after - before) * LOUD / RAMP).max() <= 1


def test_a_ramp_goes_on_in_silence() -> None:
    valve = in_an_answer()
    valve.ramp_to(0.5)
    passed(valve, 0, RAMP)
    valve.ends(waiting=0)
    assert (passed(valve, 100) == LOUD // 2).all()


def test_a_ramp_that_is_turned_back_has_no_step() -> None:
    valve = in_an_answer()
    valve.ramp_to(0.25)
    down = passed(valve, RAMP // 3)
    valve.ramp_to(1.0)
    both = np.concatenate([down, passed(valve, 2 * RAMP)]).astype(int)
    assert np.abs(np.diff(both)).max() <= LOUD / RAMP + 1
    assert both[-1] == LOUD


def test_a_break_falls_from_the_level_it_has() -> None:
    valve = in_an_answer()
    valve.ramp_to(0.25, at_once=True)
    out = passed(valve, 100, EDGE)
    assert out[99] == LOUD // 4
    assert out[100] <= LOUD // 4


def test_what_becomes_too_loud_saturates() -> None:
    valve = in_an_answer()
    valve.ramp_to(4.0, at_once=True)
    assert (passed(valve, 100) == 32_767).all()
    assert (passed(valve, 100, value=-LOUD) == -32_768).all()
