"""`voiced calibrate`: measures the room, proposes settings, and writes them if that is wanted."""

import argparse
import json
import math
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TextIO

import attrs

from voiced import __version__
from voiced.calibration.proposal import Proposal, Room, advice, propose
from voiced.calibration.sitting import Sitting
from voiced.cli import logs
from voiced.cli.doctor import run_until_interrupted
from voiced.cli.main import Exit
from voiced.cli.settings import find_config, find_file
from voiced.config.editing import edit
from voiced.config.file import as_toml, parse
from voiced.config.whole import Config
from voiced.control import address
from voiced.doctor import report
from voiced.doctor.finding import Finding, Verdict
from voiced.doctor.hearing import hearing_from
from voiced.doctor.room_recording import room_recording_from
from voiced.doctor.sound_findings import refused
from voiced.edges.control_call import NoAnswer, NotForUs, NotThere, call
from voiced.edges.ledger_file import local_now
from voiced.edges.settings_file import NotChanged, read_settings, replace_settings
from voiced.faults import DeviceBusy, DeviceHung, VoicedError
from voiced.hardware import canceller_installed

_METER_STEPS: Final = 30
_METER_FROM_DBFS: Final = -70.0
_RELOAD: Final = "It counts once the daemon starts again (or: systemctl reload voiced)."


class Hindered(VoicedError):
    """A device that somebody else has, or that hangs; and what to do about it."""


class DaemonRuns(VoicedError):
    """Somebody else hears and speaks here."""


def calibrate(options: argparse.Namespace) -> int:
    """Measure, propose, perhaps write."""
    with logs.logbook(verbose=False, least="CRITICAL"):  # whatever is wrong ends it, in a sentence
        return run_until_interrupted(partial(_calibrate, options))


async def _calibrate(options: argparse.Namespace) -> int:
    config, _ = find_config(options.config)
    place = find_file(options.config)
    before = _writable(place) if options.write else ""
    await refuse_beside_a_daemon(address.places(os.environ, os.geteuid(), config.control.socket))
    out = sys.stderr if options.json else sys.stdout
    sitting = Sitting(
        config,
        hearing_from(config, quiet=options.quiet),
        say=partial(say, out),
        meter=partial(show_level, out),
        canceller=canceller_installed(),
        asks=not options.no_talker and sys.stdin.isatty(),
    )
    try:
        room = await sitting.run()
    except (DeviceBusy, DeviceHung) as fault:  # of others, their own sentences tell what to do
        finding = refused("calibration", "capture", fault)
        raise Hindered(f"{finding.seen}: {finding.cause}; {finding.action}") from fault
    proposals = propose(room)
    backup = _write(config, place, before, proposals) if options.write else None
    recorded = await _recorded(options, with_proposals(config, proposals), sitting.say)
    if options.json:
        told = as_json(config, room, proposals) | {"written": str(place) if backup else None}
        if recorded is not None:
            told["recording"] = {**attrs.asdict(recorded), "verdict": recorded.verdict.value}
        print(json.dumps(told, indent=1))
    else:
        for line in lines(config, room, proposals):
            print(line)
        for line in [] if recorded is None else report.lines(recorded, coloured=False):
            print(line)
        print(f"\n{_ending(options, place, backup)}")
    failed = recorded is not None and recorded.verdict is Verdict.FAILED
    return Exit.FAILED if failed else Exit.FINE


async def _recorded(
    options: argparse.Namespace, proposed: Config, tell: Callable[[str], object]
) -> Finding | None:
    """The room with the proposed settings, if a recording is wanted."""
    if options.record_room is None:
        return None
    recording = room_recording_from(proposed, options.record_room, tell, quiet=options.quiet)
    return await recording.look()


async def refuse_beside_a_daemon(places: Sequence[Path]) -> None:
    """`DaemonRuns` if one answers at any of *places*."""
    for path in places:
        try:
            await call(path, "status")
        except NotThere:
            continue
        except (NotForUs, NoAnswer):
            pass  # it is there, whatever ails it
        raise DaemonRuns(
            f"voiced is running here ({path}): it would answer what is said now, and may hold the "
            "devices; stop it (systemctl stop voiced, or systemctl --user stop voiced), calibrate, "
            "then start it again"
        )


