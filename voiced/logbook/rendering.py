"""How a line is written for machines: as JSON, and as a datagram for the journal."""

import json
from collections.abc import Mapping
from typing import Final

from voiced.logbook.entry import Entry, Value

IDENTIFIER: Final = "voiced"  # as systemd names what a unit writes to stderr, too

_JOURNAL_NAMES: Final[Mapping[str, str]] = {
    "session": "SESSION_ID",
    "item": "ITEM_ID",
    "code": "FAULT_CODE",
}
"""All other fields are VOICED_ and their name."""


def as_json(entry: Entry, about: Mapping[str, Value]) -> str:
    """One object on one line: what is known *about* the line, its event, its fields by themselves."""
    thing = {**about, "event": entry.key, "message": str(entry), "fields": entry.bounded}
    return json.dumps(thing, allow_nan=False)


def as_datagram(entry: Entry, priority: int, about: Mapping[str, Value]) -> bytes:
    """The journal's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): a field per line. No value has a
    line break any more, so that none needs its binary form.
    """
    fields: dict[str, Value] = {
        "MESSAGE": str(entry),
        "PRIORITY": priority,
        "SYSLOG_IDENTIFIER": IDENTIFIER,
        "VOICED_EVENT": entry.key,
    }
    for key, value in [*about.items(), *entry.bounded.items()]:
        fields[_JOURNAL_NAMES.get(key, f"VOICED_{key.upper()}")] = value
    return "".join(f"{name}={value}\n" for name, value in fields.items()).encode()
