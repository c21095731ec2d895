"""What may be said now: one session, from the server's first word to the end of its socket.

Law of this file: every rule of turn-taking is here, the table first. It decides and remembers;
it does not send, wait or judge. What it is told out of turn changes nothing.

Theory of operation. There are two machines, and only one of them is here. *Generation* is the
model making an answer: RESPONDING, from `ResponseCreated` to `ResponseDone`. *Playout* is the room
hearing it: it ends seconds later, because the server sends faster than sound, and belongs to the
player. So LISTENING does not mean silence, and `Truncate` is legal long after `ResponseDone`.

The table answers for the class of an event; what is absent is illegal. Where it does not suffice,
`_barred` says what circumstances forbid: a commit that belongs to the server's turn
detection, a second response, a cancellation of nothing. Of the server's events only those the
table names anywhere are held to it: they open the session or move the floor. To all others the
session is deaf: they are legal in every state and move nothing, and so is what we cannot read.

Only responses of the conversation take the floor. Out-of-band ones run beside it, known by id.
The conversation has one active response (seen on the live wire): a new one proves the old one
over, even if its `ResponseDone` is late or lost. `ResponseDone` may come without a creation
(reported), and stragglers of a response after its end (reported): both pass and move nothing.
"""

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from attrs import define, field

from voiced.faults import LocalProtocolError, RemoteProtocolError
from voiced.realtime.client_events import (
    Append,
    CancelResponse,
    Clear,
    ClientEvent,
    Commit,
    Configure,
    CreateItem,
    CreateResponse,
    DeleteItem,
    Order,
    RetrieveItem,
    Truncate,
)
from voiced.realtime.codec import Skipped, encode, read
from voiced.realtime.objects import Response, SessionInfo
from voiced.realtime.response_events import ResponseCreated, ResponseDone
from voiced.realtime.server_events import Refused, ServerEvent, SessionCreated, SessionUpdated


class State(enum.Enum):
    """Where a session is. ENDED is final."""

    OPENING = "opening"  # nothing received
    CREATED = "created"  # the server has spoken first; nothing configured
    CONFIGURING = "configuring"  # asked for our settings, not yet granted
    LISTENING = "listening"  # ready for sound; no response of the conversation is being generated
    RESPONDING = "responding"  # ready for sound; one is
    ENDED = "ended"


S = State
_TALK = (Append, Commit, Clear, CreateItem, RetrieveItem, DeleteItem, Truncate,
         CreateResponse, CancelResponse, Configure)  # fmt: skip

# fmt: off
TRANSITIONS: Final[Mapping[State, Mapping[type, State]]] = MappingProxyType({
    S.OPENING:     MappingProxyType({SessionCreated: S.CREATED, Refused: S.OPENING}),
    S.CREATED:     MappingProxyType({Configure: S.CONFIGURING, Refused: S.CREATED}),
    S.CONFIGURING: MappingProxyType({SessionUpdated: S.LISTENING, Refused: S.CONFIGURING}),
    S.LISTENING:   MappingProxyType({
        **dict.fromkeys(_TALK, S.LISTENING), SessionUpdated: S.LISTENING, Refused: S.LISTENING,
        ResponseCreated: S.RESPONDING, ResponseDone: S.LISTENING,
    }),
    S.RESPONDING:  MappingProxyType({
        **dict.fromkeys(_TALK, S.RESPONDING), SessionUpdated: S.RESPONDING, Refused: S.RESPONDING,
        ResponseCreated: S.RESPONDING, ResponseDone: S.LISTENING,
    }),
    S.ENDED:       MappingProxyType(dict.fromkeys(
        (SessionCreated, SessionUpdated, Refused, ResponseCreated, ResponseDone), S.ENDED
    )),
})
# fmt: on
"""The protocol on one screen: what may be said and heard in each state, and where it leads."""

MANUAL: Final = "manual"
ALREADY_ACTIVE: Final = "conversation_already_has_active_response"  # seen on the live wire
_HELD_TO_IT: Final = frozenset(event for row in TRANSITIONS.values() for event in row)
_MOST_NAMES: Final = 100  # a tally must stay small, whatever the server invents
_MOST_BESIDE: Final = 256  # out-of-band responses without an end; nobody has more than a few


