"""What may be asked of the daemon: each method, its parameters, and the right it takes.

Law of this file: a method stands here when the daemon can do it, and not before. Parameters are checked
here, each with a sentence for whoever wrote them; whether the daemon can do it *now* is the Steward's.
"""

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import attrs
from attrs import field, frozen

from voiced.control.rights import Right
from voiced.control.rpc import Call, Code, Refusal, no_such_method

PROTOCOL: Final = 1
"""Grows when something is taken away or means something else; what is merely new leaves it as it is."""

MOST_HISTORY: Final = 200
FULL_PERCENT: Final = 100


class Topic(enum.Enum):
    """What one may subscribe to."""

    PHASE = "phase"  # what goes on, and how the link is
    TRANSCRIPT = "transcript"  # words, as they grow
    LEVEL = "level"  # how loud, in both directions
    TURN = "turn"  # a turn that is over, with its figures
    FAULT = "fault"  # what fails, and what is back
    TALLY = "tally"  # what was carried and what was lost


LAGGED: Final = "lagged"
"""The event that says how many others this client was too slow for."""

_TAKES: Final[Mapping[Topic, Right]] = MappingProxyType({Topic.TRANSCRIPT: Right.WORDS})


def takes(topic: Topic) -> Right:
    """The right that a topic takes."""
    return _TAKES.get(topic, Right.WATCH)


# --- parameters -----------------------------------------------------------------------------------


def _words(_self: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{attribute.name} must be text")
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise ValueError(f"{attribute.name} holds half a surrogate pair: that is no text")


def _whole(least: int, most: int) -> Any:
    def check(_self: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"{attribute.name} must be a whole number from {least} to {most}")

    return check


def _topics(value: object) -> tuple[Topic, ...]:
    names = [topic.value for topic in Topic]
    if not isinstance(value, list | tuple) or any(name not in names for name in value):
        raise ValueError(f"topics must be a list of {', '.join(names)}")
    return tuple(dict.fromkeys(map(Topic, value)))


# --- commands -------------------------------------------------------------------------------------


@frozen
class Hello:
    """Say which daemon this is, what it can do, and what this client may."""


@frozen
class Status:
    """Say what is going on."""


@frozen
class Subscribe:
    """Tell events of these topics from now on, instead of those before; no topics: none."""

    topics: tuple[Topic, ...] = field(converter=_topics)


@frozen
class Activate:
    """Begin a conversation."""


@frozen
class Deactivate:
    """End the conversation, and forget it."""


@frozen
class Mute:
    """Hear nothing more, in no session."""


@frozen
class Unmute:
    """Hear again."""


@frozen
class Interrupt:
    """Silence what sounds."""


@frozen
class Ask:
    """Ask in the user's place; the assistant answers aloud."""

    text: str = field(validator=_words, repr=False)


@frozen
class Say:
    """Have the assistant say these words."""

    text: str = field(validator=_words, repr=False)


@frozen
class Reconnect:
    """Cut a pause short, or move to a new session at the next quiet moment."""


@frozen
class TalkStart:
    """Put the talk button down; it is let go when this client leaves."""


@frozen
class TalkStop:
    """Let the talk button go."""


@frozen
class SetVolume:
    """Make answers that loud; without a number, say how loud they are."""

    percent: int | None = field(
        default=None, validator=attrs.validators.optional(_whole(0, FULL_PERCENT))
    )


@frozen
class History:
    """Tell what was said and heard last."""

    most: int = field(default=20, validator=_whole(1, MOST_HISTORY))


@frozen
class Stats:
    """Tell what was used and what it cost, how turns ended, how long they took, and all numbers."""


@frozen
class LiftBudget:
    """Converse without the limits of [budget] until midnight."""


@frozen
class ReloadConfig:
    """Read the settings again, and go by them."""


@frozen
class Dump:
    """Tell all that helps to find out what is wrong; the last words are a part of it."""


@frozen
class Shutdown:
    """Stop the daemon in order."""


Command: TypeAlias = (
    Hello
    | Status
    | Subscribe
    | Activate
    | Deactivate
    | Mute
    | Unmute
    | Interrupt
    | Ask
    | Say
    | Reconnect
    | TalkStart
    | TalkStop
    | SetVolume
    | History
    | Stats
    | LiftBudget
    | ReloadConfig
    | Dump
    | Shutdown
)


@frozen
class Method:
    """What a method's name stands for."""

    command: type[Command]
    right: Right


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "hello": Method(Hello, Right.WATCH),
        "status": Method(Status, Right.WATCH),
        "subscribe": Method(Subscribe, Right.WATCH),  # a topic may take more
        "stats": Method(Stats, Right.WATCH),
        "activate": Method(Activate, Right.TALK),
        "deactivate": Method(Deactivate, Right.TALK),
        "mute": Method(Mute, Right.TALK),
        "unmute": Method(Unmute, Right.TALK),
        "interrupt": Method(Interrupt, Right.TALK),
        "ask": Method(Ask, Right.TALK),
        "say": Method(Say, Right.TALK),
        "talk.start": Method(TalkStart, Right.TALK),
        "talk.stop": Method(TalkStop, Right.TALK),
        "volume": Method(SetVolume, Right.TALK),
        "history": Method(History, Right.WORDS),
        "reconnect": Method(Reconnect, Right.MANAGE),
        "budget.lift": Method(LiftBudget, Right.MANAGE),
        "config.reload": Method(ReloadConfig, Right.MANAGE),
        "dump": Method(Dump, Right.MANAGE),  # and to read words
        "shutdown": Method(Shutdown, Right.MANAGE),
    }
)


def command_of(call: Call, rights: frozenset[Right]) -> Command | Refusal:
    """What *call* wants done, if whoever has these *rights* may want it."""
    method = METHODS.get(call.method)
    if method is None:
        return no_such_method(call, tuple(METHODS))
    command = _build(method.command, call)
    if isinstance(command, Refusal):
        return command
    wanted = {method.right}
    if isinstance(command, Subscribe):
        wanted |= {takes(topic) for topic in command.topics}
    if isinstance(command, Dump):
        wanted.add(Right.WORDS)
    if missing := wanted - rights:
        names = ", ".join(sorted(f'"{right.value}"' for right in missing))
        return Refusal(
            Code.NOT_PERMITTED,
            f"{call.method} is not permitted to you: it takes {names} (see [control] group_may)",
            call.request_id,
        )
    return command


def _build(kind: type[Command], call: Call) -> Command | Refusal:
    fields = {each.name: each for each in attrs.fields(kind)}
    params = call.params
    wrong = ""
    if not isinstance(params, Mapping):  # by position
        if len(params) > len(fields):
            wrong = f"{call.method} takes {len(fields)} parameters, not {len(params)}"
        params = dict(zip(fields, params, strict=False))
    unknown = params.keys() - fields.keys()
    absent = [n for n, each in fields.items() if each.default is attrs.NOTHING and n not in params]
    if unknown:
        there_is = ", ".join(fields) or "none"
        wrong = f"{call.method} has no such parameter; there is {there_is}"
    elif absent:
        wrong = f"{call.method} needs {', '.join(absent)}"
    if not wrong:
        try:
            return kind(**params)
        except (TypeError, ValueError) as mistake:
            wrong = str(mistake)
    return Refusal(Code.WRONG_PARAMS, wrong, call.request_id)
