"""Results of probes as lines, whatever has become of the file."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.link.probes import MOST, Probe, kept, parse, render, summary

FINE = Probe(at="2026-11-21T06:00:00+00:00", verdict="ok", stage="firm audio", took_ms=5310.5)
BAD = Probe(at="2026-11-21T07:00:00+00:00", verdict="failed", stage="session created", code="1006")

short = st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=100).filter(
    str.isprintable
)
ms = st.floats(0, 1e9)
probes = st.builds(
    Probe,
    at=short,
    verdict=st.sampled_from(["ok", "failed"]),
    stage=short,
    code=short,
    session=short,
    took_ms=ms,
)


@given(st.lists(probes, max_size=MOST))
def test_what_is_written_is_read(some: list[Probe]) -> None:
    text = render(some)
    assert text.isascii()
    assert parse(text) == tuple(some)


def test_the_last_twenty_stay() -> None:
    some: tuple[Probe, ...] = ()
    for number in range(50):
        some = kept(some, attrs.evolve(FINE, took_ms=float(number)))
    assert [probe.took_ms for probe in some] == list(range(30, 50))


@given(st.text(max_size=200))
def test_no_line_is_too_odd(text: str) -> None:
    assert parse(text) == ()
    assert parse(f"{render([FINE])}{text}\n{render([BAD])}") == (FINE, BAD)


@pytest.mark.parametrize(
    "line",
    [
        "{}",
        '{"at": "now"}',
        '{"at": "now", "verdict": "perhaps"}',
        '{"at": "now", "verdict": "ok", "took_ms": -1}',
        '{"at": "now", "verdict": "ok", "took_ms": NaN}',
        '{"at": "now", "verdict": "ok", "took_ms": true}',
        '{"at": "now", "verdict": "ok", "code": "\\u001b[2J"}',
        '{"at": "now", "verdict": "ok", "more": 1}',
        "[" * 100_000,
    ],
)
def test_what_we_would_not_have_written_is_left_out(line: str) -> None:
    assert parse(line) == ()


def test_what_is_said_of_them() -> None:
    assert summary(()) == ""
    assert summary((FINE,)) == (
        "1 of the last 1 were fine; the last one, at 2026-11-21T06:00:00+00:00: fine"
    )
    assert summary((FINE, BAD)).endswith("07:00:00+00:00: failed (1006)")
