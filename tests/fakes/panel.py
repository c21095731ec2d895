"""A panel at which a test's hand is, and lamps that it looks at."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Final, NoReturn

import attrs
import trio

from voiced.faults import ConfigError, DeviceError
from voiced.link.panel import Control, Lamp, Touch

ALL: Final = frozenset(Lamp)


@attrs.define(eq=False)
class FakePanel:
    """Buttons, perhaps a mute switch, and lamps; it can be pulled out, even with a button held."""

    lamps: frozenset[Lamp] = ALL
    muted: bool | None = None  # where its mute switch is; None: it has none
    name: str = "fake panel"
    refusal: DeviceError | ConfigError | None = None
    opened_at: list[float] = attrs.field(factory=list, init=False)  # attempts in vain too
    lit: frozenset[Lamp] = attrs.field(default=frozenset(), init=False)
    lightings: list[tuple[float, frozenset[Lamp]]] = attrs.field(factory=list, init=False)
    _touches: list[Touch] = attrs.field(factory=list, init=False)
    _news: trio.Event = attrs.field(factory=trio.Event, init=False)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["FakePanel"]:
        """As the port says."""
        self.opened_at.append(trio.current_time())
        await trio.lowlevel.checkpoint()
        self._refuse()
        self._touches.clear()
        if self.muted is not None:
            self._touches.append(Touch(Control.MUTE_SWITCH, self.muted))
        self.lit = frozenset()
        try:
            yield self
        finally:
            self.lit = frozenset()

    async def watch(self) -> NoReturn:
        """As the port says."""
        await trio.sleep_forever()

    async def collect(self) -> Sequence[Touch]:
        """As the port says."""
        while not self._touches:
            self._refuse()
            self._news = trio.Event()
            await self._news.wait()
        await trio.lowlevel.checkpoint()
        touches, self._touches = self._touches, []
        return touches

    def light(self, lit: Collection[Lamp]) -> None:
        """As the port says."""
        self._refuse()
        self.lit = frozenset(lit) & self.lamps
        self.lightings.append((trio.current_time(), self.lit))

    def _refuse(self) -> None:
        if self.refusal is not None:
            raise self.refusal

    # --- what a hand does

    def presses(self, control: Control) -> None:
        """Put it down."""
        self._touch(Touch(control, True))

    def releases(self, control: Control) -> None:
        """Let it go."""
        self._touch(Touch(control, False))

    def taps(self, control: Control) -> None:
        """Both."""
        self.presses(control)
        self.releases(control)

    def turns(self, *, muted: bool) -> None:
        """Turn the mute switch."""
        self.muted = muted
        self._touch(Touch(Control.MUTE_SWITCH, muted))

    def is_pulled_out(self) -> None:
        """It is gone, whatever was held."""
        self.refusal = DeviceError("it is gone: was it unplugged?")
        self._news.set()

    def is_put_back(self) -> None:
        """Whoever opens it now succeeds."""
        self.refusal = None

    def _touch(self, touch: Touch) -> None:
        self._touches.append(touch)
        self._news.set()
