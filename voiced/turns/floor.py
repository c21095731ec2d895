"""Who has the floor: the user's turn, the response to it, and the debt between them. Pure.

Theory of operation. Three small machines, because users speak while responses are made:

- the *user*: speaks, has stopped, is an item of the conversation;
- the *generation*: a response is asked for, created, flowing, being cancelled;
- the *debt*: a committed turn deserves an answer that nobody has begun to make.

With `interruption = immediate` the server pays its debts and interrupts by itself; otherwise we do,
and `_pay` is the gate through which `response.create` leaves: never while a response is active,
being asked for or (`never`) being heard, never while the user speaks. The only other way is to ask once
more when a limit has passed and nothing came.

Every state in which somebody else must do the next step has a time limit (`states.WAITS`) and one thing
that is done when it passes (`_EXPIRED`). Each method is told when it is and gives the orders that
follow; nothing here raises, whatever the order in which things arrive.
"""

import enum
from collections import OrderedDict
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import attrs

from voiced.audio.voicing import Voicing
from voiced.realtime.client_events import (
    CancelResponse,
    Clear,
    ClientEvent,
    Commit,
    CreateResponse,
    DeleteItem,
)
from voiced.turns.doubt import Belief, Doubt
from voiced.turns.moments import Moment
from voiced.turns.orders import (
    Cut,
    FinishAnswers,
    ForgetResponse,
    Order,
    ReleaseButton,
    Say,
    SetVolume,
    Tell,
)
from voiced.turns.policy import Detection, Interruption, Policy
from voiced.turns.states import (
    ASKED,
    BEGINS_WHEN_SENT,
    MADE,
    WAITS,
    Debt,
    Generation,
    User,
)

_G = Generation
_NEVER: Final = float("inf")
_SHORTEST_MS: Final = 100  # of sound in a commit; less is refused (seen on the live wire)
_MOST_WITHHELD: Final = 64  # moments; a turn has four, and only a mad server begins so many
_MOST_DOUBTS: Final = 16  # items waiting for their words; beyond it the oldest is let pass


