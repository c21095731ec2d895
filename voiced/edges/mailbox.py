"""Where the audio thread leaves blocks for the Trio thread: the one crossing inward."""

from collections import deque

import trio


class Mailbox:
    """Bounded, and never blocks the audio thread: when nobody collects, the oldest block is lost.

    `leave` and `lost` are used on the audio thread, `collect` on the Trio thread; the deque's own
    atomicity is all the locking there is.
    """

    def __init__(self, depth: int) -> None:
        self.lost = 0
        self._slots: deque[bytes] = deque(maxlen=depth)
        self._token = trio.lowlevel.current_trio_token()
        self._something = trio.Event()

    def leave(self, block: bytes) -> None:
        """Take a block over (audio thread)."""
        if len(self._slots) == self._slots.maxlen:
            self.lost += 1
        self._slots.append(block)
        # idempotent: one wake-up however late the loop is; without it Trio's re-entry queue would
        # be an unbounded buffer in disguise.
        self._token.run_sync_soon(self._wake, idempotent=True)

    def close(self) -> None:
        """Say that no more will come (audio thread): a waiting `collect` returns, empty."""
        self._token.run_sync_soon(self._wake, idempotent=True)

    async def collect(self) -> list[bytes]:
        """Wait until there is at least one block or the end, then take all (Trio thread)."""
        await self._something.wait()
        self._something = trio.Event()
        blocks = []
        while self._slots:
            blocks.append(self._slots.popleft())
        return blocks

    def _wake(self) -> None:
        self._something.set()
