"""`voicectl` as a second process, against a real daemon in this one, at a real socket."""

import json
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.fakes.story import Story
from voiced.cli import voicectl
from voiced.cli.card import lines
from voiced.cli.holding import FIRST_REPEAT_S, NEXT_REPEAT_S, Holding
from voiced.control.rights import House
from voiced.edges.control_socket import ControlSocket
from voiced.notices import Moment, Phase

HANG_S = 60
REPOSITORY = Path(__file__).parents[2]


@asynccontextmanager
async def daemon_at(path: Path, **turns: Any) -> AsyncIterator[Story]:
    """The real daemon between a fake server and a fake room, in real time."""
    story = Story(entrance=ControlSocket(path, House(os.geteuid())))
    story.set("turns", **turns)
    with trio.fail_after(HANG_S):
        async with trio.open_nursery() as nursery:
            await story.begin(nursery, until_ready=False)
            await until(lambda: story.phase() is Phase.LISTENING)
            yield story
            nursery.cancel_scope.cancel()


async def until(seen: Callable[[], object]) -> None:
    """Wait for what another process brings about; the hang guard stands around it."""
    while not seen():  # noqa: ASYNC110  another process rings no bell here
        await trio.sleep(0.01)


@asynccontextmanager
async def started(*words: str, **pipes: Any) -> AsyncIterator[trio.Process]:
    """A voicectl that goes on, until the context is left."""
    process = await trio.lowlevel.open_process(command(*words), env=environ(), **pipes)
    try:
        yield process
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()
            if process.stdout is not None:
                await process.stdout.aclose()


def environ(**more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), **more}


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "voiced.cli.voicectl", *words]


async def voicectl_at(path: Path, *words: str, stdin: bytes = b"") -> tuple[int, str, str]:
    """Exit code, stdout and stderr."""
    ended = await trio.run_process(
        command("--socket", str(path), *words),
        stdin=stdin,
        capture_stdout=True,
        capture_stderr=True,
        check=False,
        env=environ(),
    )
    return ended.returncode, ended.stdout.decode(), ended.stderr.decode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "voiced" / "control.sock"


async def test_what_one_does_with_a_daemon(path: Path) -> None:
    async with daemon_at(path) as story:
        code, card, _ = await voicectl_at(path, "status")
        assert code == 0
        assert card.splitlines()[0].startswith("voiced ")
        assert ": listening for " in card
        assert "sess_story" in card
        code, card, _ = await voicectl_at(path, "status", "--json")
        assert json.loads(card)["phase"] == "listening"

        assert await voicectl_at(path, "volume", "70") == (0, "", "")
        assert await voicectl_at(path, "volume") == (0, "70\n", "")
        story.daemon.volume.allow(60)
        told = "60: [playout] max_volume_percent allows no more\n"
        assert await voicectl_at(path, "volume", "70") == (0, told, "")
        assert await voicectl_at(path, "ask", "What time is it?") == (0, "", "")
        assert (await voicectl_at(path, "say", "-", stdin="Grüße".encode()))[0] == 0
        answer = story.server.begins()
        answer.sends(400)
        answer.writes("Nine \x1b[31mo'clock.", final=True)
        answer.ends()
        await story.for_ms(800)
        code, told, _ = await voicectl_at(path, "history")
        assert told == "     user: What time is it?\nassistant: Nine  [31mo'clock.\n"
        code, told, _ = await voicectl_at(path, "history", "-n", "1", "--json")
        assert [each["who"] for each in json.loads(told)["entries"]] == ["assistant"]
        said = [each.get("response", {}) for each in story.server.was_told("response.create")]
        assert any("Grüße" in each.get("instructions", "") for each in said)

        assert await voicectl_at(path, "mute") == (0, "", "")
        assert await voicectl_at(path, "mute") == (0, "", ""), "it is so already"
        assert "muted" in (await voicectl_at(path, "status"))[1]
        assert await voicectl_at(path, "unmute") == (0, "", "")
        code, told, _ = await voicectl_at(path, "stats")
        assert told.splitlines()[0] == "this session     0 tokens"
        assert "budget           no limits" in told
        assert json.loads((await voicectl_at(path, "stats", "--json"))[1])["counts"]
        assert await voicectl_at(path, "budget", "lift") == (0, "no limits\n", "")
        code, _, complaint = await voicectl_at(path, "reload")
        assert code == 1
        assert "no file" in complaint
        assert await voicectl_at(path, "deactivate") == (0, "", "")
        assert await voicectl_at(path, "history") == (0, "", ""), "it is forgotten"
        assert "idle" in (await voicectl_at(path, "status"))[1]
        assert await voicectl_at(path, "activate") == (0, "", "")
        await story.for_ms(500)
        assert (await voicectl_at(path, "interrupt"))[0] == 0
        assert (await voicectl_at(path, "reconnect"))[0] == 0
        code, _, complaint = await voicectl_at(path, "talk", "--seconds", "1")
        assert code == 1
        assert "push_to_talk" in complaint
        for stdin in (b"", b"\xff\xfe", b"x" * 200_000):
            code, _, complaint = await voicectl_at(path, "ask", "-", stdin=stdin)
            assert code == 1
            assert complaint.startswith("voicectl: ")
        assert await voicectl_at(path, "shutdown") == (0, "", "")
        await story.for_ms(500)
        assert story.phase() is Phase.IDLE
        assert (await voicectl_at(path, "status"))[0] == 69


