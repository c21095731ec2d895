"""What was understood of one utterance.

Law of this file: one value that becomes known later, and the waiting for it.
"""

import trio
from attrs import define, field


@define(eq=False)
class Heard:
    """What was understood of one utterance: known some time after it was committed."""

    text: str = ""
    _known: trio.Event = field(init=False, factory=trio.Event)

    def settle(self, text: str) -> None:
        """Make the words known."""
        self.text = text
        self._known.set()

    async def words(self) -> str:
        """Wait until the words are known."""
        await self._known.wait()
        return self.text
