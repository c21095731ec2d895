"""Moderator: keeps the floor's clock and carries out what the floor wants done."""

import logging
from collections.abc import Callable
from typing import Final, NoReturn

import attrs
import trio

from voiced.actors.line import Line
from voiced.actors.narrator import Narrator
from voiced.link.tape import Tape
from voiced.messages import Volume
from voiced.notices import Happened, Moment, NoticeBoard
from voiced.realtime.client_events import ClientEvent
from voiced.turns.floor import Floor
from voiced.turns.orders import (
    Cut,
    FinishAnswers,
    ForgetResponse,
    Order,
    ReleaseButton,
    Say,
    SetVolume,
    Tell,
)

log = logging.getLogger(__name__)

_UNANSWERED: Final = frozenset({Moment.DISMISSED, Moment.UNANSWERED})


@attrs.define(eq=False)
class Moderator:
    """Asks the floor what follows from what happened, and does it.

    Receives: what others tell it, by `hear`; time. Says: client events, cuts, volume, moments. Loses:
    nothing. Ends: with the conversation.
    """

    floor: Floor
    line: Line
    narrator: Narrator
    volume: Volume
    board: NoticeBoard
    tape: Tape
    release_button: Callable[[], object]
    _earlier: trio.Event = attrs.field(factory=trio.Event, init=False)
    _sleeps_until_s: float = attrs.field(default=float("inf"), init=False)

    async def run(self) -> NoReturn:
        """Do what is due when it is due."""
        while True:
            self._earlier = trio.Event()
            self._sleeps_until_s = self.floor.wakes_at_s
            with trio.move_on_at(self._sleeps_until_s):
                await self._earlier.wait()
            self.carry_out(self.floor.tick(trio.current_time()))

    def carry_out(self, orders: list[Order]) -> None:
        """Do all of it, at once and in order. No await: a cut must not wait for its turn."""
        for order in orders:
            self._do(order)
        if self.floor.wakes_at_s < self._sleeps_until_s:
            self._earlier.set()

    def sent(self, event: ClientEvent) -> None:
        """Take in that *event* has left: on a link that stalls, long after it was posted."""
        self.carry_out(self.floor.sent(trio.current_time(), event))

    def _do(self, order: Order) -> None:
        match order:
            case Say(event):
                self.line.post(event)
            case Cut():
                self.narrator.cut(self.line.session.active_response_id)
            case SetVolume(gain_db):
                self.volume.set(gain_db)
            case FinishAnswers():
                self.narrator.finish_all()
            case ForgetResponse():
                self.line.session.forget_response()
            case ReleaseButton():
                self.release_button()
            case Tell(at_s, moment, item_id, problem):
                if problem:
                    log.warning("turn %s item=%s: %s", moment.value, item_id, problem)
                if moment in _UNANSWERED:
                    self.tape.turn_is_over()
                self.board.post(Happened(at_s, moment, item_id))
