"""The machine and its settings: what is looked at, and handed to `judgements` to be judged."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import attrs
import trio

from voiced import outside
from voiced.config.checks import SECRET
from voiced.config.whole import Config
from voiced.control import address
from voiced.doctor import judgements
from voiced.doctor.examination import Check
from voiced.doctor.explaining import explained
from voiced.doctor.finding import Finding, Verdict
from voiced.edges.authority import rest_url
from voiced.edges.control_call import NoAnswer, NotForUs, NotThere, call
from voiced.edges.credentials import key_places
from voiced.edges.http import Request, ask
from voiced.edges.machine import Machine
from voiced.edges.probe_file import ProbeFile
from voiced.edges.state_file import Unfit, state_directory
from voiced.edges.transport import FIRST_YEAR, LAST_YEAR, open_stream
from voiced.faults import ConfigError, LinkError, Trouble

_OTHERS: Final = 0o077
_EVERYBODY: Final = 0o007
_ROOT: Final = 0
_CLOCK_S: Final = 5.0


@attrs.define(eq=False, kw_only=True)
class House:
    """Everything but sound and the service."""

    read: Callable[[], tuple[Config, Path | None]]  # the settings and their file; `ConfigError`
    environ: Mapping[str, str]
    config: Config  # to look at the rest with; defaults, if there are no good ones
    machine: Machine = attrs.field(factory=Machine)

    def checks(self) -> list[Check]:
        """In order. Of all others only the clock needs good settings, and it makes do without."""
        return [
            Check("config", self._config),
            Check("versions", self._versions),
            Check("clock", self._clock),
            Check("control socket", self._control),
            Check("service", self._service),
            Check("disk", self._disk),
            Check("memory", self._memory),
            Check("probes", self._probes),
        ]

    # --- settings ---

    async def _config(self) -> Finding:
        config, place = self.read()
        outside.route_from(config, self.environ)  # proxy and certificates: told here, or nowhere
        seen = f"{place or 'no file: defaults'}, all right"
        if place is not None and (finding := self._exposed_config(place)):
            return finding
        return self._exposed_secret(config) or Finding(check="", verdict=Verdict.OK, seen=seen)

    def _exposed_config(self, place: Path) -> Finding | None:
        """What is in a comment is read by others as well as what is in effect."""
        modes = self.machine.modes(place)
        try:
            holds = SECRET.search(place.read_text("utf-8", "replace")) is not None
        except OSError:
            return None
        if not holds or modes is None or not modes.mode & _OTHERS:
            return None
        return Finding(
            check="",
            verdict=Verdict.WARNING,
            seen=f"{place} holds what looks like a key, and others may read it",
            cause="settings are no place for keys",
            action=f"put the key into a file of its own (mode 0600), and chmod 0600 {place}",
        )

    def _exposed_secret(self, config: Config) -> Finding | None:
        auth = config.auth
        named = (auth.key_file, auth.url_token_file, config.network.proxy_credentials_file)
        for place in (each.expanduser() for each in key_places(self.environ, *named)):
            modes = self.machine.modes(place)
            if modes is not None and modes.mode & _OTHERS:
                return Finding(
                    check="",
                    verdict=Verdict.WARNING,
                    seen=f"{place} holds a secret and has mode {modes.mode:04o}",
                    cause="other users of this machine may read it",
                    action=f"chmod 0600 {place}",
                )
        return None

    # --- what runs ---

    async def _versions(self) -> Finding:
        demanded = self.machine.demanded()
        if demanded is None:
            seen = "voiced was not installed as a package: what it demands is not known"
            return Finding(check="", verdict=Verdict.SKIPPED, seen=seen)
        demands_of_python, requirements = demanded
        packages = {
            name: (demand, self.machine.installed(name))
            for name, demand in judgements.packages_of(requirements).items()
        }
        return judgements.versions(self.machine.python(), demands_of_python, packages)

    async def _clock(self) -> Finding:
        now = self.machine.wall_s()
        judged = partial(
            judgements.clock,
            year=datetime.fromtimestamp(now, UTC).year,
            years=(FIRST_YEAR, LAST_YEAR),
        )
        began_s = trio.current_time()
        try:
            told_s = await self._service_date()
        except LinkError as fault:
            if fault.trouble is Trouble.CLOCK:
                return explained(fault)
            return judged(None, unheard=str(fault))
        except ConfigError:
            return judged(None, unheard="the way there is not set up well")
        if told_s is None:
            return judged(None, unheard="it does not tell")
        return judged(now + (trio.current_time() - began_s) - told_s)

    async def _service_date(self) -> float | None:
        """What the service's clock says. It is asked for nothing that it gives without a key."""
        route = outside.route_from(self.config, self.environ)
        url = f"{rest_url(self.config).rstrip('/')}/realtime/client_secrets"
        with trio.move_on_after(_CLOCK_S):
            answer = await ask(Request("POST", url), partial(open_stream, route=route))
            return answer.sent_at_s
        raise LinkError(f"no answer within {_CLOCK_S:g} s", Trouble.SLOW)

    async def _control(self) -> Finding:
        places = address.places(self.environ, self.machine.uid(), self.config.control.socket)
        path = next((place for place in places if self.machine.modes(place) is not None), None)
        if path is None:
            seen = f"voiced does not run here: no socket at {' or '.join(map(str, places))}"
            return Finding(check="", verdict=Verdict.SKIPPED, seen=seen)
        return await self._knock(path)

    async def _knock(self, path: Path) -> Finding:
        warned = partial(Finding, check="", verdict=Verdict.WARNING)
        try:
            told = await call(path, "hello")
        except NotForUs as fault:
            cause = "it is for voiced's user, root and the group voiced"
            action = "become a member of the group voiced and log in again, or run this as root"
            return warned(seen=str(fault), cause=cause, action=action)
        except NotThere as fault:
            cause = "the daemon that made it has died"
            return warned(seen=str(fault), cause=cause, action="start voiced again")
        except NoAnswer as fault:
            return Finding(
                check="",
                verdict=Verdict.FAILED,
                seen=str(fault),
                cause="the daemon hangs, or something else has taken its place",
                action="see what it does: systemctl status voiced; then start it again",
            )
        own, around = self.machine.modes(path), self.machine.modes(path.parent)
        if around is not None and around.mode & _EVERYBODY:
            seen = f"everybody may enter {path.parent} (mode {around.mode:04o})"
            cause = "only who knocks is checked by the kernel, not who looks or puts things there"
            return warned(seen=seen, cause=cause, action=f"chmod 0750 {path.parent}")
        if own is not None and around is not None and around.uid not in {own.uid, _ROOT}:
            seen = f"{path.parent} belongs to another user (uid {around.uid}) than the socket"
            cause = "its owner can put something else in the socket's place"
            action = "give the daemon a directory of its own: RuntimeDirectory=, or XDG_RUNTIME_DIR"
            return warned(seen=seen, cause=cause, action=action)
        figures: dict[str, float | int | str] = {
            name: value for name, value in told.items() if isinstance(value, int | str)
        }
        return Finding(
            check="", verdict=Verdict.OK, seen=f"the daemon answers at {path}", figures=figures
        )

    async def _service(self) -> Finding:
        """The system's unit, else the user's; what can't be asked is said."""
        reasons = []
        for user in (False, True):
            told = await self.machine.unit(user=user)
            if isinstance(told, str):
                reasons.append(told)
            elif told.get("LoadState") == "loaded":
                lingers = await self.machine.lingers() if user else ""
                word = lingers.get("Linger", "") if isinstance(lingers, Mapping) else ""
                return judgements.unit(told, user=user, lingers=word)
        seen = reasons[0] if reasons else "voiced is not installed as a service here"
        return Finding(check="", verdict=Verdict.SKIPPED, seen=seen)

    # --- what it runs on ---

    async def _disk(self) -> Finding:
        directory = state_directory(self.environ)
        if directory is None:
            return Finding(
                check="",
                verdict=Verdict.WARNING,
                seen="neither STATE_DIRECTORY nor HOME is set",
                cause="there is no place for what is to outlive the process: usage, budget, context",
                action="run voiced as a user with a home, or as the service",
            )
        try:
            free_bytes = self.machine.free_bytes(directory)
        except OSError as error:
            seen = f"{directory}: {error.strerror or error}"
            return Finding(check="", verdict=Verdict.SKIPPED, seen=seen)
        writable = self.machine.may_write(directory)
        return judgements.disk(free_bytes, str(directory), writable=writable)

    async def _memory(self) -> Finding:
        return judgements.memory(self.machine.available_bytes())

    async def _probes(self) -> Finding:
        """What `voiced probe` found of late; what it would find now, the road tells."""
        directory = state_directory(self.environ)
        try:
            probes = () if directory is None else ProbeFile(directory).read()
        except (OSError, Unfit) as error:
            seen = f"the results can't be read: {getattr(error, 'strerror', None) or error}"
            return Finding(check="", verdict=Verdict.SKIPPED, seen=seen)
        return judgements.probes(probes)
