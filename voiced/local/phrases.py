"""The few sentences this server understands: one set of tables, two uses.

Law of this file: the grammar for the recogniser and the understanding of text are made from the
same tables, so that whatever can be heard can be answered. Words only; no sound, no answers.
"""

import enum
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

from attrs import frozen

from voiced.local import spoken


class Topic(enum.Enum):
    """What a fixed sentence is about."""

    TIME = "time"
    DATE = "date"
    GREETING = "greeting"
    FAREWELL = "farewell"
    THANKS = "thanks"
    STOP = "stop"
    ABILITIES = "abilities"
    STORY = "story"
    LONG_STORY = "long story"


SENTENCES: Final[Mapping[Topic, tuple[str, ...]]] = {
    Topic.TIME: ("what time is it", "what is the time", "tell me the time"),
    Topic.DATE: ("what day is it", "what is the date", "what day is it today"),
    Topic.GREETING: ("hello", "hello there", "good morning", "good afternoon", "good evening"),
    Topic.FAREWELL: ("goodbye", "see you later"),
    Topic.THANKS: ("thank you", "thank you very much"),
    Topic.STOP: ("stop", "stop it", "never mind", "be quiet please"),
    Topic.ABILITIES: ("what can you do", "what can i say", "help me please"),
    Topic.STORY: ("tell me a story", "tell me a short story"),
    Topic.LONG_STORY: ("tell me a longer story", "tell me a long story"),
}
NUMBERS: Final[Mapping[str, int]] = {word: value for value, word in enumerate(spoken.SMALL)}


class Sign(enum.Enum):
    """An operation, named as it is spoken."""

    PLUS = "plus"
    MINUS = "minus"
    TIMES = "times"
    DIVIDED_BY = "divided by"


REPEAT: Final = "repeat after me"
VOCABULARY: Final = (  # enough for a sentence to play with; more would only blur the hearing
    *("the", "and", "is", "in", "my", "your", "our", "red", "green", "blue", "big", "small"),
    *("old", "good", "cat", "dog", "bird", "house", "garden", "river", "mountain", "window"),
    *("morning", "evening", "summer", "winter", "water", "coffee", "music", "likes", "sings"),
    *("today", "tomorrow"),
)


@frozen
class Sum:
    """Two small numbers and what to do with them."""

    left: int
    sign: Sign
    right: int


@frozen
class Repeat:
    """Words to say back."""

    words: str


Meaning: TypeAlias = Topic | Sum | Repeat

_BY_SENTENCE: Final = {text: topic for topic, texts in SENTENCES.items() for text in texts}
_SIGNS: Final = {sign.value: sign for sign in Sign} | {
    "+": Sign.PLUS,
    "-": Sign.MINUS,
    "*": Sign.TIMES,
    "/": Sign.DIVIDED_BY,
}
_NUMBER: Final = r"\d{1,4}|" + "|".join(sorted(NUMBERS, key=len, reverse=True))
_SUM: Final = re.compile(
    rf"(?:what is )?({_NUMBER}) ?({'|'.join(map(re.escape, _SIGNS))}) ?({_NUMBER})"
)
_SAY_EXACTLY: Final = re.compile(r"say exactly\b[^:]*:\s*(\S.*)", re.IGNORECASE | re.DOTALL)
_NOT_WORDS: Final = re.compile(r"[^a-z0-9+*/' -]+")


def understand(text: str) -> Meaning | None:
    """Return what *text*, heard or typed, means; None if it is none of our sentences."""
    words = plain(text)
    if words in _BY_SENTENCE:
        return _BY_SENTENCE[words]
    if found := _SUM.fullmatch(words):
        left, sign, right = found.groups()
        return Sum(_value(left), _SIGNS[sign], _value(right))
    if words.startswith(f"{REPEAT} "):
        return Repeat(words.removeprefix(f"{REPEAT} "))
    return None


def to_be_said(instructions: str) -> str | None:
    """Return the words that *instructions* want said exactly; None if they want something else.

    The order ends with a colon, the words are all that follows: `Say exactly: good morning.`
    """
    found = _SAY_EXACTLY.fullmatch(instructions.strip())
    return found[1].strip() if found else None


def plain(text: str) -> str:
    """Reduce typed text to the words one would hear."""
    words = _NOT_WORDS.sub(" ", text.lower().replace("what's", "what is"))
    return " ".join(words.split())


def grammar(extra: Iterable[str] = ()) -> str:
    """Write the JSGF grammar of all sentences, and of *extra* ones a session brings along."""
    fixed = " | ".join([*_BY_SENTENCE, *extra])
    signs = " | ".join(sign.value for sign in Sign)
    return "\n".join(
        [
            "#JSGF V1.0;",
            "grammar voiced;",
            f"public <sentence> = {fixed} | <sum> | <repeat>;",
            "<sum> = what is <number> <sign> <number>;",
            f"<repeat> = {REPEAT} <word>+;",
            f"<number> = {' | '.join(NUMBERS)};",
            f"<sign> = {signs};",
            f"<word> = {' | '.join(VOCABULARY)};",
            "",
        ]
    )


def every_sum() -> Iterable[str]:
    """Write out each arithmetic sentence of the grammar (a test asks them all)."""
    for left in NUMBERS:
        for sign in Sign:
            for right in NUMBERS:
                yield f"what is {left} {sign.value} {right}"


def _value(word: str) -> int:
    return NUMBERS[word] if word in NUMBERS else int(word)


ANSWERS_TO: Final[Mapping[Sign, Callable[[int, int], int]]] = {
    Sign.PLUS: lambda left, right: left + right,
    Sign.MINUS: lambda left, right: left - right,
    Sign.TIMES: lambda left, right: left * right,
}
