"""What actors say to each other: the volume, which the conversation sets and the Player follows."""

import pytest

from voiced.messages import Volume


def test_a_follower_is_told_the_gain_now_and_whenever_it_changes() -> None:
    volume, told = Volume(), list[float]()
    volume.set(-12.0)
    with volume.followed_by(told.append):
        volume.set(0.0)
    assert told == [-12.0, 0.0]


def test_a_loudspeaker_that_is_gone_is_told_nothing() -> None:
    volume, told = Volume(), list[float]()
    with pytest.raises(OSError), volume.followed_by(told.append):  # noqa: PT011  any will do
        raise OSError
    volume.set(-12.0)
    assert told == [0.0]


def test_nothing_is_louder_than_allowed_nor_than_it_was_sent() -> None:
    volume, told = Volume(), list[float]()
    volume.allow(50)
    with volume.followed_by(told.append):
        volume.set_owner(100)
        assert volume.percent == 50
        volume.set(6.0)
        volume.set_owner(30)
        volume.allow(100)
    assert told == [-20.0, -20.0, -20.0, -28.0, -28.0]


def test_who_may_be_louder_again_is_as_loud_as_was_wanted() -> None:
    volume = Volume()
    volume.set_owner(80)
    volume.allow(60)
    assert volume.percent == 60
    volume.allow(90)
    assert volume.percent == 80


def test_whoever_may_be_speaking_over_it_makes_it_softer_and_not_twice() -> None:
    volume, told = Volume(), list[float]()
    with volume.followed_by(told.append):
        volume.yield_by(-15.0)
        volume.set(-12.0)
        volume.yield_by(0.0)
        volume.set(0.0)
    assert told == [0.0, -15.0, -15.0, -12.0, 0.0]
