"""What the head of an HTTP answer tells about how long to stay away."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.edges.refusal import refusal, retry_after_s

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([], None),
        ([(b"Retry-After", b"17")], 17.0),
        ([(b"RETRY-AFTER", b" 17 ")], 17.0),
        ([(b"retry-after", b"0")], 0.0),
        ([(b"Retry-After", b"3601")], 3600.0),
        ([(b"Retry-After", b"9" * 5000)], 3600.0),
        ([(b"Retry-After", b"")], None),
        ([(b"Retry-After", b"-1")], None),
        ([(b"Retry-After", b"1.5")], None),
        ([(b"Retry-After", b"soon")], None),
        ([(b"Retry-After", "٣".encode())], None),
        ([(b"Retry-After", b"\xb2")], None),  # a digit to Python, but no number
        ([(b"Retry-After", b"Sun, 01 Mar 2026 12:00:30 GMT")], 30.0),
        ([(b"Retry-After", b"Sun, 01 Mar 2026 11:00:00 GMT")], 0.0),
        ([(b"Retry-After", b"Sun, 01 Mar 2037 12:00:00 GMT")], 3600.0),
        ([(b"Retry-After", b"Sun, 31 Feb 2026 12:00:00 GMT")], None),
        (  # the server's clock counts, should ours be wrong
            [
                (b"Date", b"Mon, 02 Mar 2026 08:00:00 GMT"),
                (b"Retry-After", b"Mon, 02 Mar 2026 08:00:05 GMT"),
            ],
            5.0,
        ),
    ],
)
def test_how_long_to_stay_away(headers: list[tuple[bytes, bytes]], seconds: float | None) -> None:
    assert retry_after_s(headers, NOW) == seconds


@given(st.lists(st.tuples(st.just(b"retry-after") | st.just(b"date"), st.binary())))
def test_whatever_is_said_is_nothing_or_within_an_hour(headers: list[tuple[bytes, bytes]]) -> None:
    seconds = retry_after_s(headers, NOW)
    assert seconds is None or 0 <= seconds <= 3600


def test_a_refusal_says_who_and_what() -> None:
    fault = refusal(429, [(b"Retry-After", b"2")], "host", NOW)
    assert str(fault) == "host answered HTTP 429"
    assert (fault.status, fault.retry_after_s) == (429, 2.0)
