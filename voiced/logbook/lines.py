"""The lines that an owner counts on: one for each turn, each connection, each fault; and the timeline.

Law of this file: facts in, an `Entry` out. Words that were said are in none of them.
"""

from collections.abc import Mapping

from voiced.account.prices import Bill
from voiced.account.usage import Kind
from voiced.faults import ConfigError, LinkClosed, LinkError, LinkRefused, SessionOver, VoicedError
from voiced.logbook.entry import Entry, Value
from voiced.turns.figures import Figure, Percentiles, Turn
from voiced.turns.moments import Moment
from voiced.verdicts import Judgement


def turn_line(
    turn: Turn, bill: Bill, percentiles: Mapping[Figure, Percentiles], session_id: str
) -> Entry:
    """A turn that is over: outcome, each step in ms, how much was heard, what it cost."""
    fields: dict[str, Value] = {"outcome": turn.outcome.value}
    fields |= {f"{figure.value}_ms": ms for figure, ms in turn.figures_ms.items()}
    fields |= {"heard_ms": turn.heard_ms, "of_ms": turn.of_ms}
    if usual := percentiles.get(Figure.TOTAL):
        fields |= {"total_p50_ms": usual.p50_ms, "total_p95_ms": usual.p95_ms}
    fields |= _bill(bill)
    if session_id:
        fields["session"] = session_id
    return Entry("turn", fields, canonical=True)


def _bill(bill: Bill) -> dict[str, Value]:
    if not bill.used:
        return {}
    fields: dict[str, Value] = {"tokens": bill.used.tokens}
    if milliseconds := bill.used.of(Kind.TRANSCRIPTION_MS):
        fields["transcription_s"] = round(milliseconds / 1000, 1)
    if bill.cost.known:
        said = "cost" if bill.cost.whole else "cost_at_least"
        fields[said] = f"{bill.cost.amount:.4f}"
    return fields


def connection_line(
    session_id: str, model: str, *, lasted_s: float, sent_ms: int, lost_events: int
) -> Entry:
    """A connection that is over, from the opening of its gate on."""
    fields: dict[str, Value] = {
        "session": session_id,
        "model": model,
        "lasted_s": round(lasted_s, 1),
        "sent_ms": sent_ms,
    }
    if lost_events:
        fields["lost_events"] = lost_events
    return Entry("session over", fields, canonical=True)


def fault_line(fault: VoicedError, judgement: Judgement, session_id: str, strikes: int) -> Entry:
    """What ended a conversation, what is done about it, and what a person can do."""
    fields: dict[str, Value] = {
        "fault": str(fault),
        "code": code_of(fault),
        "verdict": judgement.verdict.name.lower(),
        "session": session_id,
        "strikes": strikes,
    }
    return Entry("conversation ended", fields, str(judgement), canonical=True)


def code_of(fault: VoicedError) -> str:
    """What a fault is, as `voiced faults` takes it: an error code, a close code, an HTTP status, a trouble
    of the link.
    """
    match fault:
        case SessionOver(code=code, kind=kind):
            return code or kind
        case LinkRefused(status=status):
            return str(status)
        case LinkClosed(code=close):
            return str(close)
        case LinkError(trouble=trouble):
            return trouble.value
        case ConfigError():
            return "config"
        case _:
            return type(fault).__name__


def moment_line(moment: Moment, at_ms: int, item_id: str, heard_ms: int, detail: str) -> Entry:
    """A step of the timeline; *at_ms* from the beginning of the session."""
    fields: dict[str, Value] = {"at_ms": at_ms}
    if item_id:
        fields["item"] = item_id
    if heard_ms:
        fields["heard_ms"] = heard_ms
    return Entry(f"* {moment.value}", fields, detail, name="moment")


def words_line(who: str, item_id: str, text: str) -> Entry:
    """What somebody said: only for owners who want that in their log."""
    return Entry("said", {"who": who, "item": item_id, "text": text}, canonical=True)
