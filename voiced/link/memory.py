"""Memory: the conversation as text, over all sessions of the daemon, and what of it is carried over.

Theory of operation. A place is taken when an item joins the conversation; its words often come later,
a user's even after the answer has begun, and are put into that place. What has words is an entry: one
message, or a function call with its output directly after it, which are never parted. Each entry is
numbered when its words come, so that a session that was seeded up to some number can be told what is
new since; places give the order. An item without words (not heard, not understood, deleted, a call
without its output) is no entry: left out, rather than carried as a riddle.
"""

import math
from collections.abc import Container, Iterable
from typing import Any, Final

from attrs import Attribute, define, field, frozen

from voiced.realtime.client_events import (
    AssistantText,
    FunctionCall,
    FunctionCallOutput,
    NewItem,
    UserText,
)

Words = UserText | AssistantText

MOST_PLACES: Final = 1_000  # the oldest go first, as with the service itself
MOST_CHARS: Final = 256_000  # in all; three times what the largest budget carries of English
MOST_CALLS: Final = 64  # that may wait for their output
LONGEST_CHARS: Final = 32_000  # of one entry: half an hour of speech

_PER_ITEM_TOKENS: Final = 4  # role and separators; an estimate, as all of it
_LEFT_OUT: Final = "... "  # stands for the beginning of a text that is too long


@frozen
class Entry:
    """What is carried whole or not at all: one message, or a call and its output."""

    number: int
    items: tuple[NewItem, ...] = field()

    @items.validator
    def _belong_together(self, _: "Attribute[Any]", value: tuple[NewItem, ...]) -> None:
        match value:
            case (UserText() | AssistantText(),):
                pass
            case (FunctionCall(call_id=call_id), FunctionCallOutput(call_id=of)) if of == call_id:
                pass
            case _:
                raise ValueError("an entry is one message, or a call and its output")


@frozen
class Restored:
    """How much of what should be carried over is in the session."""

    items: int
    of_items: int

    def __str__(self) -> str:
        if not self.of_items:
            return "nothing to restore"
        if self.items == self.of_items:
            return f"{self.items} item{'s' if self.items > 1 else ''} restored"
        return f"{self.items} of {self.of_items} items restored"


@define(eq=False)
class _Place:
    """Where an item stands; without words it is empty."""

    items: tuple[NewItem, ...] = field(default=(), repr=False)
    number: int = 0

    @property
    def chars(self) -> int:
        return sum(len(text) for item in self.items for text in _texts(item))


_Name = tuple[type[NewItem], str]


