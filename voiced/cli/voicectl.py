"""`voicectl`: the control socket by hand and in scripts.

What belongs here is which commands there are and how their results are printed. Exit codes: 0 done,
1 refused or failed, 2 not understood, 69 (EX_UNAVAILABLE of sysexits(3)) no daemon there.
"""

import argparse
import enum
import json
import os
import signal
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from voiced import __version__
from voiced.cli import card, figures, grammar
from voiced.cli import completion as completions
from voiced.cli.caller import Connection, NotRunning, Refused, connected
from voiced.control.commands import FULL_PERCENT, MOST_HISTORY, Topic

_MOST_STDIN_BYTES: Final = 64 << 10  # more than anybody may say: the daemon refuses it by name
_TOPICS: Final = tuple(topic.value for topic in Topic)
_USUAL: Final = {"topics": _TOPICS, "percent": tuple(str(each) for each in range(0, 101, 10))}


class Exit(enum.IntEnum):
    """How it ended."""

    FINE = 0
    REFUSED = 1
    USAGE = 2
    NOT_RUNNING = 69
    INTERRUPTED = 130  # as shells have it: 128 + SIGINT


def main() -> int:
    """The entry point of `voicectl`."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `voicectl events | head` ends without a word
    return run(sys.argv[1:])


def run(argv: Sequence[str]) -> int:
    """Do what *argv* says; what goes wrong becomes one sentence on stderr."""
    options = parser().parse_args(argv)
    try:
        if options.command == "completion":
            return completion(options.shell)
        if options.command == "dump":
            return _dump(options)
        with connected(options.socket) as daemon:
            return _COMMANDS[options.command](daemon, options)
    except NotRunning as error:
        return _fail(error, Exit.NOT_RUNNING)
    except Refused as error:
        return _fail(error, Exit.REFUSED)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED


def _fail(sentence: object, code: Exit) -> int:
    print(f"voicectl: {sentence}", file=sys.stderr)
    return code


# --- what there is --------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    """All commands and options."""
    parser = argparse.ArgumentParser(
        prog="voicectl",
        description="See what voiced does, and tell it what to do.",
        epilog="Exit codes: 0 done, 1 refused or failed, 2 not understood, 69 voiced is not running.",
    )
    parser.add_argument("--version", action="version", version=f"voicectl {__version__}")
    parser.add_argument(
        "--socket", type=Path, metavar="PATH", help="where the daemon is, if not in a usual place"
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    status = commands.add_parser("status", help="what is going on")
    status.add_argument("--json", action="store_true", help="all of it, for programs")
    stats = commands.add_parser("stats", help="what was used, what it cost, how long turns took")
    stats.add_argument("--json", action="store_true", help="all of it, for programs")
    commands.add_parser("activate", help="begin a conversation")
    commands.add_parser("deactivate", help="end the conversation, and forget it")
    commands.add_parser("mute", help="hear nothing more")
    commands.add_parser("unmute", help="hear again")
    commands.add_parser("watch", help="all of it on a live screen, until q")
    talk = commands.add_parser("talk", help="speak while a key is held (push_to_talk)")
    talk.add_argument(
        "--seconds", type=_seconds, metavar="N", help="hold the button for so long, without a key"
    )
    commands.add_parser("interrupt", help="silence what is being said")
    ask = commands.add_parser("ask", help="ask in writing; the answer is spoken")
    ask.add_argument("text", help="the question; - reads it from stdin")
    say = commands.add_parser("say", help="have words said")
    say.add_argument("text", help="the words; - reads them from stdin")
    commands.add_parser("reconnect", help="open a new session, now or at the next quiet moment")
    volume = commands.add_parser("volume", help="how loud answers are")
    volume.add_argument(
        "percent",
        nargs="?",
        type=_percent,
        help="0 (silent) to 100 (as sent); 10 less are 4 dB softer; without: say what it is",
    )
    events = commands.add_parser("events", help="what happens, as it happens: a JSON object a line")
    events.add_argument(
        "--topics",
        type=_topics,
        default=None,
        metavar="A,B",
        help=f"of {', '.join(_TOPICS)} (all that you may see)",
    )
    history = commands.add_parser("history", help="what was said and heard last")
    history.add_argument("-n", type=_most, default=20, metavar="N", help="how much of it (20)")
    history.add_argument("--json", action="store_true", help="for programs")
    budget = commands.add_parser(
        "budget", help="what is allowed; lift: without limits until midnight"
    )
    budget.add_argument(
        "lift", nargs="?", choices=("lift",), help="be without limits until midnight"
    )
    commands.add_parser("reload", help="read the settings again, and go by them")
    dump = commands.add_parser("dump", help="pack what helps to find a fault into one file")
    dump.add_argument("file", nargs="?", type=Path, help="where to (voiced-dump-TIME.tar.gz)")
    dump.add_argument("--no-doctor", action="store_true", help="do not examine anything now")
    commands.add_parser("shutdown", help="stop the daemon in order")
    completion = commands.add_parser("completion", help="print what a shell needs to complete")
    completion.add_argument("shell", choices=completions.SHELLS, help="which shell")
    return parser


def _whole(text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdecimal()) or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from {least} to {most}")
    return int(text)


def _percent(text: str) -> int:
    return _whole(text.removesuffix("%"), 0, FULL_PERCENT)


def _most(text: str) -> int:
    return _whole(text, 1, MOST_HISTORY)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 600:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds, up to 600")
    return seconds


def _topics(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in _TOPICS]:
        raise argparse.ArgumentTypeError(
            f"there is no topic '{unknown[0]}'; there is {', '.join(_TOPICS)}"
        )
    return names


# --- what they do ---------------------------------------------------------------------------------


def _status(daemon: Connection, options: argparse.Namespace) -> int:
    told = daemon.ask("status")
    return _print([_json(told)] if options.json else card.lines(told))


def _watch(daemon: Connection, options: argparse.Namespace) -> int:
    from voiced.cli.watch import watch  # noqa: PLC0415  nobody else needs a screen

    return watch(daemon, options.socket)


def _talk(daemon: Connection, options: argparse.Namespace) -> int:
    from voiced.cli.talk import talk, talk_for  # noqa: PLC0415  nobody else needs a terminal

    return talk(daemon) if options.seconds is None else talk_for(daemon, options.seconds)


def _plain(daemon: Connection, options: argparse.Namespace) -> int:
    daemon.ask(options.command)
    return Exit.FINE


def _words(daemon: Connection, options: argparse.Namespace) -> int:
    text = options.text
    if text == "-":
        text = sys.stdin.buffer.read(_MOST_STDIN_BYTES).decode("utf-8", "surrogateescape")
    daemon.ask(options.command, {"text": text})
    return Exit.FINE


def _volume(daemon: Connection, options: argparse.Namespace) -> int:
    params = {} if options.percent is None else {"percent": options.percent}
    told = daemon.ask("volume", params)
    if options.percent is not None and told["percent"] < options.percent:
        return _print([f"{told['percent']}: [playout] max_volume_percent allows no more"])
    return Exit.FINE if params else _print([f"{told['percent']}"])


def _stats(daemon: Connection, options: argparse.Namespace) -> int:
    told = daemon.ask("stats")
    return _print([_json(told)] if options.json else figures.lines(told))


def _budget(daemon: Connection, options: argparse.Namespace) -> int:
    if options.lift:
        daemon.ask("budget.lift")
    return _print([figures.budget(daemon.ask("stats")["usage"]["budget"])])


def _reload(daemon: Connection, _options: argparse.Namespace) -> int:
    told = daemon.ask("config.reload")
    keys = ", ".join(told["changed"])
    return _print([f"{keys}: {told['takes_effect']}" if keys else told["takes_effect"]])


def _dump(options: argparse.Namespace) -> int:
    """Without a daemon, too: then above all somebody wants to know why."""
    from voiced.cli import dump  # noqa: PLC0415  nobody else packs anything

    path, told = options.file or dump.usual_name(), {}
    try:
        with connected(options.socket) as daemon:
            told = daemon.ask("dump")
    except NotRunning as error:
        print(f"voicectl: {error}; what only a running daemon knows is left out", file=sys.stderr)
    try:
        dump.write(path, told, with_doctor=not options.no_doctor)
    except dump.NotWritten as error:
        return _fail(error, Exit.REFUSED)
    return _print([f"{path}: look through it before you give it to others"])


def _events(daemon: Connection, options: argparse.Namespace) -> int:
    topics = options.topics or daemon.ask("hello")["topics"]
    daemon.ask("subscribe", {"topics": topics})
    for topic, params in daemon.events():
        _print([_json({"topic": topic, **params})])
    return Exit.FINE


def _history(daemon: Connection, options: argparse.Namespace) -> int:
    told = daemon.ask("history", {"most": options.n})
    if options.json:
        return _print([_json(told)])
    return _print(f"{each['who']:>9}: {card.printable(each['text'])}" for each in told["entries"])


_COMMANDS: Final = {
    "status": _status,
    "stats": _stats,
    "activate": _plain,
    "deactivate": _plain,
    "mute": _plain,
    "unmute": _plain,
    "watch": _watch,
    "talk": _talk,
    "interrupt": _plain,
    "ask": _words,
    "say": _words,
    "reconnect": _plain,
    "volume": _volume,
    "events": _events,
    "history": _history,
    "budget": _budget,
    "reload": _reload,
    "shutdown": _plain,
}


def completion(shell: str) -> int:
    """Print the file that this shell wants."""
    print(completions.render(shell, grammar.read(parser(), _USUAL)), end="")
    return Exit.FINE


def _json(told: Any) -> str:
    return json.dumps(told, ensure_ascii=False)


def _print(lines: Iterable[str]) -> int:
    for line in lines:
        sys.stdout.buffer.write(f"{line}{os.linesep}".encode("utf-8", "replace"))
    sys.stdout.flush()  # whoever reads the events wants them now
    return Exit.FINE


if __name__ == "__main__":
    sys.exit(main())
