"""`voiced run`: the daemon in the foreground, until a signal stops it."""

import argparse
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import attrs
import trio

from voiced import app
from voiced.actors.supervisor import GaveUp
from voiced.cli import logs
from voiced.cli.main import Exit
from voiced.cli.settings import find_config
from voiced.cli.show import show
from voiced.config import Config
from voiced.faults import ConfigError, VoicedError


def run(options: argparse.Namespace) -> int:
    """Hold a conversation; the exit code says how it ended."""
    logs.set_up(verbose=options.verbose)
    config, _ = find_config(options.config)
    if options.microphone:
        config = attrs.evolve(
            config, capture=attrs.evolve(config.capture, device=options.microphone)
        )
    if options.speaker:
        config = attrs.evolve(config, playout=attrs.evolve(config.playout, device=options.speaker))
    return trio.run(_run, config, options.local, options.show)


async def _run(config: Config, local: bool, shown: bool) -> int:
    async with AsyncExitStack() as stack:
        if local:
            from voiced.cli.local_server import embedded  # noqa: PLC0415  needs the `local` extra

            config = await stack.enter_async_context(embedded(config))
        daemon = app.Daemon(config, app.ports_from(config), stays=_is_service())
        return await live(daemon, shown=shown)


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
