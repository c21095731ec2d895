"""One line of the log as data: an event, its fields, a sentence; and how people read it.

Law of this file: one entry is one line, whatever is in it. What can't be printed is written as an escape,
so that words from far away neither begin a line of their own nor speak to a terminal; what is too long
is cut, and says so.
"""

import math
import re
from collections.abc import Mapping
from typing import Final, TypeAlias

from attrs import field, frozen

Value: TypeAlias = str | int | float

UNNAMED: Final = "note"  # the name of a line that is but a sentence
LONGEST_VALUE: Final = 400  # characters of one field
LONGEST_SENTENCE: Final = 1200
LONGEST_LINE: Final = 4000
"""Characters. Escaped, with all fields beside it, such a line is far below the 200 kB or so that a datagram
to the journal may have, so that the detour by a memfd is never needed."""
MOST_FIELDS: Final = 40

_PLAIN: Final = re.compile(r"[^\s\"'=\\]+")
_NO_WORD: Final = re.compile(r"[^a-z0-9.]+")
_LONGEST_NAME: Final = 60


@frozen
class Entry:
    """What one line says; its `str` is the line, without time and priority."""

    event: str  # words of the glossary, as a line begins
    fields: Mapping[str, Value] = field(factory=dict)
    sentence: str = ""
    canonical: bool = False  # one per turn, connection or fault: each is told, however alike
    name: str = ""  # for machines; empty: the event's words

    @property
    def key(self) -> str:
        """The event's name for machines: a word without blanks, at most 60 characters."""
        words = _NO_WORD.sub("_", (self.name or self.event).lower()).strip("_.")
        return words[:_LONGEST_NAME] or UNNAMED

    @property
    def bounded(self) -> Mapping[str, Value]:
        """The fields as every reader takes them: so many, so long, visible, finite."""
        return {key: _bounded(value) for key, value in list(self.fields.items())[:MOST_FIELDS]}

    def __str__(self) -> str:
        words = [clean(self.event)]
        words += [f"{key}={_quoted(str(value))}" for key, value in self.bounded.items()]
        line = " ".join(words)
        if self.sentence:
            line += f": {clean(self.sentence)}"
        return clean(line, LONGEST_LINE)


def clean(text: str, most: int = LONGEST_SENTENCE) -> str:
    """*text* on one line, every character of it visible; cut after *most* characters."""
    cut = f"... ({len(text) - most} more)" if len(text) > most else ""
    return "".join(map(_visible, text[:most])) + cut


def _visible(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape").decode("ascii")


def _bounded(value: Value) -> Value:
    if isinstance(value, str):
        return clean(value, LONGEST_VALUE)
    return value if math.isfinite(value) else str(value)  # JSON knows no infinity


def _quoted(text: str) -> str:
    """As a shell would want it: quotes where a word would fall apart, or look like a field."""
    if _PLAIN.fullmatch(text):
        return text
    escaped = text.replace('"', '\\"')
    return f'"{escaped}"'
