"""The instruments of outages, dead networks and renewals: what they say where the truth is known."""

from collections import defaultdict
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
import pytest
import soxr

from tests.bench import outages, renewal
from tests.bench.book import Book, Page, pages
from tests.bench.dead import longest_gap_s, most_in_a_minute, queued
from tests.bench.pilot import RATE_HZ, pilot
from tests.bench.spoken import MURMUR, Spoken
from tests.bench.stage import CannotMeasureError, Series
from tests.rig import RATE_HZ as RIG_HZ
from tests.rig import Samples

_FRAME: Final = RATE_HZ // 50
_BEGAN_S: Final = 1000.0
_WAY_S: Final = 0.07  # from a frame's last sample in the room to the server
_SOUND: Final = pilot(12_000)


def spoken(sound: Samples = _SOUND) -> Spoken:
    """Said from `_BEGAN_S` on, in pieces of 250 ms."""
    pieces = sound.size // (RATE_HZ // 4)
    return Spoken(sound, [_BEGAN_S + 0.25 * piece for piece in range(pieces)])


def given(
    first: int, last: int, session: int = 1, at: float | None = None, sound: Samples = _SOUND
) -> list[Page]:
    """Frames of it by number, each as soon as it was spoken, or 5 ms apart from *at* on."""
    return [
        Page(
            _BEGAN_S + 0.02 * (frame + 1) + _WAY_S if at is None else at + 0.005 * (frame - first),
            session,
            sound[frame * _FRAME : (frame + 1) * _FRAME],
        )
        for frame in range(first, last)
    ]


# --- what is written down and found again ---------------------------------------------------------


def test_a_book_gives_what_was_noted_but_for_what_is_half_written(tmp_path: Path) -> None:
    written = BytesIO()
    book = Book(written)
    book.note(1.5, 1, b"\x01\x00\x02\x00")
    book.note(2.5, 2, b"\x03\x00")
    book.note(3.5, 2, b"\x04\x00")
    path = tmp_path / "book"
    path.write_bytes(written.getvalue()[:-1])

    found = [(page.at, page.session, page.samples.tolist()) for page in pages(path)]
    assert found == [(1.5, 1, [1, 2]), (2.5, 2, [3])]
    assert [page.at for page in pages(path, since_s=1.5)] == [2.5]


@pytest.mark.parametrize("level", [1.0, MURMUR])
def test_sound_is_found_again_behind_resamplers_and_gaps(level: float) -> None:
    murmured = np.rint(_SOUND * level).astype(np.int16)
    there = soxr.resample(murmured.astype(np.float64), RATE_HZ, RIG_HZ)[1:]  # half a sample beside
    back = np.rint(soxr.resample(there, RIG_HZ, RATE_HZ)).astype(np.int16)
    starts = [4800, 5280, 5760, 96_001, 96_481, 48_000]
    stretches = [back[at : at + _FRAME] for at in starts]

    found = spoken(murmured).places(stretches)
    assert all(place is not None for place in found)
    assert np.subtract(np.array(found, float), starts).tolist() == pytest.approx([0] * 6, abs=1)


def test_what_was_never_said_is_not_found() -> None:
    silence = np.zeros(_FRAME, np.int16)
    assert spoken().places([silence, pilot(20, seed=5)]) == [None, None]


def test_one_piece_that_was_dated_late_dates_nothing_late() -> None:
    said = spoken()
    said.begun_s[20] += 0.3
    assert said.time_s(RATE_HZ * 5) == pytest.approx(_BEGAN_S + 5)


# --- outages --------------------------------------------------------------------------------------

_SETTLED_S: Final = _BEGAN_S + 2.0
_BACK_S: Final = _BEGAN_S + 6.0
_LIVE_FRAME: Final = 400


