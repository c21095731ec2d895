"""A mute switch among others who mute."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.link.mute_switch import MuteSwitch, Position


@pytest.mark.parametrize(
    ("position", "by_others", "muted", "wanted"),
    [
        (Position.UNREAD, False, True, True),
        (Position.UNREAD, False, False, False),
        (Position.UNREAD, True, False, None),
        (Position.OPEN, True, False, None),
        (Position.OPEN, False, True, True),
        (Position.MUTED, True, False, False),
        (Position.MUTED, False, False, False),
    ],
)
def test_what_it_takes(
    position: Position, by_others: bool, muted: bool, wanted: bool | None
) -> None:
    switch = MuteSwitch(position, by_others)
    assert switch.turn(muted=muted) is wanted
    assert switch.holds is muted


@given(st.lists(st.booleans(), min_size=1))
def test_its_last_word_holds(turns: list[bool]) -> None:
    switch = MuteSwitch(Position.UNREAD)
    assert switch.holds
    for muted in turns:
        switch.turn(muted=muted)
    assert switch.holds is turns[-1]


def test_where_there_is_none_it_holds_nobody() -> None:
    assert not MuteSwitch().holds
