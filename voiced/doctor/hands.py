"""Are buttons, lamps and keys there that the settings name, and may we use them? Opens nothing for long, and
takes nothing from a daemon that runs.
"""

from collections.abc import Callable
from typing import Final, Protocol

from voiced.config.whole import Config
from voiced.doctor.examination import Check
from voiced.doctor.finding import Finding, Verdict
from voiced.faults import ConfigError, DeviceError
from voiced.hardware import keys_from, panel_from

PANEL: Final = "panel"
KEYS: Final = "keys"


class Device(Protocol):
    """Something that can be looked at."""

    def look(self) -> str:
        """What is there; `DeviceError` or `ConfigError` says what is not."""


def hands(config: Config) -> list[Check]:
    """Both checks."""

    async def panel() -> Finding:
        return judged(PANEL, lambda: panel_from(config), mutes=bool(config.gpio.mute_line))

    async def keys() -> Finding:
        return judged(KEYS, lambda: keys_from(config))

    return [Check(PANEL, panel), Check(KEYS, keys)]


def judged(check: str, find: Callable[[], Device | None], *, mutes: bool = False) -> Finding:
    """One finding. Without a panel one can still talk, unless it has the mute switch (*mutes*): before that
    is read, nobody is heard.
    """
    try:
        device = find()
        if device is None:
            return Finding(check=check, verdict=Verdict.SKIPPED, seen="the settings name none")
        return Finding(check=check, verdict=Verdict.OK, seen=device.look())
    except (DeviceError, ConfigError) as fault:
        seen, _, rest = str(fault).partition("\n")
        there = " ".join(rest.split())
    return Finding(
        check=check,
        verdict=Verdict.FAILED if mutes else Verdict.WARNING,
        seen=seen.removesuffix(" There is:"),
        cause="nobody is heard before the mute switch was read" if mutes else "",
        action="mend what is named here, or take it out of the settings"
        + (f"; there is {there}" if there else ""),
    )
