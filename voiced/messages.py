"""What actors say to each other to make things happen. What they say about it is in `notices.py`."""

import enum
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import attrs
import trio
from attrs import frozen

from voiced.audio.format import Frame
from voiced.audio.level import gain_of_percent_db
from voiced.channel import Channel


@frozen
class Heard:
    """How much of an item left the loudspeaker, and whether that was all of it."""

    item_id: str
    heard_samples: int  # wire samples, from the item's start
    whole: bool


class Kind(enum.Enum):
    """Whose sound a playout is."""

    ANSWER = "answer"  # the assistant's: its moments belong to the conversation
    ANNOUNCEMENT = "announcement"  # our own: the conversation knows nothing of it
    EARCON = "earcon"  # our own, too, and nothing but a tone


@attrs.define(eq=False)
class Playout:
    """One item on its way to the loudspeaker; a barge-in is nothing but the end of its scope."""

    item_id: str
    frames: Channel[Frame]
    heard: Channel[Heard]  # the reply address belongs to the session that asked
    kind: Kind = Kind.ANSWER
    until_s: float = float("inf")  # Trio's clock: not worth hearing if it begins later
    scope: trio.CancelScope = attrs.field(init=False, factory=trio.CancelScope)
    heard_so_far: Callable[[], int] = attrs.field(init=False, default=lambda: 0)
    """Wire samples of it that the room has heard by now; the Player fills this in."""

    def waits_again(self) -> None:
        """Give it back its life: its loudspeaker was gone before anything of it was handed over."""
        self.scope = trio.CancelScope()


@attrs.define(eq=False)
class Volume:
    """How loud answers should be: the conversation sets it, and so does the owner; the Player follows
    both together, in whatever order they come to life. Nothing makes it louder than `most_percent`, nor
    than what was sent.
    """

    gain_db: float = 0.0  # the conversation's: 0, or softer while speech over an answer is doubtful
    owner_percent: int = 100  # as wanted; how much of it there is: `percent`
    most_percent: int = attrs.field(default=100, init=False)
    yielding_db: float = attrs.field(
        default=0.0, init=False
    )  # while somebody may be speaking over it
    _follower: Callable[[float], None] | None = attrs.field(default=None, init=False)

    def set(self, gain_db: float) -> None:
        """Ask for that gain from now on; 0 is as it was sent. What the owner wants is added to it."""
        self.gain_db = gain_db
        self._tell()

    def set_owner(self, percent: int) -> None:
        """Be that loud from now on, 0 (silent) to 100 (as it was sent), until it is said otherwise. While
        an answer is lowered it is heard as much lower, and whole once the conversation takes that back.
        """
        self.owner_percent = percent
        self._tell()

    def allow(self, most_percent: int) -> None:
        """Be no louder than that, whatever is wanted; what was wanted is kept."""
        self.most_percent = most_percent
        self._tell()

    def yield_by(self, gain_db: float) -> None:
        """Be softer by that while somebody may be speaking over the loudspeaker; 0: nobody is. It is not
        added to what the conversation wants: the softer of both counts.
        """
        self.yielding_db = gain_db
        self._tell()

    @property
    def percent(self) -> int:
        """How loud it is, but for the conversation."""
        return min(self.owner_percent, self.most_percent)

    @contextmanager
    def followed_by(self, follower: Callable[[float], None]) -> Iterator[None]:
        """Tell *follower* the gain, now and whenever it changes, until the context is left: a
        conversation may outlive the loudspeaker.
        """
        self._follower = follower
        self._tell()
        try:
            yield
        finally:
            self._follower = None

    def _tell(self) -> None:
        if self._follower is not None:
            wanted_db = min(0.0, self.gain_db, self.yielding_db)
            self._follower(wanted_db + gain_of_percent_db(self.percent))
