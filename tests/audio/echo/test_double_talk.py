"""Somebody over an answer, nobody, or the loudspeaker itself: what goes on of each behind a canceller."""

import numpy as np
from attrs import frozen

from tests.audio.echo.rooms import Room, frames, noise, speech_like
from voiced.audio.convert import Samples
from voiced.audio.echo.double_talk import DoubleTalk
from voiced.audio.echo.instant import Instant
from voiced.audio.format import FRAME_SAMPLES, Frame, frames_in_ms

SECONDS = 12
FAR = speech_like(SECONDS, seed=1)
ECHO = Room(60, -10).echo(FAR)
LEFT = noise(SECONDS, -75)
BEGINS = frames_in_ms(8000)
TALK = speech_like(SECONDS, seed=5, level_dbfs=-15)
TALK[: BEGINS * FRAME_SAMPLES] = 0


@frozen
class Lived:
    """What was told at each frame, and when the echo was heard to have moved."""

    near: list[Frame]
    told: list[list[Frame]]
    moved: list[int]
    talk: DoubleTalk

    @property
    def all_told(self) -> list[Frame]:
        return [frame for frames in self.told for frame in frames]


def lived(near: Samples, left: Samples, learns: int = 0) -> Lived:
    """*learns*: frames for which the canceller is known to leave too much."""
    talk, told, moved = DoubleTalk(), [], []
    nears = frames(near)
    for at, each in enumerate(zip(nears, frames(left), frames(FAR), strict=True)):
        if at < learns:
            talk.learn(Instant.of(*each), 60)
            told.append([each[1]])
            continue
        told.append(list(talk.hear(Instant.of(*each), 60)))
        if talk.moved:
            moved.append(at)
    return Lived(nears, told, moved, talk)


def test_what_little_is_left_of_an_echo_goes_on_as_it_is() -> None:
    scene = lived(ECHO, LEFT)
    assert scene.all_told == frames(LEFT)
    assert (scene.talk.suspicions, scene.talk.passed, scene.moved) == (0, 0, [])


def test_a_canceller_does_not_take_somebodys_first_words_away() -> None:
    near = ECHO + TALK
    scene = lived(near, LEFT + TALK * np.float32(0.05))
    assert scene.talk.suspicions
    begins, ends = BEGINS + 3, BEGINS + frames_in_ms(1000)  # his first frames hardly sound
    said = [scene.near.index(each) for each in scene.all_told if each in scene.near]
    assert set(range(begins, ends)) <= set(said)
    assert said == sorted(set(said)), "in order, and none twice"


def test_who_comes_through_is_not_told_twice() -> None:
    hum = noise(SECONDS, -12)
    hum[: BEGINS * FRAME_SAMPLES] = 0
    scene = lived(ECHO + hum, LEFT + hum)
    assert scene.talk.passed
    assert all(len(told) == 1 for told in scene.told)


def test_an_echo_that_has_moved_is_not_somebody() -> None:
    moved = Room(140, -10).echo(FAR)
    moved[: BEGINS * FRAME_SAMPLES] = 0
    near = np.where(moved, moved, ECHO)
    scene = lived(near, LEFT + moved)
    assert scene.moved
    assert BEGINS <= scene.moved[0] <= BEGINS + frames_in_ms(300)


def test_while_a_canceller_learns_nobody_is_suspected() -> None:
    scene = lived(ECHO + TALK, ECHO + TALK, learns=len(FAR) // FRAME_SAMPLES)
    assert scene.talk.suspicions == 0
    assert not scene.talk.suspected


def test_what_was_learned_then_counts() -> None:
    """A room is known by its echo as soon as it is heard, also while nothing of it goes on."""
    scene = lived(ECHO + TALK, LEFT + TALK * np.float32(0.05), learns=BEGINS)
    assert scene.talk.passed
