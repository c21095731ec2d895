"""The conversation in a file: private, whole, short-lived; whatever is wrong with it is no harm."""

import json
import logging
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voiced.edges.memory_file import MOST_BYTES, NAME, MemoryFile
from voiced.edges.state_file import state_directory
from voiced.link.memory import Entry
from voiced.realtime.client_events import (
    AssistantText,
    FunctionCall,
    FunctionCallOutput,
    UserText,
)

SAID = "a word that belongs in no log"
TALK = (
    Entry(1, (UserText(SAID),)),
    Entry(2, (FunctionCall("call_1", "now", "{}"), FunctionCallOutput("call_1", "noon"))),
    Entry(3, (AssistantText('"Grüß Gott", 你好\ud800\x00'),)),
)
NOW_S = 1_800_000_000.0


@attrs.define
class Clock:
    """Wall time as a test wants it."""

    at_s: float = NOW_S

    def __call__(self) -> float:
        return self.at_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kept(tmp_path: Path, clock: Clock) -> MemoryFile:
    return MemoryFile(tmp_path / "state" / "voiced", 3600, clock)


def path(kept: MemoryFile) -> Path:
    return kept.directory / NAME


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def only_line(caplog: pytest.LogCaptureFixture) -> str:
    (line,) = caplog.messages
    assert SAID not in caplog.text
    return line


# --- as it should be ------------------------------------------------------------------------------


def test_what_was_written_is_read_again(kept: MemoryFile) -> None:
    kept.write(TALK[:1])
    kept.write(TALK)
    assert kept.read() == TALK
    assert os.listdir(kept.directory) == [NAME]


def test_it_is_for_our_eyes_only_whatever_the_umask(kept: MemoryFile) -> None:
    before = os.umask(0)
    try:
        kept.write(TALK)
    finally:
        os.umask(before)
    assert (mode(kept.directory), mode(path(kept))) == (0o700, 0o600)


def test_no_file_is_no_news(kept: MemoryFile, caplog: pytest.LogCaptureFixture) -> None:
    assert kept.read() == ()
    kept.remove()
    assert caplog.messages == []
    assert not kept.directory.exists()


def test_removing_leaves_no_word_behind(kept: MemoryFile) -> None:
    kept.write(TALK)
    (kept.directory / f"{NAME}.new").write_text("half of it, from a crash")
    kept.remove()
    assert os.listdir(kept.directory) == []


def test_what_a_crash_left_behind_is_no_hindrance(kept: MemoryFile) -> None:
    kept.write(TALK)
    (kept.directory / f"{NAME}.new").write_text("half of it, from a crash")
    assert kept.read() == TALK
    kept.write(TALK[:1])
    assert kept.read() == TALK[:1]


def test_a_write_that_fails_leaves_what_was_there(
    kept: MemoryFile, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.write(TALK)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    kept.write(TALK[:1])
    assert only_line(caplog).startswith("context file not written")
    assert "No space left" in caplog.text
    monkeypatch.undo()
    assert kept.read() == TALK
    assert os.listdir(kept.directory) == [NAME]


def test_too_much_is_not_written(kept: MemoryFile, caplog: pytest.LogCaptureFixture) -> None:
    kept.write([Entry(1, (UserText("o" * MOST_BYTES),))])
    assert only_line(caplog).startswith("context not kept")
    assert not kept.directory.exists()


# --- time to live ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age_s", "counts"), [(3600, True), (3601, False), (-60, True), (-61, False)]
)
def test_it_counts_for_a_while_and_is_removed_after_that(
    kept: MemoryFile, clock: Clock, age_s: float, counts: bool
) -> None:
    kept.write(TALK)
    clock.at_s += age_s
    assert kept.read() == (TALK if counts else ())
    assert path(kept).exists() == counts


# --- what is wrong with it ------------------------------------------------------------------------


def linked(path: Path) -> None:
    path.rename(path.with_suffix(".elsewhere"))
    path.symlink_to(path.with_suffix(".elsewhere"))


def a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir(mode=0o700)


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def rewritten(**changes: Any) -> Callable[[Path], None]:
    def rewrite(path: Path) -> None:
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return rewrite


