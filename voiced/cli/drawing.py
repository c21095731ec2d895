"""How the picture of `voicectl watch` looks: rows of text for a terminal of any size.

Law of this file: a row is a line, never longer than the terminal is wide, and words from far away are
text in it and nothing else: no control character, no markup. There are no frames around words, so that
a script that runs from right to left disturbs its own line only. Needs rich (`voiced[screen]`).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from attrs import define, field
from rich.console import Console
from rich.text import Text

from voiced.cli.card import duration, printable
from voiced.cli.picture import QUIETEST_DBFS, Picture

Row = Text

_MARGIN: Final = 13  # what a row's name takes
_NUMBERS: Final = 22  # what stands behind a meter: " -12 dB  volume 100 %"
_MOST_BAR: Final = 60
_FEWEST_WORDS: Final = 3  # rows, before something else gives way
_MOST_EXPLAINED: Final = 4  # rows
_NARROWEST: Final = 20
_LOUD_DBFS: Final = -6.0  # from here on it may clip

_DIM: Final = "bright_black"
_PHASES: Final = {
    "connecting": "black on yellow",
    "listening": "black on green",
    "hearing": "black on cyan",
    "thinking": "black on magenta",
    "speaking": "white on blue",
    "cooling_down": "black on yellow",
    "muted": "black on yellow",
    "fault": "white on red",
}
_DIRECTIONS: Final = (("user", "microphone"), ("assistant", "loudspeaker"))
_VOICES: Final = {"user": "cyan", "assistant": "blue", "function": _DIM}
_FIGURES: Final = {  # the most telling first: a narrow terminal shows fewer
    "total": "total",
    "stopped": "stopped",
    "committed": "committed",
    "created": "created",
    "first_delta": "1st delta",
    "first_sound": "1st sound",
    "silence": "silence",
}


def rows(picture: Picture, now_s: float, width: int, height: int, pen: Console) -> list[Row]:
    """The whole screen, *height* rows at most, each at most *width* columns wide."""
    width = max(width, _NARROWEST)
    blocks = {
        "head": [_head(picture, now_s, width), *_troubles(picture, now_s, width, pen)],
        "meters": list(_meters(picture, now_s, width, pen)),
        "words": [],
        "turn": list(_turn(picture, width, pen)),
        "link": list(_link(picture, now_s)),
        "usage": list(_usage(picture)),
        "losses": list(_losses(picture, now_s)),
    }
    for least in ("usage", "turn", "losses", "link", "meters"):  # the first gives way first
        if sum(map(len, blocks.values())) + _FEWEST_WORDS + 1 > height:
            blocks[least] = []
    room = height - sum(map(len, blocks.values())) - 1
    if room > 0:
        blocks["words"] = [_rule("words", width, pen), *_words(picture, width, room, pen)]
    drawn = [row for block in blocks.values() for row in block][:height]
    for row in drawn:
        if picture.absence:
            row.stylize(_DIM)
        row.truncate(width, overflow="ellipsis")
    return drawn


# --- the parts ------------------------------------------------------------------------------------


def _head(picture: Picture, now_s: float, width: int) -> Row:
    row = Text()
    if picture.absence:
        row.append(f" {picture.absence} ", "white on red")
    elif not picture.phase:
        row.append(" asking voiced ", "reverse")
    else:
        name = picture.phase.replace("_", " ")
        row.append(f" {_clean(name)} ", f"bold {_PHASES.get(picture.phase, 'reverse')}")
        row.append(f" for {duration(now_s - picture.since_s)}")
    corner = f"voiced {_clean(picture.version)}  q ends" if picture.version else "q ends"
    if (gap := width - row.cell_len - len(corner)) > 0:
        row.append(" " * gap + corner, _DIM)
    return row


def _troubles(picture: Picture, now_s: float, width: int, pen: Console) -> Iterator[Row]:
    if picture.absence:
        for line in Text(_clean(picture.away)).wrap(pen, width - _MARGIN)[:_MOST_EXPLAINED]:
            yield _row("", line.plain)
        return
    if waited_s := picture.unanswered_s(now_s):
        yield _row("", f"voiced has not answered for {duration(waited_s)}", "red")
    if picture.why:
        yield _row("why", picture.why, "yellow")


def _meters(picture: Picture, now_s: float, width: int, pen: Console) -> Iterator[Row]:
    full, empty = ("#", "-") if pen.options.ascii_only else ("█", "░")
    room = min(_MOST_BAR, width - _MARGIN - _NUMBERS)
    for who, device in _DIRECTIONS:
        if fault := picture.devices.get(device, {}).get("fault"):
            yield _row(device, fault, "red")
            continue
        dbfs = picture.meters[who].dbfs(now_s)
        filled = round(room * min(1.0, 1.0 - dbfs / QUIETEST_DBFS))
        row = _row(device, "")
        row.append(full * filled, "red" if dbfs > _LOUD_DBFS else "green")
        row.append(empty * (room - filled), _DIM)
        row.append(f" {dbfs:4.0f} dB" if dbfs > QUIETEST_DBFS else "  quiet", _DIM)
        if device == "loudspeaker" and picture.volume_percent is not None:
            row.append(f"  volume {picture.volume_percent} %", _DIM)
        yield row


def _words(picture: Picture, width: int, room: int, pen: Console) -> list[Row]:
    """The newest words, at the foot of the room they have."""
    drawn: list[Row] = []
    if not picture.may_read and picture.phase:
        drawn = [
            Text('not shown: to read them takes the right "words" ([control] group_may)', _DIM)
        ]
    for said in reversed(picture.said):
        style = _VOICES.get(said.who, "")
        wrapped = Text(_clean(said.text)).wrap(pen, width - _MARGIN)
        for line in reversed(wrapped):
            line.rstrip()
            row = Text(" " * _MARGIN)
            if line is wrapped[0]:
                row = Text(f"{_clean(said.who):>{_MARGIN - 2}}  "[:_MARGIN], style)
            row.append(line.plain, "" if said.final else "italic")
            drawn.insert(0, row)
        if len(drawn) >= room:
            break
    return [Text()] * (room - len(drawn)) + drawn[len(drawn) - min(room, len(drawn)) :]


def _turn(picture: Picture, width: int, pen: Console) -> Iterator[Row]:
    last = picture.last_turn
    title = "turns"
    if last is not None:
        title = f"last turn: {_clean(last.outcome)}"
        if last.of_ms:
            title += f", heard {last.heard_ms / 1000:.1f} of {last.of_ms / 1000:.1f} s"
    elif not picture.turns:
        return
    yield _rule(title, width, pen)
    if picture.turns:
        counts = (f"{count} {outcome}" for outcome, count in picture.turns.items())
        yield _row("turns", ", ".join(counts))
    figures = [name for name in _FIGURES if _known(picture, name)]
    if figures:
        yield _figures("ms", figures, _FIGURES, width, _DIM)
        yield _figures("last", figures, {} if last is None else last.figures_ms, width)
        for rank in ("p50", "p95"):
            ranked = {name: told[rank] for name, told in picture.latencies_ms.items()}
            yield _figures(rank, figures, ranked, width)


def _known(picture: Picture, figure: str) -> bool:
    last = picture.last_turn
    return figure in picture.latencies_ms or (last is not None and figure in last.figures_ms)


def _figures(
    name: str, figures: Iterable[str], told: Mapping[str, object], width: int, style: str = ""
) -> Row:
    row = _row(name, "")
    for figure in figures:
        columns = max(len(_FIGURES[figure]), 5) + 2
        if row.cell_len + columns > width:
            break
        row.append(f"{told.get(figure, '-')!s:>{columns - 2}}  ", style)
    return row


def _link(picture: Picture, now_s: float) -> Iterator[Row]:
    if not (link := picture.link):
        return
    row = _row("link", link["session_id"] or "no session yet")
    row.append(f", {link['attempts']} connection{'' if link['attempts'] == 1 else 's'}")
    if link["strikes"]:
        row.append(f", {link['strikes']} faults in a row", "yellow")
    resumes_in_s = picture.resumes_in_s(now_s)
    if resumes_in_s is not None:
        row.append(f", again in {resumes_in_s:.0f} s", "yellow")
    yield row
    trouble = picture.trouble
    if trouble is not None:
        ago = f"{duration(now_s - trouble.at_s)} ago: " if now_s - trouble.at_s >= 1 else ""
        yield _row("last fault", f"{ago}{trouble.what.replace('_', ' ')} {trouble.why}")
    elif link["fault"]:
        yield _row("last fault", link["fault"])


def _usage(picture: Picture) -> Iterator[Row]:
    parts = []
    for span in ("session", "today", "month"):
        bill = picture.usage.get(span, {})
        if tokens := bill.get("total_tokens"):
            cost = "" if bill["cost"] is None else f"{bill['cost']:.2f} {bill['currency']}, "
            parts.append(f"{span} {cost}{tokens} tokens")
    budget = picture.usage.get("budget", {})
    if share := budget.get("share"):
        parts.append(f"{100 * share:.0f} % of the budget")
    if parts:
        yield _row("usage", "; ".join(parts), "yellow" if budget.get("why") else "")
    if budget.get("why"):
        yield _row("budget", budget["why"], "yellow")


def _losses(picture: Picture, now_s: float) -> Iterator[Row]:
    fresh = picture.newly_lost(now_s)
    row = _row("lost", "")
    # What grows comes first: the line may be too short for all.
    for name, count in sorted(
        (picture.losses or {}).items(), key=lambda each: each[0] not in fresh
    ):
        row.append(", " if row.cell_len > _MARGIN else "")
        row.append(f"{_clean(name.replace('_', ' '))} {count}", "yellow" if name in fresh else "")
    if row.cell_len > _MARGIN:
        yield row
    if picture.lagged:
        sentence = f"{picture.lagged} events: this terminal, or the way to it, is too slow"
        yield _row("not seen", sentence, "yellow")


# --- rows -----------------------------------------------------------------------------------------


def _row(name: str, told: str, style: str = "") -> Row:
    return Text(f" {name:<{_MARGIN - 1}}", _DIM, end="").append(_clean(told), style)


def _rule(title: str, width: int, pen: Console) -> Row:
    stroke = "-" if pen.options.ascii_only else "─"
    return Text(f"{stroke * 2} {title} ".ljust(width, stroke), _DIM)


def _clean(told: str) -> str:
    """Text without anything that a terminal, or rich, would obey."""
    return printable(told)


# --- onto a terminal ------------------------------------------------------------------------------

_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"  # terminals that know it show all of it at once
_REST_OF_LINE: Final = "\x1b[K"
_ALL: Final = "\x1b[2J"


@define(eq=False)
class Painter:
    """Turns rows into what a terminal must be sent: those alone that are not there already."""

    pen: Console
    _there: list[Row] = field(factory=list, init=False)
    _size: tuple[int, int] = field(default=(0, 0), init=False)

    def forget(self) -> None:
        """Somebody else has written on the screen: draw all of it next time."""
        self._size = (0, 0)

    def paint(self, picture: Picture, now_s: float, columns: int, lines: int) -> str:
        """What makes the screen show *picture*; empty, if it does."""
        sent = ""
        if self._size != (columns, lines):
            self._size, self._there, sent = (columns, lines), [], _ALL
        # One column stays free: to clear the rest of a line must not clear its last character.
        wanted = rows(picture, now_s, columns - 1, lines, self.pen)
        blank = Text()
        for number in range(max(len(wanted), len(self._there))):
            row = wanted[number] if number < len(wanted) else blank
            if number >= len(self._there) or not _same(row, self._there[number]):
                sent += f"\x1b[{number + 1};1H{self._inked(row)}{_REST_OF_LINE}"
        self._there = wanted
        return f"{_BEGIN}{sent}{_END}" if sent else ""

    def _inked(self, row: Row) -> str:
        with self.pen.capture() as captured:
            self.pen.print(row, end="", no_wrap=True, overflow="ignore", crop=False)
        return captured.get()


def _same(one: Row, other: Row) -> bool:
    return one == other and one.style == other.style
