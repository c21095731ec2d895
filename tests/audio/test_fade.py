"""How sound ends at a cut and begins after a rest: it falls and rises, and never clicks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.audio.convert import Pcm
from voiced.audio.fade import FADE_MS, fade_in, fade_out

sounds = st.lists(st.integers(-32768, 32767), max_size=400).map(lambda s: np.array(s, np.int16))


@given(sounds)
def test_it_only_ever_gets_softer_and_never_changes_sign(sound: Pcm) -> None:
    faded = fade_out(sound)
    assert faded.size == sound.size
    assert faded.dtype == np.int16
    assert (np.abs(faded.astype(int)) <= np.abs(sound.astype(int))).all()
    assert (faded.astype(int) * sound >= 0).all()


@pytest.mark.parametrize("samples", [2, 48, 192, 384])
def test_it_begins_as_it_was_and_ends_silent(samples: int) -> None:
    faded = fade_out(np.full(samples, 20_000, np.int16))
    assert faded[0] == 20_000
    assert faded[-1] == 0
    assert (np.diff(faded) <= 0).all()


def test_no_step_of_it_is_a_click() -> None:
    faded = fade_out(np.full(24 * FADE_MS, 32_767, np.int16)).astype(int)
    assert np.abs(np.diff(faded)).max() < 32_767 * 0.015


def test_nothing_fades_to_nothing() -> None:
    assert fade_out(np.empty(0, np.int16)).size == 0


def test_what_it_is_given_stays_as_it_is() -> None:
    sound = np.full(192, 1000, np.int16)
    fade_out(sound)
    assert (sound == 1000).all()


@given(sounds)
def test_what_rises_is_as_it_was_after_its_first_milliseconds(sound: Pcm) -> None:
    risen, edge = fade_in(sound), FADE_MS * 24
    assert risen.dtype == np.int16
    assert risen[edge:].tolist() == sound[edge:].tolist()
    assert (np.abs(risen.astype(int)) <= np.abs(sound.astype(int))).all()


def test_it_rises_from_silence_without_a_step() -> None:
    risen = fade_in(np.full(480, 20_000, np.int16)).astype(int)
    assert risen[0] == 0
    assert (np.diff(risen) >= 0).all()
    assert np.diff(risen).max() < 0.015 * 32768
