"""What crosses the wire, unjudged: events as JSON objects, their ids, and the record of both.

Law of this file: the name for untyped data lives here (`Json`); nothing here decides anything.
"""

import enum
import secrets
import string
from typing import Any, Final, TypeAlias

from attrs import frozen

Json: TypeAlias = dict[str, Any]
"""One JSON object. Its shape has been checked by `validation` wherever a client sent it."""

_BASE62: Final = string.ascii_letters + string.digits
ID_LENGTH: Final = 21  # item_, resp_, sess_, conv_ and event_ ids, seen on the live wire
CALL_ID_LENGTH: Final = 16  # call_ ids, likewise


def new_id(prefix: str, length: int = ID_LENGTH) -> str:
    """Make an id in the service's own style, such as ``item_`` and 21 letters."""
    return f"{prefix}_{random_text(length)}"


def random_text(length: int) -> str:
    """Make *length* random letters and digits."""
    return "".join(secrets.choice(_BASE62) for _ in range(length))


class Direction(enum.Enum):
    """Which way an event went."""

    TO_CLIENT = "to_client"
    FROM_CLIENT = "from_client"


@frozen
class Traffic:
    """One event as it passed, for tests and benches."""

    direction: Direction
    at_s: float
    """Trio's clock: when it was read, or handed to the socket."""
    event: Json
    """What was not a JSON object is shown as ``{"type": "", "raw": ...}``."""
    session: int
    """Which connection of this server, counted from 1."""
