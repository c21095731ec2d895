"""Answers: heard whole, however short; without gaps, however they arrive."""

import time
from typing import Final

import attrs
import numpy as np
import soxr

from tests.bench.pilot import RATE_HZ, Fidelity, Traced, compare, pilot
from tests.bench.stage import QUICK_TURNS, Facts, Stage, imagine, stage
from tests.rig import RATE_HZ as RIG_RATE_HZ
from tests.rig import Room

_SETTLES_S: Final = 10.0  # of an answer: what comes later is after the first adaptation
_NEXT_S: Final = 12.0  # so much is heard of the next answer
_SILENT_S: Final = 1.0  # an answer is over when nothing was heard for so long, stalls included
_MISSED_MS: Final = 5.5  # of an answer's beginning, by the ear: see tests/real_audio/test_sound.py
_PATIENCE_S: Final = 30.0


def short(room: Room, ms: int, runs: int, toml: str = "") -> Facts:
    """Answers of that length, one after the other: how many were heard from end to end."""
    whole = silent = 0
    least_ms = float(ms)
    with stage(room, ms, toml=QUICK_TURNS + toml) as scene:
        for _ in range(runs):
            turn = imagine(scene)
            time.sleep(ms / 1000 + 0.5)
            traced = scene.heard_of(turn, time.perf_counter()).traced
            whole += traced is not None and _is_whole(traced, ms)
            silent += traced is None
            heard_ms = 0.0 if traced is None else traced.ends_ms - traced.silent_ms
            least_ms = min(least_ms, heard_ms)
    return {
        "answers": runs,
        "heard whole": whole,
        "not heard at all": silent,
        "least, ms": least_ms,
    }


def _is_whole(traced: Traced, ms: int) -> bool:
    """From its first sample to its last, without a hole, a skip or a repeat."""
    return (
        traced.begins_ms <= _MISSED_MS
        and traced.ends_ms >= ms - 1
        and traced.silent_ms == 0
        and abs(traced.missing_ms) < 0.3
    )


@attrs.frozen
class Network:
    """How a long answer arrives."""

    settings: tuple[str, ...] = ()
    stall_every_s: float = 0.0  # the whole server stands still, then catches up
    stall_s: float = 0.3
    again: bool = True  # a second answer tells what was learnt from the first


# Each delta of 100 ms comes up to 160 ms late: 80 ms before or after the middle.
_REAL_TIME: Final = ("burst_factor=1", "delta_bytes=4800")
BURSTS: Final = Network(again=False)
JITTER: Final = Network((*_REAL_TIME, "delta_jitter_ms=160"))
STALLS: Final = Network(_REAL_TIME, stall_every_s=3.0)


def long(room: Room, seconds: int, network: Network, toml: str = "") -> Facts:
    """One long answer, held against what was sent, and perhaps the beginning of the next."""
    with stage(room, seconds * 1000, network.settings, QUICK_TURNS + toml) as scene:
        first = _listen(scene, network, seconds + 1.5)
        facts: Facts = {
            "heard ms": first.heard_ms,
            "gaps in the first 10 s": sum(g.at_ms < 1000 * _SETTLES_S for g in first.gaps),
            "gaps after": sum(g.at_ms >= 1000 * _SETTLES_S for g in first.gaps),
            "gap ms": sum(gap.ms for gap in first.gaps),
            "jumps": first.jumps,
        }
        if network.again:
            then = _listen(scene, network, min(_NEXT_S, seconds / 2), to_its_end=False)
            facts["gaps in the next answer"] = len(then.gaps)
            facts["gap ms there"] = sum(gap.ms for gap in then.gaps)
    return facts


def _listen(scene: Stage, network: Network, seconds: float, *, to_its_end: bool = True) -> Fidelity:
    ear, began = scene.room.ear, imagine(scene).first_delta
    while (left := began + seconds - time.perf_counter()) > 0:
        if network.stall_every_s and left > network.stall_every_s:
            time.sleep(network.stall_every_s - network.stall_s)
            scene.server.pause(network.stall_s)
        else:
            time.sleep(left)
    ends = time.perf_counter() + (_PATIENCE_S if to_its_end else 0.0)
    while (last := ear.last_loud(began)) and last > (now := time.perf_counter()) - _SILENT_S:
        if now > ends:
            break
        time.sleep(0.5)
    recorded = ear.heard(began)
    floats = soxr.resample(recorded.astype(np.float32), RIG_RATE_HZ, RATE_HZ)
    return compare(floats, pilot(scene.answer_ms))
