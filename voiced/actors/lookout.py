"""Lookout: sees what another process has found out about the service (`voiced probe`), for the status."""

from collections.abc import Callable
from typing import Final, NoReturn

import attrs
import trio

from voiced.notices import NoticeBoard

_LOOKS_EVERY_S: Final = 60.0  # a probe is made once an hour


@attrs.define(eq=False)
class Lookout:
    """Receives: nothing. Says: the last probes, on the board. Loses: nothing. Ends: never by itself."""

    board: NoticeBoard
    probes: Callable[[], str]  # it blocks
    _one: trio.CapacityLimiter = attrs.field(factory=lambda: trio.CapacityLimiter(1), init=False)

    async def run(self) -> NoReturn:
        """Look now and then, in a thread: the disk may be ill."""
        while True:
            self.board.probes = await trio.to_thread.run_sync(
                self.probes, abandon_on_cancel=True, limiter=self._one
            )
            await trio.sleep(_LOOKS_EVERY_S)
