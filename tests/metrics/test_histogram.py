"""Histograms: nothing is lost in them, and they do not grow."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as some

from voiced.metrics import histogram
from voiced.metrics.histogram import Durations, Histogram
from voiced.turns.figures import Figure, Outcome, Turn

BOUNDS = {name: value for name, value in vars(histogram).items() if name.endswith("_S")}


@given(
    some.lists(some.floats(0.001, 1000, allow_nan=False), min_size=1, unique=True),
    some.lists(some.floats(0, 2000, allow_nan=False)),
)
def test_each_value_is_in_the_first_bucket_that_covers_it(
    bounds: list[float], values: list[float]
) -> None:
    bounds = sorted(bounds)
    some_histogram = Histogram(tuple(bounds))
    for value in values:
        some_histogram.observe(value)
    measured = some_histogram.freeze()
    for place, bound in enumerate(bounds):
        below = sum(1 for value in values if value <= bound)
        assert sum(measured.counts[: place + 1]) == below
    assert measured.count == len(values)
    assert measured.sum == pytest.approx(math.fsum(values))
    assert len(measured.counts) == len(bounds) + 1


def test_less_than_nothing_counts_as_nothing() -> None:
    some_histogram = Histogram((1.0,))
    some_histogram.observe(-0.5)
    assert some_histogram.freeze().counts == (1, 0)
    assert some_histogram.freeze().sum == 0.0


def test_bounds_that_do_not_rise_are_no_bounds() -> None:
    for bounds in ((1.0, 1.0), (2.0, 1.0)):
        with pytest.raises(ValueError, match="rise"):
            Histogram(bounds)


def test_the_frozen_does_not_change() -> None:
    some_histogram = Histogram((1.0,))
    before = some_histogram.freeze()
    some_histogram.observe(0.5)
    assert before.count == 0


@pytest.mark.parametrize("name", BOUNDS)
def test_our_buckets_are_few_and_rise(name: str) -> None:
    Histogram(BOUNDS[name])
    assert 8 <= len(BOUNDS[name]) <= 15


def test_every_figure_of_a_turn_has_its_place() -> None:
    durations = Durations()
    durations.turn_ended(Turn(Outcome.CUT, dict.fromkeys(Figure, 750)))
    durations.turn_ended(Turn(Outcome.DISMISSED, {}))
    every = [durations.latency, durations.silence, *durations.steps.values()]
    assert len(every) == len(Figure)
    for each in every:
        assert (each.freeze().count, each.freeze().sum) == (1, 0.75)
    assert durations.opening.freeze().count == durations.mouth_to_wire.freeze().count == 0
