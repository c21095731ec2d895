"""Interruptions that must be meant: a cough ends no answer, words do (`interruption = "confirmed"`)."""

import random
import time
from collections import defaultdict
from typing import Final

import numpy as np

from tests.bench.process import Told
from tests.bench.stage import (
    CannotMeasureError,
    Facts,
    Series,
    Stage,
    cough,
    speak,
    stage,
    words,
)
from tests.rig import RATE_HZ, Room

CONFIRM_MS: Final = 400
_TOML: Final = f'[turns]\ninterruption = "confirmed"\nconfirm_ms = {CONFIRM_MS}\n'
_OPENING: Final = "tell me a long story"
_STOP: Final = "stop, wait"

_CHANCE: Final = random.Random(13)
_LONG_MS: Final = 120_000
_KNOWN_S: Final = 0.5  # of the answer before a cough: tells where it is
_AFTER_S: Final = 2.5  # of it after the cough: time enough to go on as if nothing had been
_LEVEL_S: Final = 0.5  # at the end of that: by then it must be as loud as before
_WINDOW: Final = RATE_HZ // 100
_DUCKED_DB: Final = -10.0
_SILENT_WITHIN_S: Final = 5.0


def coughs(room: Room, runs: int) -> tuple[Series, Facts]:
    """Coughs during one long answer: how many ended it, and what became of its level."""
    series: Series = defaultdict(list)
    ended = unnoticed = 0
    with stage(room, _LONG_MS, toml=_TOML, hears=[_OPENING, ""]) as scene:
        item_id = _begin(scene)
        for _ in range(runs):
            coughed_at = room.mouth.say(cough())
            time.sleep(_AFTER_S + _CHANCE.uniform(0, 0.1))
            told = scene.server.forget()
            started = [each["at"] for each in told if each["what"] == "speech started"]
            unnoticed += not started
            if _has_ended(told, item_id):
                ended += 1
                item_id = _begin(scene)
            elif started:
                _note_level(series, scene, coughed_at, started[0])
    return series, {"coughs": runs, "answers ended": ended, "not noticed by the server": unnoticed}


def _begin(scene: Stage) -> str:
    turn = speak(scene, words(_OPENING))
    time.sleep(2.0)
    scene.server.forget()
    return turn.item_id


def _has_ended(told: list[Told], item_id: str) -> bool:
    """Whether the answer was cut, or another one begun over it."""
    for each in told:
        if each["what"] in {"cancel", "first delta"}:
            return True
        if each["what"] in {"truncate", "delete"} and each["item"] == item_id:
            return True
    return False


def _note_level(series: Series, scene: Stage, coughed_at: float, started_at: float) -> None:
    recording = scene.room.ear.recording(coughed_at - _KNOWN_S, coughed_at + _AFTER_S)
    known = round(_KNOWN_S * RATE_HZ)
    gains = scene.reference.gains_db(recording.samples, known, _WINDOW)
    times = np.array([recording.time_s(k * _WINDOW) for k in range(gains.size)])
    during = gains[times > started_at]
    series["level while in doubt, dB"].append(float(during.min()))
    ducked = times[(gains <= _DUCKED_DB) & (times > started_at)]
    if ducked.size:
        series["speech_started -> 10 dB softer, ms"].append(1000 * (float(ducked[0]) - started_at))
    final = gains[-round(_LEVEL_S * RATE_HZ) // _WINDOW :]
    series["level 2 s after, dB"].append(float(np.median(final)))


def stops(room: Room, runs: int) -> tuple[Series, Facts]:
    """Somebody says "stop, wait" during an answer: how many were cut, and how soon."""
    series: Series = defaultdict(list)
    cut = 0
    with stage(room, _LONG_MS, toml=_TOML, hears=[_OPENING, _STOP]) as scene:
        answer = speak(scene, words(_OPENING))
        for _ in range(runs):
            time.sleep(_CHANCE.uniform(1.2, 2.2))
            before = answer
            try:
                answer = speak(scene, words(_STOP), _SILENT_WITHIN_S)
            except CannotMeasureError:  # it was not cut, and so nothing was answered
                continue
            heard = scene.heard_of(before, answer.first_delta)
            told_ms = answer.truncated_ms(before.item_id)
            if heard.traced is None or heard.last_s is None or told_ms is None:
                continue
            cut += 1
            series["speech onset -> silence, ms"].append(1000 * (heard.last_s - answer.spoke_at))
            series["speech_started -> silence, ms"].append(1000 * (heard.last_s - answer.started))
            series["|audio_end_ms - last audible|, ms"].append(abs(told_ms - heard.traced.ends_ms))
    return series, {"spoken": runs, "cut": cut}
