"""Whether the room is muted, kept in a file."""

import logging
from pathlib import Path

import pytest

from voiced.edges.mute_file import NAME, MuteFile


def test_it_is_kept_and_taken_back(tmp_path: Path) -> None:
    keeper = MuteFile(tmp_path / "state")
    assert not keeper.muted()
    keeper.keep(muted=False)
    assert not keeper.muted()
    keeper.keep(muted=True)
    keeper.keep(muted=True)
    assert keeper.muted()
    assert (tmp_path / "state" / NAME).stat().st_mode & 0o777 == 0o600
    keeper.keep(muted=False)
    assert not keeper.muted()


def test_what_can_not_be_kept_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    with caplog.at_level(logging.WARNING):
        MuteFile(tmp_path / "file" / "state").keep(muted=True)
    assert "mute not kept beyond a restart" in caplog.text
