"""Wires that are written down as they are used, for whoever looks for a fault.

Theory of operation. The wire's own tasks only put a message into a backlog, bounded in bytes; a task of each
wire takes out what is there, twice a second, and has a thread turn it into lines and write them. A disk
that is slow, full or away costs lines, which are counted, and nothing else.
"""

import json
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

import attrs
import trio

from voiced.edges.state_file import Unfit
from voiced.edges.wire_folder import WireFile, WireFolder
from voiced.faults import LinkError
from voiced.logbook.record import told
from voiced.ports import Dialler, Wire

log = logging.getLogger(__name__)

_EVERY_S: Final = 0.5
_FAREWELL_S: Final = 1.0  # the whole daemon has 2 s to stop
_HANGS: Final = "the disk hangs"
_MOST_WAITING: Final = 4 << 20  # characters; a minute of talk, sound and all
_UP: Final = "up"
_DOWN: Final = "down"
_END: Final = "end"


@attrs.frozen
class _Message:
    """What went over the wire, and when."""

    at: datetime
    ms: int  # since the wire was opened
    way: str
    text: str | bytes = attrs.field(repr=False)


@attrs.define(eq=False)
class RecordingDialler:
    """A dialler whose wires are recorded. Loses, counted: lines that could not be written (`lost_lines`)."""

    dialler: Dialler
    folder: WireFolder
    hide: Callable[[str], str]  # takes secrets out of texts
    with_audio: bool = False
    most_waiting: int = _MOST_WAITING
    every_s: float = _EVERY_S
    lines: int = attrs.field(default=0, init=False)  # written
    lost_lines: int = attrs.field(default=0, init=False)
    _fault: str = attrs.field(default="", init=False)  # the last one, told once
    _one: trio.CapacityLimiter = attrs.field(factory=lambda: trio.CapacityLimiter(1), init=False)

    @asynccontextmanager
    async def dial(self, model: str = "") -> AsyncIterator[Wire]:
        """As the port says."""
        async with self.dialler.dial(model) as wire, trio.open_nursery() as nursery:
            recorded, over = RecordedWire(wire, self.most_waiting), trio.Event()
            writing = trio.CancelScope(shield=True)
            nursery.start_soon(self._record, recorded, over, writing, name="record the wire")
            try:
                yield recorded
            finally:
                writing.deadline = trio.current_time() + _FAREWELL_S
                over.set()

    async def _record(
        self, wire: "RecordedWire", over: trio.Event, writing: trio.CancelScope
    ) -> None:
        """Until it is *over*. What is in hand then gets as long as *writing* says: to break it off at once would
        prove nothing about the disk.
        """
        file = WireFile(self.folder)
        with writing:
            last = False
            while not last:
                with trio.move_on_after(self.every_s):
                    await over.wait()
                last = over.is_set()
                await self._write(wire, file, last=last)
        if writing.cancelled_caught:
            messages, dropped = wire.take()
            self._lose(len(messages) + dropped, _HANGS)

    async def _write(self, wire: "RecordedWire", file: WireFile, *, last: bool = False) -> None:
        messages, dropped = wire.take()
        if dropped:
            self._lose(dropped, "the disk is too slow")
        if not messages and not last:
            return
        before, fault = file.lines, _HANGS

        def write() -> str:
            """In a thread, which may be left alone with a disk that hangs."""
            said = ""
            for each in messages:
                try:
                    file.write(self._line(each))
                except OSError as error:
                    said = error.strerror or str(error)
                except Unfit as error:
                    said = str(error)
            if last:
                file.close()
            return said

        try:
            fault = await trio.to_thread.run_sync(write, abandon_on_cancel=True, limiter=self._one)
        finally:
            written = file.lines - before
            self.lines += written
            if written < len(messages):
                self._lose(len(messages) - written, fault)
            elif messages and not dropped:
                self._tell("")

    def _line(self, message: _Message) -> bytes:
        if message.way == _END:
            said: dict[str, object] = {"fault": self.hide(str(message.text))}
        else:
            said = told(message.text, self.hide, with_audio=self.with_audio)
        at = message.at.isoformat(timespec="milliseconds")
        line = {"at": at, "ms": message.ms, "way": message.way, **said}
        return json.dumps(line, separators=(",", ":")).encode() + b"\n"

    def _lose(self, count: int, why: str) -> None:
        self.lost_lines += count
        self._tell(why)

    def _tell(self, fault: str) -> None:
        """Say a fault, and its end, once: it is met twice a second."""
        if fault == self._fault:
            return
        before, self._fault = self._fault, fault
        if fault:
            log.warning("wire not recorded path=%s: %s", self.folder.path, fault)
        elif before:
            log.warning("wire is recorded again lost_lines=%d", self.lost_lines)


@attrs.define(eq=False)
class RecordedWire:
    """A wire, and what went over it. Loses, counted: what finds its backlog full."""

    wire: Wire
    most_waiting: int
    _waiting: deque[_Message] = attrs.field(factory=deque, init=False)
    _chars: int = attrs.field(default=0, init=False)
    _dropped: int = attrs.field(default=0, init=False)
    _opened_s: float = attrs.field(factory=trio.current_time, init=False)

    async def send(self, text: str) -> None:
        """As the port says; what the wire did not take is not written down."""
        await self.wire.send(text)
        self._note(_UP, text)

    async def receive(self) -> str | bytes:
        """As the port says."""
        try:
            message = await self.wire.receive()
        except LinkError as fault:
            self._note(_END, str(fault))
            raise
        self._note(_DOWN, message)
        return message

    async def keep_alive(self) -> None:
        """As the port says."""
        await self.wire.keep_alive()

    def take(self) -> tuple[list[_Message], int]:
        """What waits, and how many did not find room since the last time."""
        messages, dropped = list(self._waiting), self._dropped
        self._waiting.clear()
        self._chars = self._dropped = 0
        return messages, dropped

    def _note(self, way: str, text: str | bytes) -> None:
        if self._chars + len(text) > self.most_waiting:
            self._dropped += 1
            return
        self._chars += len(text)
        ms = round((trio.current_time() - self._opened_s) * 1000)
        self._waiting.append(_Message(datetime.now(UTC), ms, way, text))
