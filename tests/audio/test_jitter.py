"""When an answer may begin to sound: a little simulator of arrivals and of playing."""

import math
import random
from collections.abc import Iterator, Sequence

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.audio.format import FRAME_MS
from voiced.audio.jitter import MARGIN_MS, UNKNOWN_NEED_MS, JitterBuffer

MIN_MS, MAX_MS = 60, 400

Delta = tuple[float, int]
"""When it arrives (ms), and how much sound it is (ms)."""


@attrs.frozen
class Playing:
    """How an answer sounded."""

    began_ms: float  # after its first delta
    gaps_ms: list[float]  # silences within it


def adaptive() -> JitterBuffer:
    return JitterBuffer(MIN_MS, MAX_MS)


def play(jitter: JitterBuffer, deltas: Sequence[Delta], item_id: str = "item") -> Playing:
    """Play *deltas* as the Player does: hold back, let flow until dry, hold back again."""
    ends_ms = deltas[-1][0]
    began_ms = dry_at_ms = math.inf  # when the device has played all it was given
    gaps_ms: list[float] = []
    held_ms = played_ms = 0
    for number, (at_ms, ms) in enumerate(deltas):
        jitter.arrived(item_id, at_ms / 1000, ms)
        if dry_at_ms >= at_ms and not math.isinf(began_ms):
            dry_at_ms += ms
            played_ms += ms
            continue
        # Nothing sounds: it is held until the jitter buffer says so, or the next delta is here.
        held_ms += ms
        wait_ms = 1000 * jitter.wait_s(
            item_id,
            at_ms / 1000,
            held_frames=held_ms // FRAME_MS,
            played_ms=played_ms,
            complete=at_ms == ends_ms,
        )
        next_ms = deltas[number + 1][0] if number + 1 < len(deltas) else math.inf
        if at_ms + wait_ms > next_ms:
            continue
        if math.isinf(began_ms):
            began_ms = at_ms + wait_ms
        else:
            gaps_ms.append(at_ms + wait_ms - dry_at_ms)
        dry_at_ms = at_ms + wait_ms + held_ms
        played_ms, held_ms = played_ms + held_ms, 0
    return Playing(began_ms - deltas[0][0], gaps_ms)


def in_order(deltas: list[Delta]) -> list[Delta]:
    """As they come out of a TCP connection: none overtakes another."""
    latest = -math.inf
    return [(latest := max(latest, at_ms), ms) for at_ms, ms in deltas]


def paced(total_ms: int, lateness_ms: Iterator[float], *, ms: int = 100) -> list[Delta]:
    """In real time, each with a lateness of its own."""
    return in_order([(at + next(lateness_ms), ms) for at in range(0, total_ms, ms)])


def jittery(total_ms: int, spread_ms: float, seed: int = 1, *, ms: int = 100) -> list[Delta]:
    """In real time, each up to *spread_ms* early or late."""
    chance = random.Random(seed)
    return paced(total_ms, iter(lambda: chance.uniform(-spread_ms, spread_ms), math.inf), ms=ms)


def burst(total_ms: int, *, ms: int = 250, factor: float = 4.0) -> list[Delta]:
    """Faster than real time, evenly."""
    return [(at / factor, ms) for at in range(0, total_ms, ms)]


def stalling(deltas: list[Delta], *, each_ms: int, stall_ms: int) -> list[Delta]:
    """Nothing arrives in the last *stall_ms* of each *each_ms*; then all that was due does."""

    def let_through(at_ms: float) -> float:
        into = at_ms % each_ms
        return at_ms + (each_ms - into if into >= each_ms - stall_ms else 0)

    return in_order([(let_through(at_ms), ms) for at_ms, ms in deltas])


# --- the numbers that were asked for ------------------------------------------------------------


@pytest.mark.parametrize("delta_ms", [20, 40, 100])
@pytest.mark.parametrize("seed", range(20))
def test_a_minute_with_80_ms_of_jitter_has_no_gap(seed: int, delta_ms: int) -> None:
    """Already the very first answer."""
    assert play(adaptive(), jittery(60_000, 80, seed, ms=delta_ms)).gaps_ms == []


@given(st.lists(st.floats(-80, 80), min_size=1), st.sampled_from([20, 60, 100]))
def test_whatever_the_jitter_is_up_to_80_ms_there_is_no_gap(
    lateness_ms: list[float], delta_ms: int
) -> None:
    deltas = paced(len(lateness_ms) * delta_ms, iter(lateness_ms), ms=delta_ms)
    assert play(adaptive(), deltas).gaps_ms == []


@pytest.mark.parametrize("delta_ms", [20, 100])
@pytest.mark.parametrize("each_ms", [1000, 1730, 4000])
def test_stalls_of_300_ms_make_one_gap_and_then_none(each_ms: int, delta_ms: int) -> None:
    jitter = adaptive()
    deltas = stalling(jittery(60_000, 5, ms=delta_ms), each_ms=each_ms, stall_ms=300)
    first = play(jitter, deltas, "first")
    assert len(first.gaps_ms) == 1
    for number in range(3):
        assert play(jitter, deltas, f"item {number}").gaps_ms == []


def test_a_fixed_buffer_has_a_gap_where_the_adaptive_one_has_none() -> None:
    deltas = jittery(60_000, 80)
    assert len(play(JitterBuffer(60, 60), deltas).gaps_ms) > 1
    assert play(adaptive(), deltas).gaps_ms == []


# --- what it costs --------------------------------------------------------------------------------


