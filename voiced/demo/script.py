"""The user of the demonstration where there is no microphone: a script with ears."""

from collections.abc import Callable
from typing import Final

import attrs
import trio

from voiced.audio.format import FRAME_BYTES, SILENT_FRAME, WIRE_RATE_HZ, Shape
from voiced.channel import Channel
from voiced.edges.paced import PacedMicrophone
from voiced.faults import VoicedError
from voiced.notices import Happened, Moment, Notice

_LISTENS_S: Final = 2.5  # how much of an answer is heard before it is interrupted
_PATIENCE_S: Final = 30.0  # for anything that the other side owes us


class ScriptStuck(VoicedError):
    """The conversation did not go on as it must."""


@attrs.define(eq=False)
class Mouth:
    """Speaks clips (PCM16, 24 kHz, mono) into a microphone; silence between them."""

    _left: bytes = b""

    def say(self, pcm: bytes) -> None:
        """Speak from the next 20 ms on."""
        self._left += pcm

    def microphone(self) -> PacedMicrophone:
        """The microphone that this mouth speaks into."""
        return PacedMicrophone(Shape(WIRE_RATE_HZ, 1), self._next)

    def _next(self) -> bytes:
        frame, self._left = self._left[:FRAME_BYTES], self._left[FRAME_BYTES:]
        return frame.ljust(FRAME_BYTES, b"\0") if frame else SILENT_FRAME


@attrs.frozen(kw_only=True)
class Clips:
    """What the user says, in order of need."""

    question: bytes
    story: bytes  # asked for when the answer to the question was too short to be interrupted
    interruption: bytes


@attrs.define(eq=False)
class Script:
    """Asks, listens, interrupts, hears the last answer out."""

    mouth: Mouth
    clips: Clips
    notices: Channel[Notice]

    async def play(self) -> None:
        """Go through it once; `ScriptStuck` names the step that never came."""
        await self._until(lambda n: n.moment is Moment.READY, "the session to open")
        await trio.sleep(0.5)
        self.mouth.say(self.clips.question)
        item_id = await self._first_sound("an answer")
        if not await self._can_interrupt(item_id):
            self.mouth.say(self.clips.story)
            item_id = await self._first_sound("a longer answer")
            await self._can_interrupt(item_id)
        self.mouth.say(self.clips.interruption)
        await self._until(lambda n: n.moment is Moment.CUT, "the interruption")
        last = await self._first_sound("the last answer")
        await self._until(
            lambda n: n.moment is Moment.PLAYED and n.item_id == last, "the end of the last answer"
        )
        await trio.sleep(0.5)

    async def _first_sound(self, what: str) -> str:
        return (await self._until(lambda n: n.moment is Moment.FIRST_SOUND, what)).item_id

    async def _can_interrupt(self, item_id: str) -> bool:
        """Listen for a while; False if the answer was over before that."""
        with trio.move_on_after(_LISTENS_S):
            await self._until(
                lambda n: n.moment is Moment.PLAYED and n.item_id == item_id, "the answer's end"
            )
            return False
        return True

    async def _until(self, wanted: Callable[[Happened], bool], what: str) -> Happened:
        with trio.move_on_after(_PATIENCE_S):
            async for notice in self.notices:
                if isinstance(notice, Happened) and wanted(notice):
                    return notice
        raise ScriptStuck(f"the demonstration waited {_PATIENCE_S:.0f} s in vain for {what}")
