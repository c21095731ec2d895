"""What is done when a limit passes: one thing for each state in which somebody else owes the next step. Pure.

A turn that stalls though it was asked for again ends the session, if it may: a new one may answer it.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from voiced.realtime.client_events import CancelResponse, Commit
from voiced.turns.gate import ANSWER, Gate, restored
from voiced.turns.machines import State
from voiced.turns.moments import Moment
from voiced.turns.orders import (
    Abandon,
    FinishAnswers,
    ForgetResponse,
    Order,
    ReleaseButton,
    Say,
    Tell,
)
from voiced.turns.policy import Detection
from voiced.turns.states import Debt, Generation, User

_G = Generation


def _turn_too_long(gate: Gate, now_s: float) -> list[Order]:
    if gate.policy.detection is Detection.PUSH_TO_TALK:
        return [ReleaseButton()]
    gate.machines.enter(User.FORCED, now_s)
    why = "the user's turn does not end: it is committed as it is"
    return [
        Say(Commit(forced=True)),
        *gate.tell_or_withhold([Tell(now_s, Moment.SPEECH_STOPPED, gate.item_id, why)]),
    ]


def _not_committed(gate: Gate, now_s: float) -> list[Order]:
    gate.machines.enter(User.FORCED, now_s)
    return [Say(Commit(forced=True))]


def _never_committed(gate: Gate, now_s: float) -> list[Order]:
    gate.machines.enter(User.SILENT, now_s)
    gate.machines.enter(Debt.NONE, now_s)
    gate.withheld = [told for told in gate.withheld if told.item_id != gate.item_id]
    orders = [] if gate.doubts.end() is None else restored(now_s, gate.item_id)
    why = "the server does not commit the user's turn: it is given up"
    return [*orders, Tell(now_s, Moment.DISMISSED, gate.item_id, why), *gate.pay(now_s)]


def _server_owes(gate: Gate, now_s: float) -> list[Order]:
    if gate.machines.generation is not _G.NONE:  # something else is made: it is asked for after it
        gate.machines.enter(Debt.OURS, now_s)
        return []
    gate.machines.enter(Debt.NONE, now_s)
    gate.machines.enter(_G.ASKED_AGAIN, now_s)
    gate.request = ANSWER
    return [Say(ANSWER)]


def _not_created(gate: Gate, now_s: float) -> list[Order]:
    gate.machines.enter(_G.ASKED_AGAIN, now_s)
    return [ForgetResponse(), Say(gate.request)]


def _never_created(gate: Gate, now_s: float) -> list[Order]:
    gate.machines.enter(_G.NONE, now_s)
    why = "the server creates no response, though asked again"
    if gate.retries:
        return [_stalled(why)]
    return [ForgetResponse(), *gate.unanswered(now_s, why), *gate.pay(now_s)]


def _unwanted_never_came(gate: Gate, now_s: float) -> list[Order]:
    gate.machines.enter(_G.NONE, now_s)
    return [ForgetResponse(), *gate.pay(now_s)]


def _no_sound(gate: Gate, now_s: float) -> list[Order]:
    why = "the response brings no sound"
    orders = gate.cancel(now_s)
    if gate.retries:
        return [*orders, _stalled(why)]
    return [*orders, FinishAnswers(), *gate.unanswered(now_s, f"{why}, and is cancelled")]


def _sound_stopped(gate: Gate, now_s: float) -> list[Order]:
    why = "the response stopped in the middle: it is cancelled, and what is here is spoken"
    return [
        *gate.cancel(now_s),
        FinishAnswers(),
        Tell(now_s, Moment.UNANSWERED, gate.item_id, why),
    ]


def _not_interrupted(gate: Gate, now_s: float) -> list[Order]:
    gate.machines.enter(_G.CANCELLING, now_s)
    return [Say(CancelResponse())]


def _not_cancelled(gate: Gate, now_s: float) -> list[Order]:
    gate.machines.enter(_G.NONE, now_s)
    return [ForgetResponse(), *gate.pay(now_s)]


def _pause_over(gate: Gate, now_s: float) -> list[Order]:
    gate.machines.enter(_G.NONE, now_s)
    return gate.pay(now_s)


def _stalled(why: str) -> Abandon:
    return Abandon("turn_stalled", why)


EXPIRED: Final[Mapping[State, Callable[[Gate, float], list[Order]]]] = MappingProxyType(
    {
        User.SPEAKING: _turn_too_long,
        User.STOPPED: _not_committed,
        User.FORCED: _never_committed,
        Debt.SERVERS: _server_owes,
        _G.ASKED: _not_created,
        _G.ASKED_AGAIN: _never_created,
        _G.UNWANTED: _unwanted_never_came,
        _G.CREATED: _no_sound,
        _G.FLOWING: _sound_stopped,
        _G.INTERRUPTED: _not_interrupted,
        _G.CANCELLING: _not_cancelled,
        _G.PAUSING: _pause_over,
    }
)
"""The one step that is taken when what was waited for did not come."""
