"""People who are there for moments only, so that stories of hours and months take seconds.

A frame every 20 ms would be four million a day. Here the microphone gives blocks while somebody is
there and nothing in between, as one does whose owner mutes it in hardware.
"""

from collections.abc import Sequence

import attrs
import trio

from tests.fakes.room import Microphone, User
from voiced.audio.format import Shape


@attrs.define(eq=False)
class RareMicrophone(Microphone):
    """Gives a block every 20 ms while somebody is there, and waits in between."""

    blocks: int = attrs.field(default=0, init=False)  # all that it ever gave
    _until_s: float = attrs.field(default=float("-inf"), init=False)
    _somebody: trio.Event = attrs.field(factory=trio.Event, init=False)

    def stays_open(self, ms: int) -> None:
        """Somebody is there, for so much longer."""
        now = trio.current_time()
        if self._empty(now):
            self._opened_at, self._given = now, 0
        self._until_s = max(self._until_s, now) + ms / 1000
        self._somebody.set()

    async def collect(self) -> Sequence[bytes]:
        """As the port says."""
        while self._empty(trio.current_time()):
            self._somebody = trio.Event()
            await self._somebody.wait()
        blocks = await super().collect()
        self.blocks += len(blocks)
        return blocks

    def _empty(self, now: float) -> bool:
        return now > self._until_s - 0.001  # clocks are floats


@attrs.define(eq=False)
class Visitor(User):
    """Speaks now and then; what is not spoken is not captured."""

    microphone: RareMicrophone = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.microphone = RareMicrophone(Shape(24_000, 1), self.next_block)

    def says(self, ms: int, value: int = 1000) -> None:
        """Come, speak and leave; *ms* are whole frames."""
        super().says(ms, value)
        self.microphone.stays_open(ms)
