"""Shapes that JSON can have, as small checks one composes into tables.

Law of this file: a check takes a value and its dotted path (``session.audio.input``,
``item.content[0].text``) and returns nothing or raises the Refusal the live server would send. It
knows no event: the tables are in `validation`. Order within one object: unknown fields first, then
missing ones, then values, since one unknown field is known to discard everything else.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from voiced.local import refusals

Check: TypeAlias = Callable[[Any, str], None]


def at(path: str, key: str) -> str:
    """Go one field deeper."""
    return f"{path}.{key}" if path else key


def anything(value: Any, path: str) -> None:
    """Accept whatever comes (JSON schemas, metadata)."""
    del value, path


def flag(value: Any, path: str) -> None:
    """Accept true and false."""
    if not isinstance(value, bool):
        raise refusals.invalid_type(path, "a boolean", value)


def mapping(value: Any, path: str) -> None:
    """Accept any object."""
    if not isinstance(value, dict):
        raise refusals.invalid_type(path, "an object", value)


def text(most: int | None = None, pattern: str | None = None) -> Check:
    """Accept strings, at most so many characters, matching a pattern."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, str):
            raise refusals.invalid_type(path, "a string", value)
        if most is not None and len(value) > most:
            raise refusals.out_of_range(path, f"at most {most} characters", len(value))
        if pattern is not None and not re.fullmatch(pattern, value):
            raise refusals.out_of_range(path, f"a string matching {pattern}", f"'{value}'")

    return check


def whole(least: int, most: int | None = None) -> Check:
    """Accept integers within bounds; true and 1.0 are none."""

    def check(value: Any, path: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise refusals.invalid_type(path, "an integer", value)
        if value < least or (most is not None and value > most):
            bounds = f">= {least}" if most is None else f"{least} to {most}"
            raise refusals.out_of_range(path, f"an integer {bounds}", value)

    return check


def number(least: float, most: float) -> Check:
    """Accept numbers within bounds."""

    def check(value: Any, path: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise refusals.invalid_type(path, "a number", value)
        if not math.isfinite(value) or not least <= value <= most:
            raise refusals.out_of_range(path, f"a number {least} to {most}", value)

    return check


def choice(*supported: str) -> Check:
    """Accept one of a few strings."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, str) or value not in supported:
            raise refusals.invalid_choice(path, value, supported)

    return check


def exactly(wanted: int) -> Check:
    """Accept one number only."""

    def check(value: Any, path: str) -> None:
        if isinstance(value, bool) or value != wanted:
            raise refusals.invalid(
                path, f"Invalid value: '{value}'. Supported values are: {wanted}."
            )

    return check


def nullable(inner: Check) -> Check:
    """Accept null as well."""

    def check(value: Any, path: str) -> None:
        if value is not None:
            inner(value, path)

    return check


def many(inner: Check, *, least: int = 0, most: int | None = None) -> Check:
    """Accept arrays of one kind of thing."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, list):
            raise refusals.invalid_type(path, "an array", value)
        if len(value) < least:
            raise refusals.out_of_range(path, f"at least {least} elements", len(value))
        if most is not None and len(value) > most:
            raise refusals.out_of_range(path, f"at most {most} elements", len(value))
        for index, element in enumerate(value):
            inner(element, f"{path}[{index}]")

    return check


def pairs(key: Check, value_check: Check, most: int) -> Check:
    """Accept objects with free keys."""

    def check(value: Any, path: str) -> None:
        mapping(value, path)
        if len(value) > most:
            raise refusals.out_of_range(path, f"at most {most} entries", len(value))
        for name, inner in value.items():
            key(name, at(path, name))
            value_check(inner, at(path, name))

    return check


def record(needed: Mapping[str, Check], free: Mapping[str, Check] | None = None) -> Check:
    """Accept objects with these fields, some of them needed, and no others."""
    fields = {**needed, **(free or {})}

    def check(value: Any, path: str) -> None:
        mapping(value, path)
        for name in value:
            if name not in fields:
                raise refusals.unknown_parameter(at(path, name))
        for name in needed:
            if name not in value:
                raise refusals.missing(at(path, name))
        for name, inner in value.items():
            fields[name](inner, at(path, name))

    return check


def tagged(tag: str, variants: Mapping[str, Check]) -> Check:
    """Accept objects whose field *tag* says which shape the rest has."""

    def check(value: Any, path: str) -> None:
        if isinstance(value, str):  # "pcm16" where an object is due: the wording of the live wire
            raise refusals.invalid_choice(path, value, variants)
        mapping(value, path)
        if tag not in value:
            raise refusals.missing(at(path, tag))
        choice(*variants)(value[tag], at(path, tag))
        variants[value[tag]](value, path)

    return check


def words_or(supported: tuple[str, ...], inner: Check) -> Check:
    """Accept one of a few strings, or something that is no string."""

    def check(value: Any, path: str) -> None:
        (choice(*supported) if isinstance(value, str) else inner)(value, path)

    return check
