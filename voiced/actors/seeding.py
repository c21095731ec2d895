"""Seeding: the conversation so far, put into a new session before any sound goes up."""

import logging
from collections.abc import Iterator, Sequence

import attrs
import trio

from voiced.actors.line import Line
from voiced.faults import LinkError, SessionOver, Trouble
from voiced.link.memory import Entry, Restored
from voiced.realtime.client_events import CreateItem, DeleteItem
from voiced.realtime.codec import Skipped
from voiced.realtime.objects import ErrorDetails
from voiced.realtime.server_events import ItemAdded, ItemCreated, ItemDone, Refused, ServerEvent
from voiced.verdicts import Verdict, judge_code

log = logging.getLogger(__name__)


async def seed(line: Line, entries: Sequence[Entry], limit_s: float) -> Restored:
    """Put *entries* at the end of the conversation; say how much of them the server has confirmed.

    For a session that has been configured and in which nobody speaks yet: the line is listened to
    until all items are settled or *limit_s* have passed, and what it says of other things then is
    not passed on. An item that is refused is left out, with its other half if it has one. Raises
    `SessionOver` when the server says that the session can't go on, `LinkError` when it takes no
    more, and what the line raises, in groups.
    """
    batch = _Batch(entries)
    with trio.move_on_after(limit_s) as limit:
        async with trio.open_nursery() as nursery:
            # Both at once: a server that is not listened to stops listening too.
            nursery.start_soon(_send, line, batch, name="seed")
            while batch.waiting:
                event = await line.hear()
                if not isinstance(event, Skipped):
                    batch.hear(event)
        for half in batch.halves():
            await line.say(DeleteItem(half))
    if limit.cancelled_caught:
        if line.torn:
            raise LinkError(
                f"the server did not take the conversation so far within {limit_s:g} s",
                Trouble.STUCK,
            )
        log.warning("context unconfirmed items=%d limit_s=%g", len(batch.waiting), limit_s)
    return batch.restored


async def _send(line: Line, batch: "_Batch") -> None:
    for item in batch.items():
        await line.say(item)


@attrs.define(eq=False)
class _Batch:
    """What became of each item. Ids are made of entries' numbers: unique within a session however
    often it is seeded, and short (32 characters are allowed).
    """

    entries: Sequence[Entry]
    waiting: dict[str, Entry] = attrs.field(init=False)  # in order, sent or yet to be
    _sent: set[str] = attrs.field(factory=set, init=False)
    _refused: set[int] = attrs.field(factory=set, init=False)  # entries
    _there: dict[str, Entry] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.waiting = {_name(e, n): e for e in self.entries for n in range(len(e.items))}

    def items(self) -> Iterator[CreateItem]:
        """What is to be sent; not the output of a call that has been refused already."""
        for entry in self.entries:
            for n, item in enumerate(entry.items):
                name = _name(entry, n)
                if name in self.waiting:
                    self._sent.add(name)
                    yield CreateItem(item, name, event_id=name)

    def hear(self, event: ServerEvent) -> None:
        """Settle what *event* is about."""
        match event:
            case ItemAdded(item=item) | ItemDone(item=item) | ItemCreated(item=item):
                if item.id in self.waiting:
                    self._there[item.id] = self.waiting.pop(item.id)
            case Refused(error=error):
                self._refuse(error)
            case _:
                pass

    def halves(self) -> list[str]:
        """What is there of entries that were refused: a call's output is nothing without it."""
        return [name for name, entry in self._there.items() if entry.number in self._refused]

    @property
    def restored(self) -> Restored:
        """How much is there, in whole entries."""
        missing = {entry.number for entry in self.waiting.values()} | self._refused
        whole = [entry for entry in self.entries if entry.number not in missing]
        return Restored(_count(whole), _count(self.entries))

    def _refuse(self, error: ErrorDetails) -> None:
        if judge_code(error.code, error.kind).verdict > Verdict.RETRY_TURN:
            raise SessionOver(error.code or error.kind, error.message, opening=True)
        name = error.blamed or next((name for name in self.waiting if name in self._sent), "")
        log.warning("refused code=%s message=%r item=%s", error.code, error.message, name)
        entry = self.waiting.pop(name, None)
        if entry is None:
            return
        self._refused.add(entry.number)
        for n in range(len(entry.items)):
            if _name(entry, n) not in self._sent:
                self.waiting.pop(_name(entry, n), None)


def _name(entry: Entry, n: int) -> str:
    return f"carried_{entry.number}_{n}"


def _count(entries: Sequence[Entry]) -> int:
    return sum(len(entry.items) for entry in entries)
