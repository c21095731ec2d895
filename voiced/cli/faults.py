"""`voiced faults`: the table of faults for people, one row of it explained, or as the README prints it.

What belongs here is how the table is shown; what stands in it is `verdicts.py`'s. One row is one line,
so that `grep` and `awk` can do the rest.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from voiced.faults import LinkClosed, LinkRefused, VoicedError
from voiced.verdicts import TABLE, Judgement, Kind, Row, Verdict, judge, judge_code

WE_DO: Final[Mapping[Verdict, str]] = MappingProxyType(
    {
        Verdict.CARRY_ON: "carries on",
        Verdict.RETRY_TURN: "asks again",
        Verdict.RECONNECT: "reconnects",
        Verdict.COOL_DOWN: "tries again after a pause",
        Verdict.GIVE_UP: "waits for you",
    }
)
"""What voiced does, in the words of somebody who watches it."""

HEALS: Final = "waits for you, and looks again now and then"

_STATUSES: Final = range(100, 600)
_CLOSE_CODES: Final = range(1000, 5000)


def faults(sought: str | None, *, markdown: bool) -> int:
    """Print the whole table, or what is known of *sought*: an error code, a close code, a status."""
    if markdown:
        print(as_markdown(), end="")
    elif sought is None:
        print("\n".join(as_lines(TABLE)))
    else:
        print("\n\n".join(explain(sought)))
    return 0


def we_do(judgement: Judgement) -> str:
    """What voiced does about it."""
    return HEALS if judgement.heals else WE_DO[judgement.verdict]


# --- all of it ------------------------------------------------------------------------------------


def as_lines(rows: Iterable[Row]) -> list[str]:
    """One line for each row, in columns: kind, key, what voiced does, cause and action."""
    cells = [(row.kind.value, row.key, we_do(row.judgement), str(row.judgement)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)][:-1]
    return ["  ".join([*map(str.ljust, some[:-1], widths), some[-1]]) for some in cells]


def as_markdown() -> str:
    """The table as the README prints it: what means the same stands in one line."""
    alike: dict[Judgement, list[Row]] = {}
    for row in TABLE:
        alike.setdefault(row.judgement, []).append(row)
    lines = [
        "| What shows | What it means | What voiced does | What you can do |",
        "|---|---|---|---|",
    ]
    for judgement, rows in alike.items():
        cells = (_keys(rows), judgement.cause, we_do(judgement), judgement.action)
        lines.append(f"| {' | '.join(cells)} |".replace("|  |", "| |"))
    return "\n".join(lines) + "\n"


def _keys(rows: list[Row]) -> str:
    """Name *rows* by kind: ``close code `1005`, `1006`; HTTP status `500` ``."""
    named = (
        f"{kind.value} {', '.join(f'`{row.key}`' for row in rows if row.kind is kind)}"
        for kind in Kind
        if any(row.kind is kind for row in rows)
    )
    return "; ".join(named)


# --- one of it ------------------------------------------------------------------------------------


def explain(sought: str) -> Iterator[str]:
    """Say what is known of *sought*, once for each kind of thing that it may be.

    The reason of a close is `<type>.<code>` (seen on the live wire): its code is looked up. What no
    row knows is explained as well: it has its verdict too.
    """
    code = sought.rpartition(".")[2] or sought
    rows = [row for row in TABLE if row.key == code]
    for row in rows:
        yield _card(f"{row.kind.value} {row.key} ({row.source})", row.judgement)
    if not rows:
        yield from _unknown(code)


def _unknown(code: str) -> Iterator[str]:
    number = int(code) if code.isascii() and code.isdecimal() else 0
    fault: VoicedError
    if number in _CLOSE_CODES:
        fault = LinkClosed(number, "closed")
        yield _card(f"close code {code}: not in the table", judge(fault))
    elif number in _STATUSES:
        fault = LinkRefused(number, "refused")
        yield _card(f"HTTP status {code}: not in the table", judge(fault))
    else:
        title = f"error code {code}: not in the table"
        yield _card(f"{title}; in a session that is open", judge_code(code))
        yield _card(f"{title}; while a session is being opened", judge_code(code, opening=True))


def _card(title: str, judgement: Judgement) -> str:
    lines = [title, f"  means:   {judgement.cause}", f"  voiced:  {we_do(judgement)}"]
    return "\n".join([*lines, *([f"  you:     {judgement.action}"] if judgement.action else [])])
