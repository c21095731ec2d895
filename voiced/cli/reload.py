"""Taking in new settings while the daemon runs (SIGHUP): what to do about which change, and when."""

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import attrs
import trio

from voiced import app
from voiced.config.changes import Reach, changed_keys, reach_of
from voiced.config.whole import Config
from voiced.faults import ConfigError
from voiced.link.renewal import Renewal
from voiced.ports import ServiceManager

log = logging.getLogger(__name__)

_LOOKS_EVERY_S: Final = 0.2  # for a quiet moment, while one is wanted

_QUIET: Final = Renewal()  # how much may go on, after how long: as when a session gives way

_DONE: Final[Mapping[Reach, str]] = MappingProxyType(
    {
        Reach.NONE: "nothing has changed",
        Reach.LIVE: "from now on",
        Reach.SESSION: "with a new session, at the next quiet moment",
        Reach.LIFE: "with a new start of all but the process, at the next quiet moment",
    }
)


@attrs.frozen
class Change:
    """How deep a change goes, and the keys that it is made of."""

    reach: Reach
    keys: tuple[str, ...]


@attrs.define(eq=False, kw_only=True)
class Reload:
    """Takes in settings for one life of the daemon. What is read is checked first: settings that can't
    be used change nothing.

    A new life loses what is said during it, for a second or so; so it begins where nobody speaks or is
    owed an answer, and where there never is such a moment, when a session would be given up, too.
    """

    read: Callable[[], Config]  # `ConfigError` if no life could begin with it
    settings: Config  # that are in effect
    daemon: app.Daemon
    manager: ServiceManager | None = None
    successor: Config | None = attrs.field(default=None, init=False)
    """With what the next life begins, as soon as this one is over; None: there is to be none."""

    _asked: trio.Event = attrs.field(factory=trio.Event, init=False)

    def now(self) -> Reach | None:
        """Read the settings and act on what has changed; None: they can't be used, as the log says."""
        try:
            return self._read().reach
        except ConfigError:
            return None

    def answer(self) -> Mapping[str, object]:
        """The same, for whoever asked; `ConfigError`: they can't be used."""
        change = self._read()
        return {"changed": list(change.keys), "takes_effect": _DONE[change.reach]}

    def _read(self) -> Change:
        if self.manager is not None:
            self.manager.reloading()
        try:
            return self._take_in(self.read())
        except ConfigError as error:
            for mistake in error.mistakes:
                log.warning("settings refused, the old ones go on: %s", mistake)
            raise
        finally:
            if self.manager is not None:
                self.manager.ready()

    def withdraw(self) -> None:
        """There is to be no next life: the process is to end."""
        self.successor = None

    async def run(self) -> None:
        """End this life in order once another one is wanted, and nobody would notice."""
        while not self._wanted():
            self._asked = trio.Event()
            await self._asked.wait()
            asked_s = trio.current_time()
            while self._wanted() and not self._may_end(trio.current_time() - asked_s):  # noqa: ASYNC110  no bell rings
                await trio.sleep(_LOOKS_EVERY_S)
        log.info("starting anew with new settings")
        self.daemon.supervisor.stop()

    def _wanted(self) -> bool:
        return self.successor is not None

    def _may_end(self, overdue_s: float) -> bool:
        bustle = self.daemon.supervisor.conversation.bustle
        return _QUIET.may_move(overdue_s, bustle)

    def _take_in(self, settings: Config) -> Change:
        keys = changed_keys(self.settings, settings)
        reach = max(map(reach_of, keys), default=Reach.NONE)
        for each in (Reach.LIVE, Reach.SESSION, Reach.LIFE):
            if named := [key for key in keys if reach_of(key) is each]:
                done = _DONE[reach if reach is Reach.LIFE else each]
                log.info("settings changed keys=%r: %s", ", ".join(named), done)
        self.successor = settings if reach is Reach.LIFE else None
        match reach:
            case Reach.NONE:
                log.info("settings read again: nothing has changed")
            case Reach.LIVE | Reach.SESSION:
                self.settings = settings
                self.daemon.adopt(settings)
            case Reach.LIFE:
                self._asked.set()
        return Change(reach, keys)