def holding(text: str) -> Callable[[Path], None]:
    def hold(path: Path) -> None:
        path.write_bytes(text.encode())

    return hold


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (linked, "it is a link"),
        (a_directory, "it is no file"),
        (a_pipe, "it is no file"),
        (lambda path: path.chmod(0o640), "it is not ours alone"),
        (lambda path: path.chmod(0o602), "it is not ours alone"),
        (lambda path: path.write_text(" " * (MOST_BYTES + 1)), "it is too large"),
        (holding(""), "it is broken"),
        (holding("{"), "it is broken"),
        (holding("[" * 100_000), "it is broken"),
        (holding("ü"), "it is broken"),
        (holding("[]"), "it is broken"),
        (holding('"version"'), "it is broken"),
        (holding("{}"), "it is broken"),
        (rewritten(version=2), "it is of another version"),
        (rewritten(version=[]), "it is of another version"),
        (rewritten(saved_at_s="now"), "it is broken"),
        (rewritten(saved_at_s=float("nan")), "it is broken"),
        (rewritten(saved_at_s=10**400), "it is broken"),
        (rewritten(saved_at_s=NOW_S - 9999), "it is 9999 s old"),
        (rewritten(entries=7), "it is broken"),
        (rewritten(entries=[7]), "it is broken"),
        (rewritten(entries=["user"]), "it is broken"),
        (rewritten(entries=[[]]), "it is broken"),
        (rewritten(entries=[[{"text": SAID}]]), "it is broken"),
        (rewritten(entries=[[{"kind": [], "text": SAID}]]), "it is broken"),
        (rewritten(entries=[[{"kind": "system", "text": SAID}]]), "it is broken"),
        (rewritten(entries=[[{"kind": "user", "text": 7}]]), "it is broken"),
        (rewritten(entries=[[{"kind": "user", "text": SAID, "more": 1}]]), "it is broken"),
        (rewritten(entries=[[{"kind": "output", "call_id": "1", "output": SAID}]]), "it is broken"),
    ],
)
def test_a_file_that_is_no_good_is_ignored_with_one_line(
    kept: MemoryFile,
    caplog: pytest.LogCaptureFixture,
    spoil: Callable[[Path], None],
    says: str,
) -> None:
    caplog.set_level(logging.INFO)
    kept.write(TALK)
    spoil(path(kept))
    assert kept.read() == ()
    assert f"{path(kept)}: {says}" in only_line(caplog)


def test_a_file_of_somebody_else_is_ignored(
    kept: MemoryFile, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.write(TALK)
    somebody = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: somebody)
    assert kept.read() == ()
    assert "it is not ours alone" in only_line(caplog)


def test_a_place_that_can_not_be_used_is_no_harm(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").write_text("a file in the directory's place")
    kept = MemoryFile(tmp_path / "state", 3600)
    assert kept.read() == ()
    kept.write(TALK)
    kept.remove()
    assert len(caplog.messages) == 4  # one each, and `remove` looks at two files
    assert SAID not in caplog.text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["version", "saved_at_s", "entries", "kind", "text"]),
                inner,
                max_size=5,
            )
        ),
        max_leaves=20,
    ).map(lambda value: json.dumps(value).encode())
)
def test_no_content_whatever_is_a_harm(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / NAME
    file.write_bytes(data)
    file.chmod(0o600)
    assert MemoryFile(tmp_path, 3600).read() == ()


# --- the place ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "directory"),
    [
        ({"STATE_DIRECTORY": "/var/lib/voiced", "HOME": "/home/a"}, "/var/lib/voiced"),
        ({"STATE_DIRECTORY": "/var/lib/voiced:/var/lib/other"}, "/var/lib/voiced"),
        ({"XDG_STATE_HOME": "/home/a/state", "HOME": "/home/a"}, "/home/a/state/voiced"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/home/a"}, "/home/a/.local/state/voiced"),
        ({"STATE_DIRECTORY": "", "HOME": "/home/a"}, "/home/a/.local/state/voiced"),
        ({"HOME": ""}, None),
        ({}, None),
    ],
)
def test_where_it_is_kept(environ: dict[str, str], directory: str | None) -> None:
    found = state_directory(environ)
    assert (None if found is None else str(found)) == directory
