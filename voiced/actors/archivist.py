"""Archivist: has the conversation kept for the next life of the daemon, where the owner wants that."""

import logging
from typing import Final

import attrs
import trio

from voiced.link.memory import Memory
from voiced.ports import Archive

log = logging.getLogger(__name__)

_WRITE_LIMIT_S: Final = 2.0  # a disk that hangs must not keep us from stopping


@attrs.define(eq=False)
class Archivist:
    """Writes what a new session would be told, and nothing more.

    Receives: changes of the memory, by looking. Says: nothing. Loses: what changed since it looked
    last, if the machine dies. Ends: never by itself; at the end it writes once more.
    """

    memory: Memory
    archive: Archive
    tokens: int  # how much a new session would be told
    every_s: float = 5.0  # a flash card is not to be written with every word
    _one: trio.CapacityLimiter = attrs.field(factory=lambda: trio.CapacityLimiter(1), init=False)
    _kept: int = attrs.field(default=0, init=False)  # the memory's last change that was written

    def begin(self) -> None:
        """Recall the earlier life. It blocks for a moment: nothing else lives yet."""
        self.memory.recall(self.archive.read())
        self._kept = self.memory.changes

    async def run(self) -> None:
        """Look now and then whether there is something to be written."""
        try:
            while True:
                await trio.sleep(self.every_s)
                await self._write()
        finally:
            await self._write()

    async def _write(self) -> None:
        """Write what has changed, in a thread. Not to be cut short but by its own limit."""
        if self.memory.changes == self._kept:
            return
        self._kept = self.memory.changes
        entries = self.memory.carry(self.tokens)
        with trio.move_on_after(_WRITE_LIMIT_S, shield=True) as limit:
            # One at a time, for one that hangs would otherwise be overtaken, or joined by others.
            await trio.to_thread.run_sync(
                self.archive.write, entries, abandon_on_cancel=True, limiter=self._one
            )
        if limit.cancelled_caught:
            log.warning("context not written within %g s: is the disk ill?", _WRITE_LIMIT_S)
