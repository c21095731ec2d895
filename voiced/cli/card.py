"""The status card, for people: what `voicectl status` prints without `--json`."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from voiced.cli import figures

_WIDTH: Final = 12
_LOST: Final = (
    "dropped",
    "lost",
    "late",
    "overflows",
    "stray",
    "unheard",
    "underflows",
    "underruns",
    "unsent",
)
"""What a name of a tally holds that means a loss; the others are in --json."""


def lines(card: Mapping[str, Any]) -> Iterator[str]:
    """The card, a fact to a line."""
    phase = card["phase"].replace("_", " ")
    yield f"voiced {card['version']}: {phase} for {duration(card['for_s'])}"
    if card["why"]:
        yield _row("why", card["why"])
    yield _row("link", _link(card["link"]))
    for device, state in card["devices"].items():
        yield _row(device, state["fault"] or _fine(device, state, card))
    yield _row("volume", f"{card['volume_percent']} %")
    if card["budget"]["share"] is not None:
        yield _row("budget", figures.budget(card["budget"]))
    yield from _told(card)
    if lost := losses(card["tally"]):
        told = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in lost.items())
        yield _row("lost", told)


def _told(card: Mapping[str, Any]) -> Iterator[str]:
    """What there may be to tell of the conversation."""
    if card["turns"]:
        turns = ", ".join(f"{count} {outcome}" for outcome, count in card["turns"].items())
        yield _row("turns", turns)
    if total := card["latencies_ms"].get("total"):
        yield _row("delay", f"{total['p50']} ms usually, {total['p95']} ms at worst (p95)")
    for name in ("context", "probes", "echo"):
        if card.get(name):
            yield _row(name, card[name])
    for who, words in card.get("words", {}).items():
        if words:
            yield _row(who, printable(words))


def _fine(device: str, state: Mapping[str, Any], card: Mapping[str, Any]) -> str:
    told = _muted(card) if device == "microphone" and card["muted"] else "ok"
    return f"{told} ({printable(state['name'])})" if state.get("name") else told


def _muted(card: Mapping[str, Any]) -> str:
    if card.get("muted_by_switch"):
        return "ok, but muted by its switch: nothing is heard until that is turned"
    return "ok, but muted: nothing is heard until voicectl unmute"


def losses(tally: Mapping[str, int]) -> dict[str, int]:
    """Those of the numbers that mean a loss."""
    return {name: count for name, count in tally.items() if any(word in name for word in _LOST)}


def _link(link: Mapping[str, Any]) -> str:
    told = [f"session {link['session_id']}"] if link["session_id"] else ["no session yet"]
    told.append(f"{link['attempts']} connection{'' if link['attempts'] == 1 else 's'}")
    if link["strikes"]:
        told.append(f"{link['strikes']} faults in a row")
    if link["resumes_in_s"] is not None:
        told.append(f"again in {duration(link['resumes_in_s'])}")
    if link["fault"]:
        told.append(f"last fault: {link['fault']}")
    return ", ".join(told)


def _row(name: str, told: str) -> str:
    return f"  {name:<{_WIDTH}}{told}"


def duration(seconds: float) -> str:
    """Seconds, as a person says them."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    if seconds < 86_400:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86_400:.1f} d"


def printable(text: str) -> str:
    """One line without control characters: words come from far away, and a terminal obeys."""
    return "".join(char if char.isprintable() else " " for char in text).strip()
