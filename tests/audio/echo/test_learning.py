"""A canceller is trusted when it has heard enough and is seen to work; and not never."""

from collections.abc import Iterable

from voiced.audio.echo.learning import AGAIN, FIRST, Learning
from voiced.audio.format import frames_in_ms

GOOD, BAD = 30.0, 5.0


def taught(frames: int, taken: Iterable[float | None]) -> int:
    """How many frames it takes."""
    learning = Learning()
    learning.begin(frames)
    for number, taken_db in enumerate(taken):
        if not learning.goes_on:
            return number
        learning.hear(taken_db)
    raise AssertionError("for ever")


def test_a_good_one_is_trusted_after_its_time() -> None:
    assert taught(FIRST, [GOOD] * 1000) == FIRST


def test_one_that_still_lets_it_through_is_not() -> None:
    half_s = frames_in_ms(500)
    assert taught(AGAIN, [GOOD] * (AGAIN - 1) + [BAD] + [GOOD] * 1000) == AGAIN + half_s


def test_what_says_nothing_does_not_count_as_proof() -> None:
    assert taught(AGAIN, [None] * AGAIN + [GOOD] * 1000) == AGAIN + frames_in_ms(500)


def test_somebody_who_never_stops_speaking_does_not_silence_himself_for_ever() -> None:
    assert taught(FIRST, [BAD] * 1000) < frames_in_ms(6000)
    assert taught(FIRST, [None] * 1000) < frames_in_ms(6000)


def test_another_stumble_begins_its_time_anew() -> None:
    learning = Learning()
    learning.begin(AGAIN)
    for _ in range(AGAIN - 1):
        learning.hear(GOOD)
    learning.begin(AGAIN)
    for _ in range(AGAIN - 1):
        learning.hear(GOOD)
    assert learning.goes_on
    learning.hear(GOOD)
    assert not learning.goes_on
