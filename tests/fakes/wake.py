"""A detector of wake words that knows a word by the value of its samples, as `User.says` gives it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import attrs
import numpy as np
import trio

from voiced.audio.format import FRAME_MS, Frame


@attrs.define(eq=False)
class FakeWakeWord:
    """Recognises a word *late_ms* after its last frame, and takes *works_s* for whatever it is given."""

    words: Mapping[int, str]  # by value
    late_ms: int = 200
    works_s: float = 0.0
    heard_frames: int = 0
    _said: str = attrs.field(default="", init=False)
    _due: list[tuple[int, str]] = attrs.field(factory=list, init=False)  # by frame, of all

    @asynccontextmanager
    async def open(self) -> AsyncIterator["FakeWakeWord"]:
        """As the port says."""
        yield self

    async def listen(self, frames: Sequence[Frame]) -> Sequence[tuple[int, str]]:
        """As the port says."""
        await trio.sleep(self.works_s)
        spotted = []
        for index, frame in enumerate(frames):
            self._hear(frame)
            while self._due and self._due[0][0] <= self.heard_frames:
                spotted.append((index, self._due.pop(0)[1]))
        return spotted

    def _hear(self, frame: Frame) -> None:
        self.heard_frames += 1
        word = self.words.get(int(np.frombuffer(frame, "<i2")[0]), "")
        if self._said and word != self._said:
            late = (self.late_ms + FRAME_MS - 1) // FRAME_MS
            self._due.append((self.heard_frames - 1 + late, self._said))
        self._said = word
