"""Sets keys in a configuration that a person wrote: comments, order and all else stay as they are.

Theory of operation. The text is cut into statements: lines that are TOML by themselves, or become so with
those after them (long texts, lists). A wanted key is given its value where it stands; else where it stands
commented out; else after the last key of its section; else in a section of its own at the end. Then tomllib
reads the result, and unless exactly the wanted keys have changed nothing is done: what is written too
unusually for this is refused, not guessed at.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from attrs import frozen

from voiced.config.file import as_toml
from voiced.faults import ConfigError

Place: TypeAlias = tuple[str, str]
"""Section and key."""
Value: TypeAlias = str | int | float
_Tables: TypeAlias = dict[str, Any]

_ASSIGNS: Final = re.compile(r"[^=]*=[ \t]*")
_COMMENTED: Final = re.compile(r"[ \t]*#[ \t]*(?=(\w+)[ \t]*=)")


@frozen
class _Statement:
    """One or more whole lines, and what they say by themselves: nothing, if they are comment or empty."""

    text: str
    tables: _Tables

    @property
    def begins_section(self) -> bool:
        return bool(self.tables) and self.text.lstrip().startswith("[")


def edit(text: str, wanted: Mapping[Place, Value], origin: str) -> str:
    """TOML *text* with all *wanted* keys set; *origin* stands before each complaint.

    `ConfigError` if it is no TOML, or is written in a way in which that can't be done safely.
    """
    before = _read(text)
    if before is None:
        raise ConfigError([f"{origin}: is not TOML"])
    expected = {
        name: dict(part) if isinstance(part, dict) else part for name, part in before.items()
    }
    edited = text
    for (section, key), value in wanted.items():
        table = expected.setdefault(section, {})
        if not isinstance(table, dict):
            raise _refused(origin, section, key, value)
        if not _same(table.get(key), value):
            table[key] = value
            edited = _set(edited, section, key, value)
            if not _same(_read(edited), expected):
                raise _refused(origin, section, key, value)
    return edited


def _set(text: str, section: str, key: str, value: Value) -> str:
    statements = list(_statements(text))
    begin = next(
        (
            at
            for at, each in enumerate(statements)
            if each.begins_section and section in each.tables
        ),
        None,
    )
    if begin is None:
        return _with_new_section(text, section, key, value)
    end = next(
        (at for at in range(begin + 1, len(statements)) if statements[at].begins_section),
        len(statements),
    )
    inside = statements[begin + 1 : end]
    texts = [each.text for each in statements]
    for at, each in enumerate(inside, start=begin + 1):
        if key in each.tables:
            texts[at] = _with_value(each.text, value)
            return "".join(texts)
    for at, each in enumerate(inside, start=begin + 1):
        if uncommented := _uncommented(each.text, key):
            texts[at] = _with_value(uncommented, value)
            return "".join(texts)
    last = max(
        (at for at, each in enumerate(inside, start=begin + 1) if each.tables), default=begin
    )
    if not texts[last].endswith("\n"):
        texts[last] += _newline(text)
    texts.insert(last + 1, f"{key} = {as_toml(value)}{_newline(text)}")
    return "".join(texts)


def _with_new_section(text: str, section: str, key: str, value: Value) -> str:
    newline = _newline(text)
    ended = text if not text or text.endswith("\n") else text + newline
    gap = newline if ended.strip() else ""
    return f"{ended}{gap}[{section}]{newline}{key} = {as_toml(value)}{newline}"


def _with_value(statement: str, value: Value) -> str:
    """`key = old  # why` as `key = new  # why`."""
    assigns = _ASSIGNS.match(statement)
    begin = assigns.end() if assigns else 0
    said = _read(statement)
    rest = statement[len(statement.rstrip("\r\n")) :]
    for at, char in enumerate(
        statement
    ):  # the comment begins where nothing is lost without the rest
        if char == "#" and _same(_read(statement[:at]), said):
            rest = statement[len(statement[:at].rstrip(" \t")) :]
            break
    return f"{statement[:begin]}{as_toml(value)}{rest}"


def _uncommented(comment: str, key: str) -> str:
    """`# key = value` without its mark, if it is that and no prose; else empty."""
    mark = _COMMENTED.match(comment)
    if mark is None or mark[1] != key:
        return ""
    plain = comment[mark.end() :]
    return plain if _read(plain) else ""


def _statements(text: str) -> Iterator[_Statement]:
    """All of *text*, which is TOML, in pieces that are TOML as well."""
    piece = ""
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        piece += line
        tables = _read(piece)
        if tables is not None:
            yield _Statement(piece, tables)
            piece = ""


def _read(text: str) -> _Tables | None:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):  # not all that is wrong is a TOMLDecodeError
        return None


def _same(one: object, other: object) -> bool:
    """Equal, and of the same type all the way down: 1 is not 1.0 here, and nan is nan."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and (one == other or (one != one and other != other))


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _refused(origin: str, section: str, key: str, value: Value) -> ConfigError:
    return ConfigError(
        [
            (
                f"{origin}: is written in a way that is not safe to edit: set {key} = {as_toml(value)} in "
                f"[{section}] by hand"
            )
        ]
    )
