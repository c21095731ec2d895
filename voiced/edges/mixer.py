"""What the mixer is set to, in the words of the program that knows: pactl, or else amixer. Changes nothing."""

import os
import shutil
from collections.abc import Mapping, Sequence
from typing import Final

import attrs
import trio
from attrs import frozen

_ANSWERS_WITHIN_S: Final = 2.0  # each takes some 10 ms, unless the server hangs

_QUESTIONS: Final[Mapping[str, tuple[Sequence[str], Sequence[str]]]] = {
    "pactl": (
        ("get-sink-mute @DEFAULT_SINK@", "get-sink-volume @DEFAULT_SINK@"),
        ("get-source-mute @DEFAULT_SOURCE@", "get-source-volume @DEFAULT_SOURCE@"),
    ),
    "amixer": (("sget Master",), ("sget Capture",)),
}
"""Program → what is asked about loudspeaker and microphone; the first that knows anything is believed."""


@frozen(kw_only=True)
class MixerSays:
    """Word for word; empty where nothing was to be learnt."""

    program: str = ""
    loudspeaker: str = ""
    microphone: str = ""
    source: str = ""  # what the sound server calls the default microphone


@frozen
class Mixer:
    """Asks about the default devices."""

    environ: Mapping[str, str] = attrs.field(factory=lambda: os.environ, repr=False)

    async def look(self) -> MixerSays:
        """Ask; a program that is missing, hangs or fails has said nothing."""
        for program, (loudspeaker, microphone) in _QUESTIONS.items():
            if (path := shutil.which(program, path=self.environ.get("PATH"))) is not None:
                said = MixerSays(
                    program=program,
                    loudspeaker=await self._ask(path, loudspeaker),
                    microphone=await self._ask(path, microphone),
                )
                if program == "pactl":
                    source = await self._ask(path, ("get-default-source",))
                    said = attrs.evolve(said, source=source.strip())
                if said.loudspeaker or said.microphone:
                    return said
        return MixerSays()

    async def _ask(self, path: str, questions: Sequence[str]) -> str:
        answers = []
        for question in questions:
            with trio.move_on_after(_ANSWERS_WITHIN_S):
                try:
                    done = await trio.run_process(
                        [path, *question.split()],
                        capture_stdout=True,
                        capture_stderr=True,
                        check=False,
                        env={**self.environ, "LC_ALL": "C"},
                    )
                except OSError:  # not to be run, whatever it is
                    return ""
                if not done.returncode:
                    answers.append(done.stdout.decode("utf-8", "replace"))
        return "".join(answers)
