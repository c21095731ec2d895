"""What the daemon says about itself to whoever watches: moments, phases, words, levels.

Notices inform and never steer. The board derives the phase from the moments by one table, keeps the
last word on it, and hands each watcher a bounded stream; slow watchers lose the oldest notices. Its
status may be read at any time: the phase, and what the keeper of the record knows.
"""

import enum
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final, Protocol, TypeAlias

import attrs
from attrs import frozen

from voiced.account.prices import Bill
from voiced.account.report import Report
from voiced.channel import Channel, WhenFull
from voiced.faults import VoicedError
from voiced.turns.figures import Figure, Outcome, Percentiles, Turn
from voiced.turns.moments import Moment as Moment  # noqa: PLC0414  who tells one finds it here
from voiced.verdicts import Known, known_as


class Phase(enum.Enum):
    """What a person would say is going on."""

    IDLE = "idle"
    CONNECTING = "connecting"
    LISTENING = "listening"
    HEARING = "hearing"
    THINKING = "thinking"
    SPEAKING = "speaking"
    COOLING_DOWN = "cooling_down"
    MUTED = "muted"
    FAULT = "fault"


_ANY: Final = tuple(Phase)
_LINK_DOWN: Final = frozenset({Phase.CONNECTING, Phase.COOLING_DOWN, Phase.FAULT})

PHASES: Final[Mapping[Moment, Mapping[Phase, Phase]]] = MappingProxyType(
    {
        Moment.DIALLING: dict.fromkeys(_ANY, Phase.CONNECTING),
        Moment.READY: dict.fromkeys(_ANY, Phase.LISTENING),
        Moment.COOLING: dict.fromkeys(_ANY, Phase.COOLING_DOWN),
        Moment.GAVE_UP: dict.fromkeys(_ANY, Phase.FAULT),
        Moment.INACTIVE: dict.fromkeys(_ANY, Phase.IDLE),
        Moment.STOPPED: dict.fromkeys(_ANY, Phase.IDLE),
        Moment.MUTED: dict.fromkeys(
            (Phase.LISTENING, Phase.HEARING, Phase.THINKING, Phase.SPEAKING), Phase.MUTED
        ),
        Moment.UNMUTED: {Phase.MUTED: Phase.LISTENING},
        Moment.SPEECH_START: {
            Phase.LISTENING: Phase.HEARING,
            Phase.THINKING: Phase.HEARING,
            Phase.SPEAKING: Phase.HEARING,
        },
        Moment.SPEECH_STOPPED: {Phase.HEARING: Phase.THINKING},
        Moment.ASKED: {Phase.LISTENING: Phase.THINKING, Phase.SPEAKING: Phase.THINKING},
        Moment.FIRST_SOUND: {
            Phase.THINKING: Phase.SPEAKING,
            Phase.LISTENING: Phase.SPEAKING,
        },
        Moment.PLAYED: {Phase.SPEAKING: Phase.LISTENING},
        Moment.CUT: {Phase.SPEAKING: Phase.LISTENING},
        Moment.UNHEARD: {Phase.THINKING: Phase.LISTENING},
        Moment.DISMISSED: {Phase.HEARING: Phase.LISTENING, Phase.THINKING: Phase.LISTENING},
        Moment.UNANSWERED: {Phase.THINKING: Phase.LISTENING},
    }
)
"""From which phase a moment leads to which; where it is absent, the phase stays."""


class Party(enum.Enum):
    """Whose words, whose level."""

    USER = "user"
    ASSISTANT = "assistant"


@frozen
class Happened:
    """One moment of the timeline, in Trio seconds; *detail* is a sentence where one is needed."""

    at_s: float
    moment: Moment
    item_id: str = ""
    detail: str = ""
    heard_ms: int = 0  # of an item that was played or cut: how much left the loudspeaker


@frozen
class PhaseChanged:
    """The phase is another one from now on, and why."""

    at_s: float
    phase: Phase
    why: str = ""


@frozen
class Transcribed:
    """One item's words until now, as they were spoken or heard; *final*: they stay like this."""

    at_s: float
    who: Party
    item_id: str
    text: str = attrs.field(repr=False)
    final: bool


@frozen
class LevelMeasured:
    """How loud 20 ms were, in dB below full scale."""

    at_s: float
    who: Party
    dbfs: float


@frozen
class TurnEnded:
    """A turn is over: what became of it, how long it took, and what was used since the one before."""

    at_s: float
    turn: Turn
    bill: Bill = attrs.field(factory=Bill)


Notice: TypeAlias = Happened | PhaseChanged | Transcribed | LevelMeasured | TurnEnded


class Device(enum.Enum):
    """What sound comes in by, and goes out by; and what a hand touches."""

    MICROPHONE = "microphone"
    LOUDSPEAKER = "loudspeaker"
    PANEL = "panel"  # buttons and lamps at GPIO lines
    KEYS = "keys"  # of an input device


@frozen
class DeviceState:
    """How a device is."""

    since_s: float  # Trio's clock
    fault: str = ""  # empty: it works
    name: str = ""  # as the system calls the one that is open, or was last

    def __str__(self) -> str:
        return self.fault or "ok"


@frozen
class LinkStatus:
    """How it stands with the way to the service."""

    session_id: str = ""  # of the session in use, or that was last: support asks for it
    attempts: int = 0  # connections tried since the start
    strikes: int = 0  # faults in a row
    rung: str = ""  # how the session was opened, when the service fails us again and again
    fault: str = ""  # the last one
    resumes_at_s: float | None = None  # Trio's clock: the next attempt, while there is a pause


