"""Interruptions: how soon it falls silent, and how true the truncation is.

The daemon says where it fell silent (`audio_end_ms`); where it really did is recognised in what the
loudspeaker gave, to 0.2 ms, and not by the clock: a clock would call every gap in an answer speech.
"""

import random
import statistics
import time
from collections import defaultdict, deque
from contextlib import nullcontext
from typing import Final

import attrs
import numpy as np

from tests.bench.process import one_core_busy
from tests.bench.stage import (
    QUICK_TURNS,
    Facts,
    HeardOf,
    Series,
    Turn,
    imagine,
    speak,
    stage,
)
from tests.rig import Room

_CHANCE: Final = random.Random(11)
_RECOGNISED: Final = 0.8  # a faded end has 0.9 or more, what is not there at all below 0.4
_LONG_MS: Final = 30_000  # longer than anybody listens before interrupting


@attrs.frozen
class Delivery:
    """How answers arrive, and when they are interrupted."""

    settings: tuple[str, ...] = ()
    listens_s: tuple[float, float] = (
        1.0,
        1.6,
    )  # after the first delta; any phase of block and frame
    toml: str = ""
    aloud: bool = False  # the user really speaks; else the server imagines it, which is quicker
    busy: bool = False  # while somebody else keeps one core


STEADY: Final = Delivery()
STALLED: Final = Delivery(("stall_after_ms=1000", "stall_ms=2000"), (2.5, 3.3))
# Half a second of sound, then nothing for 0.7 s, over and over: dry and refilled four times.
REFILLED: Final = Delivery(
    ("stall_after_ms=500", "stall_ms=700", "stall_every_ms=500"), (2.6, 4.2), QUICK_TURNS
)


def interrupted(room: Room, runs: int, delivery: Delivery) -> Series:
    """A user who listens for a while and speaks over the answer, again and again."""
    series: Series = defaultdict(list)
    load = one_core_busy(room.environ) if delivery.busy else nullcontext()
    turn_of = speak if delivery.aloud else imagine
    with load, stage(room, _LONG_MS, delivery.settings, delivery.toml) as scene:
        answer = turn_of(scene)
        for _ in range(runs):
            time.sleep(_CHANCE.uniform(*delivery.listens_s))
            before, answer = answer, turn_of(scene)
            _note(series, before, answer, scene.heard_of(before, answer.first_delta))
    return series


def _note(series: Series, before: Turn, after: Turn, heard: HeardOf) -> None:
    """Enter what became of the answer of *before*, which the user of *after* interrupted."""
    if after.onset is not None:
        series["mouth -> wire, ms"].append(1000 * (after.onset - after.spoke_at))
    if heard.traced is None or heard.first_s is None or heard.last_s is None:
        series["answers not heard at all"].append(1)
        return
    series["first delta -> first sound, ms"].append(1000 * (heard.first_s - before.first_delta))
    if heard.last_s > after.started:  # an answer may be dry just then: there is nothing to silence
        series["speech_started -> last audible, ms"].append(1000 * (heard.last_s - after.started))
    series["silence inside the answer, ms"].append(heard.traced.silent_ms)
    series["left out of the answer, ms"].append(heard.traced.missing_ms)
    if heard.traced.likeness < _RECOGNISED:
        series["last audible not recognised"].append(1)
        return
    told_ms = after.truncated_ms(before.item_id)
    if told_ms is None:
        series["not truncated though cut"].append(1)
        return
    error_ms = told_ms - heard.traced.ends_ms
    series["audio_end_ms - last audible, ms"].append(error_ms)
    series["|audio_end_ms - last audible|, ms"].append(abs(error_ms))


# --- at random moments ----------------------------------------------------------------------------

_EDGE_MS: Final = 50
_SHORT_MS: Final = 600
_HEARING_S: Final = 0.05  # from the order to imagine speech to speech_started: three frames
# How answers come, and about how long after their first delta they sound: a burst is all there when
# speech begins; of the others 20 ms come, a pause, and the rest in real time, so that they may be cut
# before anything sounds, and while the response is still active at their end.
_LATE: Final = ("burst_factor=1", "delta_bytes=960", "stall_after_ms=20", "stall_ms=100")
_ARRIVALS: Final = (((), 0.03), (_LATE, 0.17))


