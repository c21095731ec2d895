"""Capture: from the microphone's mailbox to the daemon."""

from collections.abc import Callable, Sequence
from typing import Final

import attrs
import trio

from voiced.audio.format import Shape
from voiced.channel import Channel
from voiced.counts import Counts
from voiced.faults import DeviceRecalled
from voiced.link.dead_air import Air, DeadAir
from voiced.link.door import Door
from voiced.ports import OpenMicrophone

_DEAD: Final = (
    "it gives nothing but zeros: is it muted, by a switch of its own or in the mixer? "
    "`voiced doctor` looks"
)


@attrs.frozen
class Block:
    """What the microphone gave in one callback: interleaved PCM16 of a known shape."""

    pcm: bytes
    shape: Shape


@attrs.define(eq=False)
class Capture:
    """Carries blocks from the microphone to the Framer; of who is muted, nothing but their length.

    Receives: blocks, as the device gives them. Says: `blocks`; that the microphone *ails* (empty: not any
    more) where it gives only zeros. Loses: the oldest when the Framer does not keep up, which means the
    machine is ill. Ends: with the device, by `DeviceError`.
    """

    microphone: OpenMicrophone
    blocks: Channel[Block]
    counts: Counts
    door: Door = attrs.field(factory=Door)
    air: DeadAir = attrs.field(factory=lambda: DeadAir(0.0))
    ails: Callable[[str], None] = lambda _why: None

    async def run(self) -> None:
        """Carry blocks for ever."""
        lost, overflows = self.counts.lost_blocks, self.counts.overflows  # of earlier microphones
        self.air.opened()
        if self.air.dead:
            self.ails(_DEAD)  # until it gives a sound
        while True:
            blocks = await self.microphone.collect()
            hears = self.door.hears(trio.current_time())
            self._sniff(blocks, hears=hears)
            for pcm in blocks:
                sound = pcm if hears else bytes(len(pcm))
                self.blocks.offer(Block(sound, self.microphone.shape))
            self.counts.lost_blocks = lost + self.microphone.lost_blocks
            self.counts.overflows = overflows + self.microphone.overflows

    def _sniff(self, blocks: Sequence[bytes], *, hears: bool) -> None:
        """Are they nothing but zeros? Not asked while it is muted here: nobody listens then."""
        if not hears:
            self.air.unheard()
            return
        zeros = not any(
            pcm.lstrip(b"\0") for pcm in blocks
        )  # real sound ends that at its first sample
        match self.air.hear(trio.current_time(), zeros=zeros):
            case Air.REOPEN:
                self.counts.mute_devices += 1
                raise DeviceRecalled(f"zeros for {self.air.limit_s:.0f} s")
            case Air.DEAD:
                self.ails(_DEAD)
            case Air.ALIVE:
                self.ails("")
            case Air.USUAL:
                pass
