"""What is found of a room while an answer plays: an echo at its delay and level, or none, through noise and talk."""

import numpy as np
import pytest

from tests.audio.echo.rooms import Room, at_rms, frames, noise, speech_like
from voiced.audio.convert import Samples
from voiced.audio.echo.echo_return import EchoReturn, Erle, Returned
from voiced.audio.echo.instant import Instant
from voiced.audio.format import SILENT_FRAME

SECONDS = 12
ANSWER = speech_like(SECONDS, seed=1)
TALK = speech_like(SECONDS, seed=5)
QUIET = noise(SECONDS, -80)


def listened(near: Samples, far: Samples = ANSWER) -> tuple[EchoReturn, float | None]:
    """And after how many seconds something was found."""
    ear, first_s = EchoReturn(), None
    for number, (a, b) in enumerate(zip(frames(near), frames(far), strict=True)):
        if ear.feed(Instant.of(a, a, b)) and first_s is None:
            first_s = (number + 1) / 50
    return ear, first_s


def told(near: Samples, far: Samples = ANSWER) -> Returned | None:
    return listened(near, far)[0].found


@pytest.mark.parametrize("return_db", [-10, -30, -50])
@pytest.mark.parametrize("delay_ms", [20, 60, 150, 400])
def test_an_echo_is_found_within_2_s_with_its_delay_and_level(
    delay_ms: int, return_db: int
) -> None:
    ear, first_s = listened(Room(delay_ms, return_db).echo(ANSWER) + QUIET)
    found = ear.found
    assert first_s is not None
    assert first_s <= 2
    assert found is not None
    assert found.heard
    assert found.delay_ms == pytest.approx(delay_ms, abs=2)
    assert found.return_db == pytest.approx(return_db, abs=4)


@pytest.mark.parametrize(
    ("return_db", "disturbance"),
    [
        (-10, at_rms(TALK, -20)),
        (-20, at_rms(TALK, -30)),  # 10 dB louder than the echo
        (-20, noise(SECONDS, -40)),
        (-30, noise(SECONDS, -40)),
    ],
    ids=["talker +10", "talker +10", "noise 0", "noise +10"],
)
def test_neither_a_talker_over_it_nor_noise_hides_it_or_changes_its_level(
    return_db: int, disturbance: Samples
) -> None:
    found = told(Room(80, return_db).echo(ANSWER) + disturbance)
    assert found is not None
    assert found.heard
    assert found.delay_ms == pytest.approx(80, abs=2)
    assert found.return_db == pytest.approx(return_db, abs=4)


def test_a_microphone_that_hears_nothing_is_told_from_one_that_hears_little() -> None:
    assert told(QUIET) == Returned(False)
    assert told(noise(SECONDS, -60)) == Returned(False)


@pytest.mark.parametrize("seed", [5, 6, 7, 8])
def test_a_talker_alone_is_never_an_echo(seed: int) -> None:
    found = told(speech_like(SECONDS, seed) + QUIET)
    assert found is None or not found.heard


def test_where_noise_is_too_loud_nothing_is_said() -> None:
    assert told(noise(SECONDS, -25)) is None


def test_while_the_loudspeaker_rests_nothing_is_found() -> None:
    assert told(TALK, QUIET * 0) is None


def test_a_muted_microphone_tells_nothing() -> None:
    assert told(QUIET * 0) is None


def test_a_loudspeaker_that_is_plugged_in_later_is_heard() -> None:
    ear, _ = listened(QUIET)
    for a, b in zip(frames(Room().echo(ANSWER) + QUIET), frames(ANSWER), strict=True):
        ear.feed(Instant.of(a, a, b))
    assert ear.found is not None
    assert ear.found.heard


def test_one_that_is_unplugged_is_not_heard_any_more() -> None:
    ear, _ = listened(Room().echo(ANSWER) + QUIET)
    for _again in range(3):
        for a, b in zip(frames(QUIET), frames(ANSWER), strict=True):
            ear.feed(Instant.of(a, a, b))
    assert ear.found == Returned(False)


ECHO = Room(80, -15).echo(ANSWER)
FOUND = Returned(True, -15.0, 80)


def erle(
    near: Samples, cleaned: Samples, found: Returned | None = FOUND, before: Samples = QUIET
) -> float | None:
    meter = Erle()
    for quiet in frames(before)[:300]:
        meter.feed(Instant.of(quiet, quiet, SILENT_FRAME), found)
    for a, b, c in zip(frames(near), frames(ANSWER), frames(cleaned), strict=True):
        meter.feed(Instant.of(a, c, b), found)
    return meter.db


@pytest.mark.parametrize("taken_db", [0, 6, 30])
def test_what_a_canceller_takes_away_is_measured(taken_db: int) -> None:
    left = 10 ** (-taken_db / 20)
    assert erle(ECHO + QUIET, ECHO * left + QUIET) == pytest.approx(taken_db, abs=1)


def test_a_talker_over_it_does_not_make_the_canceller_look_bad() -> None:
    talk = at_rms(TALK, -15).copy()
    talk[: talk.size // 2] = 0  # for six seconds, who is silent then
    taken = erle(ECHO + talk + QUIET, ECHO * 0.03 + talk + QUIET)
    assert taken is None or taken > 20


@pytest.mark.parametrize("tv_db", [-45, -40, -35])
def test_a_television_does_not_make_it_look_bad_either(tv_db: int) -> None:
    tv = at_rms(TALK, tv_db)  # the echo has -35
    taken = erle(ECHO + tv + QUIET, ECHO * 0.03 + tv + QUIET, before=tv)
    assert taken is None or taken > 12


def test_a_question_before_the_answer_is_no_noise() -> None:
    before = np.concatenate((QUIET[: 3 * 24_000], at_rms(TALK, -25)[: 2 * 24_000]))
    assert erle(ECHO + QUIET, ECHO * 0.1 + QUIET, before=before) == pytest.approx(20, abs=1)


def test_a_pause_in_which_it_was_muted_is_no_silent_room() -> None:
    meter, loud = Erle(), noise(SECONDS, -50)
    for _ in range(50):
        meter.feed(Instant.of(SILENT_FRAME, SILENT_FRAME, SILENT_FRAME), FOUND)
    for a in frames(loud)[:50]:
        meter.feed(Instant.of(a, a, SILENT_FRAME), FOUND)
    for a, b in zip(frames(loud), frames(ANSWER), strict=True):
        meter.feed(Instant.of(a, a, b), FOUND)
    assert meter.db is None


def test_an_echo_that_drowns_in_noise_is_no_measure() -> None:
    loud = noise(SECONDS, -30)
    assert erle(ECHO + loud, ECHO * 0.5 + loud, before=loud) is None


def test_without_an_echo_there_is_nothing_to_measure() -> None:
    assert erle(ECHO + QUIET, ECHO + QUIET, None) is None
    assert erle(ECHO + QUIET, ECHO + QUIET, Returned(False)) is None
