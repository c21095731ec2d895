"""Porter: does what buttons, switches and keys ask for."""

import logging
from typing import Final

import attrs

from voiced.actors.operator import Operator
from voiced.link.panel import Control, Touch
from voiced.panel_ports import OpenButtons

log = logging.getLogger(__name__)

_HELD: Final = frozenset({Control.TALK, Control.MUTE_SWITCH})  # going up asks for something, too


@attrs.define(eq=False)
class Porter:
    """Receives: touches. Says: orders, to whom they concern, as at the control socket. Loses: nothing;
    what is asked for in vain is in the log (debug). Ends: with the device, whose buttons then are up.
    """

    operator: Operator
    _down: set[Control] = attrs.field(factory=set, init=False)

    async def serve(self, opened: OpenButtons) -> None:
        """Do what is asked for until `DeviceError`."""
        try:
            while True:
                for touch in await opened.collect():
                    self._take(touch)
        finally:
            if Control.TALK in self._down:
                self.operator.release()
            self._down.clear()

    def _take(self, touch: Touch) -> None:
        # A switch tells how it stands, however often; a button, that it has changed.
        if touch.control is not Control.MUTE_SWITCH and not self._changes(touch):
            return
        if touch.down or touch.control in _HELD:
            done = self._ask(touch)
            log.debug("%s %s done=%s", touch.control.value, "down" if touch.down else "up", done)

    def _changes(self, touch: Touch) -> bool:
        if touch.down == (touch.control in self._down):
            return False
        (self._down.add if touch.down else self._down.discard)(touch.control)
        return True

    def _ask(self, touch: Touch) -> bool:
        operator = self.operator
        match touch.control:
            case Control.TALK:
                return operator.press() if touch.down else operator.release()
            case Control.ACTIVATE:
                return operator.activate() or operator.interrupt()
            case Control.INTERRUPT:
                return operator.interrupt()
            case Control.MUTE:
                return operator.unmute() if operator.muted else operator.mute()
            case Control.MUTE_SWITCH:
                return operator.turn_mute_switch(muted=touch.down)
