"""Talk: one open session in use, both directions at once."""

import logging
from typing import Final

import attrs
import trio

from voiced.actors.accountant import Accountant
from voiced.actors.answers import Answers
from voiced.actors.downlink import Downlink
from voiced.actors.line import Line
from voiced.actors.moderator import Moderator
from voiced.actors.narrator import Narrator
from voiced.actors.scribe import Scribe
from voiced.actors.uplink import Uplink
from voiced.audio.format import Frame, samples_to_ms
from voiced.audio.jitter import JitterBuffer
from voiced.audio.wire import Encoder, WireFormat
from voiced.channel import Channel
from voiced.counts import Counts
from voiced.link.door import Door
from voiced.link.renewal import Bustle
from voiced.link.tape import Tape
from voiced.logbook.entry import Entry
from voiced.logbook.lines import connection_line
from voiced.messages import Playout, Volume
from voiced.metrics.histogram import MOUTH_TO_WIRE_S, Histogram
from voiced.notices import NoticeBoard
from voiced.turns.floor import Floor
from voiced.turns.policy import Detection, Policy
from voiced.turns.states import Debt, Generation, User
from voiced.turns.talk_button import Hold, TalkButton

log = logging.getLogger(__name__)

_CAUGHT_UP: Final = 25  # frames that wait; more than devices' lumps and batches are a backlog


@attrs.frozen(kw_only=True)
class Habits:
    """How turns are taken: the policy, and what belongs to a push of the button."""

    policy: Policy
    silence_ms: int  # the server's, at the end of speech
    pre_roll_ms: int
    tail_ms: int

    def button(self) -> TalkButton | None:
        """The talk button, where one decides."""
        held = self.policy.detection is Detection.PUSH_TO_TALK
        return TalkButton(self.pre_roll_ms, self.tail_ms) if held else None


@attrs.frozen(kw_only=True)
class House:
    """What outlives sessions: the channels, the record, the tallies."""

    frames: Channel[Frame]
    playouts: Channel[Playout]
    volume: Volume
    board: NoticeBoard
    scribe: Scribe
    jitter: JitterBuffer
    counts: Counts
    tape: Tape
    accountant: Accountant
    button: TalkButton | None
    door: Door
    mouth_to_wire: Histogram = attrs.field(factory=lambda: Histogram(MOUTH_TO_WIRE_S))


@attrs.define(eq=False, kw_only=True)
class Talk:
    """Lets both directions of a session run, from the gate's opening to its end.

    Receives and says what Uplink and Downlink do. Loses: nothing. Ends: by the fault that ends the
    session, or when it gives way to another one.
    """

    line: Line
    house: House
    habits: Habits
    batch_ms: int
    longest_ms: int
    wire_format: WireFormat
    told_again: int = 0  # frames at the head of what waits that another session was told in vain
    moderator: Moderator = attrs.field(init=False)
    downlink: Downlink = attrs.field(init=False)
    _uplink: Uplink = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        line, house, habits = self.line, self.house, self.habits
        narrator = Narrator(
            line,
            house.playouts,
            house.board,
            house.scribe,
            house.jitter,
            house.counts,
            self.longest_ms,
            Answers(self.wire_format),
        )
        self.moderator = Moderator(
            Floor(habits.policy),
            line,
            narrator,
            house.volume,
            house.board,
            house.tape,
            release_button=self.release,
        )
        self._uplink = Uplink(
            line,
            house.frames,
            house.tape,
            house.counts,
            Encoder(self.wire_format),
            self.moderator,
            house.button,
            self.batch_ms,
            self.told_again,
            house.mouth_to_wire,
        )
        self.downlink = Downlink(
            line,
            narrator,
            self.moderator,
            house.board,
            house.scribe,
            house.counts,
            house.tape,
            house.accountant,
            habits.silence_ms,
        )

    async def run(self) -> None:
        """Talk until the session ends."""
        house, line, began_s = self.house, self.line, trio.current_time()
        if house.button is not None and (self.told_again or house.button.hold is not Hold.UP):
            self._begin_held_turn()
        try:
            with self.moderator.presiding():
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._uplink.run, name="uplink")
                    nursery.start_soon(self.downlink.run, name="downlink")
                    nursery.start_soon(self.moderator.run, name="moderator")
                    nursery.start_soon(line.deliver, self.moderator.sent, name="deliver")
                    nursery.start_soon(line.wire.keep_alive, name="keep alive")
                    nursery.start_soon(line.watch, name="watch the line")
                    nursery.start_soon(line.ask_whether_it_lives, name="watch the session")
        finally:
            house.volume.set(0.0)  # an answer that outlives its session is spoken, not whispered
            house.counts.unposted_events += line.posted.tally.dropped
            line.session.end()
            log.info(self._account(began_s))
            for name, count in {**line.session.skipped, **line.session.unknown_fields}.items():
                log.info("not understood what=%r count=%d", name, count)

    @property
    def bustle(self) -> Bustle:
        """What is going on."""
        floor = self.moderator.floor
        if floor.user is not User.SILENT or self.house.tape.waiting > _CAUGHT_UP:
            return Bustle.SPEAKING
        busy = floor.sounding or floor.generation is not Generation.NONE
        return Bustle.ANSWERING if busy or floor.machines.debt is not Debt.NONE else Bustle.NONE

    def _account(self, began_s: float) -> Entry:
        line, settings = self.line, self.line.session.settings
        return connection_line(
            line.session.session_id or "",
            settings.model if settings else "",
            lasted_s=trio.current_time() - began_s,
            sent_ms=samples_to_ms(line.clock.sent_samples),
            lost_events=line.posted.tally.dropped,
        )

    # What people may do; each is False if it does nothing now.

    def press(self) -> bool:
        """Put the talk button down: what is said now is a turn, and an answer is interrupted."""
        button = self.house.button
        if button is None or not button.press():
            return False
        self._begin_held_turn()
        return True

    def release(self) -> bool:
        """Let the talk button go: the turn ends with what is still on the tip of the tongue."""
        house = self.house
        return house.button is not None and house.button.release(
            house.tape.waiting + len(house.frames)
        )

    def interrupt(self) -> bool:
        """Silence the answer, as speech would, but without a turn of the user's."""
        self.moderator.carry_out(self.moderator.floor.interrupted(trio.current_time()))
        return True

    def _begin_held_turn(self) -> None:
        self.house.tape.turn_begins(samples_to_ms(self.line.clock.sent_samples))
        self.moderator.carry_out(self.moderator.floor.pressed(trio.current_time()))
