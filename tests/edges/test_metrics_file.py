"""The file of metrics: whole at any time, readable by all, and gone with us."""

import os
import stat
import threading
from pathlib import Path

import pytest

from voiced.edges.metrics_file import Textfile, can_write
from voiced.edges.process import resources
from voiced.faults import ConfigError


def page(letter: str) -> bytes:
    """Long enough to be written in more than one piece."""
    return f"voiced_a {letter}\n".encode() * 20_000


def test_others_may_read_it_whatever_our_umask_is(tmp_path: Path) -> None:
    path = tmp_path / "voiced.prom"
    before = os.umask(0o077)
    try:
        Textfile(path).open(page("1"))
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert path.read_bytes() == page("1")


def test_who_reads_while_it_is_written_reads_all_of_one_page(tmp_path: Path) -> None:
    path = tmp_path / "voiced.prom"
    file, pages = Textfile(path), {page("1"), page("2")}
    file.open(page("1"))
    seen: set[bytes] = set()
    names: set[str] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(path.read_bytes())
            names.update(entry.name for entry in tmp_path.iterdir())

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(300):
        file.write(page("12"[turn % 2]))
    done.set()
    reader.join()
    assert seen <= pages
    assert [name for name in names if name.endswith(".prom")] == ["voiced.prom"]
    assert file.unwritten == 0


def test_what_a_dead_writer_left_is_in_nobodys_way(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("precious")
    (tmp_path / "voiced.prom.new").symlink_to(elsewhere)
    Textfile(tmp_path / "voiced.prom").open(page("1"))
    assert elsewhere.read_text() == "precious"
    assert not (tmp_path / "voiced.prom.new").exists()


def test_at_the_end_there_is_no_file(tmp_path: Path) -> None:
    file = Textfile(tmp_path / "voiced.prom")
    file.open(page("1"))
    file.close()
    assert list(tmp_path.iterdir()) == []
    file.close()


def test_a_directory_that_is_missing_is_a_mistake_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "voiced.prom"
    wanted = rf"\[metrics\] textfile: {path} can't be written: there is no directory"
    with pytest.raises(ConfigError, match=wanted):
        Textfile(path).open(page("1"))
    with pytest.raises(ConfigError, match=wanted):
        can_write(path)


def test_so_is_a_directory_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "voiced.prom"
    path.mkdir()
    for attempt in (can_write, lambda path: Textfile(path).open(page("1"))):
        with pytest.raises(ConfigError, match="it is a directory"):
            attempt(path)
    assert not (tmp_path / "voiced.prom.new").exists()


def test_later_on_it_is_said_and_counted_and_passes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    file = Textfile(folder / "voiced.prom")
    file.open(page("1"))
    file.close()
    folder.rmdir()
    for _ in range(12):
        file.write(page("2"))
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        f"metrics not written file={folder}/voiced.prom count=1",
        f"metrics not written file={folder}/voiced.prom count=10",
    ]
    folder.mkdir()
    file.write(page("2"))
    assert file.path.read_bytes() == page("2")
    assert file.unwritten == 12


def test_what_our_process_takes_is_known() -> None:
    taken = resources()
    assert taken is not None
    assert taken.cpu_s > 0
    assert taken.resident_bytes > 1 << 20
    assert taken.pss_bytes is None or 1 << 20 < taken.pss_bytes <= 2 * taken.resident_bytes
    assert taken.threads >= threading.active_count()
    assert taken.open_files >= 3


def test_where_there_is_no_proc_nothing_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voiced.edges.process._SELF", tmp_path)
    assert resources() is None
