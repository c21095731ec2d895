"""Findings for people, one line a check, and for programs, as one JSON object.

Law of this file: pure; it changes no word of a finding, but takes out what would move a terminal's cursor.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import attrs

from voiced.doctor.finding import Finding, Verdict

_MARKS: Final[Mapping[Verdict, tuple[str, str]]] = MappingProxyType(
    {
        Verdict.OK: ("ok", "\x1b[32m"),
        Verdict.WARNING: ("warn", "\x1b[33m"),
        Verdict.FAILED: ("FAIL", "\x1b[1;31m"),
        Verdict.SKIPPED: ("skip", "\x1b[2m"),
    }
)
"""How each verdict is shown: the word, which is enough, and its colour."""

_PLAIN: Final = "\x1b[0m"
_MARK_WIDTH: Final = 6
_NAME_WIDTH: Final = 17  # `session.created` and its like, and two spaces


def worst(findings: Sequence[Finding]) -> Verdict:
    """How it ended in all: what was skipped is no verdict."""
    found = {finding.verdict for finding in findings}
    return next((one for one in (Verdict.FAILED, Verdict.WARNING) if one in found), Verdict.OK)


def lines(finding: Finding, *, coloured: bool) -> Iterator[str]:
    """One check for a person; what is wrong with it, and what to do, indented below."""
    word, colour = _MARKS[finding.verdict]
    mark = f"{colour}{word}{_PLAIN}" if coloured else word
    took = "" if finding.verdict is Verdict.SKIPPED else f"  ({finding.took_ms:.0f} ms)"
    pad = " " * (_MARK_WIDTH - len(word))
    yield f"{mark}{pad}{finding.check:<{_NAME_WIDTH}}{_printable(finding.seen)}{took}"
    indent = " " * (_MARK_WIDTH + _NAME_WIDTH)
    if finding.cause:
        yield f"{indent}cause:  {_printable(finding.cause)}"
    if finding.action:
        yield f"{indent}action: {_printable(finding.action)}"


def total(findings: Sequence[Finding]) -> str:
    """The last line."""
    words = {Verdict.OK: "fine", Verdict.WARNING: "to be looked at"}
    counts = (
        (sum(finding.verdict is verdict for finding in findings), words.get(verdict, verdict.value))
        for verdict in Verdict
    )
    return ", ".join(f"{count} {word}" for count, word in counts if count)


def as_json(findings: Sequence[Finding], *, version: str, at: str) -> dict[str, Any]:
    """All of it; *at*: when, as ISO 8601."""
    return {
        "voiced": version,
        "at": at,
        "verdict": worst(findings).value,
        "findings": [
            {**attrs.asdict(finding), "verdict": finding.verdict.value} for finding in findings
        ],
    }


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
