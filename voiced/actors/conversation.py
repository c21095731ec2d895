"""Conversation: one session after the other, each giving way to the next before it ends."""

import logging
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import attrs
import trio

from voiced.actors.line import Line
from voiced.actors.opening import Opening
from voiced.actors.seeding import seed
from voiced.actors.talk import Habits, House, Talk
from voiced.audio.format import FRAME_MS
from voiced.audio.wire import WireFormat
from voiced.faults import (
    ConfigError,
    LinkError,
    RemoteProtocolError,
    SessionOver,
    Trouble,
    VoicedError,
)
from voiced.link.cooldown import Cooldown
from voiced.link.ladder import Plan
from voiced.link.memory import Restored
from voiced.link.renewal import Bustle, Renewal
from voiced.notices import Happened, Moment
from voiced.ports import Dialler, Wire
from voiced.realtime.client_events import UserText
from voiced.turns.talk_button import Hold
from voiced.verdicts import gravest

log = logging.getLogger(__name__)

ENDS = (LinkError, RemoteProtocolError, SessionOver, ConfigError)
"""Faults that end one session (a key file may vanish at any time). All others are bugs, and end the
daemon; what is wrong with a device never comes here.
"""

_LOOKS_EVERY_S = 0.2  # for a quiet moment, while one is wanted
_RENEWED_KEEP_MS = 1000
"""What a successor hears of the past where no turn is open: speech may just have begun."""


@attrs.define(eq=False)
class Held:
    """A session that is open: idle until told to *go*, ended by its scope."""

    line: Line
    opening: Opening  # it was opened with these settings
    scope: trio.CancelScope
    opened_s: float
    plan: Plan
    restored: Restored  # of the conversation, from the memory as it was at `mark`
    mark: int
    idling: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    fault: VoicedError | None = attrs.field(default=None, init=False)  # of its idling
    go: trio.Event = attrs.field(factory=trio.Event, init=False)
    told_again: int = attrs.field(default=0, init=False)  # frames that the last one heard in vain
    over: trio.Event = attrs.field(factory=trio.Event, init=False)  # nothing of it acts any more
    talk: Talk | None = attrs.field(default=None, init=False)


