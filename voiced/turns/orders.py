"""What the floor wants done. Facts only: whoever carries them out stands elsewhere."""

from typing import TypeAlias

from attrs import frozen

from voiced.realtime.client_events import ClientEvent
from voiced.turns.moments import Moment


@frozen
class Say:
    """Tell the server."""

    event: ClientEvent


@frozen
class Cut:
    """Silence every answer that sounds or waits to, and settle what was heard of it."""


@frozen
class SetVolume:
    """How loud answers are from now on, in dB; 0 is as they were sent."""

    gain_db: float


@frozen
class FinishAnswers:
    """No more sound will come of what is open: let what is here be spoken to its end."""


@frozen
class ForgetResponse:
    """What the server was asked for, or is said to be making, is not waited for any more."""


@frozen
class ReleaseButton:
    """Nobody holds a talk button for that long."""


@frozen
class Tell:
    """Put it on the timeline. `problem` is a sentence for the log where something went wrong."""

    at_s: float
    moment: Moment
    item_id: str = ""
    problem: str = ""


@frozen
class Warn:
    """A sentence for the log: something was lost that is on no timeline, or is tried again."""

    sentence: str
    lost: int = 0  # that many texts


@frozen
class Abandon:
    """End the session: it yields nothing any more. The code is the server's, or one of ours."""

    code: str
    message: str
    retry_after_s: float | None = None


Deed: TypeAlias = (
    Say | Cut | SetVolume | FinishAnswers | ForgetResponse | ReleaseButton | Tell | Warn
)
"""What is done at once, and leaves the session as it is."""

Order: TypeAlias = Deed | Abandon
