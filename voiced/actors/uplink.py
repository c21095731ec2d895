"""Uplink: from frames to the server's ear."""

import attrs
import trio

from voiced.actors.line import Line
from voiced.audio.format import FRAME_MS, FRAME_SAMPLES, WIRE_RATE_HZ, Frame
from voiced.audio.wire import Encoder
from voiced.channel import Channel
from voiced.counts import Counts
from voiced.realtime.client_events import Append


@attrs.define(eq=False)
class Uplink:
    """Sends frames up, in order, one append for 20 ms, in the session's format.

    Receives: `frames`, among them what was spoken while the session was being opened. Says: appends.
    Loses: nothing; while the wire is stuck, the channel loses. Ends: with the wire, by `LinkError`.
    """

    line: Line
    frames: Channel[Frame]
    counts: Counts
    encoder: Encoder
    batch_ms: int = 0

    async def run(self) -> None:
        """Send for ever. Batches group the writes, for links that wake a radio for each packet."""
        size = max(1, self.batch_ms // FRAME_MS)
        while True:
            batch = [await self.frames.receive() for _ in range(size)]
            for frame in batch:
                for piece in self.encoder.feed(frame):
                    await self._append(piece)

    async def _append(self, piece: bytes) -> None:
        await self.line.say(Append(piece))
        self.counts.frames_sent += 1
        # What the encoder still holds was spoken after the last sample that went up.
        spoken_s = trio.current_time() - self.encoder.held_samples / WIRE_RATE_HZ
        self.line.clock.sent(FRAME_SAMPLES, spoken_s)
