"""Steward: carries what is asked at the control socket to those who can do it, and their answers back."""

import logging
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import attrs
import trio

from voiced import __version__
from voiced.actors import telling
from voiced.actors.herald import Herald, Subscription
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


class Operator(Protocol):
    """Who does what people want. Each is done at once; False, if it would do nothing now."""

    def press(self) -> bool:
        """Put the talk button down."""

    def release(self) -> bool:
        """Let the talk button go."""

    def interrupt(self) -> bool:
        """Silence what sounds."""

    def ask(self, text: str) -> bool:
        """Ask in the user's place; ValueError if that can't be asked."""

    def say(self, text: str) -> bool:
        """Have *text* said; ValueError if that can't be said."""

    def reconnect(self) -> None:
        """Open a new session."""

    def stop(self) -> None:
        """End all of it in order."""


class _Refused(Exception):
    """It is not done: the code, and a sentence that says why."""

    def __init__(self, code: Code, sentence: str) -> None:
        self.code = code
        super().__init__(sentence)


_NO_SESSION: Final = "there is no session now (voicectl status says why)"
_NO_BUTTON: Final = (
    "the talk button does nothing now: it is down already, there is no session, or [turns] "
    'detection is not "push_to_talk"'
)


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

    def card(self, *, words: bool) -> telling.Told:
        """What is going on, all of it."""
        return telling.status(self.board.status, trio.current_time(), words=words) | {
            "version": __version__,
            "volume_percent": self.volume.owner_percent,
            "tally": telling.tally(self.numbers())["counts"],
        }


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
        except _Refused as why:
            return Refusal(why.code, str(why), call.request_id)

    def _done(self, command: Command) -> telling.Told:
        """Do it, and say what came of it. `_Refused`: nothing would."""
        volume = self.steward.volume
        match command:
            case commands.Hello():
                return self._hello()
            case commands.Status():
                return self.steward.card(words=self._may_read)
            case commands.History(most):
                return telling.history(self.steward.scribe.newest(most))
            case commands.SetVolume(percent):
                if percent is not None:
                    volume.set_owner(percent)
                return {"percent": volume.owner_percent}
            case commands.Subscribe(topics):
                return self._subscribe(topics)
            case commands.Shutdown():
                pass  # it comes after its reply
            case _:
                self._act(command)
        return {}

    def _act(
        self,
        command: commands.Interrupt
        | commands.Ask
        | commands.Say
        | commands.TalkStart
        | commands.TalkStop
        | commands.Reconnect,
    ) -> None:
        operator = self.steward.operator
        match command:
            case commands.Reconnect():
                operator.reconnect()
            case commands.Interrupt():
                _unless(operator.interrupt(), "there is nothing to interrupt")
            case commands.Ask(text):
                _unless(_put(operator.ask, text), f"too many questions wait, or {_NO_SESSION}")
            case commands.Say(text):
                _unless(_put(operator.say, text), f"too many texts wait, or {_NO_SESSION}")
            case commands.TalkStart():
                _unless(operator.press(), _NO_BUTTON)
                self.steward.holder = self
            case commands.TalkStop():
                self.steward.holder = None
                _unless(operator.release(), "the talk button is not down")

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


def _unless(done: bool, why_not: str) -> None:
    if not done:
        raise _Refused(Code.NOT_NOW, why_not)


def _put(ask: Callable[[str], bool], text: str) -> bool:
    try:
        return ask(text)
    except ValueError as mistake:  # not that text
        raise _Refused(Code.WRONG_PARAMS, str(mistake)) from None
