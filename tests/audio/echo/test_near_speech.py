"""A suspicion that somebody speaks over the loudspeaker: when it begins, how long it lasts, what calms it."""

import numpy as np

from voiced.audio.echo.near_speech import NearSpeech
from voiced.audio.format import FRAME_SAMPLES, SILENT_FRAME, Frame
from voiced.audio.level import dbfs


def at(level_dbfs: float) -> Frame:
    """A frame of noise that loud."""
    noise = np.random.default_rng(1).standard_normal(FRAME_SAMPLES)
    return np.rint(noise * 32768 * 10 ** (level_dbfs / 20)).astype("<i2").tobytes()


FAR, LEFT, VOICE = at(-20.0), at(-75.0), at(-45.0)


def heard(near: NearSpeech, frame: Frame, times: int, far: Frame = FAR) -> int:
    """How many of that many frames were suspicious."""
    suspicious = 0
    for _ in range(times):
        near.hear(dbfs(frame), dbfs(far))
        suspicious += near.suspected
    return suspicious


def test_what_a_canceller_leaves_is_no_reason() -> None:
    near = NearSpeech()
    assert heard(near, LEFT, 500) == 0


def test_two_frames_of_a_voice_are_and_one_is_a_click() -> None:
    near = NearSpeech()
    heard(near, LEFT, 100)
    assert heard(near, VOICE, 1) == 0
    assert heard(near, LEFT, 10) == 0
    assert heard(near, VOICE, 2) == 1
    assert near.suspicions == 1


def test_it_outlasts_the_voice_by_seven_tenths_of_a_second() -> None:
    near = NearSpeech()
    heard(near, LEFT, 100)
    heard(near, VOICE, 30)
    assert 34 <= heard(near, LEFT, 100) <= 36


def test_nobody_speaks_over_a_loudspeaker_that_rests() -> None:
    near = NearSpeech()
    heard(near, LEFT, 100)
    heard(near, LEFT, 60, SILENT_FRAME)
    assert heard(near, VOICE, 100, SILENT_FRAME) == 0


def test_suspicions_for_nothing_make_it_wary_and_time_calms_it() -> None:
    near, crackle = NearSpeech(), at(-62.0)
    heard(near, LEFT, 100)
    for _ in range(10):
        heard(near, crackle, 2)
        heard(near, LEFT, 50)
    assert near.suspicions < 5
    wary = near.suspicions
    assert heard(near, VOICE, 3), "a voice is louder than that"
    heard(near, LEFT, 10_000)
    heard(near, crackle, 2)
    assert near.suspicions == wary + 2
