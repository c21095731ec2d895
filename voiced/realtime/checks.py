"""Checks on what we are about to say: attrs validators, type first, range second.

Each raises TypeError for a wrong type and ValueError for a wrong value, naming the field.
"""

import json
from collections.abc import Callable
from typing import Any

from attrs import Attribute
from attrs.validators import and_, ge, in_, instance_of, le, max_len, min_len, optional

Check = Callable[[Any, "Attribute[Any]", Any], None]


def a(*classes: type) -> Check:
    """Accept instances of these classes."""
    return instance_of(classes)


def one_of(*values: object) -> Check:
    """Accept these values alone."""
    return in_(values)


def maybe(check: Check) -> Check:
    """Accept None as well."""
    return optional(check)


def _no_bool(_: object, attribute: "Attribute[Any]", value: object) -> None:
    if isinstance(value, bool):
        raise TypeError(f"{attribute.name} must be a number, not {value}")


def whole(least: int, most: float = float("inf")) -> Check:
    """Accept integers from *least* to *most*; a bool is none."""
    return and_(a(int), _no_bool, ge(least), le(most))


def number(least: float, most: float) -> Check:
    """Accept integers and floats from *least* to *most*; a bool is none, nor is NaN."""
    return and_(a(int, float), _no_bool, ge(least), le(most))


def text(least: int = 0, most: int | None = None) -> Check:
    """Accept strings of *least* to *most* characters."""
    return and_(a(str), min_len(least), *([] if most is None else [max_len(most)]))


def json_object(_: object, attribute: "Attribute[str]", value: str) -> None:
    """Accept the text of a JSON object, so that it can be sent as one."""
    parsed = json.loads(value)
    json.dumps(parsed, allow_nan=False)
    is_object = isinstance(parsed, dict)
    if not is_object:
        raise ValueError(f"{attribute.name} must be the text of a JSON object")


NAME = text(1)
FLAG = a(bool)
