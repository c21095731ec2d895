"""Supervisor: keeps a conversation going, and decides what a fault means for it."""

import logging
import random
from collections.abc import Awaitable, Callable
from typing import Final, NoReturn

import attrs
import trio

from voiced.actors.accountant import Accountant
from voiced.actors.conversation import ENDS, Conversation
from voiced.actors.switch import Switch
from voiced.channel import is_landmark
from voiced.faults import ConfigError, LinkRefused, SessionOver, VoicedError
from voiced.link.cooldown import Cooldown
from voiced.link.ladder import Ladder, Rung
from voiced.logbook.lines import fault_line
from voiced.notices import Happened, Moment, NoticeBoard
from voiced.verdicts import Judgement, Verdict, gravest, judge

log = logging.getLogger(__name__)

_LONGEST_ASKED_S: Final = 3600.0  # who asks us to stay away for longer is asked again after an hour
_MANY_STRIKES: Final = 6  # from here on pauses have their full length, and each is like the last
_GRACE_S: Final = 60.0  # an answer may be finished, a long one may not use up tomorrow's budget
_LOOKS_EVERY_S: Final = 0.2  # for a quiet moment, once the budget is spent
_RETELL: Final = frozenset({Verdict.RETRY_TURN, Verdict.RECONNECT})


class GaveUp(VoicedError):
    """A fault that only a person can mend, where nobody waits for that."""


