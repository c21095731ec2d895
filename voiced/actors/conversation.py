"""Conversation: one session on one wire, from dialling to its end."""

import logging
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import TypeVar

import attrs
import trio

from voiced.actors.downlink import Downlink
from voiced.actors.line import Line
from voiced.actors.uplink import Uplink
from voiced.audio.format import FRAME_MS, Frame, samples_to_ms
from voiced.audio.jitter import JitterBuffer
from voiced.channel import Channel
from voiced.counts import Counts
from voiced.faults import LinkError, SessionOver
from voiced.messages import Playout
from voiced.notices import Happened, Moment, NoticeBoard
from voiced.ports import Dialler, Wire
from voiced.realtime.client_events import Configure
from voiced.realtime.server_events import Refused, ServerEvent, SessionCreated, SessionUpdated

log = logging.getLogger(__name__)
E = TypeVar("E", bound=ServerEvent)


@attrs.frozen(kw_only=True)
class Patience:
    """How long each step may take, in seconds."""

    socket_s: float
    created_s: float
    updated_s: float
    send_s: float


@attrs.define(eq=False, kw_only=True)
class Conversation:
    """Opens the session, then lets both directions run.

    Receives and says what Uplink and Downlink do. Loses: the speech that waited, when the session
    can't be opened: it would be stale by the next attempt. Ends: by the fault that ends the session.
    """

    dialler: Dialler
    configure: Configure
    frames: Channel[Frame]
    playouts: Channel[Playout]
    board: NoticeBoard
    counts: Counts
    jitter: JitterBuffer
    patience: Patience
    batch_ms: int
    longest_ms: int
    silence_ms: int

    async def run(self) -> None:
        """Hold one conversation."""
        with ExitStack() as unless_opened:
            unless_opened.callback(self._discard)
            async with self._wire() as wire:
                line = Line(wire, self.patience.send_s)
                await self._open(line)
                unless_opened.pop_all()
                await self._talk(line)

    async def _talk(self, line: Line) -> None:
        uplink = Uplink(line, self.frames, self.counts, self.batch_ms)
        downlink = Downlink(
            line,
            self.playouts,
            self.board,
            self.counts,
            self.jitter,
            self.longest_ms,
            self.silence_ms,
        )
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(uplink.run, name="uplink")
                nursery.start_soon(downlink.run, name="downlink")
                nursery.start_soon(line.wire.keep_alive, name="keep alive")
                nursery.start_soon(line.watch, name="watch the line")
        finally:
            line.session.end()
            log.info(
                "session over session=%s sent_ms=%d",
                line.session.session_id,
                samples_to_ms(line.clock.sent_samples),
            )
            for name, count in {**line.session.skipped, **line.session.unknown_fields}.items():
                log.info("not understood what=%r count=%d", name, count)

    @asynccontextmanager
    async def _wire(self) -> AsyncIterator[Wire]:
        """Dial under a time limit that ends with the socket's opening."""
        limit = self.patience.socket_s
        with trio.CancelScope() as dialling:
            dialling.deadline = trio.current_time() + limit
            async with self.dialler.dial() as wire:
                dialling.deadline = float("inf")
                yield wire
        if dialling.cancelled_caught:
            raise LinkError(f"no connection within {limit:g} s")

    async def _open(self, line: Line) -> None:
        """Server speaks first, we configure, it grants: only then may sound go up."""
        await self._expect(line, SessionCreated, self.patience.created_s)
        await self._expect(line, SessionUpdated, self.patience.updated_s, ask=self.configure)
        log.info(
            "session ready session=%s model=%s voice=%s turn_detection=%s",
            line.session.session_id,
            line.session.settings and line.session.settings.model,
            line.session.voice,
            line.session.turn_detection,
        )
        self.board.post(Happened(trio.current_time(), Moment.READY))

    async def _expect(
        self, line: Line, wanted: type[E], limit_s: float, ask: Configure | None = None
    ) -> None:
        with trio.move_on_after(limit_s):
            if ask is not None:
                await line.say(ask)
            while not isinstance(event := await line.hear(), wanted):
                if isinstance(event, Refused):
                    error = event.error
                    raise SessionOver(error.code or error.kind, error.message, opening=True)
            return
        raise LinkError(
            f"connected, but the server sent no {wanted.TYPE} within {limit_s:g} s: "
            "is [realtime] url a Realtime service?"
        )

    def _discard(self) -> None:
        if count := self.frames.discard_all():
            log.warning("speech discarded ms=%d: the session could not be opened", count * FRAME_MS)