@attrs.define(eq=False)
class Floor:
    """One session's turns."""

    policy: Policy
    user: User = attrs.field(default=User.SILENT, init=False)
    generation: Generation = attrs.field(default=Generation.NONE, init=False)
    debt: Debt = attrs.field(default=Debt.NONE, init=False)
    sounding: bool = attrs.field(default=False, init=False)
    voicing: Voicing = attrs.field(factory=Voicing, init=False)
    _item_id: str = attrs.field(default="", init=False)  # of what the user says now, or said last
    _response_id: str = attrs.field(default="", init=False)  # of what is made now, or was last
    _doubt: Doubt | None = attrs.field(default=None, init=False)  # about what is being said now
    _wordless: OrderedDict[str, tuple[Doubt, float]] = attrs.field(factory=OrderedDict, init=False)
    _withheld: list[Tell] = attrs.field(factory=list, init=False)
    _until_s: dict[type[enum.Enum], float] = attrs.field(factory=dict, init=False)

    # --- time

    @property
    def wakes_at_s(self) -> float:
        """When `tick` has something to do, unless something happens before."""
        words = next(iter(self._wordless.values()), (None, _NEVER))[1]
        return min(words, *self._until_s.values(), _NEVER)

    def tick(self, now_s: float) -> list[Order]:
        """Do what is due."""
        orders: list[Order] = []
        for machine, until_s in list(self._until_s.items()):
            if until_s <= now_s:
                self._until_s[machine] = _NEVER
                orders += _EXPIRED[self._state_of(machine)](self, now_s)
        while self._wordless and next(iter(self._wordless.values()))[1] <= now_s:
            doubt, _ = self._wordless.popitem(last=False)[1]
            orders += self._dismiss(now_s, doubt.item_id, "its words did not come in time")
        return orders

    # --- what the server hears

    def speech_started(self, now_s: float, item_id: str, from_ms: int | None) -> list[Order]:
        """The server hears the user."""
        told = Tell(now_s, Moment.SPEECH_START, item_id)
        self._item_id = item_id
        self._user(User.SPEAKING, now_s)
        if self.policy.interruption is Interruption.IMMEDIATE:
            # What was not begun is answered together with what is said now.
            self._debt(Debt.NONE, now_s)
            if self.generation in MADE:
                self._generation(_G.INTERRUPTED, now_s)
            return [told, Cut()]
        if not self._answering:
            return [told]
        self._withhold(told)
        if self.policy.interruption is Interruption.NEVER:
            return []
        start_ms = self.voicing.heard_ms if from_ms is None else from_ms
        self._doubt = Doubt(item_id, start_ms, self.policy.confirm_ms)
        ducked: list[Order] = [SetVolume(self.policy.duck_db), Tell(now_s, Moment.DUCKED, item_id)]
        return ducked + self._reconsider(now_s)

    def frame_sent(self, now_s: float, end_ms: int, dbfs: float) -> list[Order]:
        """A frame went up; its end and its level. Needed while `policy.doubts` only."""
        self.voicing.hear(end_ms, dbfs)
        return self._reconsider(now_s)

    def speech_stopped(self, now_s: float, item_id: str, end_s: float | None) -> list[Order]:
        """The server hears that the user has ended, at *end_s*."""
        if self.user is User.SPEAKING:
            self._user(User.STOPPED, now_s)
        ended = [Tell(end_s, Moment.SPEECH_END, item_id)] if end_s is not None else []
        told = [*ended, Tell(now_s, Moment.SPEECH_STOPPED, item_id)]
        orders = self._tell_or_withhold(told)
        if self._doubt is not None and self._doubt.stopped():
            orders += self._restore(now_s, item_id)
        return orders

    def committed(self, now_s: float, item_id: str) -> list[Order]:
        """The user's turn is an item of the conversation."""
        forced = self.user is User.FORCED
        self._user(User.SILENT, now_s)
        told = self._tell_or_withhold([Tell(now_s, Moment.COMMITTED, item_id)])
        doubt, self._doubt = self._doubt, None
        if doubt is None or doubt.belief is Belief.MEANT:
            return told + self._owe(now_s, ours=forced)
        # The level is back already, unless the server committed without a word of its end.
        if doubt.belief is Belief.LISTENING:
            told += self._restore(now_s, item_id)
        if not self.policy.transcribed:
            return told + self._dismiss(now_s, item_id, "")
        doubt.item_id = item_id
        doubt.belief = Belief.WAITING
        self._wordless[item_id] = doubt, now_s + self.policy.limits.words_s
        if len(self._wordless) > _MOST_DOUBTS:
            oldest, _ = self._wordless.popitem(last=False)
            told += self._dismiss(now_s, oldest, "too many turns wait for their words")
        return told

    def words(self, now_s: float, item_id: str, text: str, *, final: bool) -> list[Order]:
        """Words of the user's: a piece, or all of an item's."""
        if self._doubt is not None and self._doubt.item_id == item_id:
            return self._meant(now_s) if self._doubt.read(text, final=final) else []
        if item_id not in self._wordless:
            return []
        doubt, _ = self._wordless[item_id]
        if doubt.read(text, final=final):
            del self._wordless[item_id]
            return self._meant(now_s) + self._owe(now_s)
        if final:
            del self._wordless[item_id]
            return self._dismiss(now_s, item_id, "")
        return []

    def no_words(self, now_s: float, item_id: str) -> list[Order]:
        """The user's words could not be written down."""
        return self.words(now_s, item_id, "", final=True)

    # --- what the server makes

    def response_created(self, now_s: float, response_id: str) -> list[Order]:
        """The server makes a response of the conversation."""
        self._response_id = response_id
        # There is one at a time: it proves the last one over, even if nobody said so.
        over: list[Order] = [FinishAnswers()] if self.generation in MADE else []
        told = [*over, Tell(now_s, Moment.RESPONSE_CREATED)]
        if self.generation is _G.UNWANTED:
            self._generation(_G.CANCELLING, now_s)
            return [*told, Say(CancelResponse())]
        self._debt(Debt.NONE, now_s)
        self._generation(_G.CREATED, now_s)
        return told

    def progressed(self, now_s: float) -> list[Order]:
        """Something of the response came: sound, text, arguments."""
        if self.generation in MADE:
            self._generation(_G.FLOWING, now_s)
        return []

    def response_done(self, now_s: float, response_id: str) -> list[Order]:
        """A response of the conversation is over; perhaps one that was given up long ago."""
        known = response_id and self._response_id
        # One without a name ends what is made, and its sound with it: nobody else would.
        ended: list[Order] = [FinishAnswers()] if self.generation in MADE and not known else []
        if not (known and self.generation in MADE and response_id != self._response_id):
            self._generation(_G.NONE, now_s)
        return ended + self._pay(now_s)

    def sounds(self, now_s: float, *, sounding: bool) -> list[Order]:
        """Whether answers are being heard or wait to be."""
        self.sounding = sounding
        if self._answering:
            return []
        orders: list[Order] = []
        if self._doubt is None and not self._wordless:
            orders += self._withheld
            self._withheld.clear()
        return orders + self._pay(now_s)

    def refused(self, now_s: float, code: str | None) -> list[Order]:
        """The server did not do what we said."""
        match code, self.generation:
            case "response_cancel_not_active", _G.CANCELLING:
                self._generation(_G.NONE, now_s)
            case "conversation_already_has_active_response", _G.ASKED | _G.ASKED_AGAIN:
                # One is there that we were not told of. Ours comes after it.
                self._response_id = ""
                self._generation(_G.CREATED, now_s)
                self._debt(Debt.OURS, now_s)
                return []
            case "input_audio_buffer_commit_empty", _:
                if self.user in {User.STOPPED, User.FORCED}:
                    self._user(User.SILENT, now_s)
            case _:
                return []
        return self._pay(now_s)

    def sent(self, now_s: float, event: ClientEvent) -> list[Order]:
        """What we wanted to say is said: the server's time begins now."""
        match event:
            case CreateResponse() if self.generation in ASKED | {_G.UNWANTED}:
                self._wait(Generation, self.generation, now_s)
            case CancelResponse() if self.generation is _G.CANCELLING:
                self._wait(Generation, self.generation, now_s)
            case Commit() if self.user in {User.STOPPED, User.FORCED}:
                self._wait(User, self.user, now_s)
            case _:
                pass
        return []

    # --- what people do

    def pressed(self, now_s: float) -> list[Order]:
        """The talk button is down: whoever speaks is interrupted."""
        self._user(User.SPEAKING, now_s)
        self._debt(Debt.NONE, now_s)
        return [*self.interrupted(now_s), Tell(now_s, Moment.SPEECH_START)]

    def released(self, now_s: float, held_ms: int) -> list[Order]:
        """All is sent of what was said while it was down."""
        told: list[Order] = [Tell(now_s, Moment.SPEECH_END), Tell(now_s, Moment.SPEECH_STOPPED)]
        if held_ms < _SHORTEST_MS:
            self._user(User.SILENT, now_s)
            return [*told, Say(Clear()), Tell(now_s, Moment.DISMISSED)]
        self._user(User.STOPPED, now_s)
        self._debt(Debt.OURS, now_s)
        return [*told, Say(Commit()), *self._pay(now_s)]

    def interrupted(self, now_s: float) -> list[Order]:
        """Somebody wants silence."""
        return [Cut(), *self._cancel(now_s)]

    # --- how it is done

    @property
    def _answering(self) -> bool:
        """Whether speech now would be speech over an answer."""
        return self.sounding or self.generation in ASKED | MADE

    def _state_of(self, machine: type[enum.Enum]) -> enum.Enum:
        states: tuple[enum.Enum, ...] = (self.user, self.generation, self.debt)
        return next(state for state in states if type(state) is machine)

    def _user(self, state: User, now_s: float) -> None:
        self.user = state
        self._begin_waiting(User, state, now_s)

    def _generation(self, state: Generation, now_s: float) -> None:
        self.generation = state
        self._begin_waiting(Generation, state, now_s)

    def _debt(self, state: Debt, now_s: float) -> None:
        self.debt = state
        self._begin_waiting(Debt, state, now_s)

    def _begin_waiting(self, machine: type[enum.Enum], state: enum.Enum, now_s: float) -> None:
        if state in BEGINS_WHEN_SENT:
            self._until_s[machine] = _NEVER
        else:
            self._wait(machine, state, now_s)

    def _wait(self, machine: type[enum.Enum], state: enum.Enum, now_s: float) -> None:
        limit = WAITS.get(state)
        self._until_s[machine] = _NEVER if limit is None else now_s + limit(self.policy.limits)

    def _tell_or_withhold(self, told: list[Tell]) -> list[Order]:
        """A turn that may be none is told when it is known to be one."""
        if self._withheld:
            self._withhold(*told)
            return []
        return [*told]

    def _withhold(self, *told: Tell) -> None:
        self._withheld += told[: _MOST_WITHHELD - len(self._withheld)]

    def _owe(self, now_s: float, *, ours: bool = False) -> list[Order]:
        """The user is owed an answer: by us, or (a commit of *ours* makes no response) the server."""
        if self.policy.server_answers and not ours:
            if self.generation not in MADE:  # it may have been quicker than its own commit
                self._debt(Debt.SERVERS, now_s)
            return []
        self._debt(Debt.OURS, now_s)
        return self._pay(now_s)

    def _pay(self, now_s: float) -> list[Order]:
        """Ask for a response, if one is owed and the floor is free. The one gate."""
        held = self.policy.detection is Detection.PUSH_TO_TALK
        listening = {User.SILENT, User.STOPPED, User.FORCED} if held else {User.SILENT}
        if (
            self.debt is not Debt.OURS
            or self.generation is not _G.NONE
            or self.user not in listening
            or self._wordless
            or (self.sounding and self.policy.interruption is Interruption.NEVER)
        ):
            return []
        self._debt(Debt.NONE, now_s)
        self._generation(_G.ASKED, now_s)
        return [Say(CreateResponse())]

    def _cancel(self, now_s: float) -> list[Order]:
        if self.generation in ASKED:
            self._generation(_G.UNWANTED, now_s)
        elif self.generation in MADE:
            self._generation(_G.CANCELLING, now_s)
            return [Say(CancelResponse())]
        return []

    def _reconsider(self, now_s: float) -> list[Order]:
        doubt = self._doubt
        if doubt is None or not doubt.listen(self.voicing):
            return []
        if doubt.belief is Belief.MEANT:
            return self._meant(now_s)
        return self._restore(now_s, doubt.item_id)

    def _meant(self, now_s: float) -> list[Order]:
        """It is an interruption: silence, and the turn is told from its beginning."""
        told, self._withheld = self._withheld, []
        return [Cut(), *self._cancel(now_s), SetVolume(0.0), *told]

    def _restore(self, now_s: float, item_id: str) -> list[Order]:
        return [SetVolume(0.0), Tell(now_s, Moment.RESTORED, item_id)]

    def _dismiss(self, now_s: float, item_id: str, problem: str) -> list[Order]:
        """It was nothing: the conversation forgets it, and the answer goes on."""
        self._withheld.clear()
        gone: list[Order] = [Say(DeleteItem(item_id))] if item_id else []  # else it has no name
        return [*gone, Tell(now_s, Moment.DISMISSED, item_id, problem), *self._pay(now_s)]

    # --- what is done when a limit passes

    def _turn_too_long(self, now_s: float) -> list[Order]:
        if self.policy.detection is Detection.PUSH_TO_TALK:
            return [ReleaseButton()]
        self._user(User.FORCED, now_s)
        why = "the user's turn does not end: it is committed as it is"
        return [
            Say(Commit(forced=True)),
            *self._tell_or_withhold([Tell(now_s, Moment.SPEECH_STOPPED, self._item_id, why)]),
        ]

    def _not_committed(self, now_s: float) -> list[Order]:
        self._user(User.FORCED, now_s)
        return [Say(Commit(forced=True))]

    def _never_committed(self, now_s: float) -> list[Order]:
        self._user(User.SILENT, now_s)
        self._debt(Debt.NONE, now_s)
        self._withheld.clear()
        restored: list[Order] = []
        if self._doubt is not None:
            restored = self._restore(now_s, self._item_id)
            self._doubt = None
        why = "the server does not commit the user's turn: it is given up"
        return [*restored, Tell(now_s, Moment.DISMISSED, self._item_id, why)]

    def _server_owes(self, now_s: float) -> list[Order]:
        self._debt(Debt.NONE, now_s)
        self._generation(_G.ASKED_AGAIN, now_s)
        return [Say(CreateResponse())]

    def _not_created(self, now_s: float) -> list[Order]:
        self._generation(_G.ASKED_AGAIN, now_s)
        return [ForgetResponse(), Say(CreateResponse())]

    def _never_created(self, now_s: float) -> list[Order]:
        self._generation(_G.NONE, now_s)
        why = "the server creates no response, though asked again: the turn is given up"
        return [
            ForgetResponse(),
            Tell(now_s, Moment.UNANSWERED, self._item_id, why),
            *self._pay(now_s),
        ]

    def _unwanted_never_came(self, now_s: float) -> list[Order]:
        self._generation(_G.NONE, now_s)
        return [ForgetResponse(), *self._pay(now_s)]

    def _no_sound(self, now_s: float) -> list[Order]:
        why = "the response brings no sound: it is cancelled, and the turn given up"
        return [
            *self._cancel(now_s),
            FinishAnswers(),
            Tell(now_s, Moment.UNANSWERED, self._item_id, why),
        ]

    def _sound_stopped(self, now_s: float) -> list[Order]:
        why = "the response stopped in the middle: it is cancelled, and what is here is spoken"
        return [
            *self._cancel(now_s),
            FinishAnswers(),
            Tell(now_s, Moment.UNANSWERED, self._item_id, why),
        ]

    def _not_interrupted(self, now_s: float) -> list[Order]:
        self._generation(_G.CANCELLING, now_s)
        return [Say(CancelResponse())]

    def _not_cancelled(self, now_s: float) -> list[Order]:
        self._generation(_G.NONE, now_s)
        return [ForgetResponse(), *self._pay(now_s)]


_EXPIRED: Final[Mapping[enum.Enum, Callable[[Floor, float], list[Order]]]] = MappingProxyType(
    {
        User.SPEAKING: Floor._turn_too_long,
        User.STOPPED: Floor._not_committed,
        User.FORCED: Floor._never_committed,
        Debt.SERVERS: Floor._server_owes,
        _G.ASKED: Floor._not_created,
        _G.ASKED_AGAIN: Floor._never_created,
        _G.UNWANTED: Floor._unwanted_never_came,
        _G.CREATED: Floor._no_sound,
        _G.FLOWING: Floor._sound_stopped,
        _G.INTERRUPTED: Floor._not_interrupted,
        _G.CANCELLING: Floor._not_cancelled,
    }
)
"""The one step that is taken when what was waited for did not come."""