@attrs.define(eq=False, kw_only=True)
class Conversation:
    """Opens a session, lets it talk, and has the next one ready before the server ends it.

    Receives and says what `Talk` does. Loses: nothing; while there is no session, the channel of frames
    keeps what is fresh. Ends: by the fault that ends the session in use.
    """

    dialler: Dialler
    opening: Opening
    house: House
    habits: Habits
    renewal: Renewal
    cooldown: Cooldown
    batch_ms: int
    longest_ms: int
    keep_ms: int
    carry_over_tokens: int
    wire_format: WireFormat
    greeting: str = ""  # is said as soon as a session is open, once: whoever sets it decides when
    _held: Held | None = attrs.field(default=None, init=False)
    _renewal_asked: trio.Event = attrs.field(factory=trio.Event, init=False)

    async def run(self, plan: Plan, *, retell_whole: bool = False) -> None:
        """Hold a conversation; *retell_whole*: a turn that was not answered is told again."""
        self._held = None
        try:
            async with trio.open_nursery() as nursery:
                held = await self._open(nursery, plan, told_again=retell_whole)
                self._post(Moment.READY)
                if self.house.door.muted:
                    self._post(Moment.MUTED)
                whole, keep_ms = retell_whole, self.keep_ms
                while True:
                    self._take_over(held, whole=whole, keep_ms=keep_ms)
                    successor = await self._successor_of(held, nursery)
                    held.scope.cancel()
                    await held.over.wait()
                    log.info(
                        "session renewed from=%s to=%s",
                        held.line.session.session_id,
                        successor.line.session.session_id,
                    )
                    self._post(Moment.RENEWED)
                    held, whole, keep_ms = successor, True, min(self.keep_ms, _RENEWED_KEEP_MS)
        finally:
            if self._held is None:
                self._give_up_pressed_turn()

    @property
    def talk(self) -> Talk | None:
        """The session in use, for what people may do; None between sessions."""
        held = self._held
        return None if held is None or held.over.is_set() else held.talk

    @property
    def session_id(self) -> str:
        """Of the session in use, or the one that has just ended; empty if none was opened."""
        return "" if self._held is None else self._held.line.session.session_id or ""

    @property
    def answered(self) -> int:
        """How many responses the session in use (or the one that has just ended) has brought."""
        talk = None if self._held is None else self._held.talk
        return 0 if talk is None else talk.downlink.answered

    @property
    def busy(self) -> bool:
        """Whether anybody speaks, is answered, or is owed an answer."""
        button, talk = self.house.button, self.talk
        held = button is not None and button.hold is not Hold.UP
        return held or (talk is not None and talk.bustle is not Bustle.NONE)

    @property
    def bustle(self) -> Bustle:
        """What is going on; nothing, while there is no session."""
        talk = self.talk
        return Bustle.NONE if talk is None else talk.bustle

    @property
    def sounding(self) -> bool:
        """Whether an answer sounds, of the session in use or of the one that has just ended."""
        talk = None if self._held is None else self._held.talk
        return talk is not None and talk.moderator.floor.sounding

    def silence(self) -> None:
        """Cut what still sounds, of the session in use or of the one that has just ended."""
        talk = None if self._held is None else self._held.talk
        if talk is not None:
            talk.interrupt()

    def renew(self) -> None:
        """Open a new session now, and move over at the next quiet moment."""
        self._renewal_asked.set()

    def adopt(self, opening: Opening, habits: Habits) -> None:
        """Open sessions like that from now on; the one in use gives way to such a one."""
        self.opening, self.habits = opening, habits
        self.renew()

    # How sessions follow one another.

    def _take_over(self, held: Held, *, whole: bool, keep_ms: int) -> None:
        button = self.house.button
        if button is not None and button.hold is Hold.UP and not whole:
            keep_ms = 0  # half a question would be answered like a whole one
        now_s = trio.current_time()
        held.told_again = self.house.tape.retell(now_s, whole=whole, keep_ms=keep_ms)
        if held.told_again:
            log.info("told again ms=%d", held.told_again * FRAME_MS)
        self.house.door.session_begins()
        self._held = held
        self.house.scribe.restored(held.restored)
        board = self.house.board
        board.link = attrs.evolve(board.link, session_id=self.session_id, rung=held.plan.rung.value)
        held.go.set()

    async def _successor_of(self, held: Held, nursery: trio.Nursery) -> Held:
        """Wait until it is time, open the next session, and give it when it may take over."""
        self._renewal_asked = trio.Event()
        if held.opening != self.opening:  # the settings changed while it was opened
            self._renewal_asked.set()
        with trio.move_on_at(held.opened_s + self.renewal.after_s):
            await self._renewal_asked.wait()
        due_s = min(trio.current_time(), held.opened_s + self.renewal.after_s)
        while True:
            await self._may_move(held, due_s)
            successor = await self._try_to_open(nursery)
            if successor is not None:
                await self._may_move(held, due_s)
                successor.idling.cancel()
                if await self._bring_up_to_date(successor):
                    return successor
            await trio.sleep(self.renewal.retry_s)

    async def _may_move(self, held: Held, due_s: float) -> None:
        while True:
            overdue_s = trio.current_time() - due_s
            if held.talk is not None and self.renewal.may_move(overdue_s, held.talk.bustle):
                return
            await trio.sleep(_LOOKS_EVERY_S)

    async def _try_to_open(self, nursery: trio.Nursery) -> Held | None:
        """A successor; None if it can't be had now: the session in use goes on."""
        await trio.sleep(self.cooldown.budget_wait(trio.current_time()))
        self.cooldown.begin(trio.current_time())
        board = self.house.board
        board.link = attrs.evolve(board.link, attempts=board.link.attempts + 1)
        faults: list[VoicedError] = []
        try:
            return await self._open(nursery, Plan(), told_again=True, idles=True)
        except* ENDS as group:
            faults.append(gravest(group))
        self._say_why_not(faults[0])
        return None

    async def _bring_up_to_date(self, held: Held) -> bool:
        """Tell a successor what was said since it was opened; False if it does not live any more."""
        if held.fault is not None:
            self._say_why_not(held.fault)
            return False
        faults: list[VoicedError] = []
        try:
            await held.opening.check(held.line)
            restored = await self._seed(held.line, after=held.mark, told_again=True)
            log.info("successor brought up to date: %s", restored)
        except* ENDS as group:
            faults.append(gravest(group))
            held.scope.cancel()
        for fault in faults:
            self._say_why_not(fault)
        return not faults

    def _say_why_not(self, fault: VoicedError) -> None:
        self.house.board.count_fault(fault)
        log.warning("no successor yet fault=%r retry_s=%g", str(fault), self.renewal.retry_s)

    # One session.

    async def _open(
        self, nursery: trio.Nursery, plan: Plan, *, told_again: bool, idles: bool = False
    ) -> Held:
        held: Held = await nursery.start(partial(self._hold, plan, told_again, idles=idles))
        return held

    async def _hold(
        self, plan: Plan, told_again: bool, *, idles: bool, task_status: trio.TaskStatus[Held]
    ) -> None:
        """Keep one session, from dialling to its end; one that *idles* may have to wait for its use."""
        opening = self.opening
        patience = opening.patience
        with trio.CancelScope() as scope:
            async with self._wire(plan.model) as wire:
                line = Line(wire, patience.send_s, patience.probe_after_s, patience.probe_s)
                opened_s = trio.current_time()
                await opening.run(line)
                mark = self.house.scribe.memory.changes
                restored = await self._seed(line, after=0, told_again=told_again)
                if plan.quiet_s:
                    await opening.stay_quiet(line, plan.quiet_s)
                held = Held(line, opening, scope, opened_s, plan, restored, mark)
                task_status.started(held)
                if idles:
                    await self._idle(held)
                if held.fault is not None:
                    return
                await held.go.wait()
                held.talk = Talk(
                    line=line,
                    house=self.house,
                    habits=self.habits,
                    batch_ms=max(self.batch_ms, plan.batch_ms),
                    longest_ms=self.longest_ms,
                    wire_format=self.wire_format,
                    told_again=held.told_again,
                )
                self._greet(held.talk)
                try:
                    await held.talk.run()
                finally:
                    held.over.set()

    async def _idle(self, held: Held) -> None:
        """Listen, as long as nobody else does: a session that dies unused must not be moved to."""
        try:
            with held.idling:
                await held.opening.stay_quiet(held.line, math.inf)
        except ENDS as fault:
            held.fault = fault

    def _greet(self, talk: Talk) -> None:
        greeting, self.greeting = self.greeting, ""
        if greeting:
            talk.moderator.say(greeting)

    async def _seed(self, line: Line, *, after: int, told_again: bool) -> Restored:
        """Tell a session the conversation so far as text, but for what it will hear *told again*."""
        entries = self.house.scribe.carry(self.carry_over_tokens, after)
        if told_again and self.house.tape.turn_is_open and self.house.tape.may_retell:
            while entries and isinstance(entries[-1].items[0], UserText):
                entries = entries[:-1]
        return await seed(line, entries, self.opening.patience.updated_s)

    @asynccontextmanager
    async def _wire(self, model: str) -> AsyncIterator[Wire]:
        """Dial under a time limit that ends with the socket's opening."""
        limit = self.opening.patience.socket_s
        with trio.CancelScope() as dialling:
            dialling.deadline = trio.current_time() + limit
            async with self.dialler.dial(model) as wire:
                dialling.deadline = float("inf")
                yield wire
        if dialling.cancelled_caught:
            raise LinkError(f"no connection within {limit:g} s", Trouble.SLOW)

    def _post(self, moment: Moment) -> None:
        self.house.board.post(Happened(trio.current_time(), moment))

    def _give_up_pressed_turn(self) -> None:
        """A turn that was pressed and released waits for one opening; later it would be half of one."""
        button = self.house.button
        if button is not None and button.hold is Hold.TAIL:
            self.house.counts.frames_withheld += button.forget()
            self.house.frames.discard_all()
            log.warning("the turn of the talk button was given up: no session could be opened")
