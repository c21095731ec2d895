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
