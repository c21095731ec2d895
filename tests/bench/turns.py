"""Interruptions: how soon it falls silent, and how true the truncation is.

The daemon says where it fell silent (`audio_end_ms`); where it really did is recognised in what the
loudspeaker gave, to 0.2 ms, and not by the clock: a clock would call every gap in an answer speech.
"""

import random
import time
from collections import defaultdict
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
    Stage,
    Turn,
    imagine,
    speak,
    stage,
)
from tests.rig import Room

_CHANCE: Final = random.Random(11)
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
_SOUNDING_S: Final = 0.05  # from the first delta to the first sound


def at_random(room: Room, runs: int) -> Facts:
    """Interruptions of a short answer: a third at its beginning, a third in it, a third at its end."""
    edge_s, answer_s = _EDGE_MS / 1000, _SHORT_MS / 1000
    moments = ((-0.2 * edge_s, edge_s), (edge_s, answer_s - edge_s), (-edge_s, 0.5 * edge_s))
    counts: defaultdict[str, int] = defaultdict(int)
    worst: defaultdict[str, float] = defaultdict(float)
    errors_ms: list[float] = []
    with stage(room, _SHORT_MS, toml=QUICK_TURNS) as scene:
        answer = imagine(scene)
        for run in range(runs):
            third = run % 3
            begins_s = _SOUNDING_S - _HEARING_S + (answer_s if third == 2 else 0.0)
            due = answer.first_delta + begins_s + _CHANCE.uniform(*moments[third])
            time.sleep(max(0.0, due - time.perf_counter()))
            before, answer = answer, imagine(scene)
            heard = scene.heard_of(before, answer.first_delta)
            counts["server errors"] += len(answer.errors)
            counts[_moment(scene, heard, answer)] += 1
            told_ms, ends_ms = answer.truncated_ms(before.item_id), _ends_ms(heard)
            if told_ms is not None:
                counts["truncated"] += 1
                errors_ms.append(abs(told_ms - ends_ms))
            elif answer.deleted(before.item_id):
                counts["deleted"] += 1
                worst["deleted, but heard at most, ms"] = max(
                    worst["deleted, but heard at most, ms"], ends_ms
                )
            else:
                counts["nothing sent"] += 1
                worst["nothing sent, but unheard at most, ms"] = max(
                    worst["nothing sent, but unheard at most, ms"], _SHORT_MS - ends_ms
                )
    counts["server errors"] += 0  # none is a number, too
    spread = np.percentile(errors_ms, [50, 95, 100]) if errors_ms else np.full(3, np.nan)
    names = ("median", "p95", "most")
    return {
        "interruptions": runs,
        **dict(sorted(counts.items())),
        **worst,
        **{
            f"|audio_end_ms - last audible| {name}, ms": v
            for name, v in zip(names, spread, strict=True)
        },
    }


def _ends_ms(heard: HeardOf) -> float:
    return 0.0 if heard.traced is None else max(0.0, heard.traced.ends_ms)


def _moment(scene: Stage, heard: HeardOf, after: Turn) -> str:
    """When in the answer's sound speech_started was sent."""
    if heard.first_s is None or after.started < heard.first_s:
        return "before its sound"
    into_ms = 1000 * (after.started - heard.first_s)
    if into_ms < _EDGE_MS:
        return "in its first 50 ms"
    if into_ms < scene.answer_ms - _EDGE_MS:
        return "in the middle"
    return "in its last 50 ms" if into_ms < scene.answer_ms else "after its end"
