"""The embedded server as the bench's other side: it answers every turn with the pilot, and writes down
when things passed, on the performance counter that all processes of a machine share.

    python -m tests.bench.server ANSWER_MS [KNOB=VALUE ...]

Prints its port, then one JSON object per line: {"what": ..., "at": seconds, ...}.
"""

import base64
import json
import sys
import time
from typing import Any

import attrs
import numpy as np
import trio

from tests.bench.pilot import pilot
from voiced.local.brain import ScriptedBrain
from voiced.local.ears import PlainEars
from voiced.local.options import Options
from voiced.local.server import serve
from voiced.local.voice import RecordedVoice
from voiced.local.wire import Direction, Traffic

_LOUD = 6000  # a sample of the mouth's sound; silence is 0
_QUIET_SAMPLES = 24 * 150  # an onset is preceded by this much silence


@attrs.define
class Witness:
    """Sees everything pass and tells what the bench asks about."""

    offset_s: float  # from Trio's clock to the performance counter
    session: int = 0  # the latest
    quiet: int = _QUIET_SAMPLES  # samples of silence at the end of what was appended
    sounding: set[str] = attrs.field(factory=set)

    def watch(self, traffic: Traffic) -> None:
        """Look at one event."""
        at, event = traffic.at_s + self.offset_s, traffic.event
        if traffic.direction is Direction.FROM_CLIENT:
            self._from_client(at, event, traffic.session)
        else:
            self._to_client(at, event)

    def _from_client(self, at: float, event: dict[str, Any], session: int) -> None:
        if event["type"] == "conversation.item.truncate":
            tell("truncate", at, ms=event["audio_end_ms"])
        if event["type"] != "input_audio_buffer.append":
            return
        if session > self.session:
            self.session = session
            tell("first append", at)
        samples = np.frombuffer(base64.b64decode(event["audio"]), "<i2")
        loud = np.flatnonzero(np.abs(samples.astype(int)) > _LOUD)
        if loud.size and self.quiet + loud[0] >= _QUIET_SAMPLES:
            tell("onset", at)
        self.quiet = self.quiet + samples.size if not loud.size else samples.size - loud[-1] - 1

    def _to_client(self, at: float, event: dict[str, Any]) -> None:
        match event["type"]:
            case "input_audio_buffer.speech_started":
                tell("speech started", at)
            case "response.output_audio.delta" if event["item_id"] not in self.sounding:
                self.sounding.add(event["item_id"])
                tell("first delta", at)
            case "error":
                tell("error", at, message=event["error"]["message"])
            case _:
                pass


def tell(what: str, at: float, **more: Any) -> None:
    """One line for the bench."""
    print(json.dumps({"what": what, "at": at, **more}), flush=True)


async def main(answer_ms: int, settings: list[str]) -> None:
    witness = Witness(time.perf_counter() - trio.current_time())
    async with trio.open_nursery() as nursery:

        async def serving(*, task_status: trio.TaskStatus[int]) -> None:
            await serve(
                Options.parse(settings),
                ears=PlainEars(),
                voice=RecordedVoice(pilot(answer_ms).tobytes()),
                brain=ScriptedBrain(["pilot"]),
                watch=witness.watch,
                task_status=task_status,
            )

        print(await nursery.start(serving), flush=True)


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]), sys.argv[2:])
