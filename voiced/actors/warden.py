"""Warden: sees to it that who has muted the room is not heard because the process began anew."""

from collections.abc import Callable
from typing import Final, NoReturn

import attrs
import trio

from voiced.notices import Happened, Moment, NoticeBoard
from voiced.ports import MuteKeeper

_WRITE_LIMIT_S: Final = 2.0  # a disk that hangs must not keep us from stopping


@attrs.define(eq=False)
class Warden:
    """Receives: `MUTED` and `UNMUTED` from the board. Says: to a file, how it is. Loses: nothing; what
    changes while it writes is written next. Ends: never by itself.
    """

    board: NoticeBoard
    keeper: MuteKeeper
    by_somebody: Callable[[], bool]  # else a switch has muted, which will say so again
    _wanted: bool | None = attrs.field(default=None, init=False)  # None: as it is written
    _news: trio.Event = attrs.field(factory=trio.Event, init=False)
    _one: trio.CapacityLimiter = attrs.field(factory=lambda: trio.CapacityLimiter(1), init=False)

    def __attrs_post_init__(self) -> None:
        self.board.follow(self._note)

    async def run(self) -> NoReturn:
        """Write, in a thread, whatever has changed."""
        try:
            while True:
                await self._news.wait()
                self._news = trio.Event()
                await self._write()
        finally:
            await self._write()

    def _note(self, happened: Happened) -> None:
        if happened.moment in {Moment.MUTED, Moment.UNMUTED}:
            self._wanted = happened.moment is Moment.MUTED and self.by_somebody()
            self._news.set()

    async def _write(self) -> None:
        if self._wanted is None:
            return
        muted, self._wanted = self._wanted, None
        with trio.move_on_after(_WRITE_LIMIT_S, shield=True) as limit:
            # One at a time, for one that hangs would otherwise be overtaken by its opposite.
            await trio.to_thread.run_sync(
                lambda: self.keeper.keep(muted=muted), abandon_on_cancel=True, limiter=self._one
            )
        if limit.cancelled_caught and self._wanted is None:  # it may never have been begun
            self._wanted = muted
            self._news.set()
