"""All numbers of one life: what was carried and what was lost, whoever counts it, under one name each."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from voiced.channel import Channel
from voiced.counts import Counts
from voiced.link.memory import Memory
from voiced.link.tape import Tape


@attrs.frozen(eq=False)
class Tallies:
    """Reads the counters that others keep."""

    counts: Counts
    blocks: Channel[Any]
    frames: Channel[Any]
    playouts: Channel[Any]
    tape: Tape
    memory: Memory
    overheard: Channel[Any] | None = None  # where words are listened for

    def losses(self) -> Mapping[str, Callable[[], int]]:
        """What does not happen in good times, as the log calls it."""
        counts, overheard = self.counts, self.overheard
        listening = {} if overheard is None else {overheard.name: lambda: overheard.tally.dropped}
        return listening | {
            "microphone blocks": lambda: counts.lost_blocks,
            "capture blocks": lambda: self.blocks.tally.dropped,
            "far-end blocks": lambda: counts.lost_far_blocks,
            "device overflows": lambda: counts.overflows,
            "device underflows": lambda: counts.underflows,
            "tips of clipped frames": lambda: counts.frames_clipped,
            "frames": lambda: self.frames.tally.dropped,
            "frames that waited": lambda: self.tape.dropped,
            "playouts": lambda: self.playouts.tally.dropped,
            "answers without a loudspeaker": lambda: counts.unheard_answers,
            "late deltas": lambda: counts.late_deltas,
            "stray deltas": lambda: counts.stray_deltas,
            "events": lambda: counts.skipped_events,
            "texts": lambda: counts.lost_texts,
        }

    def numbers(self) -> dict[str, int]:
        """What was carried and what was lost until now."""
        numbers: dict[str, int] = attrs.asdict(self.counts)
        numbers["frames_that_waited_dropped"] = self.tape.dropped
        numbers["frames_told_again"] = self.tape.retold
        numbers["memory_forgotten"] = self.memory.forgotten
        numbers["memory_lost_chars"] = self.memory.lost_chars
        for channel in self._channels():
            name = channel.name.replace(" ", "_")
            numbers[f"{name}_dropped"] = channel.tally.dropped
            numbers[f"{name}_discarded"] = channel.tally.discarded
        return numbers

    def all(self) -> dict[str, int]:
        """The same, and what the channels carried: where nothing comes any more, that stands still."""
        carried = {
            f"{channel.name.replace(' ', '_')}_offered": channel.tally.offered
            for channel in self._channels()
        }
        return {**self.numbers(), **carried}

    def _channels(self) -> Iterator[Channel[Any]]:
        yield from (self.blocks, self.frames, self.playouts)
        if self.overheard is not None:
            yield self.overheard
