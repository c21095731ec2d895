"""`voiced doctor`: all checks, told as they are made, and how they end as an exit code."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final, TextIO

import trio

from voiced import __version__
from voiced.cli import logs
from voiced.cli.main import Exit
from voiced.cli.settings import find_config, find_file
from voiced.config.whole import Config
from voiced.doctor import report, room_recording
from voiced.doctor.checks import compose
from voiced.doctor.examination import Check, chosen, examine
from voiced.doctor.finding import Finding, Verdict
from voiced.doctor.hands import hands
from voiced.doctor.hearing import hearing_from
from voiced.doctor.machine import House
from voiced.doctor.road import Road
from voiced.doctor.sound_findings import LOUDSPEAKER, MICROPHONE
from voiced.edges.credentials import CREDENTIAL, VARIABLE
from voiced.edges.ledger_file import local_now
from voiced.edges.state_file import replace_private
from voiced.faults import ConfigError, VoicedError

_SERVICE_CONFIG: Final = Path("/etc/voiced/voiced.toml")
_SERVICE_STATE: Final = Path("/var/lib/voiced")


class NoReport(VoicedError):
    """The report could not be written."""


class NoSuchCheck(VoicedError):
    """`--only` names a check that there is none of."""


def doctor(options: argparse.Namespace) -> int:
    """Check everything; the exit code says whether anything failed."""
    with logs.logbook(verbose=False, least="CRITICAL"):  # whatever is wrong becomes a finding
        return run_until_interrupted(partial(_doctor, options))


def run_until_interrupted(main: Callable[[], Any]) -> int:
    """Run *main*; Ctrl-C ends it like any command."""
    code = 130  # as shells have it: 128 + SIGINT
    try:
        code = trio.run(main)
    except* KeyboardInterrupt:
        pass
    return code


async def _doctor(options: argparse.Namespace) -> int:
    place = find_file(options.config)
    environ = as_the_service(os.environ, place)
    config, is_good = _settings(options)
    async with AsyncExitStack() as stack:
        if options.local and is_good:
            from voiced.cli.local_server import embedded  # noqa: PLC0415  needs the `local` extra

            config = await stack.enter_async_context(embedded(config))
        async with trio.open_nursery() as visits:
            house = House(
                read=lambda: (find_config(options.config)[0], place),
                environ=environ,
                config=config,
            )
            road = Road(
                config=config,
                environ=environ,
                nursery=visits,
                takes_turn=options.turn,
                uses_microphone=options.microphone,
            )
            try:
                checks = _chosen(
                    compose(house, road, [*_sound(config, options), *hands(config)]),
                    _names(options),
                )
            except NoSuchCheck as error:
                print(f"voiced doctor: {error}", file=sys.stderr)
                return Exit.USAGE
            tell = partial(_tell, sys.stdout) if not options.json else _say_nothing
            findings = await examine(checks, tell=tell)
            visits.cancel_scope.cancel()
    _finish(findings, options)
    return _exit_code(findings)


def _sound(config: Config, options: argparse.Namespace) -> list[Check]:
    hearing = hearing_from(config, quiet=options.quiet)
    checks = [Check(name, look, needs) for name, look, needs in hearing.looks()]
    if options.record_room is not None:
        checks.append(_recording(config, options))
    return checks


def _recording(config: Config, options: argparse.Namespace) -> Check:
    """Of the room, last of all that sounds: its devices work then."""

    async def look() -> Finding:
        say = partial(print, file=sys.stderr if options.json else sys.stdout, flush=True)
        folder = options.record_room
        recording = room_recording.room_recording_from(config, folder, say, quiet=options.quiet)
        return await recording.look()

    return Check(room_recording.CHECK, look, (MICROPHONE, LOUDSPEAKER), room_recording.LIMIT_S)


def _settings(options: argparse.Namespace) -> tuple[Config, bool]:
    """The settings, or defaults to look at the rest with: what is wrong, the first check tells."""
    try:
        return find_config(options.config)[0], True
    except ConfigError:
        return Config(), False


def _names(options: argparse.Namespace) -> list[str]:
    """Of the checks that are asked for; none: all. Who wants a recording need not name it as well."""
    recorded = options.only and options.record_room is not None
    return [*options.only, room_recording.CHECK] if recorded else list(options.only)


def _chosen(checks: list[Check], names: list[str]) -> list[Check]:
    if not names:
        return checks
    wanted = [name.replace("-", " ") for name in names]
    try:
        return chosen(checks, wanted)
    except KeyError as error:
        known = ", ".join(check.name.replace(" ", "-") for check in checks)
        raise NoSuchCheck(f"there is no check {error.args[0]!r}; there is {known}") from None


def as_the_service(environ: Mapping[str, str], place: Path | None) -> Mapping[str, str]:
    """With the key and the state that systemd gives to the service, where it is the service's settings
    that are looked at, by somebody who may read them.
    """
    seen = dict(environ)
    if place != _SERVICE_CONFIG:
        return seen
    key = place.parent / CREDENTIAL
    if not {"CREDENTIALS_DIRECTORY", VARIABLE} & environ.keys() and os.access(key, os.R_OK):
        seen["CREDENTIALS_DIRECTORY"] = str(key.parent)
    if "STATE_DIRECTORY" not in environ and os.access(_SERVICE_STATE, os.R_OK | os.X_OK):
        seen["STATE_DIRECTORY"] = str(_SERVICE_STATE)
    return seen


def _say_nothing(_finding: Finding) -> None:
    """For programs, all is told at the end."""


def _tell(out: TextIO, finding: Finding) -> None:
    coloured = out.isatty() and not os.environ.get("NO_COLOR")  # no-color.org
    for line in report.lines(finding, coloured=coloured):
        print(line, file=out, flush=True)


def _finish(findings: list[Finding], options: argparse.Namespace) -> None:
    at = local_now().isoformat(timespec="seconds")
    told = json.dumps(report.as_json(findings, version=__version__, at=at), indent=1)
    if options.json:
        print(told)
    else:
        print(f"\n{report.total(findings)}")
    if options.report is not None:
        try:
            replace_private(options.report, told.encode("ascii") + b"\n")
        except OSError as error:
            reason = error.strerror or error
            raise NoReport(f"the report can't be written to {options.report}: {reason}") from error


def _exit_code(findings: list[Finding]) -> int:
    failed = {finding.check for finding in findings if finding.verdict is Verdict.FAILED}
    if "config" in failed:
        return Exit.CONFIG
    return Exit.FAILED if failed else Exit.FINE
