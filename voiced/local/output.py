"""The items a response produces: each knows its own events, in their order on the wire.

Law of this file: said in one breath, no waiting. `open` announces, `close` says every `.done`, in
the order captured live; what an interrupted item has closed is `incomplete`.
"""

import base64
from typing import ClassVar

from attrs import define, field

from voiced.local.conversation import Item
from voiced.local.desk import Desk
from voiced.local.tools import Call
from voiced.local.wire import CALL_ID_LENGTH, Json, new_id


@define(eq=False)
class Output:
    """One item on its way out: its place in the response, and its sentence in the conversation."""

    desk: Desk
    response_id: str
    index: int
    in_band: bool
    item: Item

    @property
    def place(self) -> dict[str, object]:
        """The fields by which a client finds the item again."""
        return {
            "response_id": self.response_id,
            "item_id": self.item.id,
            "output_index": self.index,
        }

    def open(self) -> None:
        """Announce the item, in the response and in the conversation."""
        line = self.desk.line
        line.emit(
            "response.output_item.added",
            response_id=self.response_id,
            output_index=self.index,
            item=self.item.face,
        )
        if self.in_band:
            previous = self.desk.conversation.append(self.item)
            line.emit("conversation.item.added", previous_item_id=previous, item=self.item.face)
        self.open_part()

    def close(self, status: str) -> None:
        """Close the item: parts first, then the item in the conversation, then in the response."""
        self.close_part()
        self.item.face["status"] = status
        line = self.desk.line
        if self.in_band:
            line.emit(
                "conversation.item.done", previous_item_id=self._previous(), item=self.done_face()
            )
        line.emit(
            "response.output_item.done",
            response_id=self.response_id,
            output_index=self.index,
            item=self.done_face(),
        )

    def open_part(self) -> None:
        """Announce what the item holds."""

    def close_part(self) -> None:
        """Close what the item holds."""

    def done_face(self) -> Json:
        """The item as it was generated, whatever a client has cut since."""
        return self.item.shown()

    def _previous(self) -> str | None:
        """The item before; null for a session's first assistant message (a quirk seen live)."""
        first = not self.desk.has_answered and self.item.face["type"] == "message"
        self.desk.has_answered |= first
        if first and self.desk.options.null_previous_item_id:
            return None
        return self.desk.conversation.before(self.item.id)


@define(eq=False)
class Message(Output):
    """An assistant message; the two kinds differ in their part."""

    PART: ClassVar[str]
    """The part's type in ``response.content_part.*``."""
    WORDS: ClassVar[str]
    """The field of that part that holds the words."""
    said: str = field(init=False, default="")
    """The words that have gone out."""

    def open_part(self) -> None:
        """Announce the one content part; the item's own face has begun without it."""
        self.item.face["content"] = [{"type": f"output_{self.PART}", self.WORDS: ""}]
        self.desk.line.emit(
            "response.content_part.added",
            **self.place,
            content_index=0,
            part={"type": self.PART, self.WORDS: ""},
        )

    def say(self, delta: str) -> None:
        """Send the next words."""
        self.said += delta

    def close_part(self) -> None:
        """Close the part with all its words; a part the client has cut keeps none in the item."""
        self.desk.line.emit(
            "response.content_part.done",
            **self.place,
            content_index=0,
            part={"type": self.PART, self.WORDS: self.said},
        )
        if not self.item.truncated:
            self.item.face["content"][0][self.WORDS] = self.said

    def done_face(self) -> Json:
        """The item with all the words that went out."""
        face = self.item.shown()
        face["content"][0][self.WORDS] = self.said
        return face


@define(eq=False)
class Spoken(Message):
    """A message said aloud: sound, and its words ahead of it."""

    PART: ClassVar[str] = "audio"
    WORDS: ClassVar[str] = "transcript"

    def say(self, delta: str) -> None:
        """Send the next words of the transcript."""
        super().say(delta)
        self.desk.line.emit_text(
            "response.output_audio_transcript.delta", delta, **self.place, content_index=0
        )

    def sound(self, data: bytes) -> None:
        """Send the next piece of sound."""
        self.desk.line.emit(
            "response.output_audio.delta",
            **self.place,
            content_index=0,
            delta=base64.b64encode(data).decode(),
        )

    def close_part(self) -> None:
        """Close sound, then words, then the part."""
        line = self.desk.line
        line.emit("response.output_audio.done", **self.place, content_index=0)
        line.emit(
            "response.output_audio_transcript.done",
            **self.place,
            content_index=0,
            transcript=self.said,
        )
        super().close_part()


@define(eq=False)
class Written(Message):
    """A message as text."""

    PART: ClassVar[str] = "text"
    WORDS: ClassVar[str] = "text"

    def say(self, delta: str) -> None:
        """Send the next words."""
        super().say(delta)
        self.desk.line.emit_text("response.output_text.delta", delta, **self.place, content_index=0)

    def close_part(self) -> None:
        """Close the words, then the part."""
        self.desk.line.emit(
            "response.output_text.done", **self.place, content_index=0, text=self.said
        )
        super().close_part()


@define(eq=False)
class Called(Output):
    """A function call; its arguments come in pieces."""

    def write(self, delta: str) -> None:
        """Send the next piece of the arguments."""
        self.item.face["arguments"] += delta
        self.desk.line.emit_text(
            "response.function_call_arguments.delta",
            delta,
            **self.place,
            call_id=self.item.face["call_id"],
        )

    def close_part(self) -> None:
        """Send the whole arguments once more."""
        face = self.item.face
        self.desk.line.emit(
            "response.function_call_arguments.done",
            **self.place,
            call_id=face["call_id"],
            name=face["name"],
            arguments=face["arguments"],
        )


def message_item() -> Item:
    """Make the item of an answer, as it is announced: in progress, without content."""
    return Item(
        {
            "id": new_id("item"),
            "type": "message",
            "status": "in_progress",
            "role": "assistant",
            "content": [],
        }
    )


def call_item(call: Call) -> Item:
    """Make the item of a function call, as it is announced: without arguments."""
    return Item(
        {
            "id": new_id("item"),
            "type": "function_call",
            "status": "in_progress",
            "name": call.name,
            "call_id": new_id("call", CALL_ID_LENGTH),
            "arguments": "",
        }
    )
