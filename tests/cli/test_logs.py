"""The log as it is written: at a terminal, as JSON, to the journal; repeats, secrets, hostile words."""

import io
import json
import logging
import os
import pty
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import pytest
import trio
from trio.testing import MockClock

from tests.canaries import KEY, MARK, OPAQUE
from tests.fakes.story import Story
from voiced.cli.log_writers import AsJson, OnTerminal, ToJournal, Writer, writer_for
from voiced.cli.logs import Logbook
from voiced.config.logs import Log
from voiced.edges.journal import Journal
from voiced.logbook.entry import Entry

_HOSTILE = "x\n12:00:00.000 ERROR   forged=1\x1b[2J\u202e"


class Clock:
    """Time as a test wants it."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Desk:
    """A logger of its own with a logbook on it, which nobody else hears."""

    def __init__(self, writer: Writer, out: TextIO, *, verbose: bool = False) -> None:
        self.clock = Clock()
        self.book = Logbook(writer, out, verbose, clock_s=self.clock)
        self.log = logging.Logger("voiced.desk", logging.DEBUG if verbose else logging.INFO)
        self.log.addHandler(self.book)


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def desk(out: io.StringIO) -> Desk:
    return Desk(OnTerminal(out, colours=False), out)


def told(out: io.StringIO) -> list[str]:
    """Lines without their time."""
    return [line.partition(" ")[2] for line in out.getvalue().splitlines()]


# --- text -----------------------------------------------------------------------------------------


def test_a_line_for_people(desk: Desk, out: io.StringIO) -> None:
    desk.log.info("playout cut item=%s heard_ms=%d", "item_1", 1200)
    desk.log.warning("device lost device=%s: %s", "microphone", "it is gone")
    assert told(out) == [
        "INFO    playout cut item=item_1 heard_ms=1200",
        "WARNING device lost device=microphone: it is gone",
    ]


def test_hostile_words_are_one_line_and_command_no_terminal(desk: Desk, out: io.StringIO) -> None:
    desk.log.warning("refused code=%s message=%r: %s", _HOSTILE, _HOSTILE, _HOSTILE)
    (line,) = out.getvalue().splitlines()
    assert line.isprintable()
    assert "\\x1b[2J" in line


@contextmanager
def terminal() -> Iterator[tuple[TextIO, int]]:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as out:
        yield out, ours
    os.close(ours)


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, True),  # no-color.org: when present and not empty
        ({"TERM": "dumb"}, False),
    ],
)
def test_a_real_terminal_has_colours_unless_its_owner_wants_none(
    environ: dict[str, str], coloured: bool
) -> None:
    with terminal() as (out, screen):
        Desk(writer_for("auto", out, environ), out).log.error("it broke")
        shown = os.read(screen, 1000).decode()
    assert ("\x1b[31mERROR  \x1b[0m it broke" in shown) == coloured
    assert ("ERROR   it broke" in shown) == (not coloured)


def test_what_is_no_terminal_has_none(out: io.StringIO) -> None:
    Desk(writer_for("auto", out, {"TERM": "xterm"}), out).log.error("it broke")
    assert "\x1b" not in out.getvalue()


# --- JSON -----------------------------------------------------------------------------------------


def test_json_is_an_object_per_line(out: io.StringIO) -> None:
    desk = Desk(AsJson(out), out)
    desk.log.warning("refused code=%s ms=%d: %s", _HOSTILE, 3, _HOSTILE)
    (line,) = out.getvalue().splitlines()
    thing = json.loads(line)
    assert thing.pop("at").startswith("20")
    assert thing.pop("message").startswith("refused code=")
    assert thing == {
        "level": "warning",
        "priority": 4,
        "logger": "voiced.desk",
        "event": "refused",
        "fields": {"code": "x\\n12:00:00.000 ERROR   forged=1\\x1b[2J\\u202e", "ms": 3},
    }


# --- the journal ----------------------------------------------------------------------------------


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[socket.socket]:
    """Somebody who listens where journald would."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "socket"))
        listening.settimeout(10.0)
        yield listening


def test_the_journal_gets_priority_and_fields(journald: socket.socket, out: io.StringIO) -> None:
    desk = Desk(ToJournal(out, Journal(journald.getsockname())), out)
    desk.log.error("conversation ended code=%s session=%s: %s", "1006", "sess_1", _HOSTILE)
    fields = [line.partition("=") for line in journald.recv(9999).decode().splitlines()]
    assert {name: value for name, _, value in fields} == {
        "MESSAGE": "conversation ended code=1006 session=sess_1: "
        "x\\n12:00:00.000 ERROR   forged=1\\x1b[2J\\u202e",
        "PRIORITY": "3",
        "SYSLOG_IDENTIFIER": "voiced",
        "VOICED_EVENT": "conversation_ended",
        "VOICED_LOGGER": "voiced.desk",
        "FAULT_CODE": "1006",
        "SESSION_ID": "sess_1",
    }
    assert out.getvalue() == ""
    desk.book.close()


