"""Losses in the log: two lines for each run of them, however many there are."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from voiced.actors.bookkeeper import Bookkeeper
from voiced.logbook.entry import Entry


class Losses:
    """Numbers that a test makes grow."""

    def __init__(self, *names: str) -> None:
        self.counts = dict.fromkeys(names, 0)

    def lose(self, name: str, count: int) -> None:
        self.counts[name] += count

    def bookkeeper(self) -> Bookkeeper:
        return Bookkeeper({name: lambda name=name: self.counts[name] for name in self.counts})  # type: ignore[misc]  # mypy can't infer a lambda's default


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_nothing_lost_is_nothing_said(caplog: pytest.LogCaptureFixture) -> None:
    bookkeeper = Losses("frames").bookkeeper()
    for now in range(10):
        bookkeeper.look(now)
    assert said(caplog) == []


def test_a_run_of_losses_has_two_lines(caplog: pytest.LogCaptureFixture) -> None:
    losses = Losses("frames")
    bookkeeper = losses.bookkeeper()
    bookkeeper.look(0)
    for now in (1, 2, 3):
        losses.lose("frames", 50)
        bookkeeper.look(now)
    assert said(caplog) == ["losing frames"]
    for now in (4, 5, 6):
        bookkeeper.look(now)
    assert said(caplog) == ["losing frames", "lost frames count=150 in_s=3.0"]


def test_each_run_is_counted_for_itself(caplog: pytest.LogCaptureFixture) -> None:
    losses = Losses("frames")
    bookkeeper = losses.bookkeeper()
    for lost, now in ((7, 1), (0, 2), (0, 3), (5, 70), (0, 71)):
        losses.lose("frames", lost)
        bookkeeper.look(now)
    assert [line for line in said(caplog) if "count" in line] == [
        "lost frames count=7 in_s=1.0",
        "lost frames count=5 in_s=1.0",
    ]


def test_what_goes_on_and_off_has_no_line_for_each_second(
    caplog: pytest.LogCaptureFixture,
) -> None:
    losses = Losses("frames")
    bookkeeper = losses.bookkeeper()
    for now in range(100):
        losses.lose("frames", now % 2)
        bookkeeper.look(now)
    for now in range(100, 120):
        bookkeeper.look(now)
    assert said(caplog) == [
        "losing frames",
        "lost frames count=1 in_s=1.0",
        "losing frames",
        "losing frames count=31 in_s=61.0",
        "lost frames count=18 in_s=37.0",
    ]


def test_what_was_wrong_meanwhile_is_said_even_if_it_is_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    losses, wrong = Losses("frames"), ["", "link down", ""]
    bookkeeper = losses.bookkeeper()
    bookkeeper.cause = lambda: wrong.pop(0)
    for now in (1, 2, 3):
        losses.lose("frames", 52 * (now < 3))
        bookkeeper.look(now)
    assert said(caplog) == ["losing frames", "lost frames count=104 in_s=2.0: link down"]


@given(st.lists(st.integers(0, 3), max_size=200))
def test_the_lines_add_up(lost: list[int]) -> None:
    losses, told = Losses("frames"), Counted()
    bookkeeper = losses.bookkeeper()
    with told.on("voiced.actors.bookkeeper"):
        for now, count in enumerate([*lost, *[0] * 12]):
            losses.lose("frames", count)
            bookkeeper.look(now)
    assert told.count == sum(lost)


class Counted(logging.Handler):
    """Adds up what lines tell."""

    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        assert isinstance(record.msg, Entry)
        self.count += int(record.msg.fields.get("count", 0))

    @contextmanager
    def on(self, name: str) -> Iterator[None]:
        logger = logging.getLogger(name)
        logger.addHandler(self)
        yield
        logger.removeHandler(self)


def test_kinds_of_loss_are_kept_apart(caplog: pytest.LogCaptureFixture) -> None:
    losses = Losses("frames", "events")
    bookkeeper = losses.bookkeeper()
    losses.lose("frames", 1)
    bookkeeper.look(1)
    losses.lose("events", 2)
    bookkeeper.look(2)
    bookkeeper.look(3)
    assert said(caplog) == [
        "losing frames",
        "lost frames count=1 in_s=1.0",
        "losing events",
        "lost events count=2 in_s=1.0",
    ]


def test_what_was_lost_before_the_first_look_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    losses = Losses("frames")
    losses.lose("frames", 3)
    bookkeeper = losses.bookkeeper()
    bookkeeper.look(1)
    bookkeeper.look(2)
    assert said(caplog)[-1] == "lost frames count=3 in_s=1.0"


async def test_it_looks_once_a_second(
    nursery: trio.Nursery, autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture
) -> None:
    losses = Losses("frames")
    nursery.start_soon(losses.bookkeeper().run)
    await trio.sleep(0.5)
    losses.lose("frames", 1)
    await trio.sleep(0.4)
    assert said(caplog) == []
    await trio.sleep(0.2)
    assert said(caplog) == ["losing frames"]
    await trio.sleep(1.0)
    assert said(caplog)[1:] == ["lost frames count=1 in_s=1.0"]
    nursery.cancel_scope.cancel()
