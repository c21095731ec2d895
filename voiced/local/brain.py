"""What is answered: an honest small brain, and a scripted one for tests and benches.

Law of this file: text in, text out. No sound, no events, no clock of its own: the time of day is
asked of a callable. A brain never claims to have understood what it did not.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from attrs import define, field, frozen

from voiced.local import phrases, spoken, stories
from voiced.local.phrases import Repeat, Sign, Sum, Topic
from voiced.local.tools import Call

TRY_THIS = "Try: what time is it, what is seven times six, or: tell me a story."


@frozen
class Reply:
    """What one response says, and which tool it calls, if any."""

    text: str
    """The first message; nothing to say if empty."""
    then: tuple[str, ...] = ()
    """Further messages of the same response, each an item of its own."""
    call: Call | None = None
    """A function call that follows what is said."""


class Brain(Protocol):
    """Whoever answers."""

    def reply(self, said: str | None) -> Reply:
        """Answer *said*: None if nobody has said anything, empty if no words were understood."""
        ...


def local_time() -> datetime:
    """The wall clock, in this machine's zone: only for being told, never for waiting."""
    return datetime.now().astimezone()


@frozen
class SmallBrain:
    """Knows the time, the date, small sums and two stories; says so when it knows nothing."""

    now: Callable[[], datetime] = local_time

    def reply(self, said: str | None) -> Reply:
        """Answer one sentence."""
        if said is None:
            return Reply(f"I am here and listening. {TRY_THIS}")
        match phrases.understand(said):
            case Topic() as topic:
                return Reply(self._about(topic))
            case Sum() as asked:
                return Reply(_worked_out(asked))
            case Repeat(words):
                return Reply(f"{words.capitalize()}.")
            case None:
                return Reply(f"I only understand a few sentences. {TRY_THIS}")

    def _about(self, topic: Topic) -> str:
        match topic:
            case Topic.TIME:
                return f"It is {spoken.clock(self.now())}."
            case Topic.DATE:
                return f"Today is {spoken.day(self.now())}."
            case Topic.GREETING:
                return "Hello! It is good to hear you."
            case Topic.FAREWELL:
                return "Goodbye. Come back soon."
            case Topic.THANKS:
                return "You are welcome."
            case Topic.STOP:
                return "All right."
            case Topic.ABILITIES:
                return (
                    "I can tell you the time and the date, work out small sums, repeat after you, "
                    "and tell a story. A longer story is good for interrupting me. "
                    "I run on this machine alone and understand only a few sentences."
                )
            case Topic.STORY:
                return stories.SHORT
            case Topic.LONG_STORY:
                return stories.LONG


def _worked_out(asked: Sum) -> str:
    left, right = spoken.number(asked.left), spoken.number(asked.right)
    question = f"{left} {asked.sign.value} {right}".capitalize()
    if asked.sign is not Sign.DIVIDED_BY:
        value = phrases.ANSWERS_TO[asked.sign](asked.left, asked.right)
        return f"{question} is {spoken.number(value)}."
    if asked.right == 0:
        return "Nobody can divide by zero, and neither can I."
    value, rest = divmod(asked.left, asked.right)
    if rest:
        return f"{question} is {spoken.number(value)}, and {spoken.number(rest)} remains."
    return f"{question} is {spoken.number(value)}."


@define(eq=False)
class ScriptedBrain:
    """Gives the answers it was given, one after another, and the last one for ever."""

    answers: Sequence[str | Reply]
    asked: list[str | None] = field(init=False, factory=list)
    """What it was asked, the latest hundred."""
    _next: int = field(init=False, default=0)

    def reply(self, said: str | None) -> Reply:
        """Answer with the next line of the script."""
        del self.asked[:-99]
        self.asked.append(said)
        answer = self.answers[min(self._next, len(self.answers) - 1)]
        self._next += 1
        return answer if isinstance(answer, Reply) else Reply(answer)
