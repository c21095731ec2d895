"""`voiced run`: the daemon in the foreground, until a signal stops it."""

import argparse
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import attrs
import trio

from voiced import app, outside
from voiced.actors.supervisor import GaveUp
from voiced.cli import logs
from voiced.cli.main import Exit
from voiced.cli.settings import find_config, places
from voiced.cli.show import show
from voiced.config import Config
from voiced.edges.changes import Changes
from voiced.edges.credentials import key_places
from voiced.faults import ConfigError, VoicedError

log = logging.getLogger(__name__)


def run(options: argparse.Namespace) -> int:
    """Hold a conversation; the exit code says how it ended."""
    logs.set_up(verbose=options.verbose)
    return trio.run(_run, options)


async def _run(options: argparse.Namespace) -> int:
    """Live one life after the other: with settings that were mended, a new one begins."""
    config = _settings(options)
    while True:
        async with AsyncExitStack() as stack:
            if options.local:
                from voiced.cli.local_server import embedded  # noqa: PLC0415  needs the `local` extra

                config = await stack.enter_async_context(embedded(config))
            ports = attrs.evolve(outside.ports_from(config), door=outside.door_from(config))
            daemon = app.Daemon(
                config,
                ports,
                stays=_is_service(),
                mended=Mending(options, config).done,
            )
            try:
                return await live(daemon, shown=options.show)
            except SettingsMended as mended:
                config = mended.config


def _settings(options: argparse.Namespace) -> Config:
    config, _ = find_config(options.config)
    if options.microphone:
        capture = attrs.evolve(config.capture, device=options.microphone)
        config = attrs.evolve(config, capture=capture)
    if options.speaker:
        config = attrs.evolve(config, playout=attrs.evolve(config.playout, device=options.speaker))
    return config


class SettingsMended(VoicedError):
    """The settings were changed while a fault waited for that: a new life begins with them."""

    def __init__(self, config: Config) -> None:
        self.config = config
        super().__init__("the settings were changed")


@attrs.define(eq=False)
class Mending:
    """Sees when somebody changes the key or the settings, while a fault waits for a person."""

    options: argparse.Namespace
    config: Config
    _changes: Changes = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        auth = self.config.auth
        keys = key_places(os.environ, auth.key_file, auth.url_token_file)
        self._changes = Changes((*self._config_places(), *keys))

    async def done(self) -> None:
        """Return when another key is there, raise `SettingsMended` when other settings are; such as
        can't be used are told, and waited on.
        """
        while True:
            changed = await self._changes.wait()
            if changed.isdisjoint(self._config_places()):
                return
            try:
                config = _settings(self.options)
            except ConfigError as error:
                log.warning("settings were changed, but can't be used: %s", error)
            else:
                raise SettingsMended(config)

    def _config_places(self) -> list[Path]:
        return [self.options.config] if self.options.config else places()


async def live(daemon: app.Daemon, *, shown: bool) -> int:
    """Run *daemon* until it ends or a signal comes; a second signal ends it without ceremony."""
    fault: VoicedError | None = None
    async with stopped_by_signals(daemon), trio.open_nursery() as nursery:
        if shown:
            nursery.start_soon(show, daemon.board)
        try:
            await daemon.run()
        except VoicedError as ended_by:
            fault = ended_by
        nursery.cancel_scope.cancel()
    if isinstance(fault, GaveUp):
        raise ConfigError([str(fault)]) from fault
    if fault is not None:
        raise fault
    return Exit.FINE


@asynccontextmanager
async def stopped_by_signals(daemon: app.Daemon) -> AsyncIterator[None]:
    """Stop *daemon* in order on SIGINT or SIGTERM."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:

            async def obey() -> None:
                async for _ in signals:
                    daemon.supervisor.stop()
                    break
                async for _ in signals:
                    nursery.cancel_scope.cancel()

            nursery.start_soon(obey)
            yield
            nursery.cancel_scope.cancel()


def _is_service() -> bool:
    """Whether systemd started us: then a fault waits for a person instead of ending the process."""
    return "INVOCATION_ID" in os.environ or "NOTIFY_SOCKET" in os.environ
