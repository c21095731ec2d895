"""Who has the floor: the user's turn, the response to it, and the debt between them. Pure.

Theory of operation. Three small machines (`machines.py`), because users speak while responses are made:

- the *user*: speaks, has stopped, is an item of the conversation;
- the *generation*: a response is asked for, created, flowing, being cancelled;
- the *debt*: a committed turn deserves an answer that nobody has begun to make.

With `interruption = immediate` the server pays its debts and interrupts by itself; otherwise we do,
and `pay` is the gate through which `response.create` leaves: never while a response is active,
being asked for or (`never`) being heard, never while the user speaks. What was asked in writing, and
what the assistant is to say (`texts.py`), leaves by the same gate. The only other way is to ask once
more when a limit has passed and nothing came.

Every state in which somebody else must do the next step has a time limit (`states.WAITS`) and one thing
that is done when it passes (`overdue.EXPIRED`). Each method is told when it is and gives the orders
that follow; nothing here raises, whatever the order in which things arrive.
"""

from collections.abc import Sequence
from typing import Final

import attrs

from voiced.realtime.client_events import (
    CancelResponse,
    Clear,
    ClientEvent,
    Commit,
    CreateItem,
    CreateResponse,
)
from voiced.realtime.objects import RateLimit
from voiced.turns.doubt import Belief
from voiced.turns.doubts import Reading
from voiced.turns.gate import ANSWER, Gate, restored
from voiced.turns.moments import Moment
from voiced.turns.orders import Cut, FinishAnswers, Order, Say, SetVolume, Tell, Warn
from voiced.turns.overdue import EXPIRED
from voiced.turns.policy import Interruption
from voiced.turns.setbacks import Setback
from voiced.turns.states import ASKED, MADE, Debt, Generation, User

_G = Generation
_SHORTEST_MS: Final = 100  # of sound in a commit; less is refused (seen on the live wire)


