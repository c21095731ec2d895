"""Accountant: keeps account of what the service is used for, and says when that is enough."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final

import attrs
import trio

from voiced.account.budget import Budget, Level, Standing
from voiced.account.ledger import Ledger
from voiced.account.prices import Bill, Prices
from voiced.account.report import Report
from voiced.account.usage import Used, of_response, of_transcription
from voiced.counts import Counts
from voiced.notices import Happened, Moment, NoticeBoard
from voiced.ports import Books
from voiced.realtime.objects import Usage

log = logging.getLogger(__name__)

_WRITE_LIMIT_S: Final = 2.0  # a disk that hangs must not keep us from stopping
_TURNS: Final = frozenset({Moment.COMMITTED, Moment.ASKED})


@attrs.define(eq=False, kw_only=True)
class Accountant:
    """Adds up what responses and transcriptions took, and holds it against the budget.

    Receives: usage from the Downlink, moments from the board. Says: the report on the board, a line and
    a moment when the budget comes near. Loses: what was used since the last writing, if the machine
    dies; counted, what the service did not tell. Ends: never by itself; at the end it writes once more.
    """

    board: NoticeBoard
    counts: Counts
    prices: Prices
    budget: Budget
    now: Callable[[], datetime]  # the wall clock, local
    books: Books | None = None
    every_s: float = 2.0  # a flash card is not to be written with every word
    ledger: Ledger = attrs.field(factory=Ledger, init=False)
    standing: Standing = attrs.field(factory=Standing, init=False)
    _looked_at: object = attrs.field(default=None, init=False)  # what the report was made of
    _news: trio.Event = attrs.field(factory=trio.Event, init=False)  # the standing may have changed
    _used: trio.Event = attrs.field(factory=trio.Event, init=False)
    _kept: int = attrs.field(default=0, init=False)  # the ledger's last change that was written
    _one: trio.CapacityLimiter = attrs.field(factory=lambda: trio.CapacityLimiter(1), init=False)

    def begin(self) -> None:
        """Open the books. It blocks for a moment: nothing else lives yet."""
        if self.books is not None:
            self.ledger.recall(self.books.open())
            self._kept = self.ledger.changes
        self.board.follow(self.note)
        self.look()

    async def run(self) -> None:
        """Look when something may have changed by itself, and write when something has been used."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._look_by_the_clock, name="clock")
                nursery.start_soon(self._keep, name="books")
        finally:
            if await self._write() and self.books is not None:
                self.books.close()  # else its last writing may come through yet

    # Told by the Downlink and the board. No await: the next event waits.

    def responded(self, usage: Usage | None) -> None:
        """A response is over, however it ended: it is billed."""
        self._charge(None if usage is None else of_response(usage))

    def transcribed(self, usage: Usage | None) -> None:
        """A turn of the user's was written down."""
        self._charge(None if usage is None else of_transcription(usage))

    def note(self, happened: Happened) -> None:
        """Count turns, and know when another session begins."""
        if happened.moment in _TURNS:
            self.budget.turn_begins(trio.current_time())
            self.look()
        elif happened.moment in {Moment.READY, Moment.RENEWED}:
            self.ledger.session_begins()
            self.look()

    def turn_ends(self) -> Bill:
        """What was used since this was asked last."""
        return self._bill(self.ledger.turn_ends())

    # Asked and told by the Supervisor.

    @property
    def spent(self) -> bool:
        """Whether there may be no conversation now."""
        return self.standing.level is Level.SPENT

    async def until(self, *, spent: bool) -> None:
        """Wait until the budget is spent, or is not any more."""
        while self.spent is not spent:
            await self._news.wait()

    def lift(self) -> None:
        """Be without limits until midnight."""
        if self.budget.lift(self.now().date()):
            log.warning("budget lifted until midnight by an operator")
        self.look()

    def look(self) -> None:
        """Draw up the report; tell it when the budget has come nearer."""
        wall = self.now()
        day, before = wall.date(), self.standing
        today = self._bill(self.ledger.on(day))
        self.standing = self.budget.standing(trio.current_time(), wall, today)
        made_of = (self.ledger.changes, self.ledger.session, day, self.standing)
        if made_of == self._looked_at:
            return
        self._looked_at = made_of
        self.board.usage = Report(
            today=today,
            session=self._bill(self.ledger.session),
            month=self._bill(self.ledger.in_month(day)),
            life=self._bill(self.ledger.life),
            budget=self.standing,
        )
        if self.standing.level > before.level:
            log.warning("%s", self.standing.why)
            why = self.standing.why
            self.board.post(Happened(trio.current_time(), Moment.BUDGET, detail=why))
        elif self.standing.level < before.level:
            log.info("budget has room again")
        if self.standing.level is not before.level:
            self._news.set()
            self._news = trio.Event()

    # How it is done.

    def _charge(self, used: Used | None) -> None:
        if used is None:
            self.counts.unmetered += 1
            return
        self.ledger.charge(self.now().date(), used)
        self._used.set()
        self.look()

    def _bill(self, used: Used) -> Bill:
        return Bill(used, self.prices.of(used))

    async def _look_by_the_clock(self) -> None:
        while True:
            await trio.sleep(self.budget.wakes_in_s(trio.current_time(), self.now()))
            self.look()

    async def _keep(self) -> None:
        while True:
            await self._used.wait()
            self._used = trio.Event()
            await self._write()
            await trio.sleep(self.every_s)

    async def _write(self) -> bool:
        """Write what has changed, in a thread. Not to be cut short but by its own limit; False then."""
        if self.books is None or self.ledger.changes == self._kept:
            return True
        changes = self.ledger.changes
        with trio.move_on_after(_WRITE_LIMIT_S, shield=True) as limit:
            # One at a time, for one that hangs would otherwise be overtaken, or joined by others.
            await trio.to_thread.run_sync(
                self.books.write, self.ledger.days, abandon_on_cancel=True, limiter=self._one
            )
        if limit.cancelled_caught:
            log.warning("usage not written within %g s: is the disk ill?", _WRITE_LIMIT_S)
            return False
        self._kept = changes
        return True
