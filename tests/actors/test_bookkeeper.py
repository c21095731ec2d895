"""Losses in the log: two lines for each run of them, however many there are."""

import pytest
import trio

from voiced.actors.bookkeeper import Bookkeeper


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
    for lost, now in ((7, 1), (0, 2), (0, 3), (5, 4), (0, 5)):
        losses.lose("frames", lost)
        bookkeeper.look(now)
    assert [line for line in said(caplog) if "count" in line] == [
        "lost frames count=7 in_s=1.0",
        "lost frames count=5 in_s=1.0",
    ]


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
