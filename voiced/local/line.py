"""The way to one client: a bounded backlog of events, and the single task that sends them.

Law of this file: saying is synchronous, sending is one task's. So whoever decides something says it
in one breath, nothing interleaves, and cancelling an answer can never cut a frame in two. A client
that does not read costs at most the backlog's limit; then the connection is dropped. What is
optional (audio) waits for room first.
"""

import collections
import copy
import json
from collections.abc import Callable
from typing import Final

import trio
from attrs import define, field, frozen
from trio_websocket import ConnectionClosed, WebSocketConnection

from voiced.local.options import Options
from voiced.local.wire import Direction, Json, Traffic, new_id, random_text

_ROOM_CHARACTERS: Final = 128 << 10  # about six deltas: enough to keep any socket busy
_OBFUSCATION: Final = 8
_UNKNOWN_FIELD: Final = "x_not_in_any_reference"


@frozen
class Ending:
    """How a connection is ended by us."""

    code: int | None = None
    """The close code; None: TCP ends without a word, which a client sees as 1006."""
    reason: str = ""


@define(eq=False)
class Line:
    """What is said to one client. Made with the number of its connection."""

    options: Options
    session: int
    watch: Callable[[Traffic], None] | None = None
    _backlog: collections.deque[tuple[str | bytes, Json]] = field(
        init=False, factory=collections.deque
    )
    _waiting: int = field(init=False, default=0)
    """Characters in the backlog."""
    _ending: Ending | None = field(init=False, default=None)
    _mute: bool = field(init=False, default=False)
    _sleepers: trio.lowlevel.ParkingLot = field(init=False, factory=trio.lowlevel.ParkingLot)
    _writers: trio.lowlevel.ParkingLot = field(init=False, factory=trio.lowlevel.ParkingLot)
    _scope: trio.CancelScope = field(init=False, factory=trio.CancelScope)

    @property
    def ended(self) -> bool:
        """Whether nothing more will be said."""
        return self._ending is not None

    def emit(self, kind: str, **fields: object) -> None:
        """Say one event; it gets its own id."""
        event: Json = {"type": kind, "event_id": new_id("event"), **copy.deepcopy(fields)}
        if self.options.extra_fields:
            for part in [event, *(part for part in event.values() if isinstance(part, dict))]:
                part[_UNKNOWN_FIELD] = True
        self._add(json.dumps(event, separators=(",", ":")), event)

    def emit_text(self, kind: str, delta: str, **fields: object) -> None:
        """Say a delta of text, padded with random letters as the service does."""
        self.emit(kind, **fields, delta=delta, obfuscation=random_text(_OBFUSCATION))

    def raw(self, frame: str | bytes) -> None:
        """Say something that is no event."""
        self._add(frame, {"type": "", "raw": frame})

    def mute(self) -> None:
        """Say nothing from now on, nor what waits to be sent."""
        self._mute = True
        self._backlog.clear()
        self._waiting = 0

    def end(self, ending: Ending) -> None:
        """End the connection when all that was said is sent, or after a while."""
        if self._ending is None:
            self._ending = ending
            self._scope.deadline = trio.current_time() + self.options.close_timeout_s
            self._sleepers.unpark_all()

    async def room(self) -> None:
        """Wait until the client has read most of what was said. Always a checkpoint.

        Whoever is cancelled in the very instant that there is room must not go on: a task that is
        already scheduled hears of it at its next checkpoint only, so this ends with one.
        """
        await trio.lowlevel.checkpoint()
        while self._waiting > _ROOM_CHARACTERS and not self.ended:
            await self._writers.park()
        await trio.lowlevel.checkpoint_if_cancelled()

    async def run(self, socket: WebSocketConnection, stream: trio.abc.Stream) -> None:
        """Send what is said, then end as told; returns when the connection is over."""
        try:
            with self._scope:
                await self._send_all(socket)
                if self._ending is not None and self._ending.code is not None:
                    await socket.aclose(self._ending.code, self._ending.reason)
        except ConnectionClosed:
            pass
        self.end(Ending())
        await trio.aclose_forcefully(stream)

    async def _send_all(self, socket: WebSocketConnection) -> None:
        while True:
            while self._backlog:
                frame, event = self._backlog.popleft()
                self._waiting -= len(frame)
                self._tell(Direction.TO_CLIENT, event)
                await socket.send_message(frame)
                self._writers.unpark_all()
            if self.ended:
                return
            await self._sleepers.park()

    def heard(self, event: Json) -> None:
        """Let the watcher know what the client said."""
        self._tell(Direction.FROM_CLIENT, event)

    def _tell(self, direction: Direction, event: Json) -> None:
        if self.watch is not None:
            self.watch(Traffic(direction, trio.current_time(), event, self.session))

    def _add(self, frame: str | bytes, event: Json) -> None:
        if self._mute or self.ended:
            return
        if self._waiting > self.options.max_backlog_bytes:
            self.mute()
            self.end(Ending())
            return
        self._backlog.append((frame, event))
        self._waiting += len(frame)
        self._sleepers.unpark_all()
