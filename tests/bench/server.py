"""The embedded server as the bench's other side: it answers every turn with the pilot, and writes down
when things passed, on the performance counter that all processes of a machine share.

    python -m tests.bench.server ANSWER_MS [KNOB=VALUE ...] [--hears TEXT ...] [--book FILE]

Prints its port, then one JSON object per line: {"what": ..., "at": seconds, ...}. Each line on its
standard input makes it hear speech where there is none, for as long as an onset takes: only the ears
are deceived, all else is as strict as ever. With --book it also writes down every append (book.py).
"""

import argparse
import base64
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np
import trio

from tests.bench.book import Book
from tests.bench.pilot import pilot
from tests.bench.process import tell
from voiced.local.brain import ScriptedBrain
from voiced.local.ears import EnergyActivity, PlainEars, Window
from voiced.local.options import Options
from voiced.local.server import serve
from voiced.local.turns import ONSET_MS
from voiced.local.voice import RecordedVoice
from voiced.local.wire import Direction, Traffic

_LOUD = 6000  # a sample of the mouth's sound; silence is 0
_QUIET_SAMPLES = 24 * 150  # an onset is preceded by this much silence
_ONSET_WINDOWS: Final = -(-ONSET_MS // 20)  # so many windows of speech in a row begin a turn
_TOLD: Final = {  # what is told of each event besides when it passed, by its name there
    "session.created": ("session created", {}),
    "conversation.item.truncate": ("truncate", {"item": "item_id", "ms": "audio_end_ms"}),
    "conversation.item.delete": ("delete", {"item": "item_id"}),
    "response.cancel": ("cancel", {}),
    "input_audio_buffer.speech_started": ("speech started", {}),
    "input_audio_buffer.committed": ("committed", {"item": "item_id"}),
    "response.created": ("response created", {}),
    "response.done": ("response done", {}),
}


@attrs.define(eq=False)
class Activity(EnergyActivity):
    """Judges loudness, except while it imagines things."""

    _imagined: int = attrs.field(default=0, init=False)

    def imagine(self) -> None:
        """Take what comes next for the beginning of speech."""
        self._imagined = _ONSET_WINDOWS

    async def feed(self, pcm: bytes) -> list[Window]:
        """As the port says."""
        windows = await super().feed(pcm)
        for place, window in enumerate(windows[: self._imagined]):
            windows[place] = Window(window.samples, 1.0)
        self._imagined -= min(self._imagined, len(windows))
        return windows


@attrs.define(eq=False)
class Ears(PlainEars):
    """Plain ears that can be told to hear something."""

    _latest: Activity | None = attrs.field(default=None, init=False)

    def voice_activity(self) -> Activity:
        """As the port says."""
        self._latest = Activity(self.threshold)
        return self._latest

    def imagine(self) -> None:
        """Hear speech in the latest session."""
        if self._latest is not None:
            self._latest.imagine()


@attrs.define
class Witness:
    """Sees everything pass and tells what the bench asks about."""

    offset_s: float  # from Trio's clock to the performance counter
    book: Book | None = None
    session: int = 0  # the latest
    quiet: int = _QUIET_SAMPLES  # samples of silence at the end of what was appended
    sounding: set[str] = attrs.field(factory=set)

    def watch(self, traffic: Traffic) -> None:
        """Look at one event."""
        at, event = traffic.at_s + self.offset_s, traffic.event
        if event["type"] in _TOLD:
            what, names = _TOLD[event["type"]]
            tell(what, at, **{name: event[field] for name, field in names.items()})
        if traffic.direction is Direction.FROM_CLIENT:
            self._from_client(at, event, traffic.session)
        else:
            self._to_client(at, event)

    def _from_client(self, at: float, event: dict[str, Any], session: int) -> None:
        if event["type"] != "input_audio_buffer.append":
            return
        if session > self.session:
            self.session = session
            tell("first append", at)
        pcm = base64.b64decode(event["audio"])
        if self.book is not None:
            self.book.note(at, session, pcm)
        samples = np.frombuffer(pcm, "<i2")
        loud = np.flatnonzero(np.abs(samples.astype(int)) > _LOUD)
        if loud.size and self.quiet + loud[0] >= _QUIET_SAMPLES:
            tell("onset", at)
        self.quiet = self.quiet + samples.size if not loud.size else samples.size - loud[-1] - 1

    def _to_client(self, at: float, event: dict[str, Any]) -> None:
        match event["type"]:
            case "response.output_audio.delta" if event["item_id"] not in self.sounding:
                self.sounding.add(event["item_id"])
                tell("first delta", at, item=event["item_id"])
            case "error":
                tell("error", at, message=event["error"]["message"])
            case _:
                pass


async def main(
    answer_ms: int, settings: Sequence[str], texts: Sequence[str], book: Book | None
) -> None:
    witness = Witness(time.perf_counter() - trio.current_time(), book)
    ears = Ears(texts)
    async with trio.open_nursery() as nursery:

        async def serving(*, task_status: trio.TaskStatus[int]) -> None:
            await serve(
                Options.parse(settings),
                ears=ears,
                voice=RecordedVoice(pilot(answer_ms).tobytes()),
                brain=ScriptedBrain(["pilot"]),
                watch=witness.watch,
                task_status=task_status,
            )

        print(await nursery.start(serving), flush=True)
        async for _ in trio.lowlevel.FdStream(sys.stdin.fileno()):
            ears.imagine()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("answer_ms", type=int)
    parser.add_argument("settings", nargs="*")
    parser.add_argument("--hears", nargs="*", default=[])
    parser.add_argument("--book", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    arguments = _arguments()
    with ExitStack() as stack:
        book = None
        if arguments.book:
            book = Book(stack.enter_context(arguments.book.open("wb", buffering=0)))
        trio.run(main, arguments.answer_ms, arguments.settings, arguments.hears, book)
