"""Wires that are written down: what is in the files, and what a bad disk costs (lines, nothing else)."""

import base64
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.canaries import KEY, MARK, MINTED, OPAQUE
from tests.fakes.server import FakeServer
from voiced.edges.recording import RecordingDialler
from voiced.edges.wire_folder import WireFile, WireFolder
from voiced.logbook.masking import Masks

_HANG_S = 30.0
_SOUND = base64.b64encode(bytes(960)).decode()


def recorded(path: Path, **more: Any) -> RecordingDialler:
    masks = Masks()
    masks.learn(OPAQUE)
    server = FakeServer(withholds={"session.created"})
    folder = WireFolder(path / "wire", 10 << 20, 60.0)
    return RecordingDialler(server, folder, masks.hide, **{"every_s": 0.01, **more})


def server_of(dialler: RecordingDialler) -> FakeServer:
    assert isinstance(dialler.dialler, FakeServer)
    return dialler.dialler


def lines(path: Path) -> list[dict[str, Any]]:
    """In the order in which they were written; the files of one wire are one after the other."""
    files = sorted((path / "wire").iterdir(), key=lambda each: each.stat().st_mtime_ns)
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


async def until(happened: Callable[[], bool]) -> None:
    with trio.fail_after(_HANG_S):
        while not happened():  # noqa: ASYNC110  a thread rings no bell here
            await trio.sleep(0.005)


async def test_both_ways_are_kept_in_order_and_so_is_the_end(tmp_path: Path) -> None:
    dialler = recorded(tmp_path)
    async with dialler.dial() as wire:
        await wire.send('{"type": "one"}')
        server_of(dialler).wire.deliver('{"type": "two", "words": "grün"}')
        await wire.receive()
        await wire.send(json.dumps({"type": "input_audio_buffer.append", "audio": _SOUND}))
        server_of(dialler).hangs_up(1011)
        with pytest.raises(Exception, match="1011"):
            await wire.receive()
    kept = lines(tmp_path)
    assert [each["way"] for each in kept] == ["up", "down", "up", "end"]
    assert kept[1]["event"] == {"type": "two", "words": "grün"}
    assert kept[2]["event"]["audio"] == "[960 bytes]"
    assert "1011" in kept[3]["fault"]
    assert all(each["ms"] >= 0 and each["at"] for each in kept)
    assert (dialler.lines, dialler.lost_lines) == (4, 0)


async def test_sound_is_kept_if_that_is_wanted(tmp_path: Path) -> None:
    async with recorded(tmp_path, with_audio=True).dial() as wire:
        await wire.send(json.dumps({"type": "input_audio_buffer.append", "audio": _SOUND}))
    assert lines(tmp_path)[0]["event"]["audio"] == _SOUND


async def test_no_secret_is_kept(tmp_path: Path) -> None:
    dialler = recorded(tmp_path, with_audio=True)
    async with dialler.dial() as wire:
        await wire.send(json.dumps({"type": "x", "authorization": f"Bearer {OPAQUE}"}))
        await wire.send(json.dumps({"type": "x", "session": {"client_secret": {"value": MINTED}}}))
        await wire.send(json.dumps({"type": "x", "text": f"{KEY} and {OPAQUE}"}))
        server_of(dialler).wire.deliver(f"nonsense {KEY}")
        server_of(dialler).wire.deliver(f"nonsense {KEY}".encode())
        await wire.receive()
        await wire.receive()
    assert dialler.lines == 5
    assert all(MARK not in file.read_text() for file in (tmp_path / "wire").iterdir())


async def test_each_wire_has_a_file(tmp_path: Path) -> None:
    dialler = recorded(tmp_path)
    async with dialler.dial() as one, dialler.dial() as other:
        await one.send('{"type": "one"}')
        await other.send('{"type": "other"}')
    assert len(list((tmp_path / "wire").iterdir())) == 2


async def test_a_place_that_can_not_be_used_is_told_once_counted_and_no_matter(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "wire").write_text("in the way")
    dialler = recorded(tmp_path)
    async with dialler.dial() as wire:
        for number in range(10):
            await wire.send('{"type": "x"}')
            await until(lambda number=number: dialler.lost_lines > number)  # type: ignore[misc]
        (warning,) = caplog.messages
        assert warning == f"wire not recorded path={tmp_path}/wire: File exists"
        (tmp_path / "wire").unlink()
        await wire.send('{"type": "y"}')
        await until(lambda: dialler.lines == 1)
    assert caplog.messages[1:] == ["wire is recorded again lost_lines=10"]
    assert len(server_of(dialler).wire.heard) == 11
    assert [each["event"]["type"] for each in lines(tmp_path)] == ["y"]


async def test_a_full_disk_is_told_once_counted_and_no_matter(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """/dev/full is a disk that is full for ever."""
    monkeypatch.setattr(WireFolder, "begin", lambda self: os.open("/dev/full", os.O_WRONLY))
    dialler = recorded(tmp_path)
    async with dialler.dial() as wire:
        for _ in range(100):
            await wire.send('{"type": "x"}')
    assert (dialler.lines, dialler.lost_lines) == (0, 100)
    (warning,) = caplog.messages
    assert warning.endswith(": No space left on device")
    assert len(server_of(dialler).wire.heard) == 100


async def test_a_disk_that_hangs_delays_nobody_and_memory_is_bounded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread hangs in it; what comes meanwhile is kept up to a limit, and counted beyond."""
    hangs, goes_on = threading.Event(), threading.Event()

    def hang(_self: WireFile, _line: bytes) -> None:
        hangs.set()
        goes_on.wait(_HANG_S)

    monkeypatch.setattr(WireFile, "write", hang)
    dialler = recorded(tmp_path, most_waiting=1000)
    try:
        with trio.fail_after(_HANG_S / 2):
            async with dialler.dial() as wire:
                await wire.send('{"type": "x"}')
                await until(hangs.is_set)
                for _ in range(1000):
                    await wire.send('{"type": "x"}')
    finally:
        goes_on.set()
    assert len(server_of(dialler).wire.heard) == 1001
    assert dialler.lost_lines == 1001
    assert any("wire not recorded" in line for line in caplog.messages)


async def test_lines_and_losses_are_all_that_went_over_the_wire(tmp_path: Path) -> None:
    dialler = recorded(tmp_path, most_waiting=200)
    async with dialler.dial() as wire:
        for _ in range(500):
            await wire.send('{"type": "x"}')
    assert dialler.lines + dialler.lost_lines == 500
    assert len(lines(tmp_path)) == dialler.lines > 0
