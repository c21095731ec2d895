"""`voiced local-server`, and the same server as a child process of `run --local` and `demo`.

It is a process of its own so that recognising and speaking can never delay a frame, and so that
what the daemon costs is what the daemon costs.
"""

import argparse
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import attrs
import trio

from voiced.config.conversation import Auth
from voiced.config.whole import Config
from voiced.faults import VoicedError
from voiced.local.errors import LocalServerError
from voiced.local.options import Options
from voiced.local.server import serve

_ANNOUNCES: Final = "listening on "
_STARTS_WITHIN_S: Final = 20.0  # loading its ears takes a second; a cold SD card takes longer


class LocalServerFailed(VoicedError):
    """The embedded server could not start, or ended."""


def local_server(options: argparse.Namespace) -> int:
    """Serve until a signal comes."""
    if options.knobs:
        print(Options.listing())
        return 0
    try:
        serving = partial(
            serve,
            Options.parse(options.set),
            host=options.host,
            port=options.port,
            allow_remote=options.allow_remote,
        )
        return trio.run(_serve, serving, options.host)
    except* LocalServerError as errors:
        raise LocalServerFailed(str(errors.exceptions[0])) from None
    except* OSError as errors:
        raise LocalServerFailed(
            f"{_joined(options.host, options.port)} can't be used ({_first(errors)}): "
            "another program may have the port; --port 0 finds a free one"
        ) from None


async def _serve(serving: Callable[..., Awaitable[None]], host: str) -> int:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            bound = await nursery.start(serving)
            print(f"{_ANNOUNCES}ws://{_joined(host, bound)}/v1/realtime", flush=True)
            await anext(signals)
            nursery.cancel_scope.cancel()
    return 0


def _joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@asynccontextmanager
async def embedded(config: Config, settings: Sequence[str] = ()) -> AsyncIterator[Config]:
    """Run the server as a child; give *config* with its address in it, and no secret for it."""
    command = [sys.executable, "-m", "voiced", "local-server", "--port", "0"]
    for setting in settings:
        command += ["--set", setting]
    process = await trio.lowlevel.open_process(
        command, stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        url = await _address(process)
        yield attrs.evolve(config, realtime=attrs.evolve(config.realtime, url=url), auth=Auth())
    finally:
        with trio.CancelScope(shield=True):
            process.terminate()
            await process.wait()


async def _address(process: trio.Process) -> str:
    """Read where the child listens; what went wrong it says on stderr by itself."""
    assert process.stdout is not None  # noqa: S101  asked for above
    said = b""
    with trio.move_on_after(_STARTS_WITHIN_S):
        while not said.endswith(b"\n"):
            piece = await process.stdout.receive_some()
            if not piece:
                break
            said += piece
    line = said.decode().strip()
    if not line.startswith(_ANNOUNCES):
        raise LocalServerFailed("the embedded server did not start; why, it says above")
    return line.removeprefix(_ANNOUNCES)


def _first(errors: BaseExceptionGroup[OSError]) -> str:
    leaf: BaseException = errors
    while isinstance(leaf, BaseExceptionGroup):
        leaf = leaf.exceptions[0]
    return getattr(leaf, "strerror", None) or str(leaf)
