"""Doorman: has the detector listen for words, and passes on which one was said."""

from collections.abc import Callable
from typing import Final, NoReturn

import attrs

from voiced.audio.format import FRAME_MS, Frame
from voiced.channel import Channel, WhenFull
from voiced.link.wake import WAITING_MS, Spotted
from voiced.ports import WakeWord

_AT_ONCE: Final = 3
"""Frames that are listened to together: crossing to the detector's thread and back costs more than one of
them, and 60 ms more until a recognition lose no word, for sound is kept.
"""


@attrs.define(eq=False)
class Doorman:
    """Receives: frames, whoever else gets them. Says: that a word was said, and when. Loses: the oldest
    frame, counted, when the detector is behind. Ends: never by itself.
    """

    wake_word: WakeWord
    called: Callable[[Spotted], object]
    waiting: Channel[tuple[Frame, float]] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.waiting = Channel("wake word frames", WAITING_MS // FRAME_MS, WhenFull.DROP_OLDEST)

    def hear(self, frame: Frame, at_s: float) -> None:
        """Take in what came at *at_s*; never waits."""
        self.waiting.offer((frame, at_s))

    async def run(self) -> NoReturn:
        """Listen for ever."""
        async with self.wake_word.open() as detector:
            while True:
                heard: list[tuple[Frame, float]] = []
                while len(heard) < _AT_ONCE:
                    heard += await self.waiting.receive_some(_AT_ONCE)
                for index, word in await detector.listen([frame for frame, _ in heard]):
                    self.called(Spotted(word, heard[index][1]))