def _writable(place: Path | None) -> str:
    """The settings as they stand; before anything sounds, for whoever could not write in the end."""
    if place is None:
        raise NotChanged(
            "there is no voiced.toml to write into: create ~/.config/voiced/voiced.toml (it may be "
            "empty), or name one with --config"
        )
    return read_settings(place)


def _write(
    config: Config, place: Path | None, before: str, proposals: Sequence[Proposal]
) -> Path | None:
    """Put the proposals into the settings; the place of what was, or None if they stand there already."""
    wanted = {
        (each.section, each.key): each.value
        for each in proposals
        if each.value != _now(config, each)
    }
    mark = "\ufeff" if before.startswith("\ufeff") else ""  # some editors put one before the text
    after = mark + edit(before.removeprefix(mark), wanted, str(place))
    parse(after.removeprefix(mark), str(place))
    return None if place is None or after == before else replace_settings(place, before, after)


def _ending(options: argparse.Namespace, place: Path | None, backup: Path | None) -> str:
    if backup is not None:
        return f"Written to {place}; what was is in {backup.name}. {_RELOAD}"
    if options.write:
        return f"{place} says all this already: nothing was written."
    return "Nothing was written: voiced calibrate --write does that."


def with_proposals(config: Config, proposals: Sequence[Proposal]) -> Config:
    """The settings as they would be."""
    for each in proposals:
        section = attrs.evolve(getattr(config, each.section), **{each.key: each.value})
        config = attrs.evolve(config, **{each.section: section})
    return config


def _now(config: Config, proposal: Proposal) -> object:
    return getattr(getattr(config, proposal.section), proposal.key)


# --- what is told ---------------------------------------------------------------------------------


def lines(config: Config, room: Room, proposals: Sequence[Proposal]) -> list[str]:
    """The proposals for people: what, instead of what, and why."""
    told = [""]
    for each in proposals:
        now = _now(config, each)
        was = "as it is" if now == each.value else f"now {as_toml(now)}"
        told += [
            f"[{each.section}] {each.key} = {as_toml(each.value)}  ({was})",
            f"    {each.why}",
        ]
    told += [f"advice: {sentence}" for sentence in advice(room)]
    return told


def as_json(config: Config, room: Room, proposals: Sequence[Proposal]) -> dict[str, Any]:
    """The same for programs, with all figures; what was not measured is null."""
    loop = room.loop
    heard = loop is not None and loop.audible
    return {
        "voiced": __version__,
        "at": local_now().isoformat(timespec="seconds"),
        "noise": _rounded(attrs.asdict(room.noise)),
        "talker": None if room.talker is None else _rounded(attrs.asdict(room.talker)),
        "loop": None
        if loop is None
        else _rounded(attrs.asdict(loop))
        if heard
        else {"audible": False},
        "proposals": [{**attrs.asdict(each), "now": _now(config, each)} for each in proposals],
        "advice": list(advice(room)),
    }


def _rounded(figures: dict[str, Any]) -> dict[str, Any]:
    return {
        name: round(figure, 1) if isinstance(figure, float) and math.isfinite(figure) else figure
        for name, figure in figures.items()
    }


def say(out: TextIO, sentence: str) -> None:
    """One line; on a terminal, in the place of the bar that may stand there."""
    print(f"\r\x1b[K{sentence}" if out.isatty() else sentence, file=out, flush=True)


def show_level(out: TextIO, dbfs: float, spoken_ms: int) -> None:
    """A bar that moves, on a terminal; nothing elsewhere."""
    if not out.isatty():
        return
    share = (dbfs - _METER_FROM_DBFS) / -_METER_FROM_DBFS
    bar = "#" * round(_METER_STEPS * max(0.0, min(1.0, share)))
    out.write(f"\r[{bar:<{_METER_STEPS}}] {dbfs:4.0f} dBFS, {spoken_ms / 1000:.1f} s of speech \r")
    out.flush()
