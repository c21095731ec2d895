"""Moderator: keeps the floor's clock and carries out what the floor wants done."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

import attrs
import trio

from voiced.actors.line import Line
from voiced.actors.narrator import Narrator
from voiced.faults import LinkError, SessionOver
from voiced.link.tape import Tape
from voiced.messages import Volume
from voiced.notices import Happened, Moment, NoticeBoard, Party
from voiced.realtime.client_events import ClientEvent
from voiced.turns.floor import Floor
from voiced.turns.orders import (
    Abandon,
    Cut,
    Deed,
    FinishAnswers,
    ForgetResponse,
    Order,
    ReleaseButton,
    Say,
    SetVolume,
    Tell,
    Warn,
)
from voiced.turns.setbacks import Setback, Suspicion
from voiced.turns.texts import check
from voiced.verdicts import gravest

log = logging.getLogger(__name__)

_UNANSWERED: Final = frozenset({Moment.DISMISSED, Moment.UNANSWERED})


@attrs.define(eq=False)
class Moderator:
    """Asks the floor what follows from what happened, and does it.

    Receives: what others tell it; what is written; time. Says: client events, cuts, volume, moments.
    Loses, counted: what was written and could not be asked or said. Ends: with the conversation, or
    ends it by `SessionOver`, where a new one may do better.
    """

    floor: Floor
    line: Line
    narrator: Narrator
    volume: Volume
    board: NoticeBoard
    tape: Tape
    release_button: Callable[[], object]
    suspicion: Suspicion = attrs.field(factory=Suspicion, init=False)
    _earlier: trio.Event = attrs.field(factory=trio.Event, init=False)
    _sleeps_until_s: float = attrs.field(default=float("inf"), init=False)

    async def run(self) -> NoReturn:
        """Do what is due when it is due."""
        while True:
            self._earlier = trio.Event()
            self._sleeps_until_s = self.floor.wakes_at_s
            with trio.move_on_at(self._sleeps_until_s):
                await self._earlier.wait()
            self.floor.retries = self.tape.may_retell  # the last turn may have been told again
            self.carry_out(self.floor.tick(trio.current_time()))

    def carry_out(self, orders: list[Order]) -> None:
        """Do all of it, at once and in order. No await: a cut must not wait for its turn.

        Raises `SessionOver` at the end if it is over: by a limit that passed or a response that failed,
        never by what people do.
        """
        over: Abandon | None = None
        for order in orders:
            if isinstance(order, Abandon):
                over = order
            else:
                self._do(order)
        if over is not None:
            raise self._over(over)
        if self.floor.wakes_at_s < self._sleeps_until_s:
            self._earlier.set()

    def ask(self, text: str) -> bool:
        """Ask in the user's place; False if too many questions wait. ValueError: not that text."""
        check(text)
        question = self.floor.texts.ask(text)
        if question is None:
            self._lose(1, "a question is not asked: too many wait")
            return False
        if question.item_id:
            self.narrator.scribe.said(Party.USER, question.item_id, text)
        self.carry_out(self.floor.asked(trio.current_time(), question))
        return True

    def say(self, text: str) -> bool:
        """Have the assistant say *text* when nobody speaks; False and errors as for `ask`."""
        check(text)
        if not self.floor.texts.say(text):
            self._lose(1, "a text is not said: too many wait")
            return False
        self.carry_out(self.floor.pay(trio.current_time()))
        return True

    @contextmanager
    def presiding(self) -> Iterator[None]:
        """The session lasts as long as this. A link that is lost soon after an error of the server's is
        lost by that error; what was written and not dealt with is given up.
        """
        try:
            yield
        except* LinkError as lost:
            cause = self.suspicion.of(trio.current_time())
            if cause is None:
                raise
            raise self._session_over(cause.code, cause.message) from gravest(lost)
        finally:
            self.carry_out(self.floor.ended())

    def sent(self, event: ClientEvent) -> None:
        """Take in that *event* has left: on a link that stalls, long after it was posted."""
        self.carry_out(self.floor.sent(trio.current_time(), event))

    def _do(self, order: Deed) -> None:
        match order:
            case Say(event):
                if not self.line.post(event):
                    self.sent(event)  # never, but the limit for its answer begins
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
            case Tell():
                self._tell(order)
            case Warn(sentence, lost):
                self._lose(lost, sentence)

    def _tell(self, told: Tell) -> None:
        if told.problem:
            log.warning("turn %s item=%s: %s", told.moment.value, told.item_id, told.problem)
        if told.moment in _UNANSWERED:
            self.tape.turn_is_over()
        self.board.post(Happened(told.at_s, told.moment, told.item_id, self._why(told)))

    @staticmethod
    def _why(told: Tell) -> str:
        """Only what went wrong is worth a sentence to people: that a cough was none is not."""
        return told.problem if told.moment is Moment.UNANSWERED else ""

    def _lose(self, count: int, sentence: str) -> None:
        self.narrator.counts.lost_texts += count
        log.warning("%s", sentence)

    def _over(self, order: Abandon) -> SessionOver:
        """A turn that stalls soon after an error of the server's stalls by that error."""
        cause = self.suspicion.of(trio.current_time()) if order.code == "turn_stalled" else None
        blamed = cause or Setback(order.code, order.message)
        return self._session_over(blamed.code, blamed.message, order.retry_after_s)

    def _session_over(
        self, code: str, message: str, retry_after_s: float | None = None
    ) -> SessionOver:
        text = f"{message} ({self.line.reference})"
        return SessionOver(code, text, retry_after_s=retry_after_s)
