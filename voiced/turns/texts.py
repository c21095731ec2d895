"""Written words on their way: what the user asks in writing, and what the assistant is to say. Pure.

A question is an item of the conversation first, confirmed by the server, and then owed an answer.
What is to be said is nobody's turn: it waits until nobody speaks and nothing is being made.
"""

from collections import OrderedDict, deque
from typing import Final

import attrs

from voiced.realtime.client_events import CreateItem, CreateResponse, UserText
from voiced.turns.machines import NEVER

LONGEST_CHARS: Final = 8000  # ten minutes of speech; what is longer was not meant to be heard
_MOST: Final = 8  # of each kind, as many as playouts may wait

_SAY: Final = (
    "Say exactly the words that follow, in the language they are written in; nothing before them, "
    "nothing after them, and do not answer them:\n\n"
)


def check(text: str) -> None:
    """Raise ValueError, with a sentence for whoever wrote *text*, unless it can be asked or said."""
    if not text.strip():
        raise ValueError("there are no words in this text")
    if len(text) > LONGEST_CHARS:
        raise ValueError(f"a text may have {LONGEST_CHARS} characters, this one has {len(text)}")


def saying(text: str) -> CreateResponse:
    """Ask for a response that speaks *text*.

    It belongs to the conversation, so that the model knows what it said, and sees nothing of it, so
    that it is not tempted to answer.
    """
    return CreateResponse(instructions=_SAY + text, without_context=True)


@attrs.define(eq=False)
class Texts:
    """What one session was given in writing and has not dealt with yet."""

    _unconfirmed: OrderedDict[str, float] = attrs.field(factory=OrderedDict, init=False)  # until
    _owed: list[str] = attrs.field(factory=list, init=False)  # items that no response answers yet
    _to_say: deque[CreateResponse] = attrs.field(factory=deque, init=False)
    _asked: int = attrs.field(default=0, init=False)

    # --- questions

    @property
    def unconfirmed(self) -> bool:
        """Whether a question is on its way into the conversation."""
        return bool(self._unconfirmed)

    @property
    def owed(self) -> bool:
        """Whether a question is there that no response answers."""
        return bool(self._owed)

    @property
    def wakes_at_s(self) -> float:
        """When the next question has waited long enough for its confirmation."""
        return min(self._unconfirmed.values(), default=NEVER)

    def ask(self, text: str) -> CreateItem | None:
        """Make a question's item; None if too many wait already."""
        if len(self._unconfirmed) + len(self._owed) >= _MOST:
            return None
        self._asked += 1
        name = f"voiced_ask_{self._asked}"  # the server's own ids never look like this
        self._unconfirmed[name] = NEVER
        return CreateItem(UserText(text), item_id=name, event_id=name)

    def sent(self, item_id: str, until_s: float) -> None:
        """It has left: until then it must be confirmed."""
        if item_id in self._unconfirmed:
            self._unconfirmed[item_id] = until_s

    def confirmed(self, item_id: str) -> bool:
        """Take in that an item is in the conversation; False if it is no question of these."""
        if item_id not in self._unconfirmed:
            return False
        del self._unconfirmed[item_id]
        self._owed.append(item_id)
        return True

    def refused(self, item_id: str) -> bool:
        """Take in that an item will not come; False if it is no question of these."""
        return self._unconfirmed.pop(item_id, None) is not None

    def overdue(self, now_s: float) -> str | None:
        """A question that was not confirmed in time: each is named once."""
        late = (name for name, until_s in self._unconfirmed.items() if until_s <= now_s)
        if found := next(late, None):
            del self._unconfirmed[found]
        return found

    def answered(self) -> None:
        """A response is made that sees all that is in the conversation."""
        self._owed.clear()

    # --- what is to be said

    def say(self, text: str) -> bool:
        """Have *text* said when it is its turn; False if too much waits already."""
        if len(self._to_say) >= _MOST:
            return False
        self._to_say.append(saying(text))
        return True

    def say_again(self, request: CreateResponse) -> None:
        """It was begun and came to nothing: it is the next one again."""
        self._to_say.appendleft(request)

    def next_to_say(self) -> CreateResponse | None:
        """Take what is to be said next."""
        return self._to_say.popleft() if self._to_say else None

    def say_nothing(self) -> int:
        """Forget all of it; return how much it was."""
        count = len(self._to_say)
        self._to_say.clear()
        return count

    def give_up(self) -> int:
        """The session is over; return how many questions nobody will answer now."""
        count = len(self._unconfirmed) + len(self._owed)
        self._unconfirmed.clear()
        self._owed.clear()
        return count
