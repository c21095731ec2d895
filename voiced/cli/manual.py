"""The manual pages, written from the parsers and config/voiced.toml. `scripts/man` runs it.

Law of this file: it knows manual pages, man(7) and no more of it than is needed here. What can be typed
is read from the programs, what can be set from the template; the rest is `manual_words.py`'s.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from attrs import frozen

from voiced import __version__
from voiced.cli import grammar, main, voicectl
from voiced.cli.grammar import Parameter, Program
from voiced.cli.manual_words import PAGES, WRITTEN_ON, Words

TEMPLATE: Final = Path("config") / "voiced.toml"

_KEY: Final = re.compile(r"(\w+) = (.*)")


def pages(template: str) -> dict[str, str]:
    """File names and their contents; *template* is the text of config/voiced.toml."""
    programs = {
        "voiced.1": grammar.read(main.parser(), {}),
        "voicectl.1": grammar.read(voicectl.parser(), {}),
    }
    written = {name: _program(program, PAGES[name]) for name, program in programs.items()}
    return written | {"voiced.toml.5": _settings(template, PAGES["voiced.toml.5"])}


def _program(program: Program, words: Words) -> str:
    return _page(
        program.name,
        "1",
        words,
        [
            ("SYNOPSIS", _synopsis(program)),
            ("DESCRIPTION", _paragraphs(words.description)),
            ("OPTIONS", [line for each in program.options for line in _parameter(each)]),
            ("COMMANDS", list(_commands(program))),
        ],
    )


def _settings(template: str, words: Words) -> str:
    synopsis = ["~/.config/voiced/voiced.toml", ".br", "/etc/voiced/voiced.toml"]
    return _page(
        "voiced.toml",
        "5",
        words,
        [
            ("SYNOPSIS", synopsis),
            ("DESCRIPTION", _paragraphs(words.description)),
            ("KEYS", list(_keys(template))),
        ],
    )


def _page(name: str, section: str, words: Words, first: list[tuple[str, list[str]]]) -> str:
    lines = [
        '.\\" Written by scripts/man: do not edit.',
        f'.TH {name.upper()} {section} {WRITTEN_ON} "voiced {__version__}"',
        ".SH NAME",
        f"{_text(name)} \\- {_text(words.name)}",
    ]
    later = [
        *((title, _list(entries)) for title, entries in words.lists.items()),
        ("SEE ALSO", [_see(words.see_also)]),
    ]
    for title, body in [*first, *later]:
        if body:
            lines += [f".SH {title}", *body]
    return "\n".join(lines) + "\n"


# --- what can be typed ----------------------------------------------------------------------------


def _synopsis(program: Program) -> list[str]:
    options = " ".join(
        f"[{_usage(each)}]" for each in program.options if "--help" not in each.names
    )
    lines = [f"{_bold(program.name)} {options} {_italic('COMMAND')} ..."]
    for command in program.commands:
        parts = [_usage(each) for each in command.options if "--help" not in each.names]
        typed = [f"[{part}]" for part in parts]
        typed += [_positional(each) for each in command.arguments]
        lines += [".br", " ".join([_bold(program.name), _bold(command.name), *typed])]
    return lines


def _usage(option: Parameter) -> str:
    name = _bold(option.names[-1])
    return f"{name} {_italic(option.value)}" if option.value else name


def _positional(argument: Parameter) -> str:
    shown = "|".join(argument.words) if argument.words else argument.value
    return f"[{_italic(shown)}]" if argument.may_be_left_out else _italic(shown)


def _commands(program: Program) -> Iterator[str]:
    for command in program.commands:
        typed = [_bold(command.name), *(_positional(each) for each in command.arguments)]
        yield from (".TP", " ".join(typed), _sentence(command.help))
        explained = [each for each in command.arguments if each.help]
        options = [each for each in command.options if "--help" not in each.names]
        if explained or options:
            yield ".RS"
            for each in (*explained, *options):
                yield from _parameter(each)
            yield ".RE"


def _parameter(parameter: Parameter) -> list[str]:
    names = ", ".join(map(_bold, parameter.names))
    value = _italic(parameter.value) if parameter.value else ""
    return [".TP", " ".join(filter(None, (names, value))), _sentence(parameter.help)]


# --- what can be set ------------------------------------------------------------------------------


@frozen
class _Line:
    """A line of the template, and the comment before it."""

    text: str
    comment: str


def _keys(template: str) -> Iterator[str]:
    for line in _explained(template.splitlines()):
        if line.text.startswith("["):
            yield f".SS {_text(line.text)}"
        elif match := _KEY.match(line.text):
            name, value = match[1], match[2]
            yield from (".TP", f"{_bold(name)} = {_text(value)}", _sentence(line.comment))


def _explained(lines: Iterable[str]) -> Iterator[_Line]:
    comment = ""
    for line in lines:
        if line.startswith("#"):
            comment = line.removeprefix("#").strip()
        elif line:
            yield _Line(line, comment)
            comment = ""


# --- roff -----------------------------------------------------------------------------------------


def _paragraphs(prose: str) -> list[str]:
    """Each on its own; man(7) wants .PP between them, and none before the first."""
    lines: list[str] = []
    for paragraph in prose.strip().split("\n\n"):
        lines += [*([".PP"] if lines else []), _text(" ".join(paragraph.split()))]
    return lines


def _list(entries: Iterable[tuple[str, str]]) -> list[str]:
    return [part for name, told in entries for part in (".TP", _bold(name), _sentence(told))]


def _see(pages: Iterable[str]) -> str:
    named = (page.partition("(") for page in pages)
    return ", ".join(f"{_bold(name)}({rest}" for name, _, rest in named)


def _sentence(told: str) -> str:
    whole = told[:1].upper() + told[1:]
    return _text(whole if whole.endswith((".", ")")) else f"{whole}.")


def _bold(text: str) -> str:
    return f"\\fB{_text(text)}\\fR"


def _italic(text: str) -> str:
    return f"\\fI{_text(text)}\\fR"


def _text(text: str) -> str:
    """As roff wants it: hyphens that are typed stay what they are, and nothing begins a request."""
    text = text.replace("\\", "\\e")
    text = re.sub(r"(?<![A-Za-z0-9])-|(?<=-)-|-(?=[A-Z0-9])", r"\\-", text)
    text = "".join(char if char.isascii() else f"\\[u{ord(char):04X}]" for char in text)
    return f"\\&{text}" if text.startswith((".", "'")) else text


def write(template: Path, folder: Path) -> None:
    """Write all pages into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in pages(template.read_text(encoding="utf-8")).items():
        (folder / name).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    write(TEMPLATE, Path(sys.argv[1]))
