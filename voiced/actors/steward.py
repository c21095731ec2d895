"""Steward: carries what is asked at the control socket to those who can do it, and their answers back."""

import logging
from collections.abc import Callable, Mapping
from typing import Final

import attrs
import trio

from voiced import __version__
from voiced.actors import telling
from voiced.actors.herald import Herald, Subscription
from voiced.actors.operator import Operator, Refused, Reload, obey, read_again
from voiced.actors.scribe import Scribe
from voiced.control import commands
from voiced.control.commands import LAGGED, METHODS, PROTOCOL, Command, Topic, command_of, takes
from voiced.control.pace import Pace
from voiced.control.rights import Right
from voiced.control.rpc import (
    Call,
    Code,
    Refusal,
    parse,
    render_event,
    render_refusal,
    render_result,
)
from voiced.messages import Volume
from voiced.notices import NoticeBoard
from voiced.ports import Caller

log = logging.getLogger(__name__)

_TAKEN_S: Final = 10.0  # who asks takes the reply within that time, or is shown out


@attrs.define(eq=False, kw_only=True)
class Steward:
    """Receives: lines of callers. Says: replies, and events to those who subscribe. Loses: nothing; a
    caller that is too fast, or does not read, keeps nobody waiting but itself. Ends: never by itself.
    """

    operator: Operator
    board: NoticeBoard
    scribe: Scribe
    volume: Volume
    numbers: Callable[[], Mapping[str, int]]
    requests_per_s: float
    reload: Reload | None = None
    papers: Callable[[], Mapping[str, object]] = dict  # what belongs to a dump and others know
    herald: Herald = attrs.field(init=False)
    holder: "_Visit | None" = attrs.field(default=None, init=False)  # of the talk button

    def __attrs_post_init__(self) -> None:
        self.herald = Herald(self.board, self.numbers)

    async def attend(self, caller: Caller) -> None:
        """Serve *caller* until it leaves."""
        if not caller.rights:
            log.warning("control refused client=%s", caller.name)
            sentence = f"{caller.name}: this daemon takes no orders from you"
            await caller.send(render_refusal(Refusal(Code.NOT_PERMITTED, sentence)))
            return
        with self.herald.subscribed() as subscription:
            async with trio.open_nursery() as nursery:
                visit = _Visit(self, caller, subscription)
                nursery.start_soon(visit.feed)
                try:
                    await visit.run()
                finally:
                    visit.leave()
                nursery.cancel_scope.cancel()

    def tell(
        self,
        question: commands.Status | commands.Stats | commands.Dump | commands.History,
        *,
        words: bool,
    ) -> telling.Told:
        """Answer what was asked; the last *words* only to those who may read them."""
        match question:
            case commands.Status():
                return self.card(words=words)
            case commands.Stats():
                return self.stats()
            case commands.History(most):
                return telling.history(self.scribe.newest(most))
            case commands.Dump():
                status, stats = self.card(words=words), self.stats()
                return {"status": status, "stats": stats, **self.papers()}

    def card(self, *, words: bool) -> telling.Told:
        """What is going on, all of it."""
        return telling.status(self.board.status, trio.current_time(), words=words) | {
            "version": __version__,
            "active": self.operator.active,
            "muted": self.operator.muted,
            "muted_by_switch": self.operator.muted_by_switch,
            "volume_percent": self.volume.percent,
            "tally": telling.tally(self.numbers())["counts"],
        }

    def stats(self) -> telling.Told:
        """All figures, and what was used."""
        return telling.stats(self.board.status) | telling.tally(self.numbers())


@attrs.define(eq=False)
class _Visit:
    """One caller, from coming to leaving."""

    steward: Steward
    caller: Caller
    subscription: Subscription

    async def run(self) -> None:
        pace = Pace(self.steward.requests_per_s)
        while True:
            await trio.sleep(pace.wait_s(trio.current_time()))
            line = await self.caller.receive()
            if line is None:
                return
            if isinstance(line, Refusal):  # nothing after it can be understood
                await self._reply(render_refusal(line))
                return
            if line.strip() and not await self._answer(parse(line)):
                return

    async def feed(self) -> None:
        """Tell what was subscribed to, as fast as it is read."""
        async for line in self.subscription.lines:
            if lost := self.subscription.lagged():
                await self.caller.send(render_event(LAGGED, {"count": lost}))
            await self.caller.send(line)

    def leave(self) -> None:
        """Whoever held the button and is gone does not speak any more."""
        if self.steward.holder is self:
            self.steward.holder = None
            self.steward.operator.release()

    async def _answer(self, call: Call | Refusal) -> bool:
        """Do what is wanted, and say so; False if the visit is over."""
        if isinstance(call, Refusal):
            return await self._reply(render_refusal(call))
        command = command_of(call, self.caller.rights)
        outcome = command if isinstance(command, Refusal) else self._outcome(command, call)
        taken = True
        if call.wants_reply and isinstance(outcome, Refusal):
            taken = await self._reply(render_refusal(outcome))
        elif call.wants_reply and not isinstance(outcome, Refusal):
            taken = await self._reply(render_result(call.request_id, outcome))
        if isinstance(command, commands.Shutdown):
            log.info("control shutdown client=%s", self.caller.name)
            self.steward.operator.stop()
        return taken

    async def _reply(self, line: bytes) -> bool:
        with trio.move_on_after(_TAKEN_S):
            return await self.caller.send(line)
        log.warning("control client=%s did not read its reply", self.caller.name)
        return False

    def _outcome(self, command: Command, call: Call) -> telling.Told | Refusal:
        try:
            return self._done(command)
        except Refused as why:
            return Refusal(why.code, str(why), call.request_id)

    def _done(self, command: Command) -> telling.Told:
        """Do it, and say what came of it. `Refused`: nothing would."""
        steward = self.steward
        match command:
            case commands.Hello():
                return self._hello()
            case commands.Status() | commands.Stats() | commands.Dump() | commands.History():
                return steward.tell(command, words=self._may_read)
            case commands.SetVolume(percent):
                if percent is not None:  # more than may be is not kept for a day when it may
                    steward.volume.set_owner(min(percent, steward.volume.most_percent))
                return {
                    "percent": steward.volume.percent,
                    "max_percent": steward.volume.most_percent,
                }
            case commands.Subscribe(topics):
                return self._subscribe(topics)
            case commands.ReloadConfig():
                return dict(read_again(steward.reload))
            case commands.Shutdown():
                return {}  # it comes after its reply
            case _:
                told = obey(steward.operator, command, steward.board.why)
                self._remember_button(command)
                return dict(told)

    def _remember_button(self, command: Command) -> None:
        """Who holds the talk button lets go of it by leaving."""
        match command:
            case commands.TalkStart():
                self.steward.holder = self
            case commands.TalkStop():
                self.steward.holder = None
            case _:
                pass

    def _hello(self) -> telling.Told:
        rights = self.caller.rights
        return {
            "protocol": PROTOCOL,
            "daemon": "voiced",
            "version": __version__,
            "methods": [name for name, method in METHODS.items() if method.right in rights],
            "topics": [topic.value for topic in Topic if takes(topic) in rights],
            "rights": [right.value for right in Right if right in rights],
        }

    @property
    def _may_read(self) -> bool:
        return Right.WORDS in self.caller.rights

    def _subscribe(self, topics: tuple[Topic, ...]) -> telling.Told:
        """The card as it is now; all events from now on follow."""
        self.steward.herald.tune(self.subscription, frozenset(topics))
        return {
            "topics": [topic.value for topic in topics],
            "status": self.steward.card(words=self._may_read),
        }
