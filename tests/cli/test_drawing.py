"""How the picture looks, on terminals of all sizes, whatever is in it."""

import io
from typing import Any

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from tests.cli.test_picture import LINK, card, phase, words
from voiced.cli.drawing import Painter, rows
from voiced.cli.picture import Picture

SIZES = [(80, 24), (60, 24), (60, 8), (132, 50), (20, 4), (1, 1)]


def pen(**options: Any) -> Console:
    return Console(
        file=io.TextIOWrapper(io.BytesIO(), encoding=options.pop("encoding", "utf-8")),
        force_terminal=True,
        color_system=options.pop("color_system", "standard"),
        width=200,
        _environ=options,
    )


def full() -> Picture:
    """Everything that can be on it is."""
    picture = Picture()
    picture.meets({"version": "1.2", "topics": ["transcript"], "methods": []})
    bill = {"total_tokens": 5000, "cost": 0.42, "currency": "USD"}
    budget = {"level": "warned", "share": 0.84, "why": "84 % of the day's budget is spent"}
    picture.reads(
        card(
            why="the loudspeaker is gone",
            turns={"answered": 3, "cut": 1},
            latencies_ms={"total": {"p50": 640, "p95": 900}, "created": {"p50": 90, "p95": 120}},
            tally={"frames_dropped": 12},
            usage={"today": bill, "session": bill, "month": bill, "budget": budget},
        ),
        100.0,
    )
    turn = {
        "at_s": 1.0,
        "outcome": "cut",
        "figures_ms": {"total": 611, "silence": 12},
        "heard_ms": 1200,
        "of_ms": 3000,
    }
    picture.event("turn", turn, 100.0)
    fault = {"at_s": 1.0, "what": "device_lost", "why": "it was unplugged", "link": LINK}
    picture.event("fault", fault, 100.0)
    picture.event("phase", phase("cooling_down", strikes=2, resumes_in_s=8.0), 100.0)
    picture.event("transcript", words("What time is it?", final=True), 100.0)
    picture.event("transcript", words("Nine o'clock", who="assistant", item_id="b"), 100.0)
    picture.event("level", {"at_s": 1.0, "user_dbfs": -20.0, "assistant_dbfs": -3.0}, 100.0)
    picture.event("tally", {"counts": {"frames_dropped": 13}}, 100.0)
    picture.event("lagged", {"count": 5}, 100.0)
    return picture


def gone(why: str, picture: Picture | None = None) -> Picture:
    picture = picture or Picture()
    picture.absence, picture.away = "voiced is not running", why
    return picture


def lines(picture: Picture, width: int = 79, height: int = 24) -> list[str]:
    return [row.plain.rstrip() for row in rows(picture, 104.0, width, height, pen())]


def test_a_whole_screen() -> None:
    text = "\n".join(lines(full(), 100, 40))
    for part in (
        " cooling down  for 4 s",
        "voiced 1.2  q ends",
        "quiet  volume 70 %",  # four seconds later
        "user  What time is it?",
        "assistant  Nine o'clock",
        "last turn: cut, heard 1.2 of 3.0 s",
        "turns       3 answered, 1 cut",
        "ms          total  created  silence",
        "last          611        -       12",
        "p50           640       90        -",
        "link        sess_1, 1 connection, 2 faults in a row, again in 4 s",
        "last fault  4 s ago: device lost it was unplugged",
        "usage       session 0.42 USD, 5000 tokens; today 0.42 USD",
        "budget      84 % of the day's budget is spent",
        "lost        frames dropped 13",
        "not seen    5 events",
    ):
        assert part in text, f"{part}\n\n{text}"


def test_meters_show_how_loud() -> None:
    picture = full()
    text = [row.plain for row in rows(picture, 100.0, 79, 24, pen())]
    assert any("microphone" in line and "█ " not in line and "░  -20 dB" in line for line in text)
    assert any("loudspeaker" in line and "░   -3 dB  volume" in line for line in text)
    text = [row.plain for row in rows(picture, 100.0, 79, 24, pen(encoding="ascii"))]
    assert any("microphone" in line and "##" in line and "--" in line for line in text)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_it_fits_any_terminal(width: int, height: int) -> None:
    for picture in (Picture(), full(), gone("no socket at " + "x" * 300)):
        drawn = rows(picture, 104.0, width, height, pen())
        assert 0 < len(drawn) <= height
        assert all(row.cell_len <= max(width, 20) for row in drawn)


def test_on_a_small_one_words_and_phase_stay() -> None:
    text = "\n".join(lines(full(), 59, 8))
    assert "cooling down" in text
    assert "Nine o'clock" in text