async def test_events_are_lines_for_programs(path: Path) -> None:
    async with daemon_at(path) as story:
        words = ("--socket", str(path), "events", "--topics", "phase,turn")
        async with started(*words, stdout=subprocess.PIPE) as process:
            await until(lambda: story.daemon.board.watched)
            story.server.hears_speech()
            assert process.stdout is not None
            event = json.loads(await process.stdout.receive_some())
            assert event["topic"] == "phase"
            assert event["phase"] == "hearing"
            story.daemon.supervisor.stop()
            assert await process.wait() == 69


@asynccontextmanager
async def talking(path: Path) -> AsyncIterator[tuple[int, trio.Process, list[Any]]]:
    """voicectl at a terminal of its own; gives our end, the process, and the terminal's modes."""
    ours, terminal = pty.openpty()
    try:
        modes = termios.tcgetattr(terminal)
        words = ("--socket", str(path), "talk")
        async with started(*words, stdin=terminal, stderr=terminal) as process:
            await until(lambda: termios.tcgetattr(terminal) != modes)
            yield ours, process, modes
            assert await process.wait() is not None
            assert termios.tcgetattr(terminal) == modes
    finally:
        os.close(ours)
        os.close(terminal)


@pytest.mark.parametrize("how", ["q", "SIGTERM", "Ctrl-C"])
async def test_a_key_is_the_button_and_the_terminal_is_given_back(path: Path, how: str) -> None:
    async with daemon_at(path, detection="push_to_talk") as story:
        story.user.says(60_000)
        async with talking(path) as (terminal, process, _):
            for _ in range(20):  # a key that repeats
                os.write(terminal, b" ")
                await trio.sleep(0.03)
            await until(lambda: story.moments(Moment.SPEECH_START))
            if how == "q":
                await until(lambda: story.server.was_told("input_audio_buffer.commit"))
                os.write(terminal, b"q")
            elif how == "SIGTERM":
                process.send_signal(signal.SIGTERM)
            else:
                process.send_signal(signal.SIGINT)
        await until(lambda: story.server.was_told("input_audio_buffer.commit"))


async def test_who_talks_and_is_killed_has_let_go(path: Path) -> None:
    async with daemon_at(path, detection="push_to_talk") as story:
        story.user.says(60_000)
        async with started("--socket", str(path), "talk", "--seconds", "60"):
            await until(lambda: story.moments(Moment.SPEECH_START))
            await trio.sleep(0.5)  # long enough for a turn
        await until(lambda: story.server.was_told("input_audio_buffer.commit"))


