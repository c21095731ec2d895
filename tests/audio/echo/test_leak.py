"""Whether what is left is the loudspeaker itself: when its echo has moved, and not when somebody speaks."""

import numpy as np
import pytest

from tests.audio.echo.rooms import Room, frames, noise, speech_like
from voiced.audio.convert import Samples
from voiced.audio.echo.instant import Instant
from voiced.audio.echo.leak import Leak
from voiced.audio.format import SILENT_FRAME, WIRE_RATE_HZ

FAR = speech_like(4, seed=1)
FAINT = noise(4, -85)


def fed(near: Samples, left: Samples, far: Samples = FAR) -> Leak:
    leak = Leak()
    for each in zip(frames(near), frames(left), frames(far), strict=True):
        leak.feed(Instant.of(*each))
    return leak


@pytest.mark.parametrize("delay_ms", [10, 60, 150, 350])
def test_an_echo_that_nothing_was_taken_from_is_one(delay_ms: int) -> None:
    echo = Room(delay_ms, -10).echo(FAR) + FAINT
    assert fed(echo, echo).is_one()


@pytest.mark.parametrize("seed", range(2, 12))
def test_somebody_who_speaks_is_none(seed: int) -> None:
    talk = speech_like(4, seed, -25) + FAINT
    assert not fed(Room(60, -10).echo(FAR) + talk, talk).is_one()


def test_a_canceller_that_takes_most_of_it_away_knows_where_it_is() -> None:
    echo = Room(60, -10).echo(FAR)
    assert not fed(echo, echo / np.float32(20)).is_one()


def test_nothing_is_known_before_enough_was_heard_and_of_silence() -> None:
    leak = Leak()
    assert not leak.is_one()
    silence = np.zeros(4 * WIRE_RATE_HZ, np.float32)
    assert not fed(silence, silence, silence).is_one()
    for _ in range(100):
        leak.feed(Instant.of(SILENT_FRAME, SILENT_FRAME, SILENT_FRAME))
    assert not leak.is_one()