def noted(oldest_ms: int) -> Series:
    """An outage until 6 s after the beginning; after it, speech from *oldest_ms* before goes up."""
    series: Series = defaultdict(list)
    outage = outages.Outage(
        settled=_SETTLED_S,
        back=_BACK_S - 0.5,
        attempt=_BACK_S - 0.1,
        first_append=_BACK_S,
        end_of_speech=_BEGAN_S + 10.0,
        heard=None,
        answer=None,
    )
    first = round((6000 - 1000 * _WAY_S - oldest_ms) / 20) - 1  # its end is that old
    late = given(first, _LIVE_FRAME, session=2, at=_BACK_S)
    caught_up = given(_LIVE_FRAME, 480, session=2)
    book = [*given(0, 100), *late, *caught_up]
    outages.note_sound(series, outage, spoken(), book)
    return series


def test_speech_within_the_limit_is_not_stale_and_its_age_is_told() -> None:
    series = noted(oldest_ms=1990)
    assert series["oldest sent, ms"] == [pytest.approx(1990, abs=11)]
    assert series["sent beyond keep_ms, bytes"] == [0]
    assert series["not recognised, frames"] == [0]


def test_stale_speech_is_counted_in_bytes() -> None:
    # Each frame is sent 5 ms after the one before, so its age falls by 15 ms.
    series = noted(oldest_ms=2200)
    stale = series["sent beyond keep_ms, bytes"][0] / (2 * _FRAME)
    assert stale == pytest.approx((2200 - outages.KEEP_MS - 40) / 15, abs=1.5)


def test_a_backlog_that_goes_up_four_times_as_fast_is_told_as_such() -> None:
    assert noted(oldest_ms=1990)["fastest 200 ms, x real time"] == [pytest.approx(4, abs=0.11)]


def test_a_server_that_was_given_something_else_is_not_measured() -> None:
    outage = outages.Outage(_SETTLED_S, 0.0, 0.0, 0.0, _BEGAN_S + 10, None, None)
    with pytest.raises(CannotMeasureError):
        outages.note_sound({}, outage, spoken(), given(0, 300, sound=pilot(12_000, seed=5)))


# --- renewals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first_of_the_new", "again_ms", "lost"), [(200, 0, 0), (170, 600, 0), (203, 0, 3 * _FRAME)]
)
def test_what_is_told_again_or_lost_at_a_move(
    first_of_the_new: int, again_ms: int, lost: int
) -> None:
    series: Series = defaultdict(list)
    renewal.note_sound(series, spoken(), [*given(50, 200), *given(first_of_the_new, 300, 2)])
    assert series["told again at the move, ms"] == [again_ms]
    assert series["lost at the move, samples"] == [lost]
    assert series["lost elsewhere, samples"] == [0]


def test_what_is_lost_or_doubled_within_a_session_is_told_apart() -> None:
    series: Series = defaultdict(list)
    book = [*given(0, 50), *given(52, 100), *given(100, 150, 2), *given(149, 200, 2)]
    renewal.note_sound(series, spoken(), book)
    assert series["lost elsewhere, samples"] == [2 * _FRAME]
    assert series["doubled elsewhere, samples"] == [_FRAME]
    assert series["lost at the move, samples"] == [0]


# --- dead networks --------------------------------------------------------------------------------


def test_attempts_are_counted_in_any_minute() -> None:
    assert most_in_a_minute([]) == 0
    assert most_in_a_minute([0, 30, 59, 61, 62, 63, 200]) == 5
    assert most_in_a_minute([0, 60]) == 1
    assert longest_gap_s([0, 10, 55, 60]) == 45


def test_queues_are_read_from_the_kernels_table() -> None:
    table = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000001 00:00000000 00000000     0        0 1 1
   1: 0100007F:C000 0100007F:1F90 01 00009C40:00000000 01:00000010 00000000     0        0 2 1
   2: 0100007F:1F90 0100007F:C000 01 00000000:0001D000 00:00000000 00000000     0        0 3 1
   3: 0100007F:C002 0100007F:1F90 04 000FFFFF:00000000 01:00000010 00000000     0        0 0 1
"""
    assert queued(table, 8080) == (40_000, 118_784)
    assert queued(table, 9090) == (0, 0)
