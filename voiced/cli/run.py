"""`voiced run`: the daemon in the foreground, until a signal stops it."""

import argparse
import logging
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

import attrs
import trio

from voiced import app, outside
from voiced.actors.supervisor import GaveUp
from voiced.cli import logs
from voiced.cli.main import Exit
from voiced.cli.papers import papers
from voiced.cli.reload import Reload
from voiced.cli.settings import find_config, places
from voiced.cli.show import show
from voiced.config.whole import Config
from voiced.edges.changes import Changes
from voiced.edges.credentials import key_places
from voiced.edges.systemd import service_manager
from voiced.faults import ConfigError, VoicedError
from voiced.logbook.entry import clean
from voiced.logbook.masking import Masks
from voiced.notices import NoticeBoard
from voiced.ports import ServiceManager

log = logging.getLogger(__name__)

Audience: TypeAlias = Callable[[NoticeBoard], Awaitable[object]]
"""Whoever watches the board for as long as the daemon lives."""

_STOPS: Final = (signal.SIGINT, signal.SIGTERM)


def run(options: argparse.Namespace) -> int:
    """Hold a conversation; the exit code says how it ended."""
    with logs.logbook(verbose=options.verbose, form=options.log_format or "auto") as book:
        try:
            return trio.run(_run, options, book)
        except ConfigError as error:  # a service may quote the key that it refuses, and worse
            said = (clean(book.masks.hide(mistake)) for mistake in error.mistakes)
            raise ConfigError(said) from None


async def _run(options: argparse.Namespace, book: logs.Logbook) -> int:
    """Live one life after the other: with settings that want one, a new one begins."""
    settings: Config | None = _settings(options)
    legacy, greets = app.Legacy(), True
    listened_to = [*_STOPS, signal.SIGHUP] if _is_service() else _STOPS
    with (
        service_manager(os.environ, os.getpid()) as manager,
        trio.open_signal_receiver(*listened_to) as signals,
    ):
        while settings is not None:
            async with AsyncExitStack() as stack:
                config = settings if greets else _without_greeting(settings)
                if options.local:
                    from voiced.cli.local_server import embedded  # noqa: PLC0415  needs the `local` extra

                    config = await stack.enter_async_context(embedded(config))
                book.adopt(config.log, options.log_format)
                daemon = app.Daemon(
                    config,
                    _ports(config, manager, book.masks, local=options.local),
                    legacy=legacy,
                    stays=_is_service(),
                    mended=Mending(options, settings).done,
                )
                daemon.board.follow(book.follow)
                reload = Reload(
                    read=partial(_usable_settings, options, settings),
                    settings=settings,
                    daemon=daemon,
                    manager=manager,
                )
                daemon.reload = reload.answer
                daemon.papers = partial(papers, book, settings)
                try:
                    audience: list[Audience] = [partial(book.attend, settings=config.log)]
                    audience += [show] if options.show else []
                    await live(daemon, reload, signals, audience)
                    settings = reload.successor
                except SettingsMended as mended:
                    settings = mended.config
                greets = bool(daemon.supervisor.conversation.greeting)
                legacy = daemon.bequeath()
    return Exit.FINE


def _ports(
    config: Config, manager: ServiceManager | None, masks: Masks, *, local: bool
) -> outside.Ports:
    ports = attrs.evolve(
        outside.ports_from(config, masks=masks),
        manager=manager,
        entrance=outside.entrance_from(config),
    )
    return attrs.evolve(ports, books=None) if local else ports  # nobody is billed for that


def _without_greeting(config: Config) -> Config:
    """Who has been greeted is not greeted again in the next life."""
    return attrs.evolve(config, realtime=attrs.evolve(config.realtime, greeting=""))


def _usable_settings(options: argparse.Namespace, in_use: Config) -> Config:
    """The settings as they are now; `ConfigError` also where a key or certificate that they name is
    missing, or a port is taken: to be told before the life that goes on without has ended.
    """
    config = _settings(options)
    if not options.local:
        outside.dialler_from(config)
    outside.check_metrics(config, in_use)
    return config


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
            try:
                config = _usable_settings(self.options, self.config)
            except ConfigError as error:
                log.warning("settings or key were changed, but can't be used: %s", error)
                continue
            if changed.isdisjoint(self._config_places()):
                return
            log.info("settings were changed: beginning anew with them")
            raise SettingsMended(config)

    def _config_places(self) -> list[Path]:
        return [self.options.config] if self.options.config else places()


async def live(
    daemon: app.Daemon,
    reload: Reload,
    signals: AsyncIterator[int],
    audience: Iterable[Audience] = (),
) -> None:
    """Run *daemon* until it ends, a signal comes, or new settings want another life."""
    fault: VoicedError | None = None

    def stop() -> None:
        reload.withdraw()
        if reload.manager is not None:
            reload.manager.stopping()
        daemon.supervisor.stop()

    async with obeying(signals, stop, reload.now), trio.open_nursery() as nursery:
        nursery.start_soon(reload.run, name="reload")
        for watch in audience:
            nursery.start_soon(watch, daemon.board)
        try:
            await daemon.run()
        except VoicedError as ended_by:
            fault = ended_by
        nursery.cancel_scope.cancel()
    if isinstance(fault, GaveUp):
        raise ConfigError([str(fault)]) from fault
    if fault is not None:
        raise fault


@asynccontextmanager
async def stopped_by_signals(daemon: app.Daemon) -> AsyncIterator[None]:
    """Stop *daemon* in order on SIGINT or SIGTERM; at once on a second one."""
    with trio.open_signal_receiver(*_STOPS) as signals:
        async with obeying(signals, daemon.supervisor.stop):
            yield


@asynccontextmanager
async def obeying(
    signals: AsyncIterator[int],
    stop: Callable[[], None],
    reload: Callable[[], object] = lambda: None,
) -> AsyncIterator[None]:
    """On SIGHUP *reload*; on any other *stop*, and on one more end without ceremony."""
    async with trio.open_nursery() as nursery:

        async def obey() -> None:
            async for each in signals:
                if each != signal.SIGHUP:
                    stop()
                    break
                reload()
            async for each in signals:
                if each != signal.SIGHUP:
                    nursery.cancel_scope.cancel()

        nursery.start_soon(obey, name="obey signals")
        yield
        nursery.cancel_scope.cancel()


def _is_service() -> bool:
    """Whether systemd started us: then a fault waits for a person instead of ending the process."""
    return "INVOCATION_ID" in os.environ or "NOTIFY_SOCKET" in os.environ