@define(eq=False)
class Memory:
    """What was said and heard, in the order of the conversation. Bounded in entries and characters.

    Loses, counted: the oldest entries (`forgotten`), and characters beyond the longest entry.
    """

    changes: int = field(default=0, init=False)  # grows with each; numbers entries
    forgotten: int = field(default=0, init=False)
    lost_chars: int = field(default=0, init=False)
    _places: list[_Place] = field(factory=list, init=False)
    _names: dict[_Name, _Place] = field(factory=dict, init=False)
    _calls: dict[str, FunctionCall] = field(factory=dict, init=False)  # that have no output yet
    _chars: int = field(default=0, init=False)

    def opens(self, kind: type[Words], item_id: str) -> None:
        """An item joins the conversation here, perhaps again; its words may come later."""
        if self._names.get((kind, item_id)) not in self._places:
            self._names.pop((kind, item_id), None)
        self._place((kind, item_id))

    def fills(self, kind: type[Words], item_id: str, text: str) -> None:
        """These are an item's words until now: as understood, or as heard."""
        name = (kind, item_id)
        text = text.strip()
        if not text and name not in self._names:
            return
        self.lost_chars += max(0, len(text) - LONGEST_CHARS)
        self._put(self._place(name), (kind(text[:LONGEST_CHARS]),) if text else ())

    def drops(self, kind: type[Words], item_id: str) -> None:
        """The conversation holds this item no more; words that still come for it do not count."""
        place = self._place((kind, item_id))
        self._put(place, ())
        if place in self._places:
            self._places.remove(place)

    def called(self, call: FunctionCall) -> None:
        """The model called a function here; without its output, that is not remembered."""
        if len(call.arguments) > LONGEST_CHARS:  # JSON, which can't be cut
            self.lost_chars += len(call.arguments)
            return
        self._names.pop((FunctionCall, call.call_id), None)  # an earlier session's, of that id
        self._place((FunctionCall, call.call_id))
        self._calls[call.call_id] = call
        if len(self._calls) > MOST_CALLS:
            del self._calls[next(iter(self._calls))]

    def gave(self, call_id: str, output: str) -> None:
        """That call gave *output*; an unknown call's is left out."""
        call = self._calls.pop(call_id, None)
        if call is None:
            return
        length = len(call.arguments) + len(output)
        if length > LONGEST_CHARS:
            self.lost_chars += length
            return
        pair = (call, FunctionCallOutput(call_id, output))
        self._put(self._place((FunctionCall, call_id)), pair)

    def forget_names(self, keep: Container[str] = ()) -> None:
        """A new session may give these ids anew; only those in *keep* still mean the old items.

        A call may outlive its session: until its id is called again, it is that one's.
        """
        self._names = {
            (kind, item_id): place
            for (kind, item_id), place in self._names.items()
            if kind is FunctionCall or item_id in keep
        }

    def forget(self) -> None:
        """Forget all that was said; what is being said keeps its place, and begins empty."""
        self.forgotten += sum(bool(place.items) for place in self._places)
        self._places.clear()
        self._chars = 0
        self.changes += 1

    def recall(self, entries: Iterable[Entry]) -> None:
        """Begin with what was kept of an earlier life: it stands before all else."""
        places = []
        for entry in entries:
            self.changes += 1
            places.append(_Place(entry.items, self.changes))
            self._chars += places[-1].chars
        self._places[:0] = places
        self._make_room()

    def carry(self, tokens: int, after: int = 0) -> tuple[Entry, ...]:
        """The newest entries that *tokens* pay for, in order, of those numbered above *after*.

        It ends where the budget does and may begin with an answer whose question did not fit. Of
        a newest message that alone is too long, its end is carried.
        """
        carried: list[Entry] = []
        for place in reversed(self._places):
            if not place.items or place.number <= after:
                continue
            cost = sum(map(tokens_of, place.items))
            if cost > tokens:
                if not carried:
                    carried += _end_of(place, tokens)
                break
            tokens -= cost
            carried.append(Entry(place.number, place.items))
        return tuple(reversed(carried))

    def newest(self, most: int) -> tuple[Entry, ...]:
        """The newest *most* entries, in order, whatever they would cost."""
        told: list[Entry] = []
        for place in reversed(self._places):
            if len(told) == most:
                break
            if place.items:
                told.append(Entry(place.number, place.items))
        return tuple(reversed(told))

    def _place(self, name: _Name) -> _Place:
        """Where that item stands: at the end, if it is new."""
        if name not in self._names:
            place = self._names[name] = _Place()
            self._places.append(place)
            self._make_room()
            if len(self._names) > MOST_PLACES:
                del self._names[next(iter(self._names))]
        return self._names[name]

    def _put(self, place: _Place, items: tuple[NewItem, ...]) -> None:
        if place.items == items:
            return
        listed = place in self._places  # what was dropped or forgotten takes no room
        before, place.items = place.chars, items
        self.changes += 1
        place.number = place.number or self.changes
        if listed:
            self._chars += place.chars - before
            self._make_room()

    def _make_room(self) -> None:
        while len(self._places) > MOST_PLACES or self._chars > MOST_CHARS:
            oldest = self._places.pop(0)
            self._chars -= oldest.chars
            self.forgotten += bool(oldest.items)


def tokens_of(item: NewItem) -> int:
    """About how many tokens an item takes; the service's own count is not to be had beforehand.

    Four Latin letters to a token (the usual rule for English), two of other alphabets, one sign of
    scripts without spaces (CJK), and a few for each item.
    """
    quarters = sum(_quarters(char) for text in _texts(item) for char in text)
    return _PER_ITEM_TOKENS + math.ceil(quarters / 4)


def _quarters(char: str) -> int:
    if char < "\u0250":
        return 1
    return 2 if char < "\u2e80" else 4


def _texts(item: NewItem) -> tuple[str, ...]:
    match item:
        case FunctionCall(call_id, name, arguments):
            return call_id, name, arguments
        case FunctionCallOutput(call_id, output):
            return call_id, output
        case _:
            return (item.text,)


def _end_of(place: _Place, tokens: int) -> list[Entry]:
    """As much of the end of a message as *tokens* pay for, in whole words; nothing of a call."""
    (item, *rest) = place.items
    if rest or not isinstance(item, Words):
        return []
    room = 4 * (tokens - _PER_ITEM_TOKENS) - len(_LEFT_OUT)
    start = len(item.text)
    while start and (room := room - _quarters(item.text[start - 1])) >= 0:
        start -= 1
    end = item.text[start:]
    if start and not item.text[start - 1].isspace():
        end = end.partition(" ")[2] or end
    end = end.strip()
    return [Entry(place.number, (type(item)(_LEFT_OUT + end),))] if end else []
