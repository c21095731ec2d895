"""Results of probes on a disk: private, whole, and by one writer at a time."""

import multiprocessing
from pathlib import Path

import attrs
import pytest

from voiced.edges.probe_file import NAME, ProbeFile
from voiced.edges.state_file import Unfit, unfinished
from voiced.link.probes import MOST, Probe

FINE = Probe(at="2026-11-21T06:00:00+00:00", verdict="ok")


def test_the_last_are_kept_and_only_we_may_read_them(tmp_path: Path) -> None:
    file = ProbeFile(tmp_path / "state")
    assert file.read() == ()
    for number in range(MOST + 5):
        file.add(attrs.evolve(FINE, took_ms=float(number)))
    assert [probe.took_ms for probe in file.read()] == list(range(5, MOST + 5))
    assert (tmp_path / "state" / NAME).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700


def test_who_died_while_writing_spoils_nothing(tmp_path: Path) -> None:
    file = ProbeFile(tmp_path)
    file.add(FINE)
    unfinished(tmp_path / NAME).write_text('{"at": "20')
    file.add(FINE)
    assert file.read() == (FINE, FINE)


def test_what_is_not_ours_is_not_read_and_is_replaced(tmp_path: Path) -> None:
    file = ProbeFile(tmp_path)
    file.add(FINE)
    (tmp_path / NAME).chmod(0o644)
    with pytest.raises(Unfit):
        file.read()
    file.add(FINE)
    assert file.read() == (FINE,)


def add_some(directory: Path, verdict: str) -> None:
    for _ in range(MOST // 4):
        ProbeFile(directory).add(attrs.evolve(FINE, verdict=verdict))


def test_two_at_once_lose_nothing(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    verdicts = ("ok", "failed")
    writers = [spawn.Process(target=add_some, args=(tmp_path, verdict)) for verdict in verdicts]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    kept = [probe.verdict for probe in ProbeFile(tmp_path).read()]
    assert (kept.count("ok"), kept.count("failed")) == (MOST // 4, MOST // 4)