@frozen
class Status:
    """What is going on, on one card."""

    phase: Phase
    since_s: float  # Trio's clock
    why: str = ""
    user_words: str = attrs.field(default="", repr=False)  # the last that were understood
    assistant_words: str = attrs.field(default="", repr=False)  # the last, as heard until now
    context: str = ""  # how much of the conversation the session of now was told: a sentence
    turns: Mapping[Outcome, int] = attrs.field(factory=dict)
    latencies: Mapping[Figure, Percentiles] = attrs.field(factory=dict)  # last hundred turns
    link: LinkStatus = LinkStatus()
    devices: Mapping[Device, DeviceState] = attrs.field(factory=dict)  # those opened until now
    usage: Report = attrs.field(factory=Report)
    probes: str = ""  # what `voiced probe` found of late, in a sentence
    echo: str = (
        ""  # what is done about the loudspeaker's echo, and why; empty: nothing is known yet
    )
    faults: Mapping[Known, int] = attrs.field(factory=dict)  # since the start


class Keeper(Protocol):
    """Keeps the record of a conversation for the board. None of these may wait."""

    def note(self, happened: Happened) -> None:
        """Take in a moment, in the tick in which it is told; unlike a watcher, it loses none."""

    def watched(self) -> None:
        """Somebody has begun to watch."""

    def fill_in(self, status: Status) -> Status:
        """Add words and numbers to *status*."""


@attrs.define(eq=False)
class NoticeBoard:
    """Where notices are posted: the latest phase, and a stream for each watcher."""

    phase: PhaseChanged = attrs.field(factory=lambda: PhaseChanged(0.0, Phase.IDLE))
    keeper: Keeper | None = attrs.field(init=False, default=None)
    link: LinkStatus = attrs.field(init=False, default=LinkStatus())
    devices: dict[Device, DeviceState] = attrs.field(factory=dict, init=False)
    usage: Report = attrs.field(factory=Report, init=False)
    probes: str = attrs.field(default="", init=False)
    echo: str = attrs.field(default="", init=False)
    _faults: Counter[Known] = attrs.field(init=False, factory=Counter)
    _watchers: list[Channel[Notice]] = attrs.field(init=False, factory=list)
    _followers: list[Callable[[Happened], None]] = attrs.field(init=False, factory=list)
    _turn_followers: list[Callable[[Turn], None]] = attrs.field(init=False, factory=list)

    @property
    def why(self) -> str:
        """Why the phase is what it is, and what is wrong with devices; empty: there is nothing to say."""
        faults = (self.devices[each].fault for each in Device if each in self.devices)
        return "; ".join(filter(None, (self.phase.why, *faults)))

    @property
    def trouble(self) -> str:
        """What is wrong with the way to the service or with a device, in two words each."""
        link = ["link down"] if self.phase.phase in _LINK_DOWN else []
        return ", ".join(
            link + [f"{each.value} away" for each, state in self.devices.items() if state.fault]
        )

    @property
    def status(self) -> Status:
        """What is going on now; reading it costs nobody else anything."""
        status = Status(
            self.phase.phase,
            self.phase.at_s,
            self.why,
            link=self.link,
            devices=dict(self.devices),
            usage=self.usage,
            probes=self.probes,
            echo=self.echo,
            faults=dict(self._faults),
        )
        return status if self.keeper is None else self.keeper.fill_in(status)

    @property
    def watched(self) -> bool:
        """Whether anybody would notice: levels, for one, are not worth computing otherwise."""
        return bool(self._watchers)

    @contextmanager
    def watch(self, capacity: int = 512) -> Iterator[Channel[Notice]]:
        """Give a stream of what is posted from now on; it ends with the context."""
        stream = Channel[Notice]("notices", capacity, WhenFull.DROP_OLDEST)
        self._watchers.append(stream)
        if self.keeper is not None:
            self.keeper.watched()
        try:
            yield stream
        finally:
            self._watchers.remove(stream)
            stream.close()

    def follow(self, follower: Callable[[Happened], None]) -> None:
        """Tell *follower* every moment, in the tick in which it is told. It must not wait; unlike a
        watcher it loses none, and nothing is measured for its sake.
        """
        self._followers.append(follower)

    def follow_turns(self, follower: Callable[[Turn], None]) -> None:
        """As `follow`: tell *follower* every turn that is over."""
        self._turn_followers.append(follower)

    def count_fault(self, fault: VoicedError) -> None:
        """A fault ended a session, or kept one from being opened."""
        self._faults[known_as(fault)] += 1

    def post(self, notice: Notice) -> None:
        """Tell every watcher; a moment may move the phase, which is told too."""
        for stream in self._watchers:
            stream.offer(notice)
        if isinstance(notice, Happened):
            phase = PHASES.get(notice.moment, {}).get(self.phase.phase, self.phase.phase)
            if phase is not self.phase.phase:
                self.phase = PhaseChanged(notice.at_s, phase, notice.detail)
                self.post(self.phase)
            elif notice.moment is Moment.INACTIVE:  # before the first conversation, too
                self.phase = attrs.evolve(self.phase, why=notice.detail)
            if self.keeper is not None:
                self.keeper.note(notice)
            for follower in self._followers:
                follower(notice)
        elif isinstance(notice, TurnEnded):
            for turn_follower in self._turn_followers:
                turn_follower(notice.turn)