@attrs.define(eq=False, kw_only=True)
class Supervisor:
    """Opens one session after the other while a conversation is wanted, paced by the cooldown.

    Receives: faults, and what people want. Says: phases, and how the link is. Loses: nothing.
    Ends: by `stop`, or, unless it *stays* for a person to mend things, by `GaveUp`.
    """

    conversation: Conversation
    switch: Switch
    cooldown: Cooldown
    ladder: Ladder
    accountant: Accountant
    board: NoticeBoard
    stays: bool
    begins_off: bool = False  # somebody has deactivated an earlier life
    fault_retry_s: float  # what was given up, but may heal by itself, is tried again so often
    secrets_renew: bool = False  # a refused one may be followed by a good one
    mended: Callable[[], Awaitable[None]] = (
        trio.sleep_forever
    )  # returns when a person did something
    hide: Callable[[str], str] = str  # takes out secrets: a service may quote the key it refuses
    hush: Callable[[], bool] = lambda: False
    """Silences what is no part of a conversation; True if there was anything."""
    chance: random.Random = attrs.field(factory=random.Random)
    _pause: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    _life: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    _began_s: float = attrs.field(default=float("inf"), init=False)  # of the session there is
    _pause_until: tuple[float, str] = attrs.field(default=(float("-inf"), ""), init=False)

    async def run(self) -> None:
        """Converse whenever that is wanted and may be paid for, until stopped."""
        if self.accountant.spent:
            self.switch.forbid(self.accountant.standing.why)
        self.switch.start(off=self.begins_off)
        with self._life:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._stay_within_budget, name="budget")
                while True:
                    await self.switch.until_wanted()
                    await self.switch.hold(self._converse)
                    if self.conversation.answered and self.cooldown.ended(self._lasted_s()):
                        self.ladder.worked()
        self._tell(Moment.STOPPED, "")

    async def _converse(self) -> NoReturn:
        """Let session follow session. A pause that was not waited to its end is waited now."""
        retell_whole = False
        while True:
            until_s, why = self._pause_until
            await self._rest(until_s - trio.current_time(), why)
            await self._rest(self.cooldown.budget_wait(trio.current_time()), "attempts are paced")
            self._began_s = trio.current_time()
            fault = await self._one_conversation(retell_whole=retell_whole)
            verdict = await self._deal_with(fault, self._lasted_s())
            retell_whole = verdict in _RETELL

    def _lasted_s(self) -> float:
        """How long the session has lasted that has just ended; asked once."""
        began_s, self._began_s = self._began_s, float("inf")
        return trio.current_time() - began_s

    def stop(self) -> None:
        """End the conversation and say goodbye to the server."""
        self._life.cancel()

    def reconnect(self) -> None:
        """Cut short whatever pause there is; without one, open a new session at the next quiet moment."""
        self._pause_until = float("-inf"), ""
        self._pause.cancel()
        self.conversation.renew()

    # Whether there is to be a conversation, and who is heard in it; each is False if it does nothing.

    @property
    def active(self) -> bool:
        """Whether there is to be one."""
        return self.switch.activation.active

    @property
    def muted(self) -> bool:
        """Whether nothing is heard."""
        return self.switch.muted

    @property
    def muted_by_switch(self) -> bool:
        """Whether that is so by the mute switch, or as it was not read yet."""
        return self.switch.mute_switch.holds

    def activate(self) -> bool:
        """Begin a conversation; False if there is one, or none may be (the budget is spent)."""
        return self.switch.activate()

    def deactivate(self, why: str = "") -> bool:
        """End it, an answer as well; *why* is for the status. False if there is none."""
        self.hush()
        return self.switch.deactivate(why)

    def mute(self) -> bool:
        """Hear nothing more, in no session; False if it is so already."""
        return self.switch.mute()

    def unmute(self) -> bool:
        """Hear again; False if nobody was muted."""
        return self.switch.unmute()

    def turn_mute_switch(self, *, muted: bool) -> bool:
        """The mute switch stands like this now; False if that changes nothing."""
        return self.switch.turn_mute_switch(muted=muted)

    def press(self) -> bool:
        """Put the talk button down; False if it does nothing now."""
        return self.switch.press()

    def release(self) -> bool:
        """Let the talk button go; False if it was not down."""
        return self.switch.release()

    # What else is wanted goes to whatever session there is.

    def interrupt(self) -> bool:
        """Silence whatever sounds; False if there is neither a conversation nor an announcement."""
        hushed = self.hush()
        talk = self.conversation.talk
        return (talk is not None and talk.interrupt()) or hushed

    def ask(self, text: str) -> bool:
        """Ask in the user's place; False if nobody can be asked now. ValueError: not that text."""
        talk = self.conversation.talk
        return talk is not None and talk.moderator.ask(text)

    def say(self, text: str) -> bool:
        """Have the assistant say *text*; False and errors as for `ask`."""
        talk = self.conversation.talk
        return talk is not None and talk.moderator.say(text)

    def override_budget(self) -> None:
        """Converse without limits until midnight."""
        self.accountant.lift()

    async def _stay_within_budget(self) -> NoReturn:
        """While the budget is spent there is no conversation; that is no fault, and ends by itself.
        What is being said may be finished, but not for ever.
        """
        while True:
            await self.accountant.until(spent=True)
            with trio.move_on_after(_GRACE_S):
                await self._quiet()
            if self.accountant.spent:  # it may have been midnight meanwhile
                self.switch.forbid(self.accountant.standing.why)
                await self.accountant.until(spent=False)
                self.switch.permit()

    async def _quiet(self) -> None:
        while True:
            if not self.conversation.busy:
                return
            await trio.sleep(_LOOKS_EVERY_S)

    async def _one_conversation(self, *, retell_whole: bool) -> VoicedError:
        self.cooldown.begin(trio.current_time())
        plan = self.ladder.plan
        self.board.link = attrs.evolve(
            self.board.link, attempts=self.board.link.attempts + 1, rung=plan.rung.value
        )
        self._tell(Moment.DIALLING, "" if plan.rung is Rung.USUAL else plan.rung.value)
        faults: list[VoicedError] = []
        try:
            await self.conversation.run(plan, retell_whole=retell_whole)
        except* ENDS as group:
            faults.append(gravest(group))
        return faults[0]

    async def _deal_with(self, fault: VoicedError, lasted_s: float) -> Verdict:
        judgement = judge(fault)
        self.board.count_fault(fault)
        healthy = self._take_stock(judgement, lasted_s)
        sentence = self.hide(_sentence(judgement, fault))
        news = sentence != self.board.link.fault or is_landmark(self.cooldown.strikes + 1)
        log.log(
            logging.WARNING if news else logging.DEBUG,
            fault_line(fault, judgement, self.conversation.session_id, self.cooldown.strikes),
        )
        self.board.link = attrs.evolve(self.board.link, fault=sentence)
        match judgement.verdict:
            case Verdict.GIVE_UP if not self.stays:
                raise GaveUp(sentence) from fault
            case Verdict.GIVE_UP:
                await self._wait_for_help(judgement, sentence)
            case Verdict.RECONNECT | Verdict.RETRY_TURN if healthy:
                pass
            case Verdict.RETRY_TURN if not self.cooldown.strikes:
                self.cooldown.strike(0.0)  # somebody waits for an answer: the first time, at once
            case _:
                pause_s = self.cooldown.strike(self.chance.random(), _asked_s(fault))
                if self.ladder.plan.rung is Rung.PAUSE:
                    pause_s = max(pause_s, self.cooldown.longest_s)
                await self._rest(pause_s, sentence)
        return judgement.verdict

    def _take_stock(self, judgement: Judgement, lasted_s: float) -> bool:
        """Draw the balance of a session: was it healthy, did it help to open it as it was opened?"""
        answered = self.conversation.answered > 0
        failed_us = judgement.verdict is Verdict.RETRY_TURN
        if answered:
            self.ladder.worked()
        if failed_us:
            self.ladder.failed()
        healthy = self.cooldown.ended(lasted_s, fruitless=failed_us and not answered)
        if healthy and not failed_us:
            self.ladder.worked()
        return healthy

    async def _wait_for_help(self, judgement: Judgement, sentence: str) -> None:
        """Stay, and try again when somebody did something, or at a slow pace what may heal."""
        self._tell(Moment.GAVE_UP, sentence)
        heals = judgement.heals or self.secrets_renew
        seconds = self.fault_retry_s if heals else float("inf")
        self.switch.waits_for_help = True
        try:
            with trio.CancelScope() as self._pause, trio.move_on_after(seconds):
                await self.mended()
                log.info("settings or key were changed: trying again")
        finally:
            self.switch.waits_for_help = False

    async def _rest(self, seconds: float, why: str) -> None:
        if seconds > 0:
            log.log(
                logging.INFO if self.cooldown.strikes < _MANY_STRIKES else logging.DEBUG,
                "cooling down pause_s=%.1f strikes=%d: %s",
                seconds,
                self.cooldown.strikes,
                why,
            )
            now = trio.current_time()
            link = self.board.link
            self.board.link = attrs.evolve(
                link, strikes=self.cooldown.strikes, resumes_at_s=now + seconds
            )
            self._tell(Moment.COOLING, why)
            self._pause_until = now + seconds, why
            try:
                with trio.CancelScope() as self._pause:
                    await trio.sleep(seconds)
                self._pause_until = float("-inf"), ""
            finally:
                self.board.link = attrs.evolve(self.board.link, resumes_at_s=None)

    def _tell(self, moment: Moment, why: str) -> None:
        self.board.post(Happened(trio.current_time(), moment, detail=why))


def _asked_s(fault: VoicedError) -> float:
    """How long the server wants us to stay away."""
    if isinstance(fault, LinkRefused | SessionOver) and fault.retry_after_s is not None:
        return min(max(0.0, fault.retry_after_s), _LONGEST_ASKED_S)
    return 0.0


def _sentence(judgement: Judgement, fault: VoicedError) -> str:
    if isinstance(fault, ConfigError):  # it says all of it by itself
        return str(fault)
    return f"{judgement} ({fault})"
