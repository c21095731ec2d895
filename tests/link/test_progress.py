"""When a part that ought to move has stood still for too long."""

import pytest

from voiced.link.progress import Glance, Part, Progress


def watch(progress: Progress, counts: list[int], *, due: bool = True) -> list[bool]:
    """Look at these counts, one after the other; whether capture was stuck each time."""
    step_s = progress.look_every_s
    return [
        Part.CAPTURE in progress.look(at * step_s, {Part.CAPTURE: Glance(count, due)})
        for at, count in enumerate(counts)
    ]


def test_what_moves_is_fine() -> None:
    assert not any(watch(Progress(30.0, 3.0), list(range(100))))


def test_what_stands_still_is_noticed_well_before_the_watchdog_bites() -> None:
    """Looks every 5 s; 10 s are too long."""
    assert watch(Progress(30.0, 3.0), [7] * 4) == [False, False, True, True]


def test_it_may_recover() -> None:
    assert watch(Progress(30.0, 3.0), [7, 7, 7, 8, 8]) == [False, False, True, False, False]


def test_what_is_not_due_may_stand_still() -> None:
    assert not any(watch(Progress(30.0, 3.0), [7] * 100, due=False))


@pytest.mark.parametrize(
    ("watchdog_s", "device_stall_s", "limit_s"), [(30, 3, 10), (30, 20, 40), (600, 3, 200)]
)
def test_a_device_s_own_watch_comes_first(
    watchdog_s: float, device_stall_s: float, limit_s: float
) -> None:
    progress = Progress(watchdog_s, device_stall_s)
    stuck_s = 0.0
    for at in range(1000):
        stuck = progress.look(at * progress.look_every_s, {Part.PLAYOUT: Glance(1)})
        if stuck:
            stuck_s = stuck[Part.PLAYOUT]
            break
    assert limit_s <= stuck_s <= limit_s + progress.look_every_s


def test_parts_are_watched_for_themselves() -> None:
    progress = Progress(30.0, 3.0)
    looks = [
        progress.look(at * 5.0, {Part.CAPTURE: Glance(at), Part.PLAYOUT: Glance(0)})
        for at in range(4)
    ]
    assert set(looks[-1]) == {Part.PLAYOUT}
