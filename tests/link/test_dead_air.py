"""Microphones that give nothing but zeros: muted, gated, or come apart from their stream."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.link.dead_air import Air, DeadAir

A, R, D = Air.ALIVE, Air.REOPEN, Air.DEAD


def heard(air: DeadAir, sound: str, from_s: float = 0.0) -> list[tuple[float, Air]]:
    """What is new about it: a character is a second, `0` of zeros, `.` of sound, `m` while it is muted."""
    news: list[tuple[float, Air]] = []
    for at_s, kind in enumerate(sound):
        now_s = from_s + at_s
        if kind == "m":
            air.unheard()
        elif (verdict := air.hear(now_s, zeros=kind == "0")) is not Air.USUAL:
            news.append((now_s, verdict))
            if verdict is R:
                air.opened()
    return news


@pytest.mark.parametrize(
    ("sound", "news"),
    [
        ("..........", []),
        ("0000.0000.", []),
        ("0" * 12, [(5, R), (9, D)]),
        ("0" * 40, [(5, R), (9, D)]),  # told once, opened anew once
        ("0" * 6 + "." * 5 + "0" * 6, [(5, R), (16, R)]),  # opening it anew has mended it
        ("0" * 12 + "." + "0" * 12, [(5, R), (9, D), (12, A), (18, D)]),  # a switch, or a gate
        ("0" * 12 + "." + "0" * 12 + ".", [(5, R), (9, D), (12, A), (18, D), (25, A)]),
        ("0000" + "m" * 60 + "0000", []),
        ("m" * 60 + "0" * 6, [(65, R)]),
    ],
)
def test_what_is_made_of_zeros(sound: str, news: list[tuple[float, Air]]) -> None:
    assert heard(DeadAir(5.0), sound) == news


def test_with_no_limit_nothing_is_judged() -> None:
    assert heard(DeadAir(0.0), "0" * 1000) == []


def test_one_that_was_dead_stays_so_until_it_gives_sound_however_often_it_is_opened() -> None:
    air = DeadAir(5.0)
    heard(air, "0" * 12)
    air.opened()
    assert air.dead
    assert heard(air, "000", from_s=100.0) == []
    assert heard(air, ".", from_s=103.0) == [(103.0, A)]
    assert not air.dead


@given(st.text("0.m", max_size=300))
def test_it_is_told_in_turns_and_opened_anew_only_after_long_zeros(sound: str) -> None:
    news = heard(DeadAir(5.0), sound)
    told = [verdict for _, verdict in news if verdict is not R]
    assert told == ([D, A] * len(told))[: len(told)]
    for at_s, verdict in news:
        if verdict is R:
            assert sound[int(at_s) - 5 : int(at_s)] == "00000"
