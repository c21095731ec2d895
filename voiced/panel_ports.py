"""The ports of what a hand touches and an eye sees: buttons, switches, keys, lamps. As in `ports.py`."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from voiced.link.panel import Lamp, Touch
from voiced.ports import OpenDevice


class OpenButtons(OpenDevice, Protocol):
    """Buttons, switches or keys that are read. They work until `collect` says otherwise."""

    async def collect(self) -> Sequence[Touch]:
        """Wait until something is touched; first of all, without waiting, tell how switches stand.
        `DeviceError` when they are gone.
        """


class Buttons(Protocol):
    """Buttons that can be read."""

    def open(self) -> AbstractAsyncContextManager[OpenButtons]:
        """Have them for ourselves, as far as that goes. `DeviceError` says why that can't be now,
        `ConfigError` why it never can.
        """


class OpenPanel(OpenButtons, Protocol):
    """Buttons and lamps together."""

    @property
    def lamps(self) -> frozenset[Lamp]:
        """Those that there are."""

    def light(self, lit: frozenset[Lamp]) -> None:
        """Light these, and no others; `DeviceError` if they are gone. It does not wait."""


class Panel(Protocol):
    """A panel that can be used."""

    def open(self) -> AbstractAsyncContextManager[OpenPanel]:
        """As of `Buttons`. All lamps are dark at first, and when it is left."""
