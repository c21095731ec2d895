"""What was used, what it cost and how long turns took, for people: `voicectl stats` without `--json`."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

_WIDTH: Final = 16
_SPANS: Final = {"session": "this session", "today": "today", "month": "this month"}


def lines(stats: Mapping[str, Any]) -> Iterator[str]:
    """The figures, one to a line."""
    usage = stats["usage"]
    for span, name in _SPANS.items():
        yield _row(name, _bill(usage[span]))
    yield _row("budget", budget(usage["budget"]))
    if stats["turns"]:
        turns = ", ".join(f"{count} {outcome}" for outcome, count in stats["turns"].items())
        yield _row("turns", turns)
    for figure, ms in stats["latencies_ms"].items():
        name = figure.replace("_", " ")
        yield _row(name, f"{ms['p50']} ms usually, {ms['p95']} ms at worst (p95)")
    for name, count in stats["counts"].items():
        yield _row(name.replace("_", " "), f"{count}")


def budget(standing: Mapping[str, Any]) -> str:
    """How it stands with the owner's limits, in one line."""
    if standing["why"]:
        return str(standing["why"])
    if standing["share"] is None:
        return "no limits"
    return f"{100 * standing['share']:.0f} % used"


def _bill(bill: Mapping[str, Any]) -> str:
    told = [f"{bill['total_tokens']} tokens"]
    if bill["transcription_s"]:
        told.append(f"{bill['transcription_s']:.0f} s written down")
    if bill["cost"] is None:
        told.append("cost unknown: [prices] has none")
    elif bill["total_tokens"] or bill["transcription_s"]:
        least = "" if bill["cost_is_whole"] else "at least "
        told.append(f"{least}{bill['cost']:.4f} {bill['currency']}".rstrip())
    kinds = ", ".join(f"{kind.replace('_', ' ')} {count}" for kind, count in bill["tokens"].items())
    return ", ".join(told) + (f" ({kinds})" if kinds else "")


def _row(name: str, told: str) -> str:
    return f"{name:<{_WIDTH}} {told}"
