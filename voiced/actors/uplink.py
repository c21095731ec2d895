"""Uplink: from frames to the server's ear."""

from typing import Final

import attrs
import trio

from voiced.actors.line import Line
from voiced.actors.moderator import Moderator
from voiced.audio.format import FRAME_MS, FRAME_SAMPLES, WIRE_RATE_HZ, Frame, samples_to_ms
from voiced.audio.level import dbfs
from voiced.audio.wire import Encoder
from voiced.channel import Channel
from voiced.counts import Counts
from voiced.link.catching_up import Pace
from voiced.link.tape import Tape
from voiced.metrics.histogram import MOUTH_TO_WIRE_S, Histogram
from voiced.realtime.client_events import Append
from voiced.turns.talk_button import Hold, Taken, TalkButton

_AT_ONCE: Final = 100  # frames taken along when some wait; they are small


@attrs.define(eq=False)
class Uplink:
    """Sends frames up, in order, one append for 20 ms, in the session's format: all of them, or
    those around a press of the talk button.

    Receives: `frames`, and from the tape what the last session was told in vain. Says: appends; to the
    Moderator, how loud it was and when the button's turn is over. Loses, counted: what
    is in hand when the session ends; while the wire is stuck, the channel loses. Ends: with the wire, by
    `LinkError`.
    """

    line: Line
    frames: Channel[Frame]
    tape: Tape
    counts: Counts
    encoder: Encoder
    moderator: Moderator
    button: TalkButton | None = None  # without one, the server decides what is a turn
    batch_ms: int = 0
    told_again: int = 0  # of the frames that wait, those that were the button's turn already
    mouth_to_wire: Histogram = attrs.field(factory=lambda: Histogram(MOUTH_TO_WIRE_S))
    _pace: Pace = attrs.field(factory=Pace, init=False)
    _in_hand: int = attrs.field(default=0, init=False)  # frames taken and not yet sent

    async def run(self) -> None:
        """Send for ever. Batches group the writes, for links that wake a radio for each packet."""
        size = max(1, self.batch_ms // FRAME_MS)
        try:
            await self._send_for_ever(size)
        finally:
            self.counts.frames_unsent += self._in_hand

    async def _send_for_ever(self, size: int) -> None:
        while True:
            while self.tape.waiting < size:
                self._line_up(await self.frames.receive_some(_AT_ONCE))
            waiting = self.tape.waiting
            if wait_s := self._pace.wait_s(trio.current_time(), waiting, together=size):
                await trio.sleep(wait_s)
            for _ in range(size):
                await self._send_or_withhold(*self.tape.take())
            while (frame := self.frames.receive_nowait()) is not None:  # or a backlog would cost it
                self._line_up([frame])

    def _line_up(self, frames: list[Frame]) -> None:
        behind = len(self.frames)  # what is still in the channel was spoken after these
        self.tape.add(frames, trio.current_time() - behind * FRAME_MS / 1000)

    async def _send_or_withhold(self, spoken_s: float, frame: Frame) -> None:
        if self.button is None:
            self._in_hand = 1
            await self._send(spoken_s, frame)
            return
        withheld = self.button.withheld
        taken = self._taken(frame, self.button)
        self._in_hand = len(taken.frames)
        self.counts.frames_withheld += self.button.withheld - withheld
        first_s = spoken_s - (len(taken.frames) - 1) * FRAME_MS / 1000
        for place, each in enumerate(taken.frames):
            await self._send(first_s + place * FRAME_MS / 1000, each)
        if taken.ended:
            for piece in self.encoder.finish():  # or the end would become the next turn's beginning
                await self._append(spoken_s, piece)
            floor = self.moderator.floor
            self.moderator.carry_out(floor.released(trio.current_time(), self.button.held_ms))

    def _taken(self, frame: Frame, button: TalkButton) -> Taken:
        """What the button says to a frame, unless it said so in the last session already."""
        if not self.told_again:
            return button.take(frame)
        self.told_again -= 1
        button.held_ms += FRAME_MS
        return Taken((frame,), ended=not self.told_again and button.hold is Hold.UP)

    async def _send(self, spoken_s: float, frame: Frame) -> None:
        """Send one frame. The tape has it first: cut off in the middle, it is told again."""
        pieces = self.encoder.feed(frame)
        held_ms = samples_to_ms(self.encoder.held_samples)
        sent_ms = samples_to_ms(self.line.clock.sent_samples)
        self.tape.sent(frame, sent_ms + len(pieces) * FRAME_MS + held_ms, spoken_s)
        for piece in pieces:
            await self._append(spoken_s, piece)
        self._in_hand -= 1
        if self.moderator.floor.policy.doubts:
            self._tell_level(frame)

    async def _append(self, spoken_s: float, piece: bytes) -> None:
        await self.line.say(Append(piece))
        self.counts.frames_sent += 1
        # What the encoder still holds was spoken after the last sample that went up.
        held_s = self.encoder.held_samples / WIRE_RATE_HZ
        self.line.clock.sent(FRAME_SAMPLES, spoken_s - held_s)
        self.mouth_to_wire.observe(trio.current_time() - spoken_s)

    def _tell_level(self, frame: Frame) -> None:
        end_ms = samples_to_ms(self.line.clock.sent_samples)
        floor = self.moderator.floor
        self.moderator.carry_out(floor.frame_sent(trio.current_time(), end_ms, dbfs(frame)))
