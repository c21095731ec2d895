"""When an answer may begin to sound."""

import pytest

from voiced.audio.jitter import JitterBuffer


@pytest.mark.parametrize(
    ("prefill_ms", "held_frames", "may"),
    [(60, 0, False), (60, 2, False), (60, 3, True), (60, 30, True), (50, 2, False), (50, 3, True)],
)
def test_it_waits_until_so_many_milliseconds_are_here(
    prefill_ms: int, held_frames: int, may: bool
) -> None:
    assert JitterBuffer(prefill_ms).may_play(held_frames, complete=False) is may


@pytest.mark.parametrize("held_frames", [0, 1, 2])
def test_the_end_of_an_answer_is_never_held_back(held_frames: int) -> None:
    assert JitterBuffer(60).may_play(held_frames, complete=True)


def test_without_prefill_nothing_is_waited_for() -> None:
    assert JitterBuffer(0).may_play(0, complete=False)
