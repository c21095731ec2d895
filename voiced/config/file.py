"""The configuration as a file: TOML in, every mistake at once with its line, and back as TOML."""

import difflib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from voiced.config.checks import SECRET
from voiced.config.whole import SECTIONS, Config
from voiced.faults import ConfigError


def load(path: Path) -> Config:
    """Read *path*; `ConfigError` names every mistake in it, each with line and key."""
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors put a mark before the text
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror or error}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: is not UTF-8 text ({error.reason})"]) from error
    return parse(text, str(path))


def parse(text: str, origin: str) -> Config:
    """Read TOML *text*; *origin* stands before each mistake."""
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # not all that is wrong is a TOMLDecodeError
        raise ConfigError([f"{origin}: is not TOML: {error}"]) from error
    lines = _Lines(text)
    mistakes: list[str] = []
    sections: dict[str, Any] = {}
    for name, values in tables.items():
        if name not in SECTIONS:
            table = isinstance(values, dict)
            what = f"[{name}]: unknown section" if table else f"{name}: stands in no section"
            mistakes.append(f"{lines.at(name)}{what}{_suggest(name, SECTIONS)}")
        elif not isinstance(values, dict):
            mistakes.append(f"{lines.at(name)}{name}: is a section, write [{name}]")
        else:
            found = list(_section_mistakes(name, values, lines))
            mistakes += found
            if not found:
                sections[name] = SECTIONS[name](**values)
    config = Config(**sections)
    mistakes += config.across()
    if mistakes:
        raise ConfigError(f"{origin}: {mistake}" for mistake in mistakes)
    return config


def show(config: Config) -> str:
    """The effective values as TOML."""
    blocks = []
    for name in SECTIONS:
        section = getattr(config, name)
        rows = [f"{key} = {as_toml(value)}" for key, value in attrs.asdict(section).items()]
        blocks.append("\n".join([f"[{name}]", *rows]))
    return "\n\n".join(blocks) + "\n"


def as_toml(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        # JSON leaves DEL as it is, TOML forbids it.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, tuple | list):
        return f"[{', '.join(as_toml(each) for each in value)}]"
    return str(value)


def _section_mistakes(name: str, values: Mapping[str, Any], lines: "_Lines") -> Iterator[str]:
    known = {attribute.name: attribute for attribute in attrs.fields(SECTIONS[name])}
    for key, value in values.items():
        where = f"{lines.at(name, key)}[{name}] {key}"
        if key not in known:
            yield f"{where}: unknown key{_suggest(key, known)}"
            continue
        try:
            known[key].validator(None, known[key], value)
        except (TypeError, ValueError) as problem:
            yield f"{where} = {_shown(value)}: {_reason(problem, known[key])}"


def _reason(problem: Exception, attribute: "attrs.Attribute[Any]") -> str:
    """What attrs says, for people."""
    wanted = {
        int: "a whole number",
        float: "a number",
        str: "text in quotes",
        bool: "true or false",
        tuple: 'a list of texts, as ["one", "two"]',
    }
    if isinstance(problem, TypeError):
        return f"must be {wanted[type(attribute.default)]}"
    text = str(problem.args[0])
    if text.startswith("Length"):
        return "must not be empty"
    if bound := re.match(r"'\w+' must be (>=|<=) (\S+?):", text):
        return f"must be {'at least' if bound[1] == '>=' else 'at most'} {bound[2]}"
    if len(problem.args) > 2 and "must be in" in text:
        choices = ", ".join(f'"{choice}"' for choice in problem.args[2])
        return f"must be one of {choices}"
    return text


def _suggest(word: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else f"; there is {', '.join(known)}"


def _shown(value: object) -> str:
    """As TOML, less what may be a secret: this goes into logs."""
    shown = re.sub(r"^(\"?(?:\w+://)?).*@", r"\1...", as_toml(value))
    shown = re.sub(r"(?<=\?)[^\"]+", "...", shown)
    return SECRET.sub(r"\1...", shown)


class _Lines:
    """Where sections and keys stand: tomllib does not tell, so the text is looked through once."""

    _LONG_TEXT = re.compile(r'("""|\'\'\').*?\1', re.DOTALL)
    _SECTION = re.compile(r"\s*\[\s*\"?([\w-]+)\"?\s*\]")
    _KEY = re.compile(r"\s*\"?([\w-]+)\"?\s*=")

    def __init__(self, text: str) -> None:
        self._numbers: dict[tuple[str, ...], int] = {}
        section: tuple[str, ...] = ()
        blanked = self._LONG_TEXT.sub(lambda found: "\n" * found[0].count("\n"), text)
        for number, line in enumerate(blanked.split("\n"), start=1):
            if begins := self._SECTION.match(line):
                section = (begins[1],)
                self._numbers.setdefault(section, number)
            elif sets := self._KEY.match(line):
                self._numbers.setdefault((*section, sets[1]), number)

    def at(self, *path: str) -> str:
        """`line N: `, or nothing if the place is written in an unusual way."""
        number = self._numbers.get(path)
        return f"line {number}: " if number else ""
