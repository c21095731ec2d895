"""Reading a line as data: from the template that one of us wrote, and its arguments.

Theory of operation. Everywhere in the house a line is written as `log.info("playout cut item=%s: %s", ...)`.
Its shape is the template, which is ours; only the arguments come from far away. So event and fields are
read off the template, and the arguments put in as values: whatever a server says, it adds no field.
"""

import re
from collections.abc import Iterator
from typing import Final

from voiced.logbook.entry import UNNAMED, Entry, Value

_PLACEHOLDER: Final = re.compile(r"%[-#0 +]*\d*(?:\.\d+)?([a-zA-Z%])")
_FIELD: Final = re.compile(
    rf"(?:^|(?<=\s))([a-z][a-z0-9_]*)=({_PLACEHOLDER.pattern}|[^\s:,%]+)(?=[\s:]|$)"
)


def entry_of(template: object, args: object) -> Entry:
    """What a log record says: an entry already, or a template and its arguments."""
    if isinstance(template, Entry):
        return template
    text, values = str(template), args if isinstance(args, tuple) else ()
    try:
        return _entry(text, values)
    except (TypeError, ValueError, IndexError):  # the line is wrong; it is shown as it is
        return Entry(text, {"args": repr(args)} if args else {})


def _entry(template: str, args: tuple[object, ...]) -> Entry:
    if not args:  # then logging does not read the template as one
        event, _, sentence = template.partition(": ")
        return Entry(event, {}, sentence)
    left = iter(args)
    found = list(_FIELD.finditer(template))
    if not found:
        head, _, tail = template.partition(": ")
        event, sentence = _filled(head, left), _filled(tail, left)
        return Entry(event, {}, sentence, name=_named(head, event))
    head = template[: found[0].start()].rstrip()
    event = _filled(head, left)
    fields: dict[str, Value] = {}
    for match in found:
        fields[match[1]] = _value(match[2], left)
    tail = template[found[-1].end() :].removeprefix(":").strip()
    return Entry(event, fields, _filled(tail, left), name=_named(head, event))


def _named(head: str, event: str) -> str:
    """A line that is but a sentence has no name of its own."""
    return UNNAMED if _PLACEHOLDER.sub("", head).strip() == "" and " " in event else event


def _filled(template: str, args: Iterator[object]) -> str:
    def fill(match: re.Match[str]) -> str:
        return "%" if match[1] == "%" else match[0] % (_next(args),)

    return _PLACEHOLDER.sub(fill, template)


def _value(template: str, args: Iterator[object]) -> Value:
    """A number stays one, rounded as the line wants it; all else is text, without quotes."""
    match = _PLACEHOLDER.fullmatch(template)
    if match is None:
        return _filled(template, args)
    value = _next(args)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if match[1] in "rsd":
        return int(value) if match[1] == "d" else value
    return float(template % (value,))


def _next(args: Iterator[object]) -> object:
    try:
        return next(args)
    except StopIteration:
        raise IndexError("fewer arguments than placeholders") from None