@attrs.define(eq=False)
class Floor(Gate):
    """What follows from all that happens in one session."""

    _response_id: str = attrs.field(default="", init=False)  # of what is made now, or was last

    # --- time

    @property
    def wakes_at_s(self) -> float:
        """When `tick` has something to do, unless something happens before."""
        return min(self.machines.wakes_at_s, self.doubts.wakes_at_s, self.texts.wakes_at_s)

    def tick(self, now_s: float) -> list[Order]:
        """Do what is due."""
        orders: list[Order] = []
        while (state := self.machines.overdue(now_s)) is not None:
            orders += EXPIRED[state](self, now_s)
        while (item_id := self.doubts.overdue(now_s)) is not None:
            orders += self.dismiss(now_s, item_id, "its words did not come in time")
        while (item_id := self.texts.overdue(now_s)) is not None:
            orders += self.not_asked(now_s, item_id, "the server does not take what was written")
        return orders

    # --- what the server hears

    def speech_started(self, now_s: float, item_id: str, from_ms: int | None) -> list[Order]:
        """The server hears the user."""
        told = Tell(now_s, Moment.SPEECH_START, item_id)
        self.item_id = item_id
        self.machines.enter(User.SPEAKING, now_s)
        if self.policy.interruption is Interruption.IMMEDIATE:
            # What was not begun is answered together with what is said now.
            self.machines.enter(Debt.NONE, now_s)
            if self.machines.generation in MADE:
                self.machines.enter(_G.INTERRUPTED, now_s)
            elif self.machines.generation in ASKED:
                self.machines.enter(_G.UNWANTED, now_s)
            return [told, Cut()]
        if not self.answering:
            return [told]
        self.withhold(told)
        if self.policy.interruption is Interruption.NEVER:
            return []
        self.doubts.begin(item_id, from_ms, self.policy.confirm_ms)
        ducked: list[Order] = [SetVolume(self.policy.duck_db), Tell(now_s, Moment.DUCKED, item_id)]
        return ducked + self.reconsider(now_s)

    def frame_sent(self, now_s: float, end_ms: int, dbfs: float) -> list[Order]:
        """A frame went up; its end and its level. Needed while `policy.doubts` only."""
        self.doubts.voicing.hear(end_ms, dbfs)
        return self.reconsider(now_s)

    def speech_stopped(self, now_s: float, item_id: str, end_s: float | None) -> list[Order]:
        """The server hears that the user has ended, at *end_s*."""
        if self.machines.user is User.SPEAKING:
            self.machines.enter(User.STOPPED, now_s)
        ended = [Tell(end_s, Moment.SPEECH_END, item_id)] if end_s is not None else []
        orders = self.tell_or_withhold([*ended, Tell(now_s, Moment.SPEECH_STOPPED, item_id)])
        if self.doubts.speech is not None and self.doubts.speech.stopped():
            orders += restored(now_s, item_id)
        return orders

    def committed(self, now_s: float, item_id: str) -> list[Order]:
        """The user's turn is an item of the conversation."""
        forced = self.machines.user is User.FORCED
        self.machines.enter(User.SILENT, now_s)
        self.setback = None
        told = self.tell_or_withhold([Tell(now_s, Moment.COMMITTED, item_id)])
        doubt = self.doubts.end()
        if doubt is None or doubt.belief is Belief.MEANT:
            return told + self.owe(now_s, ours=forced)
        # The level is back already, unless the server committed without a word of its end.
        if doubt.belief is Belief.LISTENING:
            told += restored(now_s, item_id)
        if not self.policy.transcribed:
            return told + self.dismiss(now_s, item_id, "")
        oldest = self.doubts.await_words(doubt, item_id, now_s + self.policy.limits.words_s)
        if oldest is not None:
            told += self.dismiss(now_s, oldest, "too many turns wait for their words")
        return told

    def words(self, now_s: float, item_id: str, text: str, *, final: bool) -> list[Order]:
        """Words of the user's: a piece, or all of an item's."""
        match self.doubts.read(item_id, text, final=final):
            case Reading.MEANT:
                return self.meant(now_s)
            case Reading.TURN:
                return self.meant(now_s) + self.owe(now_s)
            case Reading.NO_TURN:
                return self.dismiss(now_s, item_id, "")
            case Reading.NOTHING:
                return []

    def no_words(self, now_s: float, item_id: str) -> list[Order]:
        """The user's words could not be written down."""
        return self.words(now_s, item_id, "", final=True)

    def item_added(self, now_s: float, item_id: str) -> list[Order]:
        """An item joined the conversation: perhaps what was asked in writing."""
        if not self.texts.confirmed(item_id):
            return []
        self.setback = None
        told = self.tell_or_withhold([Tell(now_s, Moment.COMMITTED, item_id)])
        return told + self.pay(now_s)

    # --- what the server makes

    def response_created(self, now_s: float, response_id: str) -> list[Order]:
        """The server makes a response of the conversation."""
        self._response_id = response_id
        # There is one at a time: it proves the last one over, even if nobody said so.
        over: list[Order] = [FinishAnswers()] if self.machines.generation in MADE else []
        told = [*over, Tell(now_s, Moment.RESPONSE_CREATED)]
        if self.machines.generation is _G.UNWANTED:
            self.machines.enter(_G.CANCELLING, now_s)
            return [*told, Say(CancelResponse())]
        if self.machines.generation not in ASKED:
            self.request = ANSWER  # of the server's own accord
        if self.request is ANSWER:
            self.machines.enter(Debt.NONE, now_s)
            self.texts.answered()
        self.machines.enter(_G.CREATED, now_s)
        return told

    def progressed(self, now_s: float) -> list[Order]:
        """Something of the response came: sound, text, arguments."""
        if self.machines.generation in MADE:
            self.machines.enter(_G.FLOWING, now_s)
        return []

    def response_done(self, now_s: float, response_id: str) -> list[Order]:
        """A response of the conversation is over; perhaps one that was given up long ago."""
        # One without a name ends what is made, and its sound with it: nobody else would.
        known = response_id and self._response_id
        nameless = self.machines.generation in MADE and not known
        ended: list[Order] = [FinishAnswers()] if nameless else []
        if not self._is_another(response_id) and self.machines.generation is not _G.PAUSING:
            self.setback = None
            self.machines.enter(_G.NONE, now_s)
        return ended + self.pay(now_s)

    def response_failed(self, now_s: float, response_id: str, setback: Setback) -> list[Order]:
        """A response came to nothing that may succeed another time: it is asked for once more."""
        generation, debt = self.machines.generation, self.machines.debt
        wanted = generation in ASKED | MADE or (generation is _G.NONE and debt is Debt.SERVERS)
        if not wanted or self._is_another(response_id):
            return self.response_done(now_s, response_id)
        again, self.setback = self.setback is not None, setback
        self.give_back(now_s)
        return self.ask_later(now_s, setback, again=again)

    def limits_told(self, now_s: float, limits: Sequence[RateLimit]) -> list[Order]:
        """The server says what is left of its allowances."""
        self.allowance.told(now_s, limits)
        pausing = self.machines.generation is _G.PAUSING
        if not pausing or self.setback is None or not self.setback.limited:
            return []
        return self.ask_later(now_s, self.setback)  # this often comes just after the failure

    def sounds(self, now_s: float, *, sounding: bool) -> list[Order]:
        """Whether answers are being heard or wait to be."""
        self.sounding = sounding
        if self.answering:
            return []
        orders: list[Order] = []
        if self.doubts.speech is None and not self.doubts.waiting:
            orders += self.withheld
            self.withheld.clear()
        return orders + self.pay(now_s)

    def refused(self, now_s: float, code: str | None, blamed: str | None = None) -> list[Order]:
        """The server did not do what we said: *blamed*, if it says so."""
        if blamed is not None and self.texts.refused(blamed):
            return self.not_asked(now_s, blamed, "the server refuses what was written")
        match code, self.machines.generation:
            case "response_cancel_not_active", _G.CANCELLING:
                self.machines.enter(_G.NONE, now_s)
            case "conversation_already_has_active_response", _G.ASKED | _G.ASKED_AGAIN:
                # One is there that we were not told of. Ours comes after it.
                self._response_id = ""
                self.give_back(now_s)
                self.machines.enter(_G.CREATED, now_s)
                return []
            case "input_audio_buffer_commit_empty", _:
                if self.machines.user in {User.STOPPED, User.FORCED}:
                    self.machines.enter(User.SILENT, now_s)
            case _:
                return []
        return self.pay(now_s)

    def sent(self, now_s: float, event: ClientEvent) -> list[Order]:
        """What we wanted to say is said: the server's time begins now."""
        machines = self.machines
        match event:
            case CreateResponse() if machines.generation in ASKED | {_G.UNWANTED}:
                machines.wait(machines.generation, now_s)
            case CancelResponse() if machines.generation is _G.CANCELLING:
                machines.wait(machines.generation, now_s)
            case Commit() if machines.user in {User.STOPPED, User.FORCED}:
                machines.wait(machines.user, now_s)
            case CreateItem(item_id=str(item_id)):
                self.texts.sent(item_id, now_s + self.policy.limits.committed_s)
            case _:
                pass
        return []

    # --- what people do

    def pressed(self, now_s: float) -> list[Order]:
        """The talk button is down: whoever speaks is interrupted."""
        self.machines.enter(User.SPEAKING, now_s)
        self.machines.enter(Debt.NONE, now_s)
        return [Cut(), *self.cancel(now_s), Tell(now_s, Moment.SPEECH_START)]

    def released(self, now_s: float, held_ms: int) -> list[Order]:
        """All is sent of what was said while it was down."""
        told: list[Order] = [Tell(now_s, Moment.SPEECH_END), Tell(now_s, Moment.SPEECH_STOPPED)]
        if held_ms < _SHORTEST_MS:
            self.machines.enter(User.SILENT, now_s)
            dismissed = [*told, Say(Clear()), Tell(now_s, Moment.DISMISSED)]
            return dismissed + self.pay(now_s)
        self.machines.enter(User.STOPPED, now_s)
        self.machines.enter(Debt.OURS, now_s)
        self.setback = None
        return [*told, Say(Commit()), *self.pay(now_s)]

    def asked(self, now_s: float, question: CreateItem) -> list[Order]:
        """The user asks in writing, which is always meant."""
        item_id = question.item_id or ""
        if self.machines.user is User.SILENT:
            self.item_id = item_id
        told = Tell(now_s, Moment.ASKED, item_id)
        if self.policy.interruption is Interruption.NEVER and self.answering:
            self.withhold(told)
            return [Say(question)]
        return [told, Cut(), *self.cancel(now_s), Say(question)]

    def interrupted(self, now_s: float) -> list[Order]:
        """Somebody wants silence: of what is made, of what failed, and of what waits to be said."""
        orders: list[Order] = [Cut(), *self.cancel(now_s)]
        if lost := self.texts.say_nothing():
            orders.append(Warn(f"{lost} texts are not said: silence was wanted", lost))
        if self.machines.generation is _G.PAUSING:
            self.machines.enter(_G.NONE, now_s)
            self.machines.enter(Debt.NONE, now_s)
            orders += [Tell(now_s, Moment.UNANSWERED, self.item_id), *self.pay(now_s)]
        return orders

    # --- how it is done

    def _is_another(self, response_id: str) -> bool:
        """Whether it is not the one that is being made."""
        if not (response_id and self._response_id):
            return False
        if self.machines.generation in ASKED | {_G.UNWANTED}:
            return response_id == self._response_id  # the last one, told of twice
        return self.machines.generation in MADE and response_id != self._response_id
