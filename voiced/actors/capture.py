"""Capture: from the microphone's mailbox to the daemon."""

import attrs
import trio

from voiced.audio.format import Shape
from voiced.channel import Channel
from voiced.counts import Counts
from voiced.link.door import Door
from voiced.ports import OpenMicrophone


@attrs.frozen
class Block:
    """What the microphone gave in one callback: interleaved PCM16 of a known shape."""

    pcm: bytes
    shape: Shape


@attrs.define(eq=False)
class Capture:
    """Carries blocks from the microphone to the Framer; of who is muted, nothing but their length.

    Receives: blocks, as the device gives them. Says: `blocks`. Loses: the oldest when the Framer
    does not keep up, which means the machine is ill. Ends: with the device, by `DeviceError`.
    """

    microphone: OpenMicrophone
    blocks: Channel[Block]
    counts: Counts
    door: Door = attrs.field(factory=Door)

    async def run(self) -> None:
        """Carry blocks for ever."""
        lost_before = self.counts.lost_blocks  # by the microphones that were open before this one
        while True:
            blocks = await self.microphone.collect()
            hears = self.door.hears(trio.current_time())
            for pcm in blocks:
                sound = pcm if hears else bytes(len(pcm))
                self.blocks.offer(Block(sound, self.microphone.shape))
            self.counts.lost_blocks = lost_before + self.microphone.lost_blocks
