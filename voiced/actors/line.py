"""Line: a session on its wire, the one way to speak with the server."""

import attrs
import trio

from voiced.audio.clock import SpeechClock
from voiced.faults import LinkError
from voiced.ports import Wire
from voiced.realtime.client_events import ClientEvent
from voiced.realtime.codec import Skipped
from voiced.realtime.server_events import ServerEvent
from voiced.realtime.session import Session


@attrs.define(eq=False)
class Line:
    """Says only what the session allows, and waits for the wire only so long."""

    wire: Wire
    send_limit_s: float
    session: Session = attrs.field(factory=Session)
    clock: SpeechClock = attrs.field(factory=SpeechClock)

    async def say(self, event: ClientEvent) -> None:
        """Send *event*; `LinkError` if the server takes nothing, `LocalProtocolError` out of turn."""
        text = self.session.send(event)
        with trio.move_on_after(self.send_limit_s) as patience:
            await self.wire.send(text)
        if patience.cancelled_caught:
            raise LinkError(
                f"the server took nothing for {self.send_limit_s:g} s: the link is stuck"
            )

    async def hear(self) -> ServerEvent | Skipped:
        """Wait for what the server says next."""
        return self.session.receive(await self.wire.receive())
