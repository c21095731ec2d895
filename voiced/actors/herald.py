"""Herald: tells subscribers of the control socket what is posted on the board.

Theory of operation. Each notice becomes a line once, however many subscribe, and is offered to a
bounded queue for each of them; one that is full loses its oldest line, and its subscriber is told how
many. What changes faster than anybody reads (levels, growing words) is gathered and told ten times a
second. While nobody subscribes the board is not watched, so that nothing is measured for its sake.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, NoReturn

import attrs
import trio

from voiced.actors import telling
from voiced.channel import Channel, WhenFull
from voiced.control.commands import Topic
from voiced.control.rpc import render_event
from voiced.notices import (
    Happened,
    LevelMeasured,
    Moment,
    Notice,
    NoticeBoard,
    Party,
    PhaseChanged,
    Transcribed,
    TurnEnded,
)

_GATHERED_S: Final = 0.1  # a meter moves as smoothly as it must, and SSH is not flooded
_COUNTED_EVERY_S: Final = 1.0
_LINES: Final = 256  # that wait for one subscriber: some ten seconds of all topics
_AT_ONCE: Final = 64  # notices taken in before others have their turn


@attrs.define(eq=False)
class Subscription:
    """What one subscriber is to be told."""

    topics: frozenset[Topic] = attrs.field(default=frozenset(), init=False)
    lines: Channel[bytes] = attrs.field(
        factory=lambda: Channel[bytes]("events", _LINES, WhenFull.DROP_OLDEST), init=False
    )
    passed_by: int = attrs.field(default=0, init=False)  # lost before they were even lines
    _told: int = attrs.field(default=0, init=False)

    def lagged(self) -> int:
        """How many events were lost since this was asked last."""
        lost = self.lines.tally.dropped + self.passed_by
        news, self._told = lost - self._told, lost
        return news


@attrs.define(eq=False)
class Herald:
    """Receives: notices, and numbers that only grow. Says: lines for subscribers. Loses, counted for
    each of them: what a subscriber is too slow for. Ends: never by itself.
    """

    board: NoticeBoard
    numbers: Callable[[], Mapping[str, int]]
    _subscriptions: list[Subscription] = attrs.field(factory=list, init=False)
    _wanted: trio.Event = attrs.field(factory=trio.Event, init=False)
    _watching: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    _levels: dict[Party, float] = attrs.field(factory=dict, init=False)
    _growing: dict[tuple[Party, str], Transcribed] = attrs.field(factory=dict, init=False)
    _due_s: float = attrs.field(default=float("inf"), init=False)  # what was gathered is told then

    @contextmanager
    def subscribed(self) -> Iterator[Subscription]:
        """Somebody who may be told something until the context is left: nothing yet."""
        subscription = Subscription()
        self._subscriptions.append(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.remove(subscription)
            self._tune_in()

    def tune(self, subscription: Subscription, topics: frozenset[Topic]) -> None:
        """Tell *topics* from now on, instead of those before."""
        subscription.topics = topics
        self._tune_in()

    def _tune_in(self) -> None:
        """Watch if anybody wants to be told anything."""
        if any(each.topics for each in self._subscriptions):
            self._wanted.set()
        elif self._wanted.is_set():
            self._wanted = trio.Event()
            self._watching.cancel()

    async def run(self) -> NoReturn:
        """Watch while somebody subscribes."""
        while True:
            await self._wanted.wait()
            with trio.CancelScope() as self._watching:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._count)
                    await self._watch()
            self._levels.clear()
            self._growing.clear()
            self._due_s = float("inf")

    async def _watch(self) -> None:
        with self.board.watch() as notices:
            lost = 0
            while True:
                with trio.move_on_at(self._due_s):
                    for notice in await notices.receive_some(_AT_ONCE):
                        self._take(notice)
                if trio.current_time() >= self._due_s:
                    self._tell_gathered()
                news, lost = notices.tally.dropped - lost, notices.tally.dropped
                for subscription in self._subscriptions:
                    subscription.passed_by += news

    async def _count(self) -> None:
        before: Mapping[str, int] = {}
        while True:
            if any(Topic.TALLY in each.topics for each in self._subscriptions):
                numbers = self.numbers()
                if numbers != before:
                    self._tell(Topic.TALLY, telling.tally(numbers))
                    before = numbers
            await trio.sleep(_COUNTED_EVERY_S)

    def _take(self, notice: Notice) -> None:
        board, now_s = self.board, trio.current_time()
        match notice:
            case LevelMeasured(who=who, dbfs=dbfs):
                self._levels[who] = max(dbfs, self._levels.get(who, dbfs))
                self._gather()
            case Transcribed(final=False):
                self._growing[notice.who, notice.item_id] = notice
                self._gather()
            case Transcribed():
                self._growing.pop((notice.who, notice.item_id), None)
                self._tell(Topic.TRANSCRIPT, telling.transcript(notice))
            case PhaseChanged():
                self._tell(Topic.PHASE, telling.phase(notice, board.link, now_s))
            case TurnEnded():
                self._tell(Topic.TURN, telling.turn(notice))
            case Happened(moment=Moment.RENEWED):  # the phase is the same, the session is not
                self._tell(Topic.PHASE, telling.phase(board.phase, board.link, now_s))
            case Happened(moment=moment) if moment in telling.FAULTS:
                self._tell(Topic.FAULT, telling.fault(notice, board.link, now_s))
            case Happened():
                pass

    def _gather(self) -> None:
        self._due_s = min(self._due_s, trio.current_time() + _GATHERED_S)

    def _tell_gathered(self) -> None:
        if self._levels:
            self._tell(Topic.LEVEL, telling.level(trio.current_time(), self._levels))
        for words in self._growing.values():
            self._tell(Topic.TRANSCRIPT, telling.transcript(words))
        self._levels.clear()
        self._growing.clear()
        self._due_s = float("inf")

    def _tell(self, topic: Topic, params: telling.Told) -> None:
        told = [each for each in self._subscriptions if topic in each.topics]
        if told:
            line = render_event(topic.value, params)
            for each in told:
                each.lines.offer(line)
