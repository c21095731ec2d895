"""The only queue: what it does when it is full is its name, and every loss is in its tally."""

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from voiced.channel import Channel, Tally, WhenFull, is_landmark


def channel(when_full: WhenFull, capacity: int = 3) -> Channel[int]:
    return Channel("numbers", capacity, when_full)


def taken(numbers: Channel[int]) -> list[int]:
    out = []
    while (number := numbers.receive_nowait()) is not None:
        out.append(number)
    return out


losing = pytest.mark.parametrize("when_full", [WhenFull.DROP_OLDEST, WhenFull.DROP_NEWEST])


@pytest.mark.parametrize("when_full", WhenFull)
def test_a_channel_holds_at_least_one_thing(when_full: WhenFull) -> None:
    with pytest.raises(ValueError, match="numbers: a channel holds at least one thing"):
        channel(when_full, capacity=0)


@losing
def test_up_to_its_capacity_nothing_is_lost(when_full: WhenFull) -> None:
    numbers = channel(when_full)
    assert [numbers.offer(n) for n in (1, 2, 3)] == [True, True, True]
    assert len(numbers) == 3
    assert taken(numbers) == [1, 2, 3]
    assert numbers.tally == Tally(offered=3)


def test_fresh_beats_stale_where_the_oldest_is_dropped() -> None:
    numbers = channel(WhenFull.DROP_OLDEST)
    assert [numbers.offer(n) for n in range(5)] == [True, True, True, False, False]
    assert taken(numbers) == [2, 3, 4]
    assert numbers.tally == Tally(offered=5, dropped=2)


def test_promised_beats_offered_where_the_newest_is_dropped() -> None:
    numbers = channel(WhenFull.DROP_NEWEST)
    assert [numbers.offer(n) for n in range(5)] == [True, True, True, False, False]
    assert taken(numbers) == [0, 1, 2]
    assert numbers.tally == Tally(offered=5, dropped=2)


@given(
    st.sampled_from([WhenFull.DROP_OLDEST, WhenFull.DROP_NEWEST]),
    st.integers(1, 5),
    st.lists(st.sampled_from(["offer", "receive", "discard"]), max_size=60),
)
def test_everything_offered_is_received_waiting_dropped_or_discarded(
    when_full: WhenFull, capacity: int, steps: list[str]
) -> None:
    numbers = channel(when_full, capacity)
    offered, received = 0, []
    for step in steps:
        if step == "offer":
            offered += 1
            numbers.offer(offered)
        elif step == "discard":
            numbers.discard_all()
        elif (number := numbers.receive_nowait()) is not None:
            received.append(number)
        assert len(numbers) <= capacity
    tally = numbers.tally
    assert tally.offered == offered
    assert offered == len(received) + len(numbers) + tally.dropped + tally.discarded
    assert received == sorted(set(received)), "out of order or twice"


async def test_who_waits_gets_it_at_once_and_nothing_is_dropped(nursery: trio.Nursery) -> None:
    numbers = channel(WhenFull.DROP_OLDEST, capacity=1)
    got = []

    async def receiver() -> None:
        got.append(await numbers.receive())

    nursery.start_soon(receiver)
    await trio.testing.wait_all_tasks_blocked()
    assert numbers.offer(1)
    assert numbers.offer(2)  # the first has found its receiver: there is room for another
    await trio.testing.wait_all_tasks_blocked()
    assert got == [1]
    assert taken(numbers) == [2]


async def test_a_waiting_channel_makes_the_sender_wait(
    nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    numbers = channel(WhenFull.WAIT, capacity=1)
    await numbers.send(1)
    with trio.move_on_after(5) as patience:
        await numbers.send(2)
    assert patience.cancelled_caught
    assert await numbers.receive() == 1
    with trio.fail_after(5):
        await numbers.send(3)
    assert numbers.tally.dropped == 0


async def test_the_two_verbs_do_not_mix() -> None:
    with pytest.raises(TypeError, match="numbers never drops: await send"):
        channel(WhenFull.WAIT).offer(1)
    for when_full in (WhenFull.DROP_OLDEST, WhenFull.DROP_NEWEST):
        with pytest.raises(TypeError, match=r"numbers never waits: offer\(\)"):
            await channel(when_full).send(1)


@losing
async def test_offering_is_legal_in_the_clean_up_of_a_cancelled_task(when_full: WhenFull) -> None:
    numbers = channel(when_full)
    with trio.CancelScope() as scope:
        scope.cancel()
        try:
            await trio.sleep_forever()
        finally:
            with trio.testing.assert_no_checkpoints():
                numbers.offer(1)
                discarded = numbers.discard_all()
                numbers.offer(2)
            assert discarded == 1
    assert taken(numbers) == [2]


@losing
async def test_what_waits_at_the_close_can_still_be_received(when_full: WhenFull) -> None:
    numbers = channel(when_full)
    numbers.offer(1)
    numbers.offer(2)
    numbers.close()
    numbers.close()  # twice is once
    assert [number async for number in numbers] == [1, 2]
    with pytest.raises(trio.EndOfChannel):
        await numbers.receive()
    assert numbers.receive_nowait() is None


async def test_a_waiting_receiver_learns_of_the_close(nursery: trio.Nursery) -> None:
    numbers = channel(WhenFull.DROP_OLDEST)
    ended = trio.Event()

    async def receiver() -> None:
        async for _ in numbers:
            pass
        ended.set()

    nursery.start_soon(receiver)
    await trio.testing.wait_all_tasks_blocked()
    numbers.close()
    with trio.fail_after(5):
        await ended.wait()


def test_what_is_thrown_away_on_purpose_is_counted_as_that() -> None:
    numbers = channel(WhenFull.DROP_OLDEST)
    for n in range(5):
        numbers.offer(n)
    assert numbers.discard_all() == 3
    assert numbers.discard_all() == 0
    assert len(numbers) == 0
    assert numbers.tally == Tally(offered=5, dropped=2, discarded=3)


async def test_some_are_received_at_once_but_never_more_than_wanted() -> None:
    numbers = channel(WhenFull.DROP_OLDEST, capacity=5)
    for n in range(5):
        numbers.offer(n)
    numbers.close()
    assert await numbers.receive_some(3) == [0, 1, 2]
    assert await numbers.receive_some(3) == [3, 4]
    with pytest.raises(trio.EndOfChannel):
        await numbers.receive_some(3)


async def test_some_are_waited_for_if_there_are_none(
    nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    numbers = channel(WhenFull.DROP_OLDEST)

    async def offer_later() -> None:
        await trio.sleep(1)
        numbers.offer(7)
        numbers.offer(8)

    nursery.start_soon(offer_later)
    with trio.fail_after(5):
        got = await numbers.receive_some(3)
        if len(got) == 1:  # the first finds its receiver at once
            got += await numbers.receive_some(3)
    assert got == [7, 8]


def test_an_empty_channel_gives_nothing_without_waiting() -> None:
    assert channel(WhenFull.DROP_OLDEST).receive_nowait() is None


def test_only_the_first_tenth_hundredth_loss_deserves_a_line() -> None:
    assert [n for n in range(100_001) if is_landmark(n)] == [1, 10, 100, 1000, 10_000, 100_000]
