"""The conversation on a terminal: lines that stay, and one that moves."""

import io

import pytest

from voiced.cli.show import Screen, bar, printable, tail
from voiced.notices import (
    Happened,
    LevelMeasured,
    Moment,
    Notice,
    Party,
    Phase,
    PhaseChanged,
    Transcribed,
)


def shown(*notices: Notice, live: bool) -> str:
    out = io.StringIO()
    screen = Screen(out, live=live)
    for notice in notices:
        screen.tell(notice)
    return out.getvalue()


def said(at_s: float, text: str, *, final: bool, who: Party = Party.ASSISTANT) -> Transcribed:
    return Transcribed(at_s, who, "item", text, final)


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")


def test_in_a_file_there_are_only_lines_that_stay() -> None:
    text = shown(
        PhaseChanged(1.0, Phase.LISTENING),
        LevelMeasured(1.5, Party.USER, -20.0),
        said(2.0, "what", final=False, who=Party.USER),
        said(2.5, "What time is it?", final=True, who=Party.USER),
        said(3.0, "It is", final=False),
        Happened(3.5, Moment.CUT, "item"),
        said(3.5, "It is half", final=True),
        live=False,
    )
    assert text.splitlines() == [
        "   0.00 s  (listening)",
        "   1.50 s       user: What time is it?",
        "   2.50 s  (interrupted)",
        "   2.50 s  assistant: It is half",
    ]


def test_on_a_terminal_words_grow_on_one_line_that_the_final_ones_replace() -> None:
    text = shown(
        said(1.0, "It is", final=False),
        said(1.1, "It is half", final=False),
        said(2.0, "It is half past three.", final=True),
        live=True,
    )
    *growing, last = text.split("\r\x1b[K")[1:]
    assert [line.strip() for line in growing] == ["assistant: It is", "assistant: It is half"]
    assert "\n" not in "".join(growing)
    assert last == "   1.00 s  assistant: It is half past three.\n"


def test_the_moving_line_never_wraps() -> None:
    text = shown(
        LevelMeasured(1.0, Party.USER, -20.0),
        said(1.0, "one two three " * 20, final=False),
        said(1.0, "一二三" * 20, final=False),
        live=True,
    )
    for line in text.split("\r\x1b[K"):
        assert sum(1 + (char > "\u2e80") for char in line) < 60


def test_a_noise_is_no_line() -> None:
    assert shown(said(1.0, "", final=True), live=False) == ""


def test_a_terminal_is_told_nothing_but_words() -> None:
    assert printable("\x1b[2Jclear\nthis\a ") == "[2Jclear this"


@pytest.mark.parametrize(
    ("text", "columns", "end"),
    [("abc", 5, "abc"), ("abc", 2, "bc"), ("abc", 0, ""), ("a一二", 3, "二"), ("", 3, "")],
)
def test_the_tail_is_what_fits(text: str, columns: int, end: str) -> None:
    assert tail(text, columns) == end


@pytest.mark.parametrize(
    ("dbfs", "full"), [(-90.0, 0), (-60.0, 0), (-30.0, 5), (0.0, 10), (6.0, 10)]
)
def test_a_level_is_a_bar(dbfs: float, full: int) -> None:
    assert bar(dbfs) == "[" + "#" * full + "-" * (10 - full) + "]"
