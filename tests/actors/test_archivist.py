"""The Archivist: writes what changed, not more often than it must, and never keeps us from stopping."""

import threading
from collections.abc import Sequence

import attrs
import pytest
import trio

from voiced.actors import archivist as module
from voiced.actors.archivist import Archivist
from voiced.link.memory import Entry, Memory
from voiced.realtime.client_events import UserText

HELLO = Entry(1, (UserText("hello"),))


@attrs.define(eq=False)
class Shelf:
    """An archive in memory; `stuck` while it is set and not fired."""

    kept: tuple[Entry, ...] = ()
    written: list[tuple[Entry, ...]] = attrs.field(factory=list)
    stuck: threading.Event | None = None
    news: trio.Event = attrs.field(factory=trio.Event)

    def read(self) -> tuple[Entry, ...]:
        return self.kept

    def write(self, entries: Sequence[Entry]) -> None:
        if self.stuck is not None:
            self.stuck.wait(20)
        self.written.append(tuple(entries))
        trio.from_thread.run_sync(self.news.set)

    def remove(self) -> None:
        raise AssertionError("never asked to")


async def test_what_changed_is_written_and_nothing_else() -> None:
    memory, shelf = Memory(), Shelf((HELLO,))
    archivist = Archivist(memory, shelf, tokens=2000, every_s=0.01)
    archivist.begin()
    assert memory.carry(100) == (HELLO,)
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(archivist.run)
            memory.fills(UserText, "u", "and goodbye")
            await shelf.news.wait()
            nursery.cancel_scope.cancel()
    assert shelf.written == [(HELLO, Entry(2, (UserText("and goodbye"),)))]


async def test_what_was_recalled_is_not_written_again() -> None:
    """Or a restart would make it young again."""
    shelf = Shelf((HELLO,))
    archivist = Archivist(Memory(), shelf, tokens=2000)
    archivist.begin()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(archivist.run)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert shelf.written == []


async def test_no_more_is_written_than_a_session_would_be_told() -> None:
    memory, shelf = Memory(), Shelf()
    for n in range(10):
        memory.fills(UserText, f"item_{n}", "four")
    archivist = Archivist(memory, shelf, tokens=10)
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(archivist.run)
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()  # the last word before the end
    assert shelf.written == [memory.carry(10)]
    assert len(memory.carry(10)) == 2


async def test_a_disk_that_hangs_keeps_nobody_from_stopping(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WRITE_LIMIT_S", 0.05)
    memory, shelf = Memory(), Shelf(stuck=threading.Event())
    memory.fills(UserText, "u", "hello")
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Archivist(memory, shelf, tokens=100).run)
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
    (line,) = caplog.messages
    assert line.startswith("context not written within")
    assert shelf.stuck is not None
    shelf.stuck.set()  # or its thread would outlive the test by much
    await shelf.news.wait()
