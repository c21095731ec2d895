"""Supervisor: keeps a conversation going, and decides what a fault means for it."""

import logging
import random

import attrs
import trio

from voiced.actors.conversation import Conversation
from voiced.actors.cooldown import Cooldown
from voiced.faults import LinkError, RemoteProtocolError, SessionOver, VoicedError
from voiced.notices import Happened, Moment, NoticeBoard
from voiced.verdicts import Judgement, Verdict, gravest, judge

log = logging.getLogger(__name__)

_CONVERSATION_ENDS = (LinkError, RemoteProtocolError, SessionOver)
"""Faults that end one conversation. All others end the daemon: devices for systemd to restart, bugs."""


class GaveUp(VoicedError):
    """A fault that only a person can mend, where nobody waits for that."""


@attrs.define(eq=False, kw_only=True)
class Supervisor:
    """Holds one conversation after the other, paced by the cooldown.

    Receives: faults, and `reconnect` from an operator. Says: phases. Loses: nothing. Ends: by `stop`,
    or, unless it *stays* for a person to mend things, by `GaveUp`.
    """

    conversation: Conversation
    cooldown: Cooldown
    board: NoticeBoard
    stays: bool
    chance: random.Random = attrs.field(factory=random.Random)
    _pause: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    _life: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)

    async def run(self) -> None:
        """Converse until stopped."""
        with self._life:
            while True:
                await self._rest(
                    self.cooldown.budget_wait(trio.current_time()), "attempts are paced"
                )
                began = trio.current_time()
                fault = await self._one_conversation()
                await self._deal_with(fault, lasted_s=trio.current_time() - began)
        self._tell(Moment.STOPPED, "")

    def stop(self) -> None:
        """End the conversation and say goodbye to the server."""
        self._life.cancel()

    def reconnect(self) -> None:
        """Cut short whatever pause there is."""
        self._pause.cancel()

    # The talk button and the wish for silence go to whatever conversation there is.

    def press(self) -> bool:
        """Put the talk button down; False if it does nothing now."""
        return self.conversation.press()

    def release(self) -> bool:
        """Let the talk button go; False if it was not down."""
        return self.conversation.release()

    def interrupt(self) -> bool:
        """Silence the answer; False if there is no conversation."""
        return self.conversation.interrupt()

    def ask(self, text: str) -> bool:
        """Ask in the user's place; False if nobody can be asked now. ValueError: not that text."""
        return self.conversation.ask(text)

    def say(self, text: str) -> bool:
        """Have the assistant say *text*; False and errors as for `ask`."""
        return self.conversation.say(text)

    async def _one_conversation(self) -> VoicedError:
        self.cooldown.begin(trio.current_time())
        self._tell(Moment.DIALLING, "")
        faults: list[VoicedError] = []
        try:
            await self.conversation.run()
        except* _CONVERSATION_ENDS as group:
            faults.append(gravest(group))
        return faults[0]

    async def _deal_with(self, fault: VoicedError, lasted_s: float) -> None:
        judgement = judge(fault)
        healthy = self.cooldown.ended(lasted_s)
        log.warning(
            "conversation ended fault=%r verdict=%s: %s",
            str(fault),
            judgement.verdict.name.lower(),
            judgement,
        )
        match judgement.verdict:
            case Verdict.GIVE_UP if not self.stays:
                raise GaveUp(_sentence(judgement, fault)) from fault
            case Verdict.GIVE_UP:
                self._tell(Moment.GAVE_UP, _sentence(judgement, fault))
                await self._sleep(float("inf"))
            case Verdict.RECONNECT if healthy:
                pass
            case _:
                pause_s = self.cooldown.strike(self.chance.random())
                await self._rest(pause_s, _sentence(judgement, fault))

    async def _rest(self, seconds: float, why: str) -> None:
        if seconds > 0:
            log.info(
                "cooling down pause_s=%.1f strikes=%d: %s", seconds, self.cooldown.strikes, why
            )
            self._tell(Moment.COOLING, why)
            await self._sleep(seconds)

    async def _sleep(self, seconds: float) -> None:
        with trio.CancelScope() as self._pause:
            await trio.sleep(seconds)

    def _tell(self, moment: Moment, why: str) -> None:
        self.board.post(Happened(trio.current_time(), moment, detail=why))


def _sentence(judgement: Judgement, fault: VoicedError) -> str:
    return f"{judgement.cause} ({fault}). {judgement.action}".rstrip(". ")
