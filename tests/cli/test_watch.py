"""`voicectl watch` as a second process at a terminal of its own, against a real daemon in this one."""

import os
import pty
import re
import signal
import struct
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fcntl import ioctl
from pathlib import Path

import attrs
import pyte
import pytest
import trio

from tests.cli.test_voicectl import alone, command, daemon_at, environ, until
from tests.fakes.story import Story
from voiced.control.rights import Right
from voiced.edges import control_socket
from voiced.notices import Phase

COLUMNS, LINES = 80, 24
FAR_BELOW_BYTES_PER_S = 20_000  # what a thin line carries with ease: half a GSM modem, no more


@attrs.define(eq=False)
class Watcher:
    """Somebody before a terminal."""

    ours: int
    process: trio.Process
    sent: bytearray = attrs.field(factory=bytearray)
    screen: pyte.Screen = attrs.field(factory=lambda: pyte.Screen(COLUMNS, LINES))

    async def reads(self) -> None:
        stream = pyte.ByteStream(self.screen)
        while True:
            await trio.lowlevel.wait_readable(self.ours)
            try:
                piece = os.read(self.ours, 65_536)
            except OSError:  # the other end is closed
                return
            self.sent += piece
            stream.feed(piece)

    def sees(self, *words: str) -> bool:
        text = "\n".join(self.screen.display)
        return all(each in text for each in words)

    def types(self, keys: bytes) -> None:
        os.write(self.ours, keys)

    def has_its_terminal_back(self) -> bool:
        """The screen from before, a cursor, and lines that wrap, after everything else."""
        return self.sent.endswith(b"\x1b[?7h\x1b[?25h\x1b[?1049l")


@asynccontextmanager
async def watching(path: Path, **more: str) -> AsyncIterator[Watcher]:
    ours, terminal = pty.openpty()
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    modes = termios.tcgetattr(terminal)
    process = await trio.lowlevel.open_process(
        command("--socket", str(path), "watch"),
        stdin=terminal,
        stdout=terminal,
        env=environ(TERM="xterm", PYTHONUTF8="1", **more),
    )
    watcher = Watcher(ours, process)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watcher.reads)
            yield watcher
            await process.wait()
            await until(watcher.has_its_terminal_back)
            nursery.cancel_scope.cancel()
        assert termios.tcgetattr(terminal) == modes
    finally:
        process.kill()
        os.close(ours)
        os.close(terminal)


async def talks(story: Story) -> None:
    """A turn, from its first sound to the end of the answer."""
    story.user.says(2000)
    item = story.server.hears_speech()
    await until(lambda: story.phase() is Phase.HEARING)
    await trio.sleep(0.5)
    story.server.hears_end()
    story.server.understands(item, "What time is it?", final=True)
    answer = story.server.begins()
    answer.writes("Nine [red]o'clock\x1b[2J 日本.", final=True)
    answer.sends(600)
    answer.ends()


async def test_a_turn_is_seen_as_it_goes(path: Path) -> None:
    async with daemon_at(path) as story, watching(path) as watcher:
        await until(lambda: watcher.sees(" listening ", "sess_story", "volume 100 %"))
        story.user.says(60_000)
        item = story.server.hears_speech()
        await until(lambda: watcher.sees(" hearing "))
        await until(lambda: watcher.sees("microphone  █"))
        story.server.hears_end()
        await until(lambda: watcher.sees(" thinking "))
        story.server.understands(item, "What time is it?", final=True)
        answer = story.server.begins()
        answer.writes("Nine [red]o'clock\x1b[2J.", final=True)
        answer.sends(1000)
        answer.ends()
        await until(lambda: watcher.sees(" speaking ", "loudspeaker █"))
        await until(lambda: watcher.sees("user  What time is it?"))
        await until(lambda: watcher.sees("assistant  Nine [red]o'clock [2J."))
        await until(lambda: watcher.sees("last turn: answered", "p50"))
        watcher.types(b"q")
        assert await watcher.process.wait() == 0


async def test_while_levels_move_little_is_sent(path: Path) -> None:
    async with daemon_at(path) as story, watching(path) as watcher:
        await until(lambda: watcher.sees(" listening "))
        story.user.says(60_000)
        await until(lambda: watcher.sees("microphone  █"))
        before, start_s = len(watcher.sent), trio.current_time()
        for _ in range(10):
            story.server.hears_speech()
            await trio.sleep(0.2)
            story.server.hears_end()
            await trio.sleep(0.1)
        took_s = trio.current_time() - start_s
        assert 0 < len(watcher.sent) - before < FAR_BELOW_BYTES_PER_S * took_s
        frames = watcher.sent[before:].count(b"\x1b[?2026h")
        assert frames <= 10 * took_s + 1
        watcher.types(b"q")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)]
)
async def test_whatever_ends_it_the_terminal_is_given_back(
    path: Path, number: signal.Signals, code: int
) -> None:
    async with daemon_at(path), watching(path) as watcher:
        await until(lambda: watcher.sees(" listening "))
        watcher.process.send_signal(number)
        assert await watcher.process.wait() == code


async def test_a_mistake_of_ours_gives_the_terminal_back_too(path: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "from voiced.cli.picture import Picture\nPicture.reads = None\n"
    )
    paths = os.pathsep.join([str(tmp_path), environ()["PYTHONPATH"]])
    async with daemon_at(path), watching(path, PYTHONPATH=paths) as watcher:
        assert await watcher.process.wait() == 1


async def test_a_daemon_that_goes_is_found_again(path: Path) -> None:
    async with daemon_at(path) as story, watching(path) as watcher:
        await until(lambda: watcher.sees(" listening "))
        story.daemon.supervisor.stop()
        await until(lambda: watcher.sees(" voiced is not running "))
        async with daemon_at(path):
            await until(lambda: watcher.sees(" listening "))
            assert not watcher.sees("voiced is not running")
            watcher.types(b"q")
            assert await watcher.process.wait() == 0


async def test_who_may_only_watch_sees_no_words(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch_alone = frozenset({Right.WATCH})
    monkeypatch.setattr(control_socket, "granted", lambda peer, house: watch_alone)  # root, too
    async with daemon_at(path) as story, watching(path) as watcher:
        await until(lambda: watcher.sees(" listening ", 'takes the right "words"'))
        await talks(story)
        await until(lambda: watcher.sees("last turn"))
        assert not watcher.sees("Nine")
        watcher.types(b"q")


async def test_it_wants_a_terminal(path: Path) -> None:
    async with daemon_at(path):
        code, told, complaint = await trio.to_thread.run_sync(alone, "--socket", str(path), "watch")
        assert (code, told) == (1, "")
        assert complaint.endswith("elsewhere: voicectl events\n")


async def test_without_rich_it_says_how_to_get_it(path: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['rich'] = None\n")
    paths = os.pathsep.join([str(tmp_path), environ()["PYTHONPATH"]])
    ours, terminal = pty.openpty()
    async with daemon_at(path):
        ended = await trio.run_process(
            command("--socket", str(path), "watch"),
            stdin=terminal,
            stdout=terminal,
            capture_stderr=True,
            check=False,
            env=environ(TERM="xterm", PYTHONPATH=paths),
        )
    os.close(ours)
    os.close(terminal)
    assert ended.returncode == 1
    assert re.fullmatch(rb'voicectl: watch .* pip install "voiced\[screen\]"\n', ended.stderr)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "voiced" / "control.sock"
