"""What is too loud for an echo: learned from the room itself, and not before it is known."""

import numpy as np
import pytest

from tests.audio.echo.rooms import Room, frames, noise, speech_like
from voiced.audio.convert import Samples
from voiced.audio.echo.beyond_echo import BeyondEcho
from voiced.audio.format import FRAME_SAMPLES, frames_in_ms
from voiced.audio.level import dbfs

FAR = speech_like(12, seed=1)
ROOM = Room(60, -10)
ECHO = ROOM.echo(FAR) + noise(12, -80)
TALK_AT = frames_in_ms(8000)
DELAY_MS = 60


def with_talk(level_dbfs: float) -> Samples:
    """From the eighth second on."""
    talk = speech_like(12, seed=5, level_dbfs=level_dbfs)
    talk[: TALK_AT * FRAME_SAMPLES] = 0
    return ECHO + talk


def beyond(
    near: Samples, delay_ms: int | None = DELAY_MS, suspected_from: int = TALK_AT
) -> list[int]:
    """The frames that are."""
    ear = BeyondEcho()
    return [
        at
        for at, (a, b) in enumerate(zip(frames(near), frames(FAR), strict=True))
        if ear.hear(dbfs(a), dbfs(b), delay_ms, suspected=at >= suspected_from)
    ]


@pytest.mark.parametrize("rt60_s", [0.2, 0.4, 0.6])
@pytest.mark.parametrize("return_db", [-30, -10, 0])
def test_an_echo_never_is_however_loud(rt60_s: float, return_db: float) -> None:
    near = Room(60, return_db, rt60_s).echo(FAR) + noise(12, -80)
    assert beyond(near, suspected_from=frames_in_ms(4000)) == []


def test_somebody_who_is_louder_is_soon() -> None:
    found = beyond(with_talk(-18))
    assert found
    assert TALK_AT <= found[0] < TALK_AT + frames_in_ms(300)


def test_nobody_is_before_the_room_is_known() -> None:
    assert beyond(with_talk(-10), suspected_from=frames_in_ms(2000)) == []
    assert beyond(with_talk(-10), delay_ms=None) == []


def test_who_spoke_unnoticed_does_not_count_as_an_echo_if_he_is_suspected_in_time() -> None:
    """The first 200 ms of him: then it is known that they were no echo."""
    late = TALK_AT + frames_in_ms(200)
    assert beyond(with_talk(-12), suspected_from=late)[0] <= late + frames_in_ms(300)


def test_without_the_loudspeaker_nobody_is() -> None:
    silence = np.zeros_like(FAR)
    ear = BeyondEcho()
    talk = speech_like(12, seed=5)
    assert not any(
        ear.hear(dbfs(a), dbfs(b), DELAY_MS, suspected=True)
        for a, b in zip(frames(talk), frames(silence), strict=True)
    )