def test_an_answer_in_a_burst_begins_at_once() -> None:
    jitter = adaptive()
    play(jitter, burst(10_000), "one")
    play(jitter, burst(10_000), "two")
    assert play(jitter, burst(10_000), "three").began_ms == 0


def test_the_very_first_answer_in_a_burst_begins_with_its_second_delta() -> None:
    assert play(adaptive(), burst(10_000)).began_ms <= 62.5


def test_a_burst_of_small_deltas_waits_for_the_least_and_no_more() -> None:
    jitter = adaptive()
    play(jitter, burst(10_000, ms=20), "one")
    assert play(jitter, burst(10_000, ms=20), "two").began_ms == 10  # the third of 20 ms


def test_a_steady_stream_begins_after_the_margin() -> None:
    jitter = adaptive()
    play(jitter, jittery(10_000, 0), "one")
    assert play(jitter, jittery(10_000, 0), "two").began_ms == pytest.approx(MARGIN_MS)


@given(st.integers(0, 150), st.integers(0, 1000))
def test_after_an_answer_it_holds_back_what_that_one_needed(spread_ms: int, seed: int) -> None:
    jitter = adaptive()
    play(jitter, jittery(60_000, spread_ms, seed))
    # A hundred more if it was more than was expected: the length of a delta.
    assert spread_ms < jitter.hold_ms <= min(MAX_MS, 2 * spread_ms + 100 + MARGIN_MS)


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 500)), min_size=1, max_size=60))
def test_nothing_is_put_off_by_more_than_the_most(steps: list[tuple[int, int]]) -> None:
    """Once the least is here. (That takes as long as the server takes.)"""
    at_ms, deltas = 0.0, []
    for wait_ms, ms in steps:
        deltas.append((at_ms, ms))
        at_ms += wait_ms
    jitter = adaptive()
    for number in range(3):
        playing = play(jitter, deltas, f"item {number}")
        received, least_at_ms = 0, deltas[-1][0]
        for at_ms, ms in deltas:
            received += ms
            if received // FRAME_MS * FRAME_MS >= MIN_MS:
                least_at_ms = at_ms
                break
        assert playing.began_ms <= least_at_ms + MAX_MS + 1
        assert 0 <= jitter.hold_ms <= MAX_MS


def test_a_pause_of_the_server_teaches_nothing() -> None:
    jitter = adaptive()
    early, late = jittery(10_000, 10), jittery(10_000, 10, seed=2)
    deltas = early + [(at_ms + 13_000, ms) for at_ms, ms in late]
    assert len(play(jitter, deltas, "paused").gaps_ms) == 1
    assert jitter.hold_ms <= 2 * 10 + MARGIN_MS


def test_a_bad_answer_is_forgotten_after_a_dozen_good_ones() -> None:
    jitter = adaptive()
    play(jitter, jittery(10_000, 150), "bad")
    for number in range(11):
        play(jitter, jittery(10_000, 5, number), f"good {number}")
        assert jitter.hold_ms > 200
    play(jitter, jittery(10_000, 5), "the twelfth")
    assert jitter.hold_ms <= 10 + MARGIN_MS


def test_it_learns_within_an_answer() -> None:
    jitter = adaptive()
    before = jitter.hold_ms
    play(jitter, stalling(jittery(3000, 0), each_ms=1000, stall_ms=300))
    assert before == UNKNOWN_NEED_MS + MARGIN_MS
    assert jitter.hold_ms >= 300


# --- ends and bounds ------------------------------------------------------------------------------


def asked(jitter: JitterBuffer, held_frames: int, *, complete: bool = False) -> float:
    return jitter.wait_s("item", 0.0, held_frames=held_frames, played_ms=0, complete=complete)


@pytest.mark.parametrize("held_frames", [0, 1, 2, 100])
def test_the_end_of_an_answer_is_never_held_back(held_frames: int) -> None:
    jitter = adaptive()
    jitter.arrived("item", 0.0, 40)
    assert asked(jitter, held_frames, complete=True) == 0


@pytest.mark.parametrize("total_ms", [20, 100, 300, 600])
def test_a_short_answer_begins_no_later_than_it_is_complete(total_ms: int) -> None:
    assert play(adaptive(), burst(total_ms, ms=20)).began_ms <= total_ms / 4


@pytest.mark.parametrize(
    ("least_ms", "held_frames", "waits"),
    [(60, 0, True), (60, 2, True), (60, 3, False), (50, 2, True), (50, 3, False), (0, 0, False)],
)
def test_a_fixed_one_only_counts_what_is_held(least_ms: int, held_frames: int, waits: bool) -> None:
    jitter = JitterBuffer(least_ms, least_ms)
    for number in range(100):  # and learns nothing
        jitter.arrived("other", number * 0.3, 100)
    jitter.arrived("item", 0.0, held_frames * FRAME_MS)
    assert asked(jitter, held_frames) == (math.inf if waits else 0)


def test_an_answer_of_which_no_arrival_was_noted_is_not_put_off() -> None:
    assert asked(adaptive(), 3) == 0


def test_what_is_awaited_comes_with_time_alone() -> None:
    jitter = adaptive()
    jitter.arrived("item", 5.0, 100)
    ask = {"held_frames": 5, "played_ms": 0, "complete": False}
    wait_s = jitter.wait_s("item", 5.0, **ask)  # type: ignore[arg-type]  # one dict for two calls
    assert wait_s == pytest.approx((UNKNOWN_NEED_MS + MARGIN_MS) / 1000)
    assert jitter.wait_s("item", 5.0 + wait_s, **ask) == 0  # type: ignore[arg-type]  # as above
