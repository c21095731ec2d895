"""The microphone as a source of sound for a visit: the daemon's own way from a device to frames."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import attrs
import trio

from voiced.actors.capture import Block, Capture
from voiced.actors.framer import Framer
from voiced.audio.format import Frame
from voiced.channel import Channel, WhenFull
from voiced.counts import Counts
from voiced.notices import NoticeBoard
from voiced.ports import Microphone

_BLOCKS: Final = 10  # as in the daemon: 200 ms
_FRAMES: Final = (
    50  # a second: a link that is slower than that is found out by what it does not send
)


@attrs.define(eq=False)
class _Framed:
    frames: Channel[Frame]

    async def frame(self) -> Frame:
        """As a Mouth does."""
        return await self.frames.receive()


@asynccontextmanager
async def microphone_sound(microphone: Microphone, channel: int) -> AsyncIterator[_Framed]:
    """What it hears, from now on; *channel* as `[capture] channel` says. `DeviceError` if it fails."""
    blocks: Channel[Block] = Channel("capture blocks", _BLOCKS, WhenFull.DROP_OLDEST)
    frames: Channel[Frame] = Channel("frames", _FRAMES, WhenFull.DROP_OLDEST)
    framer = Framer(blocks, frames, NoticeBoard(), channel - 1 if channel else None)
    async with microphone.open() as opened, trio.open_nursery() as nursery:
        nursery.start_soon(Capture(opened, blocks, Counts()).run, name="capture")
        nursery.start_soon(framer.run, name="framer")
        nursery.start_soon(opened.watch, name="microphone")
        yield _Framed(frames)
        nursery.cancel_scope.cancel()
