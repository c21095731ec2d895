"""When a session may give way: rather late and unnoticed than early, but never too late."""

import pytest

from voiced.link.renewal import Bustle, Renewal


@pytest.mark.parametrize(
    ("overdue_s", "allowed"),
    [
        (-1.0, set()),
        (0.0, {Bustle.NONE}),
        (539.0, {Bustle.NONE}),
        (540.0, {Bustle.NONE, Bustle.ANSWERING}),
        (569.0, {Bustle.NONE, Bustle.ANSWERING}),
        (570.0, {Bustle.NONE, Bustle.ANSWERING, Bustle.SPEAKING}),
    ],
)
def test_the_longer_it_is_due_the_less_it_waits_for(overdue_s: float, allowed: set[Bustle]) -> None:
    renewal = Renewal()
    assert {each for each in Bustle if renewal.may_move(overdue_s, each)} == allowed


def test_with_the_defaults_it_is_over_before_the_servers_hour() -> None:
    assert Renewal().after_s + 570 < 3600
