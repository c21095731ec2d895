"""Line: a session on its wire, the one way to speak with the server."""

import logging
from collections import deque
from collections.abc import Callable
from typing import Final, NoReturn

import attrs
import trio

from voiced.audio.clock import SpeechClock
from voiced.channel import Channel, WhenFull
from voiced.faults import LinkError, Trouble
from voiced.ports import Wire
from voiced.realtime.client_events import Append, ClientEvent, Configure
from voiced.realtime.codec import Skipped
from voiced.realtime.server_events import ServerEvent
from voiced.realtime.session import Session

log = logging.getLogger(__name__)

_TOLD: Final = ("item_id", "response_id", "audio_start_ms", "audio_end_ms")
"""What the debug log says of an event besides its type: never words, never sound."""

_POSTED: Final = (
    64  # what we say in answer to one event is a few sentences; a stuck link ends sooner
)

_LATEST: Final = 3  # of the server's events, by id: what its support asks for

_LOOKS: Final = 10  # within the time limit; a stuck link is noticed a tenth later than promised


@attrs.define(eq=False)
class Line:
    """Says only what the session allows, and waits for the wire only so long."""

    wire: Wire
    send_limit_s: float
    probe_after_s: float = 30.0  # of silence; 0: never
    probe_limit_s: float = 5.0
    session: Session = attrs.field(factory=Session)
    clock: SpeechClock = attrs.field(factory=SpeechClock)
    posted: Channel[ClientEvent] = attrs.field(init=False)
    _latest: deque[str] = attrs.field(factory=lambda: deque(maxlen=_LATEST), init=False)
    _asked: int = attrs.field(default=0, init=False)  # messages we wanted to send
    _taken: int = attrs.field(default=0, init=False)  # messages the wire took
    _heard_at_s: float = attrs.field(default=0.0, init=False)  # when the server said anything last

    def __attrs_post_init__(self) -> None:
        self.posted = Channel("posted", _POSTED, WhenFull.DROP_NEWEST)

    @property
    def reference(self) -> str:
        """Where we are, as the service's support wants to know it."""
        return f"session={self.session.session_id} event={','.join(self._latest)}"

    def post(self, event: ClientEvent) -> bool:
        """Have *event* sent, after all that was posted before; for those who cannot wait. False if
        it was dropped.
        """
        taken = self.posted.offer(event)
        if not taken:
            log.warning("%s dropped: the link takes nothing", event.TYPE)
        return taken

    async def deliver(self, done: Callable[[ClientEvent], None]) -> None:
        """Send what was posted, and say so. What has become pointless on the way is not sent."""
        async for event in self.posted:
            if objection := self.session.objection(event):
                log.info("%s not needed any more: %s", event.TYPE, objection)
            else:
                await self.say(event)
            done(event)

    async def say(self, event: ClientEvent) -> None:
        """Send *event*; `LocalProtocolError` if it is out of turn."""
        text = self.session.send(event)
        if not isinstance(event, Append):  # fifty a second tell nothing
            log.debug("-> %s%s", event.TYPE, _Brief(event))
        self._asked += 1
        await self.wire.send(text)
        self._taken += 1

    @property
    def torn(self) -> bool:
        """Whether a message was begun that the wire has not taken: nothing can follow half of one."""
        return self._asked != self._taken

    async def watch(self) -> NoReturn:
        """Raise `LinkError` when the server has taken nothing for too long though it was asked to.

        Looked at now and then: a time limit on each of fifty sendings a second would cost more.
        """
        taken, since = self._taken, trio.current_time()
        while True:
            await trio.sleep(self.send_limit_s / _LOOKS)
            now = trio.current_time()
            if self._taken != taken or self._asked == self._taken:
                taken, since = self._taken, now
            elif now - since >= self.send_limit_s:
                raise LinkError(
                    f"the server took nothing for {self.send_limit_s:g} s: the link is stuck",
                    Trouble.STUCK,
                )

    async def ask_whether_it_lives(self) -> NoReturn:
        """Raise `LinkError` when the session behind the socket does not answer any more.

        A socket may live, and even answer pings, with nobody behind it. So a server that was silent
        for long is asked something that changes nothing; whatever it says is a sign of life.
        """
        if not self.probe_after_s:
            await trio.sleep_forever()
        while True:
            quiet_since_s = self._heard_at_s
            await trio.sleep_until(quiet_since_s + self.probe_after_s)
            if self._heard_at_s != quiet_since_s:
                continue
            self.post(Configure())
            await trio.sleep(self.probe_limit_s)
            if self._heard_at_s == quiet_since_s:
                raise LinkError(
                    f"the session answered nothing for {self.probe_limit_s:g} s, though the socket "
                    "is open",
                    Trouble.DEAF,
                )

    async def hear(self) -> ServerEvent | Skipped:
        """Wait for what the server says next."""
        event = self.session.receive(await self.wire.receive())
        self._heard_at_s = trio.current_time()
        if not isinstance(event, Skipped):
            self._latest.append(event.event_id)
            log.debug("<- %s%s", event.TYPE, _Brief(event))
        return event


@attrs.frozen
class _Brief:
    """An event's ids and times, written only if somebody reads the debug log."""

    event: object

    def __str__(self) -> str:
        told = ((name, getattr(self.event, name, None)) for name in _TOLD)
        return "".join(f" {name}={value}" for name, value in told if value not in (None, ""))
