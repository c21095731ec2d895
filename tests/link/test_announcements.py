"""What the room is told about the link: tables for what is due when, and any order of things."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.link.announcements import QUIET_S, Announcement, Announcements, Link, State

A = Announcement
AWAY, OPEN, GIVEN_UP, STOPPED = Link.AWAY, Link.OPEN, Link.GIVEN_UP, Link.STOPPED
SPEECH = "speech"

Script = list[tuple[float, Link | str]]
Told = list[tuple[float, Announcement]]


def live(script: Script, until_s: float, announcements: Announcements | None = None) -> Told:
    """Let things happen, and hear everything that is due in the instant in which it is."""
    room = announcements or Announcements()
    told: Told = []

    def hear(before_s: float) -> None:
        while (at_s := room.wakes_at_s) < before_s:
            now_s = max(at_s, told[-1][0] if told else at_s, clock)
            due = room.due(now_s)
            assert due is not None, "woken for nothing"
            told.append((round(now_s, 6), due))
            room.heard(due, now_s)

    clock = 0.0
    for at_s, what in script:
        hear(at_s)
        clock = at_s
        if isinstance(what, Link):
            room.link_is(what, at_s)
        else:
            room.user_speaks(at_s)
    hear(until_s)
    return told


STORIES: dict[str, tuple[Script, Told]] = {
    "a quick start": ([(0, AWAY), (1.9, OPEN)], []),
    "a slow start": ([(0, AWAY), (5, OPEN)], [(2, A.CONNECTING)]),
    "no start at all": ([(0, AWAY)], [(2, A.CONNECTING), (30, A.UNREACHABLE)]),
    "a start after long": (
        [(0, AWAY), (100, OPEN)],
        [(2, A.CONNECTING), (30, A.UNREACHABLE), (103, A.BACK)],
    ),
    "given up at the start": ([(0, AWAY), (1, GIVEN_UP)], [(1, A.UNREACHABLE)]),
    "a renewal": ([(0, AWAY), (0.5, OPEN), (3000, AWAY), (3001.4, OPEN)], []),
    "a short loss": (
        [(0, AWAY), (0.5, OPEN), (100, AWAY), (105, OPEN)],
        [(101.5, A.LOST), (108, A.BACK)],
    ),
    "a long loss": (
        [(0, AWAY), (0.5, OPEN), (100, AWAY), (900, OPEN)],
        [(101.5, A.LOST), (130, A.UNREACHABLE), (903, A.BACK)],
    ),
    "attempts are no news": (
        [(0, AWAY), (0.5, OPEN), *((100.0 + n, AWAY) for n in range(600)), (700, OPEN)],
        [(101.5, A.LOST), (130, A.UNREACHABLE), (703, A.BACK)],
    ),
    "given up": (
        [(0, AWAY), (0.5, OPEN), (100, GIVEN_UP), (1000, AWAY), (1001, GIVEN_UP), (2000, OPEN)],
        [(100, A.UNREACHABLE), (2003, A.BACK)],
    ),
    "lost again before all is well": (
        [(0, AWAY), (0.5, OPEN), (100, AWAY), (105, OPEN), (107.9, AWAY), (110, OPEN)],
        [(101.5, A.LOST), (113, A.BACK)],
    ),
    "lost again soon after, for long": (
        [(0, AWAY), (0.5, OPEN), (100, AWAY), (105, OPEN), (110, AWAY), (500, OPEN)],
        [(101.5, A.LOST), (108, A.BACK), (168, A.UNREACHABLE), (503, A.BACK)],
    ),
    "lost again soon after, for a moment": (
        [(0, AWAY), (0.5, OPEN), (100, AWAY), (105, OPEN), (110, AWAY), (120, OPEN)],
        [(101.5, A.LOST), (108, A.BACK)],
    ),
    "the user is quicker than good news": (
        [(0, AWAY), (0.5, OPEN), (100, AWAY), (105, OPEN), (106, SPEECH)],
        [(101.5, A.LOST)],
    ),
    "sessions too short to be of use": (
        [
            (0, AWAY),
            (0.5, OPEN),
            *((100.0 + n * 3, AWAY) for n in range(20)),
            *((101.0 + n * 3, OPEN) for n in range(20)),
        ],
        [],
    ),
    "stopped in an outage": ([(0, AWAY), (0.5, OPEN), (100, AWAY), (101, STOPPED)], []),
}


@pytest.mark.parametrize(("script", "told"), STORIES.values(), ids=STORIES)
def test_what_is_told_when(script: Script, told: Told) -> None:
    assert live(sorted(script, key=lambda step: step[0]), 10_000) == told


@pytest.mark.parametrize(("up_s", "down_s"), [(2, 2), (1, 5), (4, 4), (10, 10), (2, 40)])
def test_a_link_that_flaps_for_an_hour_does_not_chatter(up_s: float, down_s: float) -> None:
    script: Script = [(0, AWAY)]
    for n in range(int(3600 / (up_s + down_s))):
        script += [(n * (up_s + down_s), OPEN), (n * (up_s + down_s) + up_s, AWAY)]
    told = live(script, 3600)
    if up_s < 3:  # never back for long enough to say so
        assert [announcement for _, announcement in told] == [A.LOST, A.UNREACHABLE]
    else:
        assert len(told) <= 2 * 3600 / QUIET_S


def test_what_was_not_heard_is_still_due() -> None:
    room = Announcements()
    room.link_is(AWAY, 0)
    assert room.due(2) is A.CONNECTING
    assert room.due(3) is A.CONNECTING
    room.heard(A.CONNECTING, 3)
    assert room.due(4) is None


def test_what_was_not_heard_in_time_was_never_said() -> None:
    room = Announcements()
    for link, at_s in [(AWAY, 0), (OPEN, 0.5), (AWAY, 100)]:
        room.link_is(link, at_s)
    assert room.due(110) is A.LOST  # but an answer still sounds
    room.link_is(OPEN, 111)
    assert room.due(200) is None
    assert room.wakes_at_s == float("inf")


STEPS = st.tuples(
    st.sampled_from([0.0, 0.1, 1.0, 1.5, 2.0, 3.0, 10.0, 30.0, 60.0, 90.0]),
    st.sampled_from([*Link, SPEECH]),
)


@given(st.lists(STEPS, max_size=60))
def test_whatever_happens_it_is_said_once_and_in_order(
    steps: list[tuple[float, Link | str]],
) -> None:
    clock, script = 0.0, Script()
    for pause_s, what in steps:
        clock += pause_s
        script.append((clock, what))
    room = Announcements()
    told = live(script, clock + 1000, room)
    last: dict[Announcement, float] = {}
    for at_s, announcement in told:
        assert at_s - last.get(announcement, -QUIET_S) >= QUIET_S or announcement is A.CONNECTING
        last[announcement] = at_s
    for (_, before), (_, after) in pairwise(told):
        assert before is not after or A.BACK not in {before, after}, "back twice, or from nowhere"
    assert room.wakes_at_s == float("inf")
    if room.state in {State.AWAY, State.GIVEN_UP}:
        assert room.told in {A.LOST, A.UNREACHABLE}, (
            "a room that is not told for a quarter of an hour"
        )
