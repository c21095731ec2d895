"""Server objects from parsed JSON, by cattrs.

Law of this file: with `codec.py`, the one place where untyped data exists. Four rules of ours:
types are exact (an integer may stand for a float, nothing else for anything else); null counts as
absent where a field has a default and None is not among its values; `metadata["wire"]` is a
field's name on the wire where that differs; fields nobody knows are tolerated, and can be named.
What is wrong is told by place and type, never by content: the content may be speech.
"""

import binascii
import math
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import islice
from types import GenericAlias, NoneType
from typing import Any, Final, TypeVar, get_args, get_origin

import attrs
from cattrs import (
    BaseConverter,
    BaseValidationError,
    ClassValidationError,
    Converter,
    IterableValidationError,
)
from cattrs.gen import make_dict_structure_fn, override

from voiced.realtime.objects import Voice, WireEvent, WireObject

Json = dict[str, Any]
T = TypeVar("T", bound=WireObject)
P = TypeVar("P")


class Malformed(Exception):
    """A JSON object that cannot be read as what it claims to be: where, and what is wrong."""


def read_object(cls: type[T], data: Json) -> T:
    """Make a *cls* of *data*; raise Malformed, naming the first three faults by the wire's field names."""
    try:
        return _converter.structure(data, cls)
    except BaseValidationError as error:
        raise Malformed("; ".join(islice(_faults(error), 3))) from None


def name_of(kind: type) -> str:
    """Name a type as JSON does."""
    names: Mapping[type, str] = {dict: "object", list: "array", NoneType: "null", str: "string"}
    return names.get(kind, kind.__name__)


def _exactly(kind: type[P], value: Any) -> P:
    if type(value) is not kind:
        raise TypeError(f"expected {name_of(kind)}, got {name_of(type(value))}")
    return value


def _text(value: object, _: object) -> str:
    text = _exactly(str, value)
    if text.isascii():
        return text
    # Half of a surrogate pair is legal JSON, but no text that could be printed or stored.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _integer(value: object, _: object) -> int:
    integer = _exactly(int, value)
    if abs(integer) >= 1 << 63:
        raise ValueError("is out of range")
    return integer


def _number(value: object, _: object) -> float:
    if type(value) is int:
        return float(_integer(value, int))
    number = _exactly(float, value)
    if not math.isfinite(number):
        raise ValueError("is out of range")
    return number


def _flag(value: object, _: object) -> bool:
    return _exactly(bool, value)


def _bytes(value: object, _: object) -> bytes:
    try:
        return binascii.a2b_base64(_exactly(str, value), strict_mode=True)
    except ValueError:
        raise ValueError("is not base64") from None


def _voice(value: object, _: object) -> Voice:
    return Voice(_text(value.get("id") if type(value) is dict else value, str))


def _pairs(value: object, _: object) -> dict[str, str]:
    return {_text(name, str): _text(inner, str) for name, inner in _exactly(dict, value).items()}


def _wire_name(field: "attrs.Attribute[Any]") -> str:
    return str(field.metadata.get("wire", field.name))


def _reader_of_class(cls: Any, converter: BaseConverter) -> Callable[[Any, Any], Any]:
    fields = attrs.fields(cls)
    names: Json = {field.name: override(rename=_wire_name(field)) for field in fields}
    build = make_dict_structure_fn(cls, converter, _cattrs_use_linecache=False, **names)
    needed = {
        _wire_name(field)
        for field in fields
        if field.default is attrs.NOTHING or NoneType in get_args(field.type)
    }

    def structure(value: object, _: object) -> Any:
        given = _exactly(dict, value)
        if None in given.values():
            given = {k: v for k, v in given.items() if v is not None or k in needed}
        return build(given, cls)

    return structure


def _reader_of_tuple(cls: Any, converter: BaseConverter) -> Callable[[Any, Any], Any]:
    items = GenericAlias(list, get_args(cls)[:1])
    build = converter.get_structure_hook(items)

    def structure(value: object, _: object) -> tuple[Any, ...]:
        return tuple(build(_exactly(list, value), items))

    return structure


def _is_tuple(cls: Any) -> bool:
    return get_origin(cls) is tuple


def _make_converter() -> Converter:
    converter = Converter(detailed_validation=True)
    for primitive, hook in {
        str: _text,
        int: _integer,
        float: _number,
        bool: _flag,
        bytes: _bytes,
        Voice: _voice,
    }.items():
        converter.register_structure_hook(primitive, hook)
    converter.register_structure_hook_func(lambda cls: cls == Mapping[str, str], _pairs)
    converter.register_structure_hook_factory(attrs.has, _reader_of_class)
    converter.register_structure_hook_factory(_is_tuple, _reader_of_tuple)
    return converter


_converter: Final = _make_converter()


@cache
def _shape(cls: Any) -> Mapping[str, type[WireObject] | None]:
    """List the fields we know on the wire, each with the class of object it holds, if any."""
    shape: Json = dict.fromkeys(cls.UNREAD)
    if issubclass(cls, WireEvent):
        shape["type"] = None
    for field in attrs.fields(cls):
        inside = (field.type, *get_args(field.type))
        shape[_wire_name(field)] = next((each for each in inside if attrs.has(each)), None)
    return shape


def unknown_fields(cls: Any, value: Json) -> Iterator[str]:
    """Name the fields of *value* that nobody knows, dotted: `item.content.sparkle`."""
    shape = _shape(cls)
    for name, inner in value.items():
        if name not in shape:
            yield name
        elif nested := shape[name]:
            for each in inner if type(inner) is list else [inner]:
                if type(each) is dict:
                    yield from (f"{name}.{deeper}" for deeper in unknown_fields(nested, each))


def _faults(error: Exception, path: str = "") -> Iterator[str]:
    """Say in the wire's names what was wrong and where, never what was there."""
    if isinstance(error, ClassValidationError):
        fields = attrs.fields_dict(error.cl)
        for inner, note in error.group_exceptions()[0]:
            yield from _faults(inner, f"{path}.{_wire_name(fields[note.name])}")
    elif isinstance(error, IterableValidationError):
        for inner, place in error.group_exceptions()[0]:
            yield from _faults(inner, f"{path}[{place.index}]")
    elif isinstance(error, KeyError):
        yield f"{path[1:]}: is missing"
    else:
        yield f"{path[1:]}: {error}"
