"""Narrator: from the sound of answers to playouts, and back what was heard of them."""

import logging
from typing import Final

import attrs
import trio

from voiced.actors.answers import Answer, Answers, Fate, remedy
from voiced.actors.line import Line
from voiced.actors.scribe import Scribe
from voiced.audio.format import FRAME_MS, Frame, frames_in_ms
from voiced.audio.jitter import JitterBuffer
from voiced.channel import Channel, WhenFull, is_landmark
from voiced.counts import Counts
from voiced.messages import Heard, Playout
from voiced.notices import Happened, Moment, NoticeBoard

log = logging.getLogger(__name__)

_HEARD_WAITING: Final = 8  # as many as the playouts that may wait: the Player says one for each


@attrs.define(eq=False)
class Narrator:
    """Has answers played, and tells the server where it believes more than was heard.

    Receives: deltas, from the Downlink; `heard`, from the Player. Says: `playouts`; truncations and
    deletions. Loses, each counted: late and stray deltas, sound beyond `longest_ms` of one answer.
    Ends: with the conversation; then nothing of it waits for more sound.
    """

    line: Line
    playouts: Channel[Playout]
    board: NoticeBoard
    scribe: Scribe
    jitter: JitterBuffer
    counts: Counts
    longest_ms: int
    answers: Answers = attrs.field(factory=Answers)
    _open: dict[str, Playout] = attrs.field(factory=dict, init=False)
    heard: Channel[Heard] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.heard = Channel("heard", _HEARD_WAITING, WhenFull.DROP_NEWEST)

    @property
    def sounding(self) -> bool:
        """Whether an answer is being heard or waits to be."""
        return bool(self._open)

    # No await in any of these: the receiving task never waits for playout.

    def announce(self, item_id: str, response_id: str) -> None:
        """The server opened an item that may hold sound."""
        self.answers.announce(item_id, response_id)

    def take(self, item_id: str, sound: bytes) -> bool:
        """A delta: on to the loudspeaker, or counted where it comes too late or from nowhere; True if
        it will be heard.
        """
        answer = self.answers.find(item_id)
        if answer is None:
            self.counts.stray_deltas += 1
            if is_landmark(self.counts.stray_deltas):
                log.warning("delta skipped item=%s: never announced", item_id)
            return False
        if answer.complete or answer.fate in {Fate.CUT, Fate.SETTLED}:
            self.counts.late_deltas += 1
            return False
        frames = answer.take(sound)
        self.jitter.arrived(answer.item_id, trio.current_time(), len(frames) * FRAME_MS)
        playout = self._open.get(answer.item_id) or self._begin_playout(answer)
        if playout is not None:
            self._put(playout, frames)
        return playout is not None

    def finish(self, item_id: str) -> None:
        """No more sound of this item will come."""
        if answer := self.answers.find(item_id):
            self._finish(answer)

    def finish_response(self, response_id: str) -> bool:
        """No more sound of this response will come; False if none ever did."""
        produced = list(self.answers.of_response(response_id))
        for answer in produced:
            self._finish(answer)
        return any(answer.received_bytes for answer in produced)

    def finish_all(self) -> None:
        """No more sound will come of anything that is open; what is here is spoken to its end."""
        for item_id in list(self._open):
            self.finish(item_id)

    def cut(self, active_response_id: str | None) -> None:
        """Silence: all that is unheard, and what the active response may still bring."""
        for answer in self.answers.cut(active_response_id):
            if playout := self._open.get(answer.item_id):
                playout.scope.cancel()
            else:  # announced, and not a sound of it played
                self.settle(Heard(answer.item_id, 0, whole=False))

    def settle(self, heard: Heard) -> None:
        """Tell the server how much of an answer was heard."""
        self._open.pop(heard.item_id, None)
        answer = self.answers.find(heard.item_id)
        if answer is None or answer.fate is Fate.SETTLED:
            return
        answer.fate = Fate.SETTLED
        if event := remedy(answer, heard):
            log.info("%s item=%s of_ms=%d", event.TYPE, answer.item_id, answer.received_ms)
            self.line.post(event)

    def close(self) -> None:
        """Nothing more will come of this session: what is here is spoken to its end."""
        self.finish_all()
        for playout in self._open.values():
            playout.frames.close()

    # How it is done.

    def _begin_playout(self, answer: Answer) -> Playout | None:
        frames = Channel[Frame](
            "playout frames", frames_in_ms(self.longest_ms), WhenFull.DROP_NEWEST
        )
        playout = Playout(answer.item_id, frames, self.heard)
        if not self.playouts.offer(playout):
            log.warning("playout dropped item=%s: too many wait already", answer.item_id)
            answer.cut()
            self.settle(Heard(answer.item_id, 0, whole=False))
            return None
        answer.fate = Fate.PLAYING
        self.board.post(Happened(trio.current_time(), Moment.FIRST_DELTA, answer.item_id))
        self.scribe.sounds(answer, playout)
        self._open[answer.item_id] = playout
        return playout

    def _put(self, playout: Playout, frames: list[Frame]) -> None:
        for frame in frames:
            if not playout.frames.offer(frame):
                self.counts.long_frames += 1
                if playout.frames.tally.dropped == 1:
                    log.warning("answer too long item=%s: the rest is dropped", playout.item_id)

    def _finish(self, answer: Answer) -> None:
        """What was cut stays incomplete: the server may have made more of it than it sent."""
        if answer.complete or answer.fate in {Fate.CUT, Fate.SETTLED}:
            return
        frames, odd_bytes = answer.finish()
        if odd_bytes:
            self.counts.odd_bytes += odd_bytes
            log.warning("odd number of bytes item=%s: half a sample dropped", answer.item_id)
        if playout := self._open.get(answer.item_id):
            self._put(playout, frames)
            playout.frames.close()
