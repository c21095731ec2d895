"""What is told of a turn that is over: its outcome, and how long each step took."""

import enum
from collections.abc import Mapping

from attrs import frozen


class Outcome(enum.Enum):
    """What became of a turn."""

    ANSWERED = "answered"  # and heard to the end
    CUT = "cut"  # the answer was interrupted
    DISMISSED = "dismissed"  # it was no turn: a cough, an "uh-huh"
    UNANSWERED = "unanswered"  # no answer sounded, or the user spoke on before one came


class Figure(enum.Enum):
    """What is measured of a turn, in ms. A step is taken from the last step that is known."""

    STOPPED = "stopped"  # speech ended (in audio time) -> the server told us so
    COMMITTED = "committed"
    CREATED = "created"  # the response
    FIRST_DELTA = "first_delta"
    FIRST_SOUND = "first_sound"  # the first delta -> audible
    TOTAL = "total"  # speech ended -> first sound: what a person would call the delay
    SILENCE = "silence"  # a barge-in: speech_started was told -> the last audible sample


@frozen
class Turn:
    """A turn that is over."""

    outcome: Outcome
    figures_ms: Mapping[Figure, int]  # those that are known
    heard_ms: int = 0  # of all items of its answer
    of_ms: int = 0  # that many were received


@frozen
class Percentiles:
    """Of the last hundred samples of a figure, by nearest rank."""

    p50_ms: int
    p95_ms: int
