"""The gate through which responses are asked for and ended, and what must be known for that. Pure.

Law of this file: what may be done with the floor, whatever the reason. What happens, and what follows
from it, is in `floor.py` and, where nothing happens, in `overdue.py`.
"""

from typing import Final

import attrs

from voiced.realtime.client_events import CancelResponse, CreateResponse, DeleteItem
from voiced.turns.doubt import Belief
from voiced.turns.doubts import Doubts
from voiced.turns.machines import Machines
from voiced.turns.moments import Moment
from voiced.turns.orders import Abandon, Cut, Order, Say, SetVolume, Tell, Warn
from voiced.turns.policy import Detection, Interruption, Policy
from voiced.turns.setbacks import LONGEST_PAUSE_S, PAUSE_S, Allowance, Setback
from voiced.turns.states import ASKED, MADE, Debt, Generation, User
from voiced.turns.texts import Texts

_G = Generation
ANSWER: Final = CreateResponse()
"""What answers the conversation; all other requests are for something to be said."""

_MOST_WITHHELD: Final = 64  # moments; a turn has four, and only a mad server begins so many


@attrs.define(eq=False)
class Gate:
    """One session's state. Without *retries*, a turn that stalls does not end the session."""

    policy: Policy
    retries: bool = True
    machines: Machines = attrs.field(init=False)
    doubts: Doubts = attrs.field(factory=Doubts, init=False)
    texts: Texts = attrs.field(factory=Texts, init=False)
    sounding: bool = attrs.field(default=False, init=False)
    item_id: str = attrs.field(default="", init=False)  # of what the user says now, or said last
    request: CreateResponse = attrs.field(default=ANSWER, init=False)  # what is made, or was last
    allowance: Allowance = attrs.field(factory=Allowance, init=False)
    setback: Setback | None = attrs.field(default=None, init=False)  # this turn's last response
    withheld: list[Tell] = attrs.field(factory=list, init=False)  # of turns that may be none

    def __attrs_post_init__(self) -> None:
        self.machines = Machines(self.policy.limits)

    @property
    def user(self) -> User:
        """Where the user's turn is."""
        return self.machines.user

    @property
    def generation(self) -> Generation:
        """Where the response is that is being made, if one is."""
        return self.machines.generation

    @property
    def answering(self) -> bool:
        """Whether speech now would be speech over an answer."""
        return self.sounding or self.machines.generation in ASKED | MADE

    def tell_or_withhold(self, told: list[Tell]) -> list[Order]:
        """A turn that may be none is told when it is known to be one."""
        if self.withheld:
            self.withhold(*told)
            return []
        return [*told]

    def withhold(self, *told: Tell) -> None:
        """Keep moments back until it is known whether they belong to a turn."""
        self.withheld += told[: _MOST_WITHHELD - len(self.withheld)]

    def pay(self, now_s: float) -> list[Order]:
        """Ask for a response, if one is owed and the floor is free. The one gate."""
        held = self.policy.detection is Detection.PUSH_TO_TALK
        listening = {User.SILENT, User.STOPPED, User.FORCED} if held else {User.SILENT}
        if (
            self.machines.generation is not _G.NONE
            or self.machines.debt is Debt.SERVERS
            or self.machines.user not in listening
            or self.doubts.waiting
            or self.texts.unconfirmed
            or (self.sounding and self.policy.interruption is Interruption.NEVER)
        ):
            return []
        if self.machines.debt is Debt.OURS or self.texts.owed:
            self.machines.enter(Debt.NONE, now_s)
            self.texts.answered()
            return self._ask_for(now_s, ANSWER)
        request = None if self.sounding else self.texts.next_to_say()
        return [] if request is None else self._ask_for(now_s, request)

    def cancel(self, now_s: float) -> list[Order]:
        """End the response that is made, or will be."""
        if self.machines.generation in ASKED:
            self.machines.enter(_G.UNWANTED, now_s)
        elif self.machines.generation in MADE:
            self.machines.enter(_G.CANCELLING, now_s)
            return [Say(CancelResponse())]
        return []

    def unanswered(self, now_s: float, why: str) -> list[Order]:
        """Give up what was asked for, by name."""
        if self.request is not ANSWER:
            return [Warn(f"a text is not said: {why}", 1)]
        return [Tell(now_s, Moment.UNANSWERED, self.item_id, f"{why}: the turn is given up")]

    def _ask_for(self, now_s: float, request: CreateResponse) -> list[Order]:
        self.request = request
        self.machines.enter(_G.ASKED, now_s)
        return [Say(request)]

    def owe(self, now_s: float, *, ours: bool = False) -> list[Order]:
        """The user is owed an answer: by us, or (a commit of *ours* makes no response) the server."""
        if self.policy.server_answers and not ours:
            if self.machines.generation not in MADE:  # it may have been quicker than its own commit
                self.machines.enter(Debt.SERVERS, now_s)
            return []
        self.machines.enter(Debt.OURS, now_s)
        return self.pay(now_s)

    def give_back(self, now_s: float) -> None:
        """What was asked for is still to be asked for."""
        if self.request is ANSWER:
            self.machines.enter(Debt.OURS, now_s)
        else:
            self.texts.say_again(self.request)
            self.request = ANSWER

    def meant(self, now_s: float) -> list[Order]:
        """It is an interruption: silence, and the turn is told from its beginning."""
        told, self.withheld = self.withheld, []
        return [Cut(), *self.cancel(now_s), SetVolume(0.0), *told]

    def dismiss(self, now_s: float, item_id: str, problem: str) -> list[Order]:
        """It was nothing: the conversation forgets it, and the answer goes on."""
        self.withheld.clear()
        gone: list[Order] = [Say(DeleteItem(item_id))] if item_id else []  # else it has no name
        return [*gone, Tell(now_s, Moment.DISMISSED, item_id, problem), *self.pay(now_s)]

    def ask_later(self, now_s: float, setback: Setback, *, again: bool = False) -> list[Order]:
        """Ask once more after a pause, or, if that was done or would take too long, end it here."""
        pause_s = self.allowance.pause_s(now_s) if setback.limited else PAUSE_S
        if again or pause_s > LONGEST_PAUSE_S:
            self.machines.enter(_G.NONE, now_s)
            return [Abandon(setback.code, setback.message, pause_s if setback.limited else None)]
        self.machines.pause(now_s + pause_s)
        return [Warn(f"the response failed: it is asked for once more in {pause_s:.1f} s")]

    def not_asked(self, now_s: float, item_id: str, why: str) -> list[Order]:
        """What was asked in writing did not become an item."""
        self.withheld = [told for told in self.withheld if told.item_id != item_id]
        problem = f"{why}: it is given up"
        return [Tell(now_s, Moment.UNANSWERED, item_id, problem), *self.pay(now_s)]

    def reconsider(self, now_s: float) -> list[Order]:
        """Look at what was voiced: what is being said may be believed, or doubted, by now."""
        doubt = self.doubts.speech
        if doubt is None or not doubt.listen(self.doubts.voicing):
            return []
        if doubt.belief is Belief.MEANT:
            return self.meant(now_s)
        return restored(now_s, doubt.item_id)

    def ended(self) -> list[Order]:
        """The session is over, and with it what was written and not yet dealt with."""
        if lost := self.texts.give_up() + self.texts.say_nothing():
            return [Warn(f"{lost} texts are given up: the session ended", lost)]
        return []


def restored(now_s: float, item_id: str) -> list[Order]:
    """As loud as before."""
    return [SetVolume(0.0), Tell(now_s, Moment.RESTORED, item_id)]
