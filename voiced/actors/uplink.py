"""Uplink: from frames to the server's ear."""

import attrs
import trio

from voiced.actors.line import Line
from voiced.audio.format import FRAME_MS, FRAME_SAMPLES, Frame
from voiced.channel import Channel
from voiced.counts import Counts
from voiced.realtime.client_events import Append


@attrs.define(eq=False)
class Uplink:
    """Sends frames up, one append each, in order.

    Receives: `frames`, among them what was spoken while the session was being opened. Says: appends.
    Loses: nothing; while the wire is stuck, the channel loses. Ends: with the wire, by `LinkError`.
    """

    line: Line
    frames: Channel[Frame]
    counts: Counts
    batch_ms: int = 0

    async def run(self) -> None:
        """Send for ever. Batches group the writes, for links that wake a radio for each packet."""
        size = max(1, self.batch_ms // FRAME_MS)
        while True:
            batch = [await self.frames.receive() for _ in range(size)]
            for frame in batch:
                await self.line.say(Append(frame))
                self.counts.frames_sent += 1
                self.line.clock.sent(FRAME_SAMPLES, trio.current_time())
