"""The text format: what we write, another's parser reads as it was meant."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.fakes.scraper import numbers, parsed
from voiced.metrics.exposition import Family, Sample, Type, counter, gauge, histogram, render
from voiced.metrics.histogram import Histogram

words = some.text(some.characters(exclude_categories=["Cs"], exclude_characters="\r"))
strange = some.sampled_from(
    ["", "\\", "\\n", '"', "\n", 'a"b\\c\nd', "{}", "=", " ", "é", "\u2028"]
)


@given(some.one_of(words, strange), some.floats())
def test_any_label_and_any_number_come_through(value: str, number: float) -> None:
    text = render([gauge("voiced_a", "Help", Sample(number, {"label": value}))]).decode()
    (family,) = parsed(text, is_whole=False).values()
    (sample,) = family.samples
    assert sample.labels == {"label": value}
    assert sample.value == number or (math.isnan(sample.value) and math.isnan(number))


@given(some.one_of(words, strange))
def test_any_help_stays_in_its_line(words: str) -> None:
    text = render([gauge("voiced_a", words, Sample(1))]).decode()
    assert text.count("\n") == 3
    assert parsed(text, is_whole=False)["voiced_a"].samples[0].value == 1


def test_a_page_to_the_letter() -> None:
    measured = Histogram((0.5, 2.0))
    for value in (0.25, 0.5, 1.0, 9.0):
        measured.observe(value)
    page = render(
        [
            counter("voiced_a_total", 'Says "a"\\b\nc', Sample(3, {"x": 'q"\\\n', "y": "2"})),
            gauge("voiced_none", "Left out"),
            gauge("voiced_b", "B", Sample(math.inf), Sample(-0.5, {"x": "1"})),
            histogram("voiced_c_seconds", "C", Sample(measured.freeze(), {"step": "s"})),
        ]
    )
    assert page.decode() == (
        '# HELP voiced_a_total Says "a"\\\\b\\nc\n'
        "# TYPE voiced_a_total counter\n"
        'voiced_a_total{x="q\\"\\\\\\n",y="2"} 3\n'
        "# HELP voiced_b B\n"
        "# TYPE voiced_b gauge\n"
        "voiced_b +Inf\n"
        'voiced_b{x="1"} -0.5\n'
        "# HELP voiced_c_seconds C\n"
        "# TYPE voiced_c_seconds histogram\n"
        'voiced_c_seconds_bucket{step="s",le="0.5"} 2\n'
        'voiced_c_seconds_bucket{step="s",le="2.0"} 3\n'
        'voiced_c_seconds_bucket{step="s",le="+Inf"} 4\n'
        'voiced_c_seconds_sum{step="s"} 10.75\n'
        'voiced_c_seconds_count{step="s"} 4\n'
    )
    assert numbers(page.decode(), is_whole=False)['voiced_c_seconds_bucket{le="2.0",step="s"}'] == 3


@pytest.mark.parametrize(
    ("name", "kind", "sample"),
    [
        ("voiced_a", Type.COUNTER, Sample(1)),
        ("voiced_a_total", Type.GAUGE, Sample(1)),
        ("Voiced_a", Type.GAUGE, Sample(1)),
        ("voiced-a", Type.GAUGE, Sample(1)),
        ("voiced_a", Type.GAUGE, Sample(1, {"a b": "c"})),
        ("voiced_a", Type.GAUGE, Sample(1, {"le": "c"})),
        ("voiced_a", Type.HISTOGRAM, Sample(1)),
        ("voiced_a", Type.GAUGE, Sample(Histogram((1.0,)).freeze())),
    ],
)
def test_names_and_kinds_that_prometheus_would_not_take_are_refused(
    name: str, kind: Type, sample: Sample
) -> None:
    with pytest.raises(ValueError, match=r"voiced|names"):
        Family(name, kind, "Help", (sample,))
