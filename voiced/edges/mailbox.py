"""Where the audio thread leaves blocks for the Trio thread: the one crossing inward."""

import os
from collections import deque

import trio


class Mailbox:
    """Bounded, and never blocks the audio thread: when nobody collects, the oldest block is lost.

    `leave` and `close` are called on the audio thread, everything else on the Trio thread; the deque's
    own atomicity is all the locking there is. The bell is an eventfd: however often it is rung before
    somebody comes, it is one wake-up, and the collector wakes at once. (Trio's own re-entry queue
    would do, at the price of another round of its loop for each block.)
    """

    def __init__(self, depth: int) -> None:
        self.left = 0  # blocks ever left here
        self.lost = 0  # of these, overwritten before anybody came
        self._slots: deque[bytes] = deque(maxlen=depth)
        self._ended = False
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def leave(self, block: bytes) -> None:
        """Take a block over (audio thread)."""
        if len(self._slots) == self._slots.maxlen:
            self.lost += 1
        self._slots.append(block)
        self.left += 1
        os.eventfd_write(self._bell, 1)

    def end(self) -> None:
        """Say that no more will come (audio thread): once all is collected, `collect` gives nothing."""
        self._ended = True
        os.eventfd_write(self._bell, 1)

    async def collect(self) -> list[bytes]:
        """Wait until there is at least one block or the end, then take all (Trio thread)."""
        blocks: list[bytes] = []
        while not blocks:  # the bell may be rung for a block that was taken along before
            await trio.lowlevel.wait_readable(self._bell)
            if self._ended:  # leave it rung, for all who ask again
                return self._take_all()
            os.eventfd_read(self._bell)
            blocks = self._take_all()
        return blocks

    def _take_all(self) -> list[bytes]:
        blocks = []
        while self._slots:
            blocks.append(self._slots.popleft())
        return blocks

    def close(self) -> None:
        """Give the bell back (Trio thread), once no audio thread can ring it any more."""
        trio.lowlevel.notify_closing(self._bell)
        os.close(self._bell)
