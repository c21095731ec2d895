"""What the server is saying to us: items, their sound, and what became of it. Pure.

Keyed by item, because one response may hold several (seen on the live wire), and kept until the
session ends, because what is late must find what was cut: an item forgotten too early would rise
again with its next delta.
"""

import enum
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

import attrs

from voiced.audio.format import Frame, samples_to_ms
from voiced.audio.framing import FrameSlicer
from voiced.audio.wire import Decoder, WireFormat
from voiced.messages import Heard
from voiced.realtime.client_events import DeleteItem, Truncate

_REMEMBERED: Final = (
    256  # items; a session of an hour has fewer, and a mad server must not fill memory
)


class Fate(enum.Enum):
    """Where an answer is on its way to the ear."""

    ANNOUNCED = "announced"  # no sound yet
    PLAYING = "playing"  # has a playout; sound may still come
    CUT = "cut"  # by a barge-in: whatever still comes is late
    SETTLED = "settled"  # heard, and the server told where it differs


@attrs.define(eq=False)
class Answer:
    """One item of the assistant's."""

    item_id: str
    response_id: str
    fate: Fate = Fate.ANNOUNCED
    wire_format: WireFormat = WireFormat.PCM
    received_bytes: int = 0  # as they came off the wire
    complete: bool = False  # the server has said that no more sound will come
    _slicer: FrameSlicer = attrs.field(factory=FrameSlicer, repr=False)
    _decoder: Decoder = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._decoder = Decoder(self.wire_format)

    @property
    def received_ms(self) -> int:
        """How much sound the server sent: the most that a truncation may name."""
        return self.wire_format.ms_of(self.received_bytes)

    def take(self, delta: bytes) -> list[Frame]:
        """Note a delta; return the frames it completes."""
        self.received_bytes += len(delta)
        return self._slicer.feed(self._decoder.feed(delta))

    def finish(self) -> tuple[list[Frame], int]:
        """Note the end of its sound; return the padded rest and bytes that belong to no sample."""
        self.complete = True
        frames = self._slicer.feed(self._decoder.finish())
        rest, odd_bytes = self._slicer.finish()
        return [*frames, *rest], odd_bytes

    def cut(self) -> None:
        """Nothing more of it will be heard."""
        self.fate = Fate.CUT
        self._decoder.drop()


def remedy(answer: Answer, heard: Heard) -> Truncate | DeleteItem | None:
    """What to tell the server, so that it believes what the room heard.

    Nothing, when all was heard: truncating a whole answer has side effects (reported). Deletion,
    when nothing was: an item without sound can't be truncated. Never beyond what was received: the
    server refuses that. The text of a truncated item is dropped by the server (documented).
    """
    heard_ms = min(samples_to_ms(heard.heard_samples), answer.received_ms)
    if heard.whole or (answer.complete and heard_ms >= answer.received_ms > 0):
        return None
    return Truncate(answer.item_id, heard_ms) if heard_ms else DeleteItem(answer.item_id)


@attrs.define(eq=False)
class Answers:
    """All answers of one session."""

    wire_format: WireFormat = WireFormat.PCM
    _answers: OrderedDict[str, Answer] = attrs.field(factory=OrderedDict)
    _cut_responses: OrderedDict[str, None] = attrs.field(factory=OrderedDict)

    def announce(self, item_id: str, response_id: str) -> None:
        """The server opened an item; one of a response that was cut is cut from birth.

        One without an id is nobody's: nothing could be told about it, so its sound is a stray.
        """
        if not item_id or item_id in self._answers:
            return
        born = Fate.CUT if response_id in self._cut_responses else Fate.ANNOUNCED
        self._answers[item_id] = Answer(item_id, response_id, born, self.wire_format)
        if len(self._answers) > _REMEMBERED:  # what is still being heard must be found at its end
            oldest = (a.item_id for a in self._answers.values() if a.fate is not Fate.PLAYING)
            self._answers.pop(next(oldest))

    def find(self, item_id: str) -> Answer | None:
        """The answer of that id, if it was announced."""
        return self._answers.get(item_id)

    def of_response(self, response_id: str) -> Iterator[Answer]:
        """The answers that a response has produced so far."""
        return (each for each in self._answers.values() if each.response_id == response_id)

    def cut(self, active_response_id: str | None) -> list[Answer]:
        """The user speaks: cut all that is unheard, and what the active response may still bring."""
        if active_response_id:
            self._cut_responses[active_response_id] = None
            while len(self._cut_responses) > _REMEMBERED:
                self._cut_responses.popitem(last=False)
        cut = [a for a in self._answers.values() if a.fate in {Fate.ANNOUNCED, Fate.PLAYING}]
        for answer in cut:
            answer.cut()
        return cut