@define(eq=False)
class Session:
    """One session with the server: it checks what we say and remembers what that leads to.

    It receives messages and events, gives events and texts, loses nothing but what it counts in
    `skipped`, and ends when told so by `end`: the socket is somebody else's.
    """

    _state: State = field(default=S.OPENING, init=False)
    _settings: SessionInfo | None = field(default=None, init=False)
    _active: str | None = field(default=None, init=False)
    _beside: dict[str, None] = field(factory=dict, init=False)  # in order, the oldest first
    _pending: CreateResponse | None = field(default=None, init=False)
    _skipped: dict[str, int] = field(factory=dict, init=False)
    _unknown_fields: dict[str, int] = field(factory=dict, init=False)

    def send(self, event: ClientEvent) -> str:
        """Give the text to put on the wire for *event*, and count it as sent.

        Raises LocalProtocolError, and changes nothing, if *event* is out of turn.
        """
        if (reason := self.objection(event)) is not None:
            raise LocalProtocolError(
                f"{type(event).__name__} is out of turn: {reason}"
                f"; allowed now: {', '.join(self.allowed()) or 'nothing'}"
            )
        text = encode(event)
        self._state = TRANSITIONS[self._state][type(event)]
        if isinstance(event, CreateResponse) and not event.out_of_band:
            self._pending = event
        return text

    def receive(self, message: str | bytes) -> ServerEvent | Skipped:
        """Take in one WebSocket message and give what it says.

        Raises RemoteProtocolError, and changes nothing, if it opens the session or starts or ends
        a response out of turn.
        """
        event, unknown = read(message)
        if isinstance(event, Skipped):
            _count(self._skipped, f"{event.reason.value} {event.type}".rstrip())
            return event
        after = TRANSITIONS[self._state].get(type(event))
        if after is None and type(event) in _HELD_TO_IT:
            raise RemoteProtocolError(f"the server sent {event.TYPE} while {self._state.name}")
        for name in unknown:
            _count(self._unknown_fields, f"{event.TYPE} {name}")
        if after is not None and self._state is not S.ENDED and self._note(event):
            self._state = after
        return event

    def end(self) -> None:
        """Declare the session over; doing so again changes nothing."""
        self._state = S.ENDED
        self._active = self._pending = None

    def forget_response(self) -> None:
        """Give up the response that is active or being created: no word comes of it any more.

        A word that comes nevertheless is taken for what it says.
        """
        self._active = self._pending = None
        if self._state is S.RESPONDING:
            self._state = S.LISTENING

    def objection(self, event: ClientEvent) -> str | None:
        """Say why *event* may not be sent now; None if it may."""
        if type(event) not in TRANSITIONS[self._state]:
            return f"the session is {self._state.name}"
        match event:
            case Append():  # fifty times a second
                return None
            case Commit(forced=True) | CreateResponse(out_of_band=True):
                return None
            case CancelResponse(response_id=str(named)):
                known = named == self._active or named in self._beside
                return None if known else f"response {named} is not active"
            case _:
                return self._barred().get(type(event))

    def allowed(self) -> tuple[str, ...]:
        """Name the events that may be sent now, in their plain form."""
        barred = self._barred()
        row = TRANSITIONS[self._state]
        return tuple(e.__name__ for e in row if issubclass(e, Order) and e not in barred)

    @property
    def state(self) -> State:
        """Where the session is."""
        return self._state

    @property
    def settings(self) -> SessionInfo | None:
        """The session as the server last described it, defaults and all; None before that."""
        return self._settings

    @property
    def session_id(self) -> str | None:
        """The server's name for this session."""
        return None if self._settings is None else self._settings.id

    @property
    def expires_at_s(self) -> int | None:
        """When the server will end the session, in Unix seconds: an hour after its creation."""
        return None if self._settings is None else self._settings.expires_at_s

    @property
    def voice(self) -> str | None:
        """The voice in effect."""
        return None if self._settings is None else self._settings.audio.output.voice

    @property
    def turn_detection(self) -> str | None:
        """Who ends the user's turn: `server_vad`, `semantic_vad`, or `manual` for us."""
        if self._settings is None:
            return None
        detection = self._settings.audio.input.turn_detection
        return MANUAL if detection is None else detection.kind

    @property
    def active_response_id(self) -> str | None:
        """The response of the conversation that is being generated, if one is."""
        return self._active

    @property
    def responses_beside(self) -> int:
        """How many responses run outside the conversation, as far as is remembered."""
        return len(self._beside)

    @property
    def skipped(self) -> Mapping[str, int]:
        """How many messages were not understood, by reason and type."""
        return MappingProxyType(self._skipped)

    @property
    def unknown_fields(self) -> Mapping[str, int]:
        """How many fields nobody knows came along, by event type and dotted name."""
        return MappingProxyType(self._unknown_fields)

    def _barred(self) -> Mapping[type, str]:
        """Say what circumstances forbid though the table allows it, and why."""
        barred: dict[type, str] = {}
        if self.turn_detection != MANUAL:
            barred[Commit] = barred[Clear] = f"turns are ended by {self.turn_detection}"
        if self._active is not None:
            barred[CreateResponse] = f"response {self._active} is active"
        elif self._pending is not None:
            barred[CreateResponse] = "a response is being created"
        else:
            barred[CancelResponse] = "no response is active"
        return barred

    def _note(self, event: ServerEvent) -> bool:
        """Remember what *event* tells; say whether the state follows it."""
        match event:
            case SessionCreated(session=info) | SessionUpdated(session=info):
                self._settings = info
            case Refused(error=error) if self._pending is not None:
                # Refusals seldom say whom they blame (seen on the live wire). To doubt our
                # creation may cost a benign refusal; to trust it could bar the next for good.
                if error.blamed in (None, self._pending.event_id) or error.code == ALREADY_ACTIVE:
                    self._pending = None
            case ResponseCreated(response=response) if response.out_of_band:
                self._note_beside(response.id)
                return False
            case ResponseCreated(response=response):
                self._active, self._pending = response.id, None
            case ResponseDone(response=response):
                return self._note_done(response)
            case _:
                pass
        return True

    def _note_beside(self, response_id: str) -> None:
        if response_id:
            self._beside[response_id] = None
        while len(self._beside) > _MOST_BESIDE:
            del self._beside[next(iter(self._beside))]

    def _note_done(self, response: Response) -> bool:
        if response.id in self._beside:
            del self._beside[response.id]
            return False
        if self._active is None:
            if not response.out_of_band:
                self._pending = None  # ours perhaps, over before it was said to have begun
            return False
        named = response.id and self._active
        ends = response.id == self._active if named else not response.out_of_band
        self._active = None if ends else self._active
        return ends


def _count(tally: dict[str, int], name: str) -> None:
    if name not in tally and len(tally) >= _MOST_NAMES:
        name = "(others)"
    tally[name] = tally.get(name, 0) + 1
