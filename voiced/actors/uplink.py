"""Uplink: from frames to the server's ear."""

import attrs
import trio

from voiced.actors.line import Line
from voiced.actors.moderator import Moderator
from voiced.audio.format import FRAME_MS, FRAME_SAMPLES, Frame, samples_to_ms
from voiced.audio.level import dbfs
from voiced.channel import Channel
from voiced.counts import Counts
from voiced.realtime.client_events import Append
from voiced.turns.talk_button import TalkButton


@attrs.define(eq=False)
class Uplink:
    """Sends frames up, one append each, in order: all, or those around a press of the button.

    Receives: `frames`, among them what was spoken while the session was being opened. Says: appends;
    to the Moderator, how loud it was and when the button's turn is over. Loses: nothing; while the
    wire is stuck, the channel loses. Ends: with the wire, by `LinkError`.
    """

    line: Line
    frames: Channel[Frame]
    counts: Counts
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

    async def _send(self, frame: Frame) -> None:
        await self.line.say(Append(frame))
        self.counts.frames_sent += 1
        self.line.clock.sent(FRAME_SAMPLES, trio.current_time())
        if self.moderator.floor.policy.doubts:
            self._tell_level(frame)

    async def _send_if_held(self, frame: Frame, button: TalkButton) -> None:
        taken = button.take(frame)
        for each in taken.frames:
            await self._send(each)
        if taken.ended:
            floor = self.moderator.floor
            self.moderator.carry_out(floor.released(trio.current_time(), button.held_ms))

    def _tell_level(self, frame: Frame) -> None:
        end_ms = samples_to_ms(self.line.clock.sent_samples)
        floor = self.moderator.floor
        self.moderator.carry_out(floor.frame_sent(trio.current_time(), end_ms, dbfs(frame)))
