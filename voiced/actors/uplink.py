"""Uplink: from frames to the server's ear."""

import attrs
import trio

from voiced.actors.line import Line
from voiced.actors.moderator import Moderator
from voiced.audio.format import FRAME_MS, FRAME_SAMPLES, WIRE_RATE_HZ, Frame, samples_to_ms
from voiced.audio.level import dbfs
from voiced.audio.wire import Encoder
from voiced.channel import Channel
from voiced.counts import Counts
from voiced.realtime.client_events import Append
from voiced.turns.talk_button import TalkButton


@attrs.define(eq=False)
class Uplink:
    """Sends frames up, in order, one append for 20 ms, in the session's format: all of them, or
    those around a press of the talk button.

    Receives: `frames`, among them what was spoken while the session was being opened. Says: appends;
    to the Moderator, how loud it was and when the button's turn is over. Loses: nothing; while the
    wire is stuck, the channel loses. Ends: with the wire, by `LinkError`.
    """

    line: Line
    frames: Channel[Frame]
    counts: Counts
    encoder: Encoder
    moderator: Moderator
    button: TalkButton | None = None  # without one, the server decides what is a turn
    batch_ms: int = 0

    async def run(self) -> None:
        """Send for ever. Batches group the writes, for links that wake a radio for each packet."""
        size = max(1, self.batch_ms // FRAME_MS)
        while True:
            batch = [await self.frames.receive() for _ in range(size)]
            for frame in batch:
                if self.button is None:
                    await self._send(frame)
                else:
                    await self._send_if_held(frame, self.button)

    async def _send_if_held(self, frame: Frame, button: TalkButton) -> None:
        taken = button.take(frame)
        for each in taken.frames:
            await self._send(each)
        if taken.ended:
            for piece in self.encoder.finish():  # or the end would become the next turn's beginning
                await self._append(piece)
            floor = self.moderator.floor
            self.moderator.carry_out(floor.released(trio.current_time(), button.held_ms))

    async def _send(self, frame: Frame) -> None:
        for piece in self.encoder.feed(frame):
            await self._append(piece)
        if self.moderator.floor.policy.doubts:
            self._tell_level(frame)

    async def _append(self, piece: bytes) -> None:
        await self.line.say(Append(piece))
        self.counts.frames_sent += 1
        # What the encoder still holds was spoken after the last sample that went up.
        spoken_s = trio.current_time() - self.encoder.held_samples / WIRE_RATE_HZ
        self.line.clock.sent(FRAME_SAMPLES, spoken_s)

    def _tell_level(self, frame: Frame) -> None:
        end_ms = samples_to_ms(self.line.clock.sent_samples)
        floor = self.moderator.floor
        self.moderator.carry_out(floor.frame_sent(trio.current_time(), end_ms, dbfs(frame)))
