"""From the microphone to the daemon: every block once, in order, with its shape."""

from collections.abc import Sequence
from typing import NoReturn

import attrs
import pytest
import trio

from voiced.actors.capture import Block, Capture
from voiced.audio.format import Shape
from voiced.channel import Channel, WhenFull
from voiced.counts import Counts
from voiced.faults import DeviceError


@attrs.define(eq=False)
class Heap:
    """A microphone that gives heaps of blocks and then breaks."""

    heaps: list[list[bytes]]
    shape: Shape = attrs.field(factory=lambda: Shape(48_000, 2))
    lost_blocks: int = 0
    overflows: int = 0
    name: str = "a heap"

    async def collect(self) -> Sequence[bytes]:
        await trio.lowlevel.checkpoint()
        if not self.heaps:
            raise DeviceError("unplugged")
        self.lost_blocks += 1
        self.overflows += 2
        return self.heaps.pop(0)

    async def watch(self) -> NoReturn:
        await trio.sleep_forever()
        raise AssertionError


async def test_blocks_come_in_order_and_losses_are_counted() -> None:
    blocks = Channel[Block]("blocks", 10, WhenFull.DROP_OLDEST)
    counts = Counts()
    with pytest.raises(DeviceError, match="unplugged"):
        await Capture(Heap([[b"a"], [b"b", b"c"], [b"d"]]), blocks, counts).run()
    blocks.close()
    assert [block async for block in blocks] == [
        Block(pcm, Shape(48_000, 2)) for pcm in (b"a", b"b", b"c", b"d")
    ]
    assert (counts.lost_blocks, counts.overflows) == (3, 6)


async def test_a_framer_that_stands_still_costs_the_oldest_block() -> None:
    blocks = Channel[Block]("blocks", 2, WhenFull.DROP_OLDEST)
    with pytest.raises(DeviceError):
        await Capture(Heap([[b"a", b"b", b"c"]]), blocks, Counts()).run()
    blocks.close()
    assert [block.pcm async for block in blocks] == [b"b", b"c"]
    assert blocks.tally.dropped == 1
