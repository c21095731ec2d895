"""What an owner decides about turns, as plain values."""

import enum

from attrs import frozen


class Detection(enum.Enum):
    """Who ends the user's turn."""

    SERVER_VAD = "server_vad"  # the server, by silence
    SEMANTIC_VAD = "semantic_vad"  # the server, by meaning
    PUSH_TO_TALK = "push_to_talk"  # the user, with a button


class Interruption(enum.Enum):
    """What speech over an answer does."""

    IMMEDIATE = "immediate"  # ends it; the server interrupts and answers by itself
    CONFIRMED = "confirmed"  # makes it softer, and ends it once it is clear that it is meant
    NEVER = "never"  # nothing: it is the next turn


@frozen(kw_only=True)
class Limits:
    """How long each step of a turn may take, in seconds."""

    turn_s: float  # speech that never ends
    committed_s: float  # speech_stopped, or a commit of ours, without committed
    created_s: float  # committed, or a response.create of ours, without response.created
    first_delta_s: float  # response.created without sound
    delta_gap_s: float  # sound that stops without an end
    cancelled_s: float  # a cancellation without response.done
    words_s: float  # a doubtful turn without its transcript


@frozen(kw_only=True)
class Policy:
    """All of it."""

    detection: Detection
    interruption: Interruption
    confirm_ms: int
    duck_db: float
    transcribed: bool  # whether the user's words will ever be told
    limits: Limits

    @property
    def server_answers(self) -> bool:
        """Whether the server creates responses, and interrupts them, by itself."""
        held = self.detection is Detection.PUSH_TO_TALK
        return self.interruption is Interruption.IMMEDIATE and not held

    @property
    def doubts(self) -> bool:
        """Whether speech over an answer has to prove itself. A button is proof."""
        held = self.detection is Detection.PUSH_TO_TALK
        return self.interruption is Interruption.CONFIRMED and not held