def test_without_a_journal_stderr_says_it_with_its_priority(
    tmp_path: Path, out: io.StringIO
) -> None:
    desk = Desk(ToJournal(out, Journal(str(tmp_path / "nowhere"))), out)
    desk.log.warning("device lost device=%s", "microphone")
    assert out.getvalue() == "<4>device lost device=microphone\n"
    desk.book.close()


def test_what_a_slow_journal_does_not_take_is_counted_and_said(
    journald: socket.socket, out: io.StringIO
) -> None:
    desk = Desk(ToJournal(out, Journal(journald.getsockname())), out)
    sent = 0
    while not desk.book.unwritten:
        desk.log.info(Entry("turn", canonical=True))
        sent += 1
    for _ in range(5):
        desk.log.info(Entry("turn", canonical=True))
    heard = [journald.recv(9999) for _ in range(sent - 1)]
    desk.log.info(Entry("turn", canonical=True))
    assert all(b"MESSAGE=turn\n" in each for each in heard)
    assert b"MESSAGE=log lines lost count=6\n" in journald.recv(9999)
    assert b"MESSAGE=turn\n" in journald.recv(9999)
    assert out.getvalue() == ""
    desk.book.close()


def test_the_journal_is_meant_only_where_stderr_leads_there(tmp_path: Path) -> None:
    """A child of a service inherits JOURNAL_STREAM, and may have its stderr in a file."""
    journal = Journal(str(tmp_path / "nowhere"))
    with (tmp_path / "log").open("w") as out:
        about = os.fstat(out.fileno())
        here = {"JOURNAL_STREAM": f"{about.st_dev}:{about.st_ino}"}
        elsewhere = {"JOURNAL_STREAM": f"{about.st_dev}:{about.st_ino + 1}"}
        assert isinstance(writer_for("auto", out, here, lambda: journal), ToJournal)
        assert isinstance(writer_for("auto", out, elsewhere, lambda: journal), OnTerminal)
        assert isinstance(writer_for("text", out, here, lambda: journal), OnTerminal)
        assert isinstance(writer_for("json", out, here, lambda: journal), AsJson)
        assert isinstance(writer_for("journal", out, {}, lambda: journal), ToJournal)
    journal.close()


# --- repeats --------------------------------------------------------------------------------------


def test_a_flood_of_warnings_is_summed_up(desk: Desk, out: io.StringIO) -> None:
    for n in range(313):
        desk.clock.now_s = n / 50
        desk.log.warning("delta skipped item=%s: never announced", f"item_{n}")
    assert told(out) == ["WARNING delta skipped item=item_0: never announced"]
    desk.clock.now_s = 10.0
    desk.book.tend()
    assert told(out)[1:] == [
        "WARNING delta skipped item=item_312 repeats=312 in_s=6.2: never announced"
    ]


def test_other_words_are_no_repeat(desk: Desk, out: io.StringIO) -> None:
    for mistake in ("[turns] threshold", "[playout] min_ms", "[turns] threshold"):
        desk.log.warning("settings refused, the old ones go on: %s", mistake)
    assert len(told(out)) == 2


def test_each_turn_is_told_however_alike(desk: Desk, out: io.StringIO) -> None:
    for _ in range(50):
        desk.log.info(Entry("turn", {"outcome": "answered"}, canonical=True))
    assert len(told(out)) == 50


def test_steps_that_are_alike_are_told_until_they_are_a_flood(desk: Desk, out: io.StringIO) -> None:
    for n in range(100):
        desk.log.info("playout played item=%s heard_ms=%d", f"item_{n}", n)
    assert len(told(out)) == 20
    desk.book.close()
    assert told(out)[20:] == ["INFO    playout played item=item_99 heard_ms=99 repeats=80 in_s=0.0"]


def test_steps_that_were_asked_for_are_all_told(out: io.StringIO) -> None:
    desk = Desk(OnTerminal(out, colours=False), out, verbose=True)
    for _ in range(100):
        desk.log.debug("-> session.update")
    assert len(told(out)) == 100


# --- secrets --------------------------------------------------------------------------------------