def test_a_device_that_is_gone_shows_no_level() -> None:
    picture = full()
    picture.reads(card(devices={"microphone": {"fault": "unplugged"}}), 100.0)
    assert " microphone  unplugged" in lines(picture)


def test_who_may_not_read_is_told_why() -> None:
    picture = Picture()
    picture.meets({"version": "1.2", "topics": ["phase"], "methods": []})
    picture.reads(card(), 100.0)
    assert any('takes the right "words"' in line for line in lines(picture))


def test_a_daemon_that_hangs_or_is_gone_is_said() -> None:
    picture = full()
    picture.asks(90.0)
    assert any("has not answered for 14 s" in line for line in lines(picture))
    picture = gone("voiced has ended, or closed /run/voiced/control.sock", full())
    assert lines(picture, 59)[0].startswith(" voiced is not running ")
    assert lines(picture, 59)[1].strip() == "voiced has ended, or closed"
    assert lines(picture, 59)[2].strip() == "/run/voiced/control.sock"
    assert any("Nine o'clock" in line for line in lines(picture))


# --- onto a terminal ------------------------------------------------------------------------------


class Terminal:
    """A terminal that obeys, and counts."""

    def __init__(self, columns: int = 80, height: int = 24, **options: Any) -> None:
        self.columns, self.height = columns, height
        self.screen = pyte.Screen(columns, height)
        self.stream = pyte.Stream(self.screen)
        self.painter = Painter(pen(**options))

    def shows(self, picture: Picture, now_s: float) -> str:
        sent = self.painter.paint(picture, now_s, self.columns, self.height)
        self.stream.feed(sent)
        return sent

    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.screen.display]


def test_only_what_changes_is_sent() -> None:
    terminal, picture = Terminal(), full()
    assert len(terminal.shows(picture, 104.0)) > 1000
    assert terminal.shows(picture, 104.0) == ""
    picture.event("level", {"at_s": 1.0, "user_dbfs": -20.0}, 104.1)
    sent = terminal.shows(picture, 104.1)
    assert 0 < len(sent) < 300
    assert "microphone" in sent
    terminal.painter.forget()
    assert len(terminal.shows(picture, 104.1)) > 1000


def test_a_terminal_of_another_size_is_drawn_afresh() -> None:
    terminal, picture = Terminal(), full()
    terminal.shows(picture, 104.0)
    terminal.columns, terminal.height = 60, 10
    terminal.screen.resize(10, 60)
    terminal.shows(picture, 104.0)
    assert terminal.lines() == lines(picture, 59, 10)


def test_without_colours() -> None:
    coloured, plain = Terminal(), Terminal(NO_COLOR="1")
    assert "\x1b[1;30;43m" in coloured.shows(full(), 104.0)
    sent = plain.shows(full(), 104.0)
    assert not any(f"\x1b[{code}" in sent for code in ("30", "1;30", "32", "90"))
    assert coloured.lines() == plain.lines()


HOSTILE = [
    "\x1b[2J\x1b[H\x1b]0;title\x07\x9b31m",
    "[red]markup[/red] [link=file:///etc]x[/link] :smile: \\[",
    "\r\n\v\f\b\x00\x7f\u2028\u2029",
    "\u202eright to left\u202c שלום עולם مرحبا",
    "日本語のテキスト" * 40,
    "e" + "\u0301" * 300,
    "👩‍👩‍👧‍👦🇩🇪👍🏽" * 20,
    "\ud800\ufffe\U000e0001",
    "x" * 5000,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_words_from_far_away_are_words(text: str) -> None:
    check(text)


@given(st.text(st.characters(), max_size=200))
def test_any_words_are_words(text: str) -> None:
    check(text)


def check(text: str) -> None:
    """Wherever it stands, the rest of the screen stays what and where it is."""
    picture = full()
    picture.event("transcript", words(text, item_id="evil"), 104.0)
    picture.why = text
    picture.devices = {"microphone": {"fault": text}}
    drawn = rows(picture, 104.0, 79, 24, pen())
    assert len(drawn) <= 24
    for row in drawn:
        assert row.cell_len == cell_len(row.plain) <= 79
        assert row.plain.isprintable()
    sent = Terminal().painter.paint(picture, 104.0, 80, 24)
    for piece in sent.split("\x1b")[1:]:  # only what we draw with
        assert piece[0] == "["
        assert piece.lstrip("[?0123456789;")[0] in "JHKmhl"
    assert not set(sent) & set(map(chr, [*range(27), *range(28, 32), 127, 0x9B]))