def at_random(room: Room, runs: int) -> Facts:
    """Interruptions of short answers: a third at the beginning, a third within, a third at the end."""
    edge_s, answer_s = _EDGE_MS / 1000, _SHORT_MS / 1000
    moments = (
        (-2 * edge_s, edge_s),
        (edge_s, answer_s - edge_s),
        (answer_s - edge_s, answer_s + 0.4 * edge_s),
    )
    found = _Moments()
    for settings, sounding_s in _ARRIVALS:
        with stage(room, _SHORT_MS, settings, QUICK_TURNS) as scene:
            answer, delays_s = imagine(scene), deque([sounding_s], maxlen=5)
            for run in range(runs // len(_ARRIVALS)):
                into_s = _CHANCE.uniform(*moments[run % len(moments)])
                due = answer.first_delta + statistics.median(delays_s) - _HEARING_S + into_s
                time.sleep(max(0.0, due - time.perf_counter()))
                before, answer = answer, imagine(scene)
                heard = scene.heard_of(before, answer.first_delta)
                if heard.first_s is not None:  # a jitter buffer learns; so must whoever aims
                    delays_s.append(heard.first_s - before.first_delta)
                found.note(before, answer, heard)
    return found.facts()


@attrs.define(eq=False)
class _Moments:
    """What became of the interruptions."""

    counts: dict[str, int] = attrs.field(
        factory=lambda: dict.fromkeys(
            (
                *("before its sound", "in its first 50 ms", "in the middle", "in its last 50 ms"),
                *("after its end", "truncated", "deleted", "nothing sent", "server errors"),
            ),
            0,
        )
    )
    errors_ms: list[float] = attrs.field(factory=list)  # of truncations
    deleted_ms: list[float] = attrs.field(factory=list)  # what was heard of deleted answers
    unheard_ms: list[float] = attrs.field(factory=list)  # of answers of which nothing was sent

    def note(self, before: Turn, after: Turn, heard: HeardOf) -> None:
        """Enter what became of the answer of *before*, which the user of *after* interrupted."""
        self.counts[_moment(heard, after)] += 1
        self.counts["server errors"] += len(after.errors)
        ends_ms = 0.0 if heard.traced is None else max(0.0, heard.traced.ends_ms)
        told_ms = after.truncated_ms(before.item_id)
        if told_ms is not None:
            self.counts["truncated"] += 1
            self.errors_ms.append(abs(told_ms - ends_ms))
        elif after.deleted(before.item_id):
            self.counts["deleted"] += 1
            self.deleted_ms.append(ends_ms)
        else:
            self.counts["nothing sent"] += 1
            self.unheard_ms.append(_SHORT_MS - ends_ms)

    def facts(self) -> Facts:
        """All of it in numbers."""
        median, p95, most = np.percentile(self.errors_ms or [np.nan], [50, 95, 100])
        return {
            **self.counts,
            "|audio_end_ms - last audible| median, ms": median,
            "|audio_end_ms - last audible| p95, ms": p95,
            "|audio_end_ms - last audible| most, ms": most,
            "heard of a deleted answer, most, ms": max(self.deleted_ms, default=0.0),
            "unheard where nothing was sent, most, ms": max(self.unheard_ms, default=0.0),
        }


def _moment(heard: HeardOf, after: Turn) -> str:
    """When in the answer's sound speech_started was sent."""
    if heard.first_s is None or after.started < heard.first_s:
        return "before its sound"
    into_ms = 1000 * (after.started - heard.first_s)
    if into_ms < _EDGE_MS:
        return "in its first 50 ms"
    if into_ms < _SHORT_MS - _EDGE_MS:
        return "in the middle"
    return "in its last 50 ms" if into_ms < _SHORT_MS else "after its end"
