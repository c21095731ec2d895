"""The gate: shut while the loudspeaker is heard and its echo lasts, without a click, and never out of time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.audio.echo.rooms import frames, noise
from voiced.audio.echo.half_duplex import HalfDuplex
from voiced.audio.format import FRAME_BYTES, FRAME_MS, FRAME_SAMPLES, SILENT_FRAME, Frame
from voiced.audio.level import SILENCE_DBFS, dbfs

LOUD: Frame = np.full(FRAME_SAMPLES, 3000, "<i2").tobytes()
FAINT: Frame = np.full(FRAME_SAMPLES, 20, "<i2").tobytes()  # -64 dBFS


def passed(gate: HalfDuplex, far: list[Frame], near: Frame = LOUD) -> list[Frame]:
    return [gate.pass_on(near, dbfs(each)) for each in far]


def test_while_the_loudspeaker_rests_not_a_bit_is_changed() -> None:
    gate = HalfDuplex()
    sound = frames(noise(1, -30))
    assert [gate.pass_on(each, SILENCE_DBFS) for each in sound] == sound
    assert gate.silenced == 0


@pytest.mark.parametrize(("delay_ms", "tail_ms"), [(60, 300), (0, 0), (200, 0), (7, 30)])
def test_it_is_shut_until_the_echo_and_its_tail_are_over(delay_ms: int, tail_ms: int) -> None:
    gate = HalfDuplex(tail_ms, delay_ms)
    heard = passed(gate, [SILENT_FRAME] * 2 + [LOUD] * 10 + [SILENT_FRAME] * 50)
    shut = -(-(10 * FRAME_MS + delay_ms + tail_ms) // FRAME_MS)  # whole frames
    assert heard[:2] == [LOUD] * 2
    assert heard[3 : 2 + shut] == [SILENT_FRAME] * (shut - 1)
    assert heard[3 + shut :] == [LOUD] * (len(heard) - 3 - shut)
    assert gate.silenced == shut + 1  # the one that rises is not whole either


def test_its_edges_make_no_click() -> None:
    heard = passed(HalfDuplex(0, 0), [SILENT_FRAME, LOUD, LOUD, SILENT_FRAME, SILENT_FRAME])
    pcm = np.frombuffer(b"".join(heard), "<i2").astype(int)
    assert np.abs(np.diff(pcm)).max() < 3000 * 0.02
    assert pcm[0] == pcm[-1] == 3000
    assert pcm.min() == 0


def test_it_has_fallen_before_the_echo_can_come() -> None:
    [falling] = passed(HalfDuplex(), [LOUD])
    assert not any(np.frombuffer(falling, "<i2")[24 * 5 :])  # the reference leads by 5 ms


def test_what_nobody_hears_does_not_shut_it() -> None:
    assert passed(HalfDuplex(), [FAINT] * 5) == [LOUD] * 5
    assert passed(HalfDuplex(threshold_dbfs=-70.0), [FAINT] * 5)[1:] == [SILENT_FRAME] * 4


@given(st.lists(st.booleans(), max_size=60), st.integers(0, 100), st.integers(0, 100))
def test_there_are_as_many_frames_as_before_and_all_are_whole(
    sounds: list[bool], delay_ms: int, tail_ms: int
) -> None:
    gate = HalfDuplex(tail_ms, delay_ms)
    heard = passed(gate, [LOUD if each else SILENT_FRAME for each in sounds])
    assert [len(each) for each in heard] == [FRAME_BYTES] * len(sounds)
    assert gate.silenced == sum(each != LOUD for each in heard)
    for at, each in enumerate(sounds):
        if each and at + 1 < len(sounds):
            assert heard[at + 1] != LOUD
