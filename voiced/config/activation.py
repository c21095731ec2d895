"""What an owner decides about when there is a conversation, and what would contradict that."""

from collections.abc import Iterator, Mapping
from typing import Final

from attrs import field, frozen
from attrs.validators import and_, in_

from voiced.config.checks import as_tuple, flag, idle_s, known_words, number, text, whole, words

AS_SUITS: Final[Mapping[str, float]] = {"always": 0.0, "push_to_talk": 300.0, "on_command": 60.0}
"""Seconds of silence after which a conversation is over, unless the owner says otherwise.

`always` stays: loudness alone would have to notice who speaks next, and quiet people would not be
heard. After a command a minute is long enough to think, and no open microphone is forgotten for
longer. A button sends nothing while it is up, so that waiting costs little, and opening anew half a
second.
"""


@frozen(kw_only=True)
class Activation:
    """What begins a conversation, and what ends it."""

    mode: str = field(default="always", validator=and_(text(), in_((*AS_SUITS, "wake_word"))))
    pre_roll_ms: int = field(default=500, validator=whole(0, 5000))
    idle_hangup_s: float = field(default=-1.0, validator=and_(number(-1.0, 86_400.0), idle_s))
    wake_words: tuple[str, ...] = field(
        default=("okay_nabu",), converter=as_tuple, validator=and_(words, known_words)
    )
    wake_sensitivity: float = field(default=0.5, validator=number(0.0, 1.0))
    wake_patience_s: float = field(default=8.0, validator=number(2.0, 60.0))
    follow_up_s: float = field(default=8.0, validator=number(0.0, 300.0))
    stop_words: tuple[str, ...] = field(
        default=(), converter=as_tuple, validator=and_(words, known_words)
    )
    send_wake_word: bool = field(default=False, validator=flag())

    @property
    def by_word(self) -> bool:
        """Whether a word begins conversations."""
        return self.mode == "wake_word"

    @property
    def hangup_s(self) -> float:
        """Seconds of silence that end it; 0: none do."""
        if self.by_word:
            return self.wake_patience_s
        return AS_SUITS[self.mode] if self.idle_hangup_s < 0 else self.idle_hangup_s


@frozen(kw_only=True)
class Facts:
    """What other sections say that matters here."""

    detection: str
    idle_timeout_ms: int
    end_heard_ms: int
    keep_ms: int
    gate: bool
    gate_hangover_ms: int


def contradictions(activation: Activation, facts: Facts) -> Iterator[str]:
    """Mistakes that no single value makes."""
    if activation.mode == "push_to_talk" and facts.detection != "push_to_talk":
        yield (
            '[activation] mode = "push_to_talk" begins a conversation with a press of the talk '
            f'button, but [turns] detection = "{facts.detection}" has none: set detection = '
            '"push_to_talk" too, or mode = "on_command"'
        )
    if activation.by_word:
        yield from _word_contradictions(activation, facts)
    if activation.pre_roll_ms > facts.keep_ms:
        yield "[activation] pre_roll_ms is longer than [uplink] keep_ms: no more than that is kept"
    if not facts.gate:
        return
    if facts.detection == "push_to_talk":
        yield (
            '[uplink] gate: with [turns] detection = "push_to_talk" nothing goes up but what the '
            "button lets through; leave it off"
        )
    elif facts.gate_hangover_ms < facts.end_heard_ms:
        yield (
            "[uplink] gate_hangover_ms is too short for the server to hear that a turn ends: with "
            f"these [turns] it takes {facts.end_heard_ms}"
        )
    if facts.idle_timeout_ms:
        yield "[uplink] gate: [turns] idle_timeout_ms wants silence to go up; leave one of them off"


def _word_contradictions(activation: Activation, facts: Facts) -> Iterator[str]:
    if not activation.wake_words:
        yield (
            '[activation] wake_words: mode = "wake_word" wants at least one, as ["okay_nabu"]; '
            "without any, nobody could begin"
        )
    if both := set(activation.wake_words) & set(activation.stop_words):
        yield (
            f"[activation] stop_words: {', '.join(sorted(both))} is among wake_words, too; a word that "
            "wakes cuts an answer as well, and goes on listening"
        )
    if activation.idle_hangup_s >= 0:
        yield (
            '[activation] idle_hangup_s: with mode = "wake_word" it is wake_patience_s and follow_up_s '
            "that say how much silence ends a conversation; leave it out"
        )
    if facts.detection == "push_to_talk":
        yield (
            '[activation] mode = "wake_word": with [turns] detection = "push_to_talk" nothing that '
            "follows the word would be heard without the button; take another detection, or mode = "
            '"push_to_talk"'
        )
