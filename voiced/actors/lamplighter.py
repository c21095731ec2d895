"""Lamplighter: shows with lamps what goes on."""

from collections.abc import Callable
from typing import NoReturn

import attrs
import trio

from voiced.link.panel import Lamps, Scene
from voiced.notices import Happened, NoticeBoard
from voiced.panel_ports import OpenPanel


@attrs.define(eq=False)
class Lamplighter:
    """Receives: every moment from the board, and time. Says: light. Loses: nothing. Ends: with the panel."""

    board: NoticeBoard
    muted: Callable[[], bool]
    _news: trio.Event = attrs.field(factory=trio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self.board.follow(self._note)

    async def serve(self, opened: OpenPanel) -> NoReturn:
        """Light and darken until `DeviceError`."""
        lamps = Lamps(opened.lamps)
        shown = None
        while True:
            self._news = trio.Event()
            look = lamps.look(self._scene(), trio.current_time())
            if look.lit != shown:
                opened.light(look.lit)
                shown = look.lit
            with trio.move_on_at(look.until_s):
                await self._news.wait()

    def _scene(self) -> Scene:
        return Scene(
            self.board.phase.phase.value,
            muted=self.muted(),
            ails=any(state.fault for state in self.board.devices.values()),
        )

    def _note(self, _happened: Happened) -> None:
        self._news.set()
