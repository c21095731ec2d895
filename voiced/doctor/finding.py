"""What a check found: its verdict, what was seen, why, and what to do about it. Facts only: nothing is looked at here."""

import enum
from collections.abc import Mapping

import attrs


class Verdict(enum.Enum):
    """How a check ended, gravest last but for the one that was not made."""

    OK = "ok"
    WARNING = "warning"
    """A conversation is possible, but not as good, as safe or as lasting as it could be."""
    FAILED = "failed"
    """No conversation is possible, or none worth having."""
    SKIPPED = "skipped"
    """Not looked at, because something it stands on has failed or it was not asked for; `seen` says which."""


@attrs.frozen(kw_only=True)
class Finding:
    """One check's result, told to the person who can do something about it."""

    check: str
    """The check's name, the same in text and JSON: `audio server`, `firm audio`."""
    verdict: Verdict
    seen: str
    """What was found, in one line; holds no secret."""
    cause: str = ""
    """Why it is so, where that is known; empty where all is well."""
    action: str = ""
    """What to do about it; never empty for a failure."""
    figures: Mapping[str, float | int | str] = attrs.field(factory=dict)
    """What was measured, with the unit in each name (`delay_ms`), for `--json`."""
    took_ms: float = 0.0
    """How long the check took; set by whoever ran it."""
