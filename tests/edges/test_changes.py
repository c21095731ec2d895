"""Whoever waits for a person sees that one came: written, replaced, made or removed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from voiced.edges.changes import Changes


def _replace(path: Path) -> None:
    new = path.with_suffix(".new")
    new.write_text("same")
    os.utime(new, ns=(0, 0))
    new.rename(path)


@pytest.mark.parametrize(
    "act",
    [lambda path: path.write_text("other text"), lambda path: path.unlink(), _replace],
    ids=["written", "removed", "replaced by one of the same size and time"],
)
async def test_a_change_is_seen(
    act: Callable[[Path], object], tmp_path: Path, autojump_clock: MockClock
) -> None:
    path, other = tmp_path / "key", tmp_path / "other"
    path.write_text("same")
    os.utime(path, ns=(0, 0))
    changes = Changes((path, other))
    with trio.move_on_after(60) as unchanged:
        await changes.wait()
    assert unchanged.cancelled_caught
    act(path)
    with trio.fail_after(10):
        assert await changes.wait() == {path}


async def test_a_file_that_appears_is_a_change(tmp_path: Path, autojump_clock: MockClock) -> None:
    changes = Changes((tmp_path / "key",))
    (tmp_path / "key").write_text("here")
    assert await changes.wait() == {tmp_path / "key"}


async def test_a_change_is_told_once(tmp_path: Path, autojump_clock: MockClock) -> None:
    changes = Changes((tmp_path / "key",))
    (tmp_path / "key").write_text("here")
    await changes.wait()
    with trio.move_on_after(60) as unchanged:
        await changes.wait()
    assert unchanged.cancelled_caught


def test_places_that_can_not_be_are_no_error() -> None:
    assert Changes((Path("~nobody-here/key"), Path("a\0b"))).paths
