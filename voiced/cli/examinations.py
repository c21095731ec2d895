"""How `voiced doctor`, `probe` and `calibrate` are asked for. Light: the rest is imported when it is wanted."""

import argparse
from pathlib import Path
from typing import Any


def add_doctor(commands: Any) -> None:
    """`voiced doctor`; *commands* as argparse's add_subparsers gives it, which has no public type."""
    parser = commands.add_parser(
        "doctor",
        help="check everything that a conversation needs; say what is wrong, and what to do",
        description="Each check is named and timed, and goes on after failures.",
        epilog="Exit codes: 0 nothing failed, 1 something did, 2 not understood, 78 the settings did.",
    )
    _add_common(parser)
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="write it there, too, as JSON that only you can read",
    )
    parser.add_argument(
        "--turn", action="store_true", help="ask the service something aloud; that costs a little"
    )
    parser.add_argument(
        "--microphone",
        action="store_true",
        help="send what the microphone hears for those 5 s, instead of silence",
    )
    parser.add_argument(
        "--quiet",
        action="store_true",
        help="do not play the sound by which the loudspeaker is looked for in the microphone",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="NAME",
        help="these checks, and what they stand on: --only firm-audio",
    )
    _add_record_room(parser)
    parser.set_defaults(command=_doctor)


def add_calibrate(commands: Any) -> None:
    """`voiced calibrate`."""
    parser = commands.add_parser(
        "calibrate",
        help="listen to the room, whistle, listen to you; propose gain, filter, volume and echo mode",
        description="Measures with the devices of the settings, about 30 s in all. Stop the daemon before.",
        epilog="Exit codes: 0 done, 1 a device, the daemon or the file is in the way, 2 not understood, "
        "78 settings.",
    )
    _add_config(parser)
    _add_json(parser)
    parser.add_argument(
        "--write", action="store_true", help="write it into the settings; what was is kept in FILE~"
    )
    parser.add_argument(
        "--quiet",
        action="store_true",
        help="make no sound: echo mode and volume are left as they are",
    )
    parser.add_argument(
        "--no-talker",
        action="store_true",
        help="ask nobody to speak (as without a terminal): the gain is left as it is",
    )
    _add_record_room(parser)
    parser.set_defaults(command=_calibrate)


def add_probe(commands: Any) -> None:
    """`voiced probe`."""
    parser = commands.add_parser(
        "probe",
        help="open a session, send 5 s of silence, tell whether that works: for scripts",
        epilog="Exit codes: 0 fine (or busy), 1 failed, 2 not understood, 78 settings or key are missing.",
    )
    _add_common(parser)
    parser.add_argument(
        "--when-idle",
        action="store_true",
        help="not while the daemon of this machine talks with somebody",
    )
    parser.set_defaults(command=_probe)


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="instead of the usual places for voiced.toml"
    )


def _add_record_room(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--record-room",
        type=Path,
        metavar="DIR",
        help="record 15 s of the room there, before and after processing, for you to listen to",
    )


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")


def _add_common(parser: argparse.ArgumentParser) -> None:
    _add_config(parser)
    _add_json(parser)
    parser.add_argument(
        "--local", action="store_true", help="with the embedded local server: no account, no key"
    )


def _doctor(options: argparse.Namespace) -> int:
    from voiced.cli.doctor import doctor  # noqa: PLC0415

    return doctor(options)


def _calibrate(options: argparse.Namespace) -> int:
    from voiced.cli.calibrate import calibrate  # noqa: PLC0415

    return calibrate(options)


def _probe(options: argparse.Namespace) -> int:
    from voiced.cli.probe import probe  # noqa: PLC0415

    return probe(options)
