"""Earcons, looked at with numbers: level, length, clicks, contour."""

from itertools import pairwise

import numpy as np
import pytest

from voiced.audio import earcons
from voiced.audio.earcons import LEVEL_DBFS, Note, render
from voiced.audio.format import WIRE_RATE_HZ
from voiced.audio.level import at_level, dbfs

EARCONS = {
    "connecting": earcons.CONNECTING,
    "lost": earcons.LOST,
    "unreachable": earcons.UNREACHABLE,
    "back": earcons.BACK,
}
OF_A_CONVERSATION = {"wake": earcons.WAKE, "turn end": earcons.TURN_END, "error": earcons.ERROR}
ALL = EARCONS | OF_A_CONVERSATION


def samples_of(notes: tuple[Note, ...]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.frombuffer(render(notes), "<i2").astype(float) / 32768


def pitch_hz(part: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """The strongest frequency."""
    power = np.abs(np.fft.rfft(part * np.hanning(part.size), 1 << 16)) ** 2
    return float(power.argmax()) * WIRE_RATE_HZ / (1 << 16)


@pytest.mark.parametrize("notes", EARCONS.values(), ids=EARCONS)
def test_it_is_short_and_as_loud_as_speech(notes: tuple[Note, ...]) -> None:
    sound = samples_of(notes)
    assert 0.150 <= sound.size / WIRE_RATE_HZ <= 0.400
    assert dbfs(render(notes)) == pytest.approx(LEVEL_DBFS, abs=0.1)
    assert np.abs(sound).max() < 0.5  # -6 dBFS


@pytest.mark.parametrize("notes", OF_A_CONVERSATION.values(), ids=OF_A_CONVERSATION)
def test_it_is_as_quiet_as_is_wanted(notes: tuple[Note, ...]) -> None:
    assert dbfs(render(notes, -12.0)) == pytest.approx(LEVEL_DBFS - 12.0, abs=0.1)


@pytest.mark.parametrize("notes", [earcons.WAKE, earcons.TURN_END], ids=["wake", "turn end"])
def test_what_answers_may_follow_is_over_in_no_time(notes: tuple[Note, ...]) -> None:
    assert 60 <= sum(note.duration_ms for note in notes) <= 150
    assert sum(note.duration_ms for note in notes) % 20 == 0, "whole frames: no padding after it"


@pytest.mark.parametrize("notes", ALL.values(), ids=ALL)
def test_it_does_not_click(notes: tuple[Note, ...]) -> None:
    sound = samples_of(notes)
    assert sound[0] == sound[-1] == 0
    around = np.concatenate([np.zeros(2400), sound, np.zeros(2400)])
    power = np.abs(np.fft.rfft(around)) ** 2
    at_hz = np.fft.rfftfreq(around.size, 1 / WIRE_RATE_HZ)
    # A click is heard as what lies far above the notes and their overtones (3956 Hz).
    assert 10 * np.log10(power[at_hz > 5000].sum() / power.sum()) < -60
    first_ms, last_ms = sound[:24], sound[-24:]
    assert max(np.abs(first_ms).max(), np.abs(last_ms).max()) < 0.01


@pytest.mark.parametrize("notes", ALL.values(), ids=ALL)
def test_its_notes_have_their_pitch(notes: tuple[Note, ...]) -> None:
    sound = samples_of(notes)
    ends = np.cumsum([note.duration_ms * 24 for note in notes])
    heard = [pitch_hz(part) for part in np.split(sound, ends[:-1])]
    assert heard == pytest.approx([note.pitch_hz for note in notes], rel=0.01)


def test_they_are_told_apart_by_their_contour() -> None:
    contours = {
        name: tuple(np.sign(b.pitch_hz - a.pitch_hz) for a, b in pairwise(notes))
        for name, notes in ALL.items()
    }
    assert len(set(contours.values())) == len(ALL)
    assert contours == {
        "connecting": (0,),
        "lost": (-1,),
        "unreachable": (-1, -1),
        "back": (1,),
        "wake": (1, 1),
        "turn end": (),
        "error": (-1, 0),
    }


def test_a_note_shorter_than_its_attack_is_no_click_either() -> None:
    assert abs(samples_of((Note(440.0, 4),))[0]) == 0


def test_a_level_is_reached_unless_peaks_forbid_it() -> None:
    soft = np.full(4800, 0.01, np.float32)
    assert np.abs(at_level(soft, -20.0)).max() == pytest.approx(0.1)
    spiky = np.zeros(4800, np.float32)
    spiky[100] = 0.1
    assert np.abs(at_level(spiky, -20.0)).max() == pytest.approx(0.7)


@pytest.mark.parametrize("size", [0, 480])
def test_silence_has_no_level(size: int) -> None:
    assert not at_level(np.zeros(size, np.float32), -20.0).any()
