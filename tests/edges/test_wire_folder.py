"""Files of the record: ours alone, bounded in size and age, and nothing else is deleted."""

import os
import stat
from contextlib import closing
from pathlib import Path

import pytest

from voiced.edges.state_file import Unfit
from voiced.edges.wire_folder import WireFile, WireFolder

_DAY_S = 86_400.0


def folder(path: Path, most_bytes: int = 8000, longest_s: float = _DAY_S) -> WireFolder:
    return WireFolder(path / "wire", most_bytes, longest_s)


def sizes(within: WireFolder) -> list[int]:
    return [each.stat().st_size for each in sorted(within.path.iterdir())]


def test_files_and_folder_are_ours_alone(tmp_path: Path) -> None:
    within = folder(tmp_path)
    with closing(WireFile(within)) as file:
        file.write(b"{}\n")
    (path,) = within.path.iterdir()
    assert stat.S_IMODE(within.path.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == b"{}\n"


def test_a_folder_that_others_may_look_into_is_not_used(tmp_path: Path) -> None:
    within = folder(tmp_path)
    within.path.mkdir(mode=0o755)
    within.path.chmod(0o755)
    with closing(WireFile(within)) as file, pytest.raises(Unfit, match="chmod 700"):
        file.write(b"{}\n")
    assert sizes(within) == []


def test_no_link_is_followed(tmp_path: Path) -> None:
    within, elsewhere = folder(tmp_path), tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    within.path.symlink_to(elsewhere)
    with closing(WireFile(within)) as file, pytest.raises(Unfit, match="no directory"):
        file.write(b"{}\n")


def test_all_files_together_keep_to_the_limit_and_the_newest_stay(tmp_path: Path) -> None:
    within = folder(tmp_path)
    with closing(WireFile(within)) as file:
        for n in range(1000):
            file.write(b"%099d\n" % n)
            assert sum(sizes(within)) <= 8000
    assert len(sizes(within)) == 8
    assert max(sizes(within)) <= 1000
    text = b"".join(each.read_bytes() for each in within.path.iterdir())
    assert {int(line) for line in text.splitlines()} == set(range(920, 1000))


def test_two_wires_share_the_limit(tmp_path: Path) -> None:
    within = folder(tmp_path)
    with closing(WireFile(within)) as one, closing(WireFile(within)) as other:
        for _ in range(500):
            one.write(b"x" * 99 + b"\n")
            other.write(b"y" * 99 + b"\n")
    assert sum(sizes(within)) <= 8000


def test_what_is_too_old_is_deleted_when_a_file_is_begun(tmp_path: Path) -> None:
    within = folder(tmp_path)
    with closing(WireFile(within)) as file:
        file.write(b"old\n")
    (old,) = within.path.iterdir()
    others = [within.path / "notes.txt", within.path / "wire-mine.jsonl"]
    for path in [old, *others]:
        path.touch()
        os.utime(path, (0, 0))
    with closing(WireFile(within)) as file:
        file.write(b"new\n")
    assert not old.exists()
    assert all(other.exists() for other in others)
    assert len(sizes(within)) == 3


def test_a_line_that_is_longer_than_a_file_may_be_is_refused_and_others_follow(
    tmp_path: Path,
) -> None:
    within = folder(tmp_path)
    with closing(WireFile(within)) as file:
        with pytest.raises(Unfit, match="longer than a file"):
            file.write(b"x" * 1001)
        file.write(b"{}\n")
    assert sizes(within) == [3]


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    within, real = folder(tmp_path), os.write
    with closing(WireFile(within)) as file:
        file.write(b"one\n")
        monkeypatch.setattr(os, "write", lambda file, line: real(file, line[:2]))
        with pytest.raises(OSError, match="No space left"):
            file.write(b"two\n")
        monkeypatch.setattr(os, "write", real)
        file.write(b"three\n")
        assert file.lines == 2
    (path,) = within.path.iterdir()
    assert path.read_bytes() == b"one\nthree\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="wants /dev/full")
def test_a_disk_that_is_really_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    within = folder(tmp_path)
    monkeypatch.setattr(WireFolder, "begin", lambda self: os.open("/dev/full", os.O_WRONLY))
    with closing(WireFile(within)) as file, pytest.raises(OSError, match="No space left"):
        file.write(b"one\n")