# --- without a daemon -----------------------------------------------------------------------------


def alone(*words: str, **more: str) -> tuple[int, str, str]:
    ended = subprocess.run(
        command(*words),
        capture_output=True,
        text=True,
        check=False,
        env=environ(**more),
        timeout=HANG_S,
    )
    return ended.returncode, ended.stdout, ended.stderr


def test_no_daemon_is_said_with_where_it_was_looked_for(path: Path, tmp_path: Path) -> None:
    code, _, complaint = alone("--socket", str(path), "status")
    assert code == 69
    assert f"voiced is not running here: no socket at {path}" in complaint
    code, _, complaint = alone("status", XDG_RUNTIME_DIR=str(tmp_path))
    assert code == 69
    assert f"{tmp_path}/voiced/control.sock or /tmp/voiced-" in complaint
    assert "/run/voiced/control.sock" in complaint
    assert alone("--socket", "/" + "x" * 200, "status")[0] == 69


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((), "required: COMMAND"),
        (("sing",), "invalid choice: 'sing'"),
        (("volume", "101"), "'101' is not a whole number from 0 to 100"),
        (("volume", "loud"), "'loud' is not"),
        (("events", "--topics", "phase,gossip"), "there is no topic 'gossip'; there is phase,"),
        (("history", "-n", "0"), "from 1 to 200"),
        (("talk", "--seconds", "nan"), "seconds"),
        (("ask",), "required: text"),
    ],
)
def test_what_is_not_understood_is_said(
    words: tuple[str, ...], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        voicectl.run(words)
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err


# --- pure -----------------------------------------------------------------------------------------


def test_a_tap_is_let_go_after_the_first_repeat_would_have_come() -> None:
    holding = Holding()
    assert holding.key(0.0)
    assert not holding.waited(FIRST_REPEAT_S - 0.01)
    assert holding.waited(FIRST_REPEAT_S)
    assert not holding.waited(99.0)
    assert holding.key(100.0)


def test_a_key_that_repeats_is_held_until_it_does_not() -> None:
    holding = Holding()
    assert holding.key(0.0)
    for at_s in (0.5, 0.53, 0.56, 0.59):
        assert not holding.key(at_s)
        assert not holding.waited(at_s + NEXT_REPEAT_S - 0.01)
    assert holding.waited(0.59 + NEXT_REPEAT_S)


def test_a_card_in_trouble_says_why() -> None:
    link = {
        "session_id": "",
        "attempts": 1,
        "strikes": 3,
        "fault": "no route",
        "resumes_in_s": 12.3,
    }
    card = {
        "version": "1.0",
        "phase": "cooling_down",
        "for_s": 90.0,
        "why": "no route",
        "link": link,
        "devices": {"microphone": {"fault": ""}, "loudspeaker": {"fault": "gone"}},
        "muted": True,
        "budget": {"level": "near", "share": 0.9, "why": "90 % of the budget is used"},
        "volume_percent": 40,
        "turns": {},
        "latencies_ms": {},
        "context": "",
        "probes": "19 of the last 20 were fine",
        "tally": {"frames_sent": 5, "frames_dropped": 7},
        "words": {"user": "", "assistant": "A\nB"},
    }
    assert list(lines(card)) == [
        "voiced 1.0: cooling down for 2 min",
        "  why         no route",
        "  link        no session yet, 1 connection, 3 faults in a row, again in 12 s, last fault: no route",
        "  microphone  ok, but muted: nothing is heard until voicectl unmute",
        "  loudspeaker gone",
        "  volume      40 %",
        "  budget      90 % of the budget is used",
        "  probes      19 of the last 20 were fine",
        "  assistant   A B",
        "  lost        frames dropped 7",
    ]
    by_switch = [line for line in lines(card | {"muted_by_switch": True}) if "microphone" in line]
    assert by_switch == [
        "  microphone  ok, but muted by its switch: nothing is heard until that is turned"
    ]
