"""What an owner decides about when there is a conversation, and what would contradict that."""

from collections.abc import Iterator, Mapping
from typing import Final

from attrs import field, frozen
from attrs.validators import and_, in_

from voiced.config.checks import idle_s, number, text, whole

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

    mode: str = field(
        default="always", validator=and_(text(), in_(("always", "push_to_talk", "on_command")))
    )
    pre_roll_ms: int = field(default=500, validator=whole(0, 5000))
    idle_hangup_s: float = field(default=-1.0, validator=and_(number(-1.0, 86_400.0), idle_s))

    @property
    def hangup_s(self) -> float:
        """Seconds of silence that end it; 0: none do."""
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
