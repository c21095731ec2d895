"""The instrument itself: what it says of recordings whose truth is known."""

import numpy as np
import pytest

from tests.bench.pilot import RATE_HZ, Gap, Reference, compare, pilot
from tests.rig import RATE_HZ as RIG_HZ
from tests.rig import Samples
from voiced.audio.convert import to_mono, to_pcm16
from voiced.audio.fade import fade_out
from voiced.audio.resample import Resampler

_MS = RIG_HZ // 1000
_SENT = pilot(3000)
_REFERENCE = Reference(_SENT)


def played(ends_ms: float, begins_ms: float = 0.0) -> Samples:
    """That part of the pilot as a loudspeaker edge hands it over, with its fade at the end."""
    resampler = Resampler(RATE_HZ, RIG_HZ)
    floats = resampler.feed(to_mono(_SENT.tobytes(), channels=1))
    whole = np.frombuffer(to_pcm16(np.concatenate([floats, resampler.finish()])), np.int16)
    part = whole[round(begins_ms * _MS) : round(ends_ms * _MS)].copy()
    part[-8 * _MS :] = fade_out(part[-8 * _MS :])
    return part


def silence(ms: float) -> Samples:
    return np.zeros(round(ms * _MS), np.int16)


@pytest.mark.parametrize("ends_ms", [3.3, 9.0, 20.0, 51.7, 1234.5, 2999.0])
def test_a_cut_is_found_to_a_third_of_a_millisecond(ends_ms: float) -> None:
    found = _REFERENCE.trace(np.concatenate([silence(77), played(ends_ms), silence(50)]))
    assert found is not None
    assert found.ends_ms == pytest.approx(ends_ms, abs=0.3)
    assert found.begins_ms == pytest.approx(0, abs=0.2)
    assert found.missing_ms == pytest.approx(0, abs=0.05)
    assert found.silent_ms == 0


@pytest.mark.parametrize("after_ms", [4.0, 30.0, 500.0])
def test_a_gap_does_not_shift_the_place_of_the_cut(after_ms: float) -> None:
    parts = played(1000), silence(321), played(1000 + after_ms, 1000)
    found = _REFERENCE.trace(np.concatenate(parts))
    assert found is not None
    assert found.ends_ms == pytest.approx(1000 + after_ms, abs=0.3)
    assert found.silent_ms == pytest.approx(321, abs=0.5)
    assert found.missing_ms == pytest.approx(0, abs=0.4)


def test_what_is_left_out_is_told() -> None:
    found = _REFERENCE.trace(np.concatenate([played(1000), silence(20), played(2000, 1100)]))
    assert found is not None
    assert found.missing_ms == pytest.approx(100, abs=0.4)


def test_silence_holds_nothing() -> None:
    assert _REFERENCE.trace(silence(100)) is None


def test_the_level_is_told_window_by_window() -> None:
    loud = played(1000)
    soft = np.rint(loud[500 * _MS :] * 0.25).astype(np.int16)
    recorded = np.concatenate([loud[: 500 * _MS], soft])
    gains = _REFERENCE.gains_db(recorded[_MS:], known=100 * _MS, window=10 * _MS)
    assert gains[:49] == pytest.approx(0, abs=0.1)
    assert gains[51:-2] == pytest.approx(-12.04, abs=0.1)


def test_gaps_and_jumps_are_told_from_each_other() -> None:
    gap = np.concatenate([_SENT[:24_000], np.zeros(2400, np.int16), _SENT[24_000:]])
    found = compare(gap, _SENT)
    assert found.gaps == (Gap(1000, 100),)
    assert found.jumps == 0
    early = np.concatenate([_SENT[:1920], np.zeros(2400, np.int16), _SENT[1920:]])
    found = compare(early, _SENT)
    assert found.gaps == (Gap(80, 100),)
    assert found.jumps == 0
    jump = np.concatenate([_SENT[:24_000], _SENT[33_600:]])
    found = compare(jump, _SENT)
    assert found.gaps == ()
    assert found.jumps == 1
