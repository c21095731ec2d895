"""The owner's settings file: whole, with the same owner and mode, and never written through a link."""

import os
from pathlib import Path

import pytest

from voiced.edges.settings_file import NotChanged, read_settings, replace_settings


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "voiced.toml"
    path.write_bytes(b"[capture]\r\n# mine\r\n")
    path.chmod(0o640)
    return path


def test_it_is_replaced_and_what_was_is_kept_beside_it(path: Path) -> None:
    before = read_settings(path)
    assert before == "[capture]\r\n# mine\r\n"
    backup = replace_settings(path, before, "[capture]\n")
    assert path.read_bytes() == b"[capture]\n"
    assert backup == path.with_name("voiced.toml~")
    assert backup.read_bytes() == b"[capture]\r\n# mine\r\n"
    assert {each.stat().st_mode & 0o7777 for each in (path, backup)} == {0o640}
    assert sorted(each.name for each in path.parent.iterdir()) == ["voiced.toml", "voiced.toml~"]


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_its_owner_stays_its_owner_when_root_writes(path: Path) -> None:
    os.chown(path, 1234, 4321)
    backup = replace_settings(path, read_settings(path), "x = 1\n")
    for each in (path, backup):
        assert (each.stat().st_uid, each.stat().st_gid) == (1234, 4321)


def test_an_older_backup_is_replaced_even_if_it_is_a_link(path: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("precious")
    path.with_name("voiced.toml~").symlink_to(elsewhere)
    path.with_name("voiced.toml.new").symlink_to(elsewhere)
    backup = replace_settings(path, read_settings(path), "")
    assert not backup.is_symlink()
    assert elsewhere.read_text() == "precious"


def test_a_link_is_refused_with_the_file_to_name(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to(path)
    with pytest.raises(NotChanged, match=rf"it is a link.*--config {path}"):
        read_settings(link)


def test_another_name_of_the_same_file_is_refused(path: Path, tmp_path: Path) -> None:
    os.link(path, tmp_path / "other.toml")
    with pytest.raises(NotChanged, match="hard link"):
        read_settings(path)


def test_a_write_protected_file_is_refused(path: Path) -> None:
    path.chmod(0o440)
    with pytest.raises(NotChanged, match="write-protected"):
        read_settings(path)


def test_what_is_no_file_or_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotChanged, match="it is no file"):
        read_settings(tmp_path)
    with pytest.raises(NotChanged, match="No such file"):
        read_settings(tmp_path / "nowhere.toml")


def test_what_is_no_text_is_refused(path: Path) -> None:
    path.write_bytes(b"\xff")
    with pytest.raises(NotChanged, match="not UTF-8"):
        read_settings(path)


def test_a_change_that_came_in_between_is_not_lost(path: Path) -> None:
    before = read_settings(path)
    path.write_text("[echo]\n")
    with pytest.raises(NotChanged, match="meanwhile"):
        replace_settings(path, before, "")
    assert path.read_text() == "[echo]\n"


def test_a_full_disk_leaves_all_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = read_settings(path)

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NotChanged, match="No space left"):
        replace_settings(path, before, "")
    assert path.read_bytes().decode() == before
    assert [each.name for each in path.parent.iterdir()] == ["voiced.toml"]
