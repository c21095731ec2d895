"""The only queue: bounded, named, with a policy for being full and a tally of what was lost.

Nothing here knows what flows. Capacity is counted in things; whoever makes a channel of 20 ms
frames divides milliseconds by twenty once, where it is made.
"""

import enum
from typing import Generic, TypeVar

import attrs
import trio

T = TypeVar("T")


class WhenFull(enum.Enum):
    """What a channel does with one thing too many."""

    WAIT = "wait"  # the sender waits: true backpressure
    DROP_OLDEST = "drop_oldest"  # fresh beats stale: live speech
    DROP_NEWEST = "drop_newest"  # promised beats offered: playout


def is_landmark(count: int) -> bool:
    """Whether the *count*-th loss of a kind deserves a log line: the 1st, 10th, 100th, …"""
    return count > 0 and str(count).rstrip("0") == "1"


@attrs.define
class Tally:
    """What went into a channel and what was lost there."""

    offered: int = 0
    dropped: int = 0
    discarded: int = 0  # thrown away on purpose by the receiver: stale speech, a cut answer


@attrs.define(eq=False)
class Channel(Generic[T]):
    """A bounded hand-over between two actors.

    `await send()` may wait (policy WAIT); `offer()` may lose (the two DROP policies) and never
    waits: it has no checkpoint, so it is atomic among tasks and legal in cancelled clean-up.
    The channel holds both of its ends, so a dead receiver breaks nothing: lifetimes come from
    nurseries, not from broken channels.
    """

    name: str
    capacity: int
    when_full: WhenFull
    tally: Tally = attrs.field(init=False, factory=Tally)
    _outlet: trio.MemorySendChannel[T] = attrs.field(init=False, repr=False)
    _inlet: trio.MemoryReceiveChannel[T] = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.capacity < 1:
            raise ValueError(f"{self.name}: a channel holds at least one thing")
        self._outlet, self._inlet = trio.open_memory_channel[T](self.capacity)

    def __len__(self) -> int:
        return self._inlet.statistics().current_buffer_used

    def offer(self, item: T) -> bool:
        """Hand *item* over without waiting; False if anything was lost."""
        if self.when_full is WhenFull.WAIT:
            raise TypeError(f"{self.name} never drops: await send() instead")
        self.tally.offered += 1
        try:
            self._outlet.send_nowait(item)
        except trio.WouldBlock:
            self.tally.dropped += 1
            if self.when_full is WhenFull.DROP_OLDEST:
                self._inlet.receive_nowait()
                self._outlet.send_nowait(item)
            return False
        return True

    async def send(self, item: T) -> None:
        """Hand *item* over, waiting for room if need be."""
        if self.when_full is not WhenFull.WAIT:
            raise TypeError(f"{self.name} never waits: offer() instead")
        self.tally.offered += 1
        await self._outlet.send(item)

    async def receive(self) -> T:
        """Wait for the next thing; `trio.EndOfChannel` once closed and empty."""
        return await self._inlet.receive()

    async def receive_some(self, most: int) -> list[T]:
        """Wait for the next thing, then take along what else is there, *most* in all."""
        things = [await self._inlet.receive()]
        while len(things) < most and (thing := self.receive_nowait()) is not None:
            things.append(thing)
        return things

    def receive_nowait(self) -> T | None:
        """Return the next thing if one is waiting, else None (closed or not)."""
        try:
            return self._inlet.receive_nowait()
        except (trio.WouldBlock, trio.EndOfChannel):
            return None

    def discard_all(self) -> int:
        """Throw away what is waiting; counted, and returned as a number."""
        count = 0
        while self.receive_nowait() is not None:
            count += 1
        self.tally.discarded += count
        return count

    def take_back(self) -> list[T]:
        """Take out again what nobody has received yet, as if it had never been offered."""
        things = []
        while (thing := self.receive_nowait()) is not None:
            things.append(thing)
        self.tally.offered -= len(things)
        return things

    def close(self) -> None:
        """Say that nothing more will come; what is waiting can still be received."""
        self._outlet.close()

    def __aiter__(self) -> "Channel[T]":
        return self

    async def __anext__(self) -> T:
        try:
            return await self._inlet.receive()
        except trio.EndOfChannel:
            raise StopAsyncIteration from None
