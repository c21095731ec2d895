"""The log: what becomes of a record before it is written.

Each record becomes an `Entry`, loses what looks like a secret, waits its turn if it is a repeat, and goes to
one writer. A log that can't be written is no reason to stop, nor to print a trace: it is counted, and
said as soon as it can be.
"""

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final, NoReturn, TextIO

import attrs
import trio

from voiced.cli.log_writers import Line, Writer, writer_for
from voiced.config.logs import Log
from voiced.logbook.entry import Entry
from voiced.logbook.lines import moment_line, words_line
from voiced.logbook.masking import Masks
from voiced.logbook.reading import entry_of
from voiced.logbook.recent import Recent
from voiced.logbook.rendering import as_json
from voiced.logbook.throttle import Summary, Throttle
from voiced.notices import Happened, Moment, NoticeBoard, Transcribed

log = logging.getLogger(__name__)

_WINDOW_S: Final = 10.0  # in which repeats are summed up
_BURST: Final = 20  # of what is no warning: steps of a talk are alike, and wanted
_TENDS_EVERY_S: Final = 1.0

_NO_TELLING: Final = frozenset({"item", "session", "event", "context"})
"""Fields that are others each time: what differs in nothing else is a repeat."""

_BEGINNINGS: Final = frozenset({Moment.DIALLING, Moment.RENEWED})


@attrs.define(eq=False, slots=False)
class Logbook(logging.Handler):
    """The one handler. Receives: records of any thread. Loses, counted: what could not be written."""

    writer: Writer
    out: TextIO
    verbose: bool
    masks: Masks = attrs.field(factory=Masks)
    clock_s: Callable[[], float] = time.perf_counter
    recent: Recent = attrs.field(factory=Recent, init=False)
    unwritten: int = attrs.field(default=0, init=False)
    _began_s: float = attrs.field(init=False)  # the session, by our clock
    _loud: Throttle = attrs.field(factory=lambda: Throttle(_WINDOW_S), init=False)
    _quiet: Throttle = attrs.field(factory=lambda: Throttle(_WINDOW_S, _BURST), init=False)
    _last: dict[str, Line] = attrs.field(factory=dict, init=False)  # what is held back, by key

    def __attrs_pre_init__(self) -> None:
        super().__init__()

    def __attrs_post_init__(self) -> None:
        self._began_s = self.clock_s()

    def emit(self, record: logging.LogRecord) -> None:
        """Write *record*, or hold it back."""
        now = self.clock_s()
        entry = self._masked(entry_of(record.msg, record.args))
        if record.exc_info and record.exc_info[1] is not None:
            kind = type(record.exc_info[1]).__name__
            entry = attrs.evolve(entry, fields={**entry.fields, "exception": kind})
        at = datetime.fromtimestamp(record.created)
        ms = round((now - self._began_s) * 1000) if self.verbose else None
        line = Line(entry, record.levelname, record.name, at, ms)
        self._sum_up(now)
        if self._passes(line, record.levelno, now):
            self._write(line)

    def tend(self) -> None:
        """Tell what has been held back for long enough."""
        self.acquire()
        try:
            self._sum_up(self.clock_s())
        finally:
            self.release()

    def close(self) -> None:
        """Tell what is held back, and nothing more."""
        self.acquire()
        try:
            for summary in [*self._loud.end(), *self._quiet.end()]:
                self._tell(summary)
            self.writer.close()
        finally:
            self.release()
        super().close()

    def adopt(self, settings: Log, form: str | None) -> None:
        """Write as the settings want it, or in the *form* that was asked for by hand."""
        self.acquire()
        try:
            self.writer.close()
            self.writer = writer_for(form or settings.format, self.out, os.environ)
        finally:
            self.release()

    def follow(self, happened: Happened) -> None:
        """Put a moment on the timeline of its session; be told of each by the board."""
        now_s = trio.current_time()
        if happened.moment in _BEGINNINGS:
            self._began_s = self.clock_s() - (now_s - happened.at_s)
            self.recent.session_begins()
        since_s = (self.clock_s() - self._began_s) - (now_s - happened.at_s)
        moment, at_ms = happened.moment, round(since_s * 1000)
        entry = moment_line(moment, at_ms, happened.item_id, happened.heard_ms, happened.detail)
        self.recent.moment(as_json(self._masked(entry), {}))
        log.debug(entry)

    async def attend(self, board: NoticeBoard, settings: Log) -> NoReturn:
        """Tell repeats in time, and the words on *board* if the owner wants them here, until cancelled."""
        async with trio.open_nursery() as nursery:
            if settings.transcripts:
                nursery.start_soon(_write_words, board, name="transcripts")
            while True:
                await trio.sleep(_TENDS_EVERY_S)
                self.tend()

    def _masked(self, entry: Entry) -> Entry:
        hide = self.masks.hide
        return attrs.evolve(
            entry,
            event=hide(entry.event),
            name=hide(entry.name),
            sentence=hide(entry.sentence),
            fields={k: hide(v) if isinstance(v, str) else v for k, v in entry.fields.items()},
        )

    def _passes(self, line: Line, level: int, now: float) -> bool:
        if line.entry.canonical or level <= logging.DEBUG:
            return True
        throttle = self._loud if level >= logging.WARNING else self._quiet
        key = _likeness(line)
        if throttle.passes(key, now):
            return True
        self._last[key] = line
        return False

    def _sum_up(self, now: float) -> None:
        for summary in [*self._loud.due(now), *self._quiet.due(now)]:
            self._tell(summary)

    def _tell(self, summary: Summary) -> None:
        line = self._last.pop(summary.key)
        fields = {**line.entry.fields, "repeats": summary.count, "in_s": round(summary.in_s, 1)}
        self._write(attrs.evolve(line, entry=attrs.evolve(line.entry, fields=fields)))

    def _write(self, line: Line) -> None:
        stamp = line.at.isoformat(timespec="milliseconds")
        self.recent.line(as_json(line.entry, {"at": stamp, "level": line.level, **line.about}))
        try:
            if self.unwritten:
                lost = Entry("log lines lost", {"count": self.unwritten})
                self.writer.write(attrs.evolve(line, entry=lost, level="WARNING"))
                self.unwritten = 0
            self.writer.write(line)
        except (OSError, ValueError):
            self.unwritten += 1


def _likeness(line: Line) -> str:
    """What makes a line a repeat of another: the same event, and no other words in it."""
    entry = line.entry
    told = [
        f"{key}={value}"
        for key, value in entry.fields.items()
        if isinstance(value, str) and key not in _NO_TELLING
    ]
    return "\n".join([line.logger, entry.event, *told, entry.sentence])


async def _write_words(board: NoticeBoard) -> None:
    with board.watch() as notices:
        async for notice in notices:
            if isinstance(notice, Transcribed) and notice.final and notice.text:
                log.info(words_line(notice.who.value, notice.item_id, notice.text))


@contextmanager
def logbook(
    *, verbose: bool, least: str = "INFO", form: str = "auto", out: TextIO | None = None
) -> Iterator[Logbook]:
    """Log from now on: from level *least* on, or everything; other libraries' warnings, too."""
    stream = out or sys.stderr
    book = Logbook(writer_for(form, stream, os.environ), stream, verbose)
    root, ours = logging.getLogger(), logging.getLogger("voiced")
    before = ours.level
    root.addHandler(book)
    ours.setLevel("DEBUG" if verbose else least)
    try:
        yield book
    finally:
        root.removeHandler(book)
        ours.setLevel(before)
        book.close()
