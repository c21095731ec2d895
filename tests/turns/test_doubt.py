"""Is it an interruption or a cough: by how long it is voiced, by its words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.audio.voicing import Voicing
from voiced.turns.doubt import Belief, Doubt
from voiced.turns.words import has_words


def after(pattern: str, *, confirm_ms: int = 400) -> tuple[Belief, int]:
    """What is believed after these frames (# voiced, . not), and after how many ms it was settled."""
    voicing, doubt, settled = Voicing(), Doubt("item", 1000, confirm_ms), 0
    for place in range(50):
        voicing.hear(20 * (place + 1), -70.0)
    for place, frame in enumerate(pattern, start=51):
        voicing.hear(20 * place, -25.0 if frame == "#" else -70.0)
        if doubt.listen(voicing):
            settled = 20 * place - 1000
    return doubt.belief, settled


@pytest.mark.parametrize(
    ("pattern", "belief", "settled_ms"),
    [
        ("#" * 10 + "." * 40, Belief.UNCONVINCED, 480),  # a cough of 200 ms
        ("#" * 30, Belief.MEANT, 400),
        ("#" * 12 + "." * 7 + "#" * 10, Belief.MEANT, 400),  # "stop, wait"
        ("#" * 19 + "." * 31, Belief.UNCONVINCED, 480),
        ("." * 40, Belief.UNCONVINCED, 480),  # the server heard what we did not
        ("#" * 10 + "." * 30 + "#", Belief.MEANT, 820),  # it goes on after all
    ],
)
def test_what_lasts_is_meant(pattern: str, belief: Belief, settled_ms: int) -> None:
    assert after(pattern) == (belief, settled_ms)


@given(st.text("#.", max_size=100))
def test_it_is_meant_exactly_if_it_is_voiced_that_long(pattern: str) -> None:
    belief, _ = after(pattern)
    voiced = [place for place, frame in enumerate(pattern) if frame == "#"]
    lasts = bool(voiced) and 20 * (voiced[-1] + 1 - voiced[0]) >= 400
    assert (belief is Belief.MEANT) == lasts


def test_what_was_voiced_before_the_turn_does_not_count() -> None:
    voicing, doubt = Voicing(), Doubt("item", 1000, 400)
    for place in range(1, 56):
        voicing.hear(20 * place, -25.0 if place > 2 else -70.0)
    assert not doubt.listen(voicing)


def test_a_loud_fan_is_no_voice_but_one_over_it_is() -> None:
    voicing = Voicing()
    for place in range(1, 2000):  # 40 s: it was louder than any room we know at first
        voicing.hear(20 * place, -45.0)
    assert voicing.span_ms(38_000) is None
    voicing.hear(40_000, -30.0)
    assert voicing.span_ms(38_000) == (39_980, 40_000)


@pytest.mark.parametrize(
    ("text", "says_something"),
    [
        ("Stop, wait!", True),
        ("nein", True),
        ("2", True),
        ("d\u2019accord", True),
        ("Uh-huh.", False),
        ("Mm-hmmm…", False),
        ("Okay, okay", False),
        ("", False),
        ("...", False),
        ("ÄHM", False),
        ("yes but", True),
    ],
)
def test_words_are_more_than_signs_of_listening(text: str, says_something: bool) -> None:
    assert has_words(text) is says_something


def test_half_a_word_is_not_read() -> None:
    doubt = Doubt("item", 0, 400)
    assert not doubt.read("oka", final=False)  # perhaps "okay"
    assert not doubt.read("y", final=False)
    assert not doubt.read("okay", final=True)
    assert doubt.read("okay stop", final=True)
    assert not doubt.read("okay stop", final=True)  # once is enough