@pytest.mark.parametrize("writer", [lambda out: OnTerminal(out, colours=False), AsJson])
def test_no_secret_is_written_wherever_it_stands(writer: type[AsJson], out: io.StringIO) -> None:
    desk = Desk(writer(out), out)
    desk.book.masks.learn(OPAQUE)
    for secret in (KEY, OPAQUE):
        desk.log.warning("%s refused code=%s message=%r: %s", secret, secret, f"a {secret}", secret)
        desk.log.warning(f"{secret} in the line itself")  # noqa: G004  somebody may
        desk.log.warning(Entry(secret, {"x": secret}, secret, canonical=True))
        desk.log.warning("broken %d", secret)
    assert out.getvalue().count("[masked]") >= 12
    assert MARK not in out.getvalue()


def test_no_secret_reaches_the_journal(journald: socket.socket, out: io.StringIO) -> None:
    desk = Desk(ToJournal(out, Journal(journald.getsockname())), out)
    desk.log.warning("refused code=%s: %s", KEY, f"Bearer {OPAQUE}")
    assert MARK not in journald.recv(9999).decode()
    desk.book.close()


# --- a log that can't be written ------------------------------------------------------------------


def test_a_full_disk_is_no_reason_to_stop_or_to_print_a_trace(
    capsys: pytest.CaptureFixture[str],
) -> None:
    # The last of it fails once more when the file is closed.
    with suppress(OSError), Path("/dev/full").open("w", buffering=1) as full:
        desk = Desk(OnTerminal(full, colours=False), full)
        for _ in range(3):
            desk.log.info(Entry("turn", canonical=True))
        assert desk.book.unwritten == 3
        again = io.StringIO()
        desk.book.writer = OnTerminal(again, colours=False)
        desk.log.info("again")
        assert told(again) == ["WARNING log lines lost count=3", "INFO    again"]
    assert capsys.readouterr() == ("", "")


# --- the timeline and the words -------------------------------------------------------------------


@contextmanager
def following(story: Story, settings: Log, out: io.StringIO) -> Iterator[Logbook]:
    """As `voiced run -v` does."""
    book = Logbook(OnTerminal(out, colours=False), out, verbose=True, clock_s=trio.current_time)
    ours = logging.getLogger("voiced")
    ours.addHandler(book)
    ours.setLevel("DEBUG")
    try:
        yield book
    finally:
        ours.removeHandler(book)
        ours.setLevel("NOTSET")


async def a_turn(story: Story, nursery: trio.Nursery, settings: Log, out: io.StringIO) -> None:
    with following(story, settings, out) as book:
        await trio.sleep(5)
        await story.begin(nursery)
        story.daemon.board.follow(book.follow)
        nursery.start_soon(book.attend, story.daemon.board, settings)
        story.server.hangs_up()
        await story.for_ms(1500)
        item = story.server.hears_speech()
        await story.for_ms(700)
        story.server.hears_silence(
            at_ms=2200
        )  # of audio, which a second before the session is part of
        story.server.understands(item, "what time is it", final=True)
        answer = story.server.begins()
        answer.writes("it is noon\x1b[2J", final=True)
        answer.sends(1000)
        answer.ends()
        await story.for_ms(3000)


async def test_every_step_has_its_time_since_the_session_began(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    out = io.StringIO()
    await a_turn(story, nursery, Log(), out)
    lines = [" ".join(line.split()) for line in told(out)]
    began = next(n for n, line in enumerate(lines) if line.startswith("+0 DEBUG * dialling"))
    steps = [line for line in lines[began:] if " * " in line]
    assert [step.split(" * ")[1].split(" item=")[0] for step in steps] == [
        "dialling at_ms=0",
        "ready at_ms=0",
        "speech start at_ms=500",
        "speech end at_ms=700",
        "speech stopped at_ms=1200",
        "committed at_ms=1200",
        "response created at_ms=1200",
        "first delta at_ms=1200",
        "first sound at_ms=1200",
        "played at_ms=2200",
    ]
    assert any("-> session.update" in line for line in lines[began:])
    assert any("+2200 INFO turn outcome=answered" in line for line in lines)


@pytest.mark.parametrize("wanted", [False, True])
async def test_words_are_in_the_log_only_if_their_owner_wants_that(
    wanted: bool, story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    out = io.StringIO()
    await a_turn(story, nursery, Log(transcripts=wanted), out)
    assert ("who=user" in out.getvalue()) == wanted
    assert ("what time is it" in out.getvalue()) == wanted
    assert ("it is noon" in out.getvalue()) == wanted
    assert "\x1b" not in out.getvalue()
