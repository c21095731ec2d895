"""The command line: which commands there are, and how their ends become exit codes."""

import argparse
import enum
import sys
from collections.abc import Sequence
from pathlib import Path

from voiced import __version__
from voiced.cli.completion import SHELLS
from voiced.cli.examinations import add_calibrate, add_doctor, add_probe
from voiced.faults import ConfigError, LocalProtocolError, VoicedError
from voiced.logbook.masking import Masks


class Exit(enum.IntEnum):
    """Exit codes: 78 is EX_CONFIG and 70 EX_SOFTWARE of sysexits(3)."""

    FINE = 0
    FAILED = 1  # something outside failed: a device, the link
    USAGE = 2
    BUG = 70
    CONFIG = 78  # a person must act; systemd is told not to restart on it


def run(argv: Sequence[str]) -> int:
    """Do what *argv* says; every foreseeable mistake becomes one sentence on stderr."""
    options = parser().parse_args(argv)
    try:
        return int(options.command(options))
    except ConfigError as error:
        return _fail(error, Exit.CONFIG)
    except LocalProtocolError as error:
        return _fail(f"this is a bug in voiced, please report it: {error}", Exit.BUG)
    except VoicedError as error:
        return _fail(error, Exit.FAILED)
    except BrokenPipeError:  # `voiced devices | head`
        return Exit.FAILED


def _fail(sentence: object, code: Exit) -> int:
    print(f"voiced: {Masks().hide(str(sentence))}", file=sys.stderr)
    return code


def parser() -> argparse.ArgumentParser:
    """All commands and options."""
    parser = argparse.ArgumentParser(
        prog="voiced",
        description="A daemon one can talk with, over the OpenAI Realtime API.",
        epilog="Try it without an account: voiced run --local",
    )
    parser.add_argument("--version", action="version", version=f"voiced {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_run(commands)
    _add_demo(commands)
    add_doctor(commands)
    add_calibrate(commands)
    add_probe(commands)
    _add_devices(commands)
    _add_config(commands)
    _add_faults(commands)
    _add_local_server(commands)
    _add_completion(commands)
    return parser


Commands = argparse._SubParsersAction  # argparse gives this type no public name


def _add_run(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("run", help="hold a conversation until stopped")
    _add_config_option(parser)
    parser.add_argument(
        "--local",
        action="store_true",
        help="talk with the embedded local server: no account, no key",
    )
    parser.add_argument(
        "--microphone", metavar="DEVICE", help="instead of [capture] device; file:PATH plays a file"
    )
    parser.add_argument(
        "--speaker", metavar="DEVICE", help="instead of [playout] device; file:PATH writes a WAV"
    )
    parser.add_argument(
        "--show", action="store_true", help="print the conversation: phases, words, levels"
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="log every step (never keys or audio)"
    )
    parser.add_argument(
        "--log-format", choices=("auto", "text", "json", "journal"), help="instead of [log] format"
    )
    parser.set_defaults(command=_run)


def _add_demo(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "demo",
        help="a conversation with the embedded server, measured, as a picture and a recording",
    )
    parser.add_argument(
        "question", nargs="?", type=Path, metavar="QUESTION.wav", help="what to ask instead"
    )
    parser.add_argument(
        "--live", action="store_true", help="use the sound card even if there seems to be none"
    )
    parser.add_argument(
        "--headless", action="store_true", help="use no sound card even if there is one"
    )
    parser.add_argument(
        "--out", type=Path, default=Path(), metavar="DIR", help="where the recording goes (here)"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="log every step")
    parser.set_defaults(command=_demo)


def _add_devices(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("devices", help="list microphones and loudspeakers")
    parser.set_defaults(command=_devices)


def _add_config(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "config", help="check the configuration, or show what is in effect"
    )
    parser.add_argument("action", choices=("check", "show"), help="what to do with it")
    _add_config_option(parser)
    parser.set_defaults(command=_config)


def _add_faults(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "faults", help="what can go wrong, what voiced does about it, what you can do"
    )
    parser.add_argument(
        "sought",
        nargs="?",
        metavar="WHAT",
        help="explain this alone: an error code, a close code, an HTTP status, a link's trouble (stuck)",
    )
    parser.add_argument("--markdown", action="store_true", help="print the README's table")
    parser.set_defaults(command=_faults)


def _add_local_server(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "local-server", help="run the embedded Realtime server by itself, on loopback"
    )
    parser.add_argument("--port", type=_port, default=8765, metavar="N", help="0 finds a free one")
    parser.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="instead of 127.0.0.1"
    )
    parser.add_argument(
        "--allow-remote",
        action="store_true",
        help="let --host be an address that others can reach: they need no key, and nothing is encrypted",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KNOB=VALUE",
        help="delays, pacing, faults; --knobs lists them",
    )
    parser.add_argument("--knobs", action="store_true", help="list all knobs with their defaults")
    parser.set_defaults(command=_local_server)


def _add_completion(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("completion", help="print what a shell needs to complete")
    parser.add_argument("shell", choices=SHELLS, help="which shell")
    parser.set_defaults(command=_completion)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"'{text}' is no port: 0 to 65535")
    return int(text)


def _add_config_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="instead of the usual places for voiced.toml"
    )


# Imported when wanted: each command pays for itself.


def _run(options: argparse.Namespace) -> int:
    from voiced.cli.run import run  # noqa: PLC0415

    return run(options)


def _demo(options: argparse.Namespace) -> int:
    from voiced.cli.demo import demo  # noqa: PLC0415

    return demo(options)


def _devices(_options: argparse.Namespace) -> int:
    from voiced.cli.devices import devices  # noqa: PLC0415

    return devices()


def _config(options: argparse.Namespace) -> int:
    from voiced.cli.settings import check, show  # noqa: PLC0415

    return (check if options.action == "check" else show)(options.config)


def _faults(options: argparse.Namespace) -> int:
    from voiced.cli.faults import faults  # noqa: PLC0415

    return faults(options.sought, markdown=options.markdown)


def _local_server(options: argparse.Namespace) -> int:
    from voiced.cli.local_server import local_server  # noqa: PLC0415

    return local_server(options)


def _completion(options: argparse.Namespace) -> int:
    from voiced.cli import completion, grammar  # noqa: PLC0415

    print(completion.render(options.shell, grammar.read(parser(), {})), end="")
    return Exit.FINE
