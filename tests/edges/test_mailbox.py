"""Where the audio thread leaves blocks: it never waits, and whoever collects is woken once for many."""

import sys
import threading
from collections.abc import Iterator

import pytest
import trio
import trio.testing

from voiced.edges.mailbox import Mailbox


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox(8)


@pytest.fixture
def restless_threads() -> Iterator[None]:
    """Let threads alternate as often as Python can, so that what can happen between two does."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


async def test_blocks_are_collected_in_order(mailbox: Mailbox) -> None:
    for number in range(5):
        mailbox.leave(bytes([number]))
    with trio.fail_after(5):
        assert await mailbox.collect() == [bytes([n]) for n in range(5)]
    assert mailbox.lost == 0
    mailbox.close()


async def test_when_nobody_collects_the_oldest_are_lost_and_counted(mailbox: Mailbox) -> None:
    for number in range(20):
        mailbox.leave(bytes([number]))
    with trio.fail_after(5):
        assert await mailbox.collect() == [bytes([n]) for n in range(12, 20)]
    assert mailbox.lost == 12
    mailbox.close()


async def test_who_waits_is_woken_by_another_thread(mailbox: Mailbox) -> None:
    async def leave_soon() -> None:
        await trio.testing.wait_all_tasks_blocked()
        await trio.to_thread.run_sync(mailbox.leave, b"from afar")

    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(leave_soon)
            assert await mailbox.collect() == [b"from afar"]
    mailbox.close()


async def test_an_empty_mailbox_makes_the_collector_wait(
    mailbox: Mailbox, autojump_clock: trio.abc.Clock
) -> None:
    mailbox.leave(b"one")
    assert await mailbox.collect() == [b"one"]
    with trio.move_on_after(60) as patience:
        await mailbox.collect()
    assert patience.cancelled_caught
    mailbox.leave(b"two")  # and being given up has broken nothing
    assert await mailbox.collect() == [b"two"]
    mailbox.close()


async def test_many_blocks_make_one_wake_up(
    mailbox: Mailbox, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    collected: list[int] = []

    async def collector() -> None:
        while blocks := await mailbox.collect():
            collected.append(len(blocks))

    nursery.start_soon(collector)
    await trio.testing.wait_all_tasks_blocked()
    for _ in range(10_000):  # the loop is late
        mailbox.leave(b"block")
    await trio.sleep(1)
    assert collected == [8]
    mailbox.end()


async def test_a_wake_up_that_comes_after_its_block_was_taken_is_not_the_end(
    mailbox: Mailbox, autojump_clock: trio.abc.Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The audio thread leaves a block just when the bell was silenced and the rest is being taken."""
    take_all = Mailbox._take_all

    def late(mailbox: Mailbox) -> list[bytes]:
        monkeypatch.undo()
        mailbox.leave(b"two")
        return take_all(mailbox)

    monkeypatch.setattr(Mailbox, "_take_all", late)
    mailbox.leave(b"one")
    assert await mailbox.collect() == [b"one", b"two"]
    with trio.move_on_after(60) as patience:
        await mailbox.collect()
    assert patience.cancelled_caught, "nothing came, and yet it is not the end"
    mailbox.close()


async def test_the_end_wakes_who_waits_with_nothing(mailbox: Mailbox) -> None:
    async def end_soon() -> None:
        await trio.testing.wait_all_tasks_blocked()
        await trio.to_thread.run_sync(mailbox.end)

    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(end_soon)
            assert await mailbox.collect() == []
    mailbox.close()


async def test_what_was_left_before_the_end_is_collected_and_then_the_end_is_told(
    mailbox: Mailbox,
) -> None:
    mailbox.leave(b"last")
    mailbox.end()
    with trio.fail_after(5):
        assert await mailbox.collect() == [b"last"]
        assert await mailbox.collect() == []
        assert await mailbox.collect() == []
    mailbox.close()


async def test_a_busy_audio_thread_and_a_busy_collector_agree_on_every_block(
    mailbox: Mailbox, restless_threads: None
) -> None:
    total = 50_000
    collected: list[int] = []

    def audio_thread() -> None:
        for number in range(total):
            mailbox.leave(number.to_bytes(4, "little"))
        mailbox.end()

    thread = threading.Thread(target=audio_thread, daemon=True)
    thread.start()
    with trio.fail_after(60):
        while blocks := await mailbox.collect():
            collected += [int.from_bytes(block, "little") for block in blocks]
    thread.join(timeout=60)
    assert not thread.is_alive(), "the audio thread hangs"
    assert collected == sorted(set(collected)), "out of order or twice"
    assert len(collected) + mailbox.lost == total
    mailbox.close()
