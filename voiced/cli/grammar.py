"""What a program understands, read from its argparse parser: for completion and for manual pages.

Law of this file: the only place that looks into argparse, whose own attributes for this are private but
have not changed since Python 3.2. What is hidden there (`help=SUPPRESS`) is hidden here.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from attrs import frozen


@frozen
class Parameter:
    """An option, or an argument that stands by itself (no names)."""

    names: tuple[str, ...]
    value: str  # what its value is called; empty: it takes none
    help: str
    words: tuple[str, ...] = ()  # the values, if they can be told
    is_path: bool = False
    is_list: bool = False  # several values, with commas between
    repeats: bool = False
    may_be_left_out: bool = True


@frozen
class Command:
    """One of the things that a program does."""

    name: str
    help: str
    options: tuple[Parameter, ...]
    arguments: tuple[Parameter, ...]


@frozen
class Program:
    """All that one can type."""

    name: str
    description: str
    options: tuple[Parameter, ...]
    commands: tuple[Command, ...]


def read(parser: argparse.ArgumentParser, words: Mapping[str, Sequence[str]]) -> Program:
    """What *parser* understands; *words* are usual values of parameters that could have any."""
    commands = [
        Command(
            chosen.dest,
            chosen.help or "",
            _options(below.choices[chosen.dest], words),
            _arguments(below.choices[chosen.dest], words),
        )
        for below in parser._actions
        if isinstance(below, argparse._SubParsersAction)
        for chosen in below._choices_actions
    ]
    return Program(parser.prog, parser.description or "", _options(parser, words), tuple(commands))


def _options(
    parser: argparse.ArgumentParser, words: Mapping[str, Sequence[str]]
) -> tuple[Parameter, ...]:
    return tuple(_parameter(each, words) for each in _shown(parser) if each.option_strings)


def _arguments(
    parser: argparse.ArgumentParser, words: Mapping[str, Sequence[str]]
) -> tuple[Parameter, ...]:
    return tuple(_parameter(each, words) for each in _shown(parser) if not each.option_strings)


def _shown(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        below = isinstance(action, argparse._SubParsersAction)
        if action.help != argparse.SUPPRESS and not below:
            yield action


def _parameter(action: argparse.Action, words: Mapping[str, Sequence[str]]) -> Parameter:
    choices = tuple(map(str, action.choices or words.get(action.dest, ())))
    value = "" if action.nargs == 0 else str(action.metavar or action.dest)
    if value and not action.metavar and action.option_strings:
        value = value.upper()
    return Parameter(
        names=tuple(action.option_strings),
        value=value,
        help=(action.help or "").replace("%%", "%"),
        words=choices,
        is_path=action.type is Path,
        is_list="," in value,
        repeats=isinstance(action, argparse._AppendAction),
        may_be_left_out=bool(action.option_strings) or action.nargs in ("?", "*"),
    )
