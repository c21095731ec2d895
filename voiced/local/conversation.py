"""The conversation: items in their order, and what may be done to them.

Law of this file: pure. No events are built here but an item's face; refusals are raised with the
live server's words. Bounded in items and in kept sound: the oldest goes first, as the service
itself drops the oldest when its context is full.
"""

import base64
import copy
import json
from collections.abc import Iterator
from typing import Final

from attrs import define, field

from voiced.local import refusals
from voiced.local.heard import Heard
from voiced.local.sound import BYTES_PER_MS, WireFormat, to_wire
from voiced.local.wire import Json

MOST_ITEMS: Final = 1_000
MOST_CHARACTERS: Final = 32 << 20  # one item may have 24 MiB, by the limit of an event
ROOT: Final = "root"


@define(eq=False)
class Item:
    """One item: its face on the wire, and the sound behind it."""

    face: Json
    """The item as it is shown, without audio."""
    audio: bytearray = field(factory=bytearray)
    """24 kHz PCM16."""
    audio_bytes: int = 0
    """How much audio there is, even when it is kept no longer."""
    heard: Heard | None = None
    truncated: bool = False
    weight: int = field(init=False, default=0)
    """How many characters the face takes, as far as it is known when the item is added."""

    @property
    def id(self) -> str:
        """The item's id."""
        found: str = self.face["id"]
        return found

    @property
    def audio_ms(self) -> int:
        """How long the audio is, in whole milliseconds."""
        return self.audio_bytes // BYTES_PER_MS

    @property
    def is_model_audio(self) -> bool:
        """Whether this is something the model said aloud."""
        spoken = self.audio_bytes > 0 or self.truncated
        return spoken and self.face.get("role") == "assistant"

    def shown(self) -> Json:
        """Return a copy of the face, for an event."""
        return copy.deepcopy(self.face)

    def add_audio(self, pcm: bytes) -> None:
        """Keep more of what is being generated, unless the client has cut it."""
        if not self.truncated:
            self.audio += pcm
            self.audio_bytes += len(pcm)


@define(eq=False)
class Conversation:
    """An ordered list of items.

    Args:
        kept_audio_ms: How much sound is kept for ``conversation.item.retrieve``.
    """

    kept_audio_ms: int
    _items: list[Item] = field(init=False, factory=list)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    @property
    def has_spoken(self) -> bool:
        """Whether any assistant audio is present."""
        return any(item.is_model_audio for item in self._items)

    @property
    def last_id(self) -> str | None:
        """The id of the newest item."""
        return self._items[-1].id if self._items else None

    def find(self, item_id: str) -> Item | None:
        """Return an item by its id."""
        return next((item for item in self._items if item.id == item_id), None)

    def before(self, item_id: str) -> str | None:
        """Return the id of the item before, None for the first."""
        ids = [None, *(item.id for item in self._items)]
        return ids[ids.index(item_id) - 1] if item_id in ids else None

    def append(self, item: Item) -> str | None:
        """Add *item* at the end; return the id before it."""
        return self.insert(item, None)

    def insert(self, item: Item, after: str | None) -> str | None:
        """Add *item* after another (``root``: at the head; None: at the end).

        Raises:
            Refusal: the id is taken, or the other item does not exist.
        """
        if self.find(item.id) is not None:
            raise refusals.duplicate_item(item.id)
        place = len(self._items)
        if after == ROOT:
            place = 0
        elif after is not None:
            if self.find(after) is None:
                raise refusals.no_such_previous_item(after)
            place = [other.id for other in self._items].index(after) + 1
        self._items.insert(place, item)
        previous = self._items[place - 1].id if place else None
        item.weight = len(json.dumps(item.face))
        self.tidy()
        return previous

    def delete(self, item_id: str) -> None:
        """Remove an item."""
        self._items.remove(self._known(item_id, "delete"))

    def retrieve(self, item_id: str, wire: WireFormat) -> Json:
        """Return an item's face with its audio."""
        item = self._known(item_id, "retrieve")
        face = item.shown()
        for part in face.get("content", ()):
            if part["type"] in ("input_audio", "output_audio"):
                part["audio"] = base64.b64encode(to_wire(bytes(item.audio), wire)).decode()
        return face

    def truncate(self, item_id: str, content_index: int, audio_end_ms: int) -> None:
        """Cut what the model said to what was heard; its transcript goes altogether.

        Raises:
            Refusal: no such item, nothing of the kind, or shorter already.
        """
        item = self._known(item_id, "truncate")
        if not item.is_model_audio:
            raise refusals.only_model_audio()
        if content_index != 0:
            raise refusals.invalid("content_index", "Only content_index 0 can be truncated.")
        if audio_end_ms > item.audio_ms:
            raise refusals.already_shorter(item.audio_ms, audio_end_ms)
        item.truncated = True
        del item.audio[audio_end_ms * BYTES_PER_MS :]
        item.audio_bytes = audio_end_ms * BYTES_PER_MS
        item.face["content"][0]["transcript"] = None

    def tidy(self) -> None:
        """Forget the oldest items and the oldest sound beyond the limits."""
        del self._items[:-MOST_ITEMS]
        written = sum(item.weight for item in self._items)
        while written > MOST_CHARACTERS and len(self._items) > 1:
            written -= self._items.pop(0).weight
        held = sum(len(item.audio) for item in self._items)
        for item in self._items[:-1]:
            if held <= self.kept_audio_ms * BYTES_PER_MS:
                return
            held -= len(item.audio)
            item.audio.clear()

    def _known(self, item_id: str, verb: str) -> Item:
        item = self.find(item_id)
        if item is None:
            raise refusals.no_such_item(verb, item_id)
        return item
