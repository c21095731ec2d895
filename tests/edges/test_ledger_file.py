"""The ledger in a file: whole whoever dies when, one writer, and whatever is wrong with it is said."""

import json
import logging
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.account.strategies import days as any_days
from tests.account.strategies import used
from voiced.account.ledger import MOST_DAYS
from voiced.account.usage import Kind, Used
from voiced.edges.ledger_file import MOST_BYTES, NAME, LedgerFile, local_now

DAY = date(2026, 11, 21)
SOME: Mapping[date, Used] = {
    DAY: Used({Kind.AUDIO_OUT: 136, Kind.TRANSCRIPTION_MS: 3500}),
    DAY + timedelta(days=1): Used({Kind.TEXT_IN: 7}),
}
_HANG_S = 60


@pytest.fixture
def books(tmp_path: Path) -> Iterator[LedgerFile]:
    made = LedgerFile(tmp_path / "state" / "voiced")
    yield made
    made.close()


def read_again(books: LedgerFile) -> Mapping[date, Used]:
    books.close()
    again = LedgerFile(books.directory)
    try:
        return again.open()
    finally:
        again.close()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- as it should be ------------------------------------------------------------------------------


def test_what_was_written_is_read_again(books: LedgerFile) -> None:
    assert books.open() == {}
    books.write({DAY: Used({Kind.TEXT_IN: 1})})
    books.write(SOME)
    assert read_again(books) == SOME
    assert sorted(os.listdir(books.directory)) == [NAME, "usage.lock"]


@settings(deadline=None, max_examples=30)  # a disk takes its time
@given(st.dictionaries(any_days, used, max_size=20))
def test_all_amounts_survive(
    tmp_path_factory: pytest.TempPathFactory, days: Mapping[date, Used]
) -> None:
    books = LedgerFile(tmp_path_factory.mktemp("state"))
    books.open()
    books.write(days)
    assert read_again(books) == days


def test_it_is_for_our_eyes_only_whatever_the_umask(books: LedgerFile) -> None:
    before = os.umask(0)
    try:
        books.open()
        books.write(SOME)
    finally:
        os.umask(before)
    assert mode(books.directory) == 0o700
    assert {mode(books.directory / name) for name in os.listdir(books.directory)} == {0o600}


def test_the_fullest_file_there_can_be_is_small_enough(books: LedgerFile) -> None:
    books.open()
    full = Used(dict.fromkeys(Kind, (1 << 63) - 1))
    days = {DAY + timedelta(days=n): full for n in range(MOST_DAYS)}
    books.write(days)
    assert (books.directory / NAME).stat().st_size < MOST_BYTES / 2
    assert read_again(books) == days


def test_the_wall_clock_knows_where_it_hangs() -> None:
    assert local_now().tzinfo is not None


# --- killed ---------------------------------------------------------------------------------------


def test_whoever_is_killed_in_the_middle_of_writing_has_lost_nothing_that_was_kept(
    tmp_path: Path,
) -> None:
    """By a signal that can't be caught, at whatever moment it comes; time and again."""
    kept = 0
    for life in range(12):
        command = [sys.executable, "-m", "tests.edges.bookwriter", str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            said = [int(writer.stdout.readline()) for _ in range(1 + 7 * life % 20)]
            writer.kill()
            said += [int(line) for line in writer.stdout.read().split("\n") if line]
            writer.wait(_HANG_S)
        assert said[0] == kept + 1  # neither lost nor counted twice
        books = LedgerFile(tmp_path)
        kept = books.open()[DAY].tokens
        books.close()
        assert said[-1] <= kept <= said[-1] + 1  # what was written, but not said any more


# --- one writer -----------------------------------------------------------------------------------


def test_two_daemons_do_not_overwrite_each_others_account(
    books: LedgerFile, caplog: pytest.LogCaptureFixture
) -> None:
    books.open()
    books.write(SOME)
    second = LedgerFile(books.directory)
    assert second.open() == {}
    second.write({})
    second.close()
    (line,) = caplog.messages
    assert "another daemon keeps account there" in line
    assert read_again(books) == SOME


def test_nothing_is_written_before_it_is_open(books: LedgerFile) -> None:
    books.write(SOME)
    assert not books.directory.exists()


# --- what can be wrong with it --------------------------------------------------------------------


def replaced(**values: object) -> Callable[[Path], None]:
    """Write it with other values."""

    def write(path: Path) -> None:
        path.write_text(json.dumps(json.loads(path.read_text()) | values))

    return write


def a_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


WRONG: list[tuple[Callable[[Path], object], str]] = [
    (lambda path: path.write_text(""), "it is broken"),
    (lambda path: path.write_text('{"version":1'), "it is broken"),
    (lambda path: path.write_bytes(bytes(4096)), "it is broken"),
    (lambda path: path.write_bytes(b"\xff\xfe"), "it is broken"),
    (lambda path: path.write_text("[" * 100_000), "it is broken"),
    (lambda path: path.write_text("[]"), "it is broken"),
    (lambda path: path.write_text(" " * (MOST_BYTES + 1)), "it is too large"),
    (replaced(version=2), "it is of another version"),
    (replaced(days=["2026-11-21"]), "it is broken"),
    (replaced(days={"2026-11-31": [1]}), "it is broken"),
    (replaced(days={"2026-11-21": [-1]}), "it is broken"),
    (replaced(days={"2026-11-21": [1.5]}), "it is broken"),
    (replaced(days={"2026-11-21": [True]}), "it is broken"),
    (replaced(days={"2026-11-21": 5}), "it is broken"),
    (replaced(days={"2026-11-21": [1] * 99}), "it is broken"),
    (replaced(days={"2026-11-21": [1 << 90]}), "it is broken"),
    (replaced(days={f"{year}-01-01": [] for year in range(1000, 2000)}), "it holds too many days"),
    (replaced(kinds=["smoke"]), "it is broken"),
    (lambda path: path.chmod(0o644), "it is not ours alone"),
    (a_link, "it is a link"),
]


@pytest.mark.parametrize(("harm", "told"), WRONG)
def test_what_can_not_be_used_is_kept_aside_and_said(
    books: LedgerFile,
    caplog: pytest.LogCaptureFixture,
    harm: Callable[[Path], object],
    told: str,
) -> None:
    books.open()
    books.write(SOME)
    books.close()
    path = books.directory / NAME
    harm(path)
    assert books.open() == {}
    (line,) = caplog.messages
    assert told in line
    assert str(books.directory / "usage.json.broken") in line
    assert not path.exists()
    assert os.path.lexists(books.directory / "usage.json.broken")
    books.write(SOME)
    assert read_again(books) == SOME


def test_a_full_disk_is_said_once_and_so_is_its_end(
    books: LedgerFile, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    books.open()
    books.write({DAY: Used({Kind.TEXT_IN: 1})})
    monkeypatch.setattr(os, "fsync", full)
    for _ in range(3):
        books.write(SOME)
    monkeypatch.undo()
    books.write(SOME)
    full_line, end_line = caplog.messages
    assert "No space left on device" in full_line
    assert end_line == "usage is kept again"
    assert read_again(books) == SOME


def test_where_nothing_can_be_kept_account_is_kept_for_one_life(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    books = LedgerFile(tmp_path / "file" / "state")
    assert books.open() == {}
    books.write(SOME)
    books.close()
    (line,) = caplog.messages
    assert line.startswith("usage counts until the end of this process only")
