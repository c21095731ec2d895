"""`voiced probe`: whether the service can be talked with, as one line or object and an exit code."""

import argparse
import json
import os
import sys
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from voiced.cli import logs
from voiced.cli.doctor import as_the_service, run_until_interrupted
from voiced.cli.main import Exit
from voiced.cli.settings import find_config, find_file
from voiced.control import address
from voiced.doctor import probing
from voiced.doctor.probing import Result
from voiced.doctor.report import lines
from voiced.edges.ledger_file import local_now
from voiced.edges.probe_file import ProbeFile
from voiced.edges.state_file import state_directory
from voiced.faults import ConfigError
from voiced.link.probes import Probe


def probe(options: argparse.Namespace) -> int:
    """Visit the service, keep what came of it, and tell."""
    with logs.logbook(verbose=False, least="CRITICAL"):  # what is wrong is told once, as the result
        return run_until_interrupted(partial(_probe, options))


async def _probe(options: argparse.Namespace) -> int:
    if options.when_idle:
        phase = await probing.busy_phase(_sockets(options))
        if phase:
            seen = f"busy ({phase}), not probed"
            _print({"verdict": "busy", "seen": seen}, seen, as_json=options.json)
            return Exit.FINE
    result = await _result(options)
    _tell(result, as_json=options.json)
    if not options.local:
        _keep(result.probe)
    if isinstance(result.fault, ConfigError):
        return Exit.CONFIG
    return Exit.FINE if result.fault is None else Exit.FAILED


def _sockets(options: argparse.Namespace) -> tuple[Path, ...]:
    try:
        named = find_config(options.config)[0].control.socket
    except ConfigError:  # which the probe itself will tell
        named = ""
    return address.places(os.environ, os.geteuid(), named)


async def _result(options: argparse.Namespace) -> Result:
    try:
        config, _ = find_config(options.config)
    except ConfigError as fault:
        return probing.unusable(fault, local_now())
    environ = as_the_service(os.environ, find_file(options.config))
    async with AsyncExitStack() as stack:
        if options.local:
            from voiced.cli.local_server import embedded  # noqa: PLC0415  needs the `local` extra

            config = await stack.enter_async_context(embedded(config))
        return await probing.probe(config, environ, local_now())


def _tell(result: Result, *, as_json: bool) -> None:
    finding = result.finding
    words = {"seen": finding.seen, "cause": finding.cause, "action": finding.action}
    for_people = "\n".join(lines(finding, coloured=False))
    _print(attrs.asdict(result.probe) | words, for_people, as_json=as_json)


def _print(told: dict[str, Any], for_people: str, *, as_json: bool) -> None:
    print(json.dumps(told) if as_json else for_people, flush=True)


def _keep(result: Probe) -> None:
    """In our own state directory. Where there is none, the exit code has to do."""
    directory = state_directory(os.environ)
    if directory is None:
        return
    try:
        ProbeFile(directory).add(result)
    except OSError as error:
        print(f"voiced: result not kept: {error.strerror or error}", file=sys.stderr)
