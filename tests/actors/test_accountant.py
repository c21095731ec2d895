"""The Accountant at its books: it writes what changed, and never keeps us from stopping."""

import threading
from collections.abc import Mapping
from datetime import date, datetime

import attrs
import pytest
import trio

from voiced.account.budget import Budget
from voiced.account.prices import Prices
from voiced.account.usage import Kind, Used
from voiced.actors import accountant as module
from voiced.actors.accountant import Accountant
from voiced.counts import Counts
from voiced.notices import NoticeBoard
from voiced.ports import Books
from voiced.realtime.objects import Usage

NOON = datetime(2026, 11, 21, 12)
FIVE = Usage(input_tokens=5)


@attrs.define(eq=False)
class Shelf:
    """Books in memory; `stuck` while it is set and not fired."""

    days: Mapping[date, Used] = attrs.field(factory=dict)
    writings: int = 0
    closed: bool = False
    stuck: threading.Event | None = None
    news: trio.Event = attrs.field(factory=trio.Event)

    def open(self) -> Mapping[date, Used]:
        return self.days

    def write(self, days: Mapping[date, Used]) -> None:
        if self.stuck is not None:
            self.stuck.wait(20)
        self.days = days
        self.writings += 1
        trio.from_thread.run_sync(self.news.set)

    def close(self) -> None:
        self.closed = True


def accountant(books: Books | None) -> Accountant:
    made = Accountant(
        board=NoticeBoard(),
        counts=Counts(),
        prices=Prices(),
        budget=Budget(),
        now=lambda: NOON,
        books=books,
    )
    made.begin()
    return made


async def test_what_was_used_is_written_at_once_and_once_more_at_the_end() -> None:
    shelf = Shelf({NOON.date(): Used({Kind.TEXT_OUT: 1})})
    ours = accountant(shelf)
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ours.run)
            ours.responded(FIVE)
            await shelf.news.wait()
            ours.responded(FIVE)
            nursery.cancel_scope.cancel()
    assert shelf.days == {NOON.date(): Used({Kind.TEXT_OUT: 1, Kind.AUDIO_IN: 10})}
    assert (shelf.writings, shelf.closed) == (2, True)


async def test_where_nothing_was_used_nothing_is_written() -> None:
    shelf = Shelf()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(accountant(shelf).run)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert (shelf.writings, shelf.closed) == (0, True)


async def test_account_is_kept_without_books_too() -> None:
    ours = accountant(None)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ours.run)
        ours.responded(FIVE)
        ours.transcribed(None)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert ours.board.status.usage.today.used == Used({Kind.AUDIO_IN: 5})
    assert ours.counts.unmetered == 1


async def test_a_disk_that_hangs_keeps_nobody_from_stopping_and_nobody_else_may_write_then(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WRITE_LIMIT_S", 0.05)
    shelf = Shelf(stuck=threading.Event())
    ours = accountant(shelf)
    ours.responded(FIVE)
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ours.run)
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
    assert caplog.messages[-1].startswith("usage not written within")
    assert not shelf.closed
    assert shelf.stuck is not None
    shelf.stuck.set()  # or its thread would outlive the test by much
    await shelf.news.wait()
