"""Renewal: what is lost or told twice when a session gives way to its successor.

The soonest that a session may be renewed is after a minute, so that is how long each run takes; the runs go
side by side, each with a daemon and a service of its own. Somebody murmurs without a pause, too softly
for the server's ears to call it speech, so that the moment is a quiet one; and each sample that a server
is given is found in what was murmured (`spoken.py`).

    told again           from the first sample of the new session to the last of the old one
    lost at the move     the same where it is less than nothing
    both sessions open   from the successor's session.created until the old connection has ended
"""

import time
from collections import defaultdict
from contextlib import ExitStack
from itertools import pairwise
from typing import Final

from tests.bench.book import Page, pages
from tests.bench.pilot import RATE_HZ
from tests.bench.service import Daemon, Service, service, until
from tests.bench.spoken import MURMUR, Spoken, talking
from tests.bench.stage import CannotMeasureError, Series
from tests.rig import Room

TARGETS: Final = {
    "lost at the move, samples": "0",
    "told again at the move, ms": "<= 1000",
    "lost elsewhere, samples": "0",
    "doubled elsewhere, samples": "0",
}

_AFTER_S: Final = 60  # the least that [realtime] renew_after_s may be
_PATIENCE_S: Final = 15.0
_LONGEST_S: Final = 90
_GOES_ON_S: Final = 3.0


def renewals(room: Room, runs: int) -> Series:
    """So many renewals, side by side."""
    series: Series = defaultdict(list)
    with ExitStack() as stack:
        services = [stack.enter_context(service(room, 1000)) for _ in range(runs)]
        talker = stack.enter_context(talking(room.mouth, _LONGEST_S, MURMUR))
        daemons = [
            stack.enter_context(there.daemon(realtime=f"renew_after_s = {_AFTER_S}.0\n"))
            for there in services
        ]
        print(f"    {_AFTER_S} s until sessions may be renewed", flush=True)
        for there, daemon in zip(services, daemons, strict=True):
            _note_times(series, there, daemon)
        time.sleep(_GOES_ON_S)
        talker.stop()
        for there in services:
            note_sound(series, talker.spoken, list(pages(there.book)))
    return series


def _note_times(series: Series, there: Service, daemon: Daemon) -> None:
    created = until(there.server, "session created", daemon, _AFTER_S + _PATIENCE_S)["at"]
    until(there.server, "first append", daemon)
    ended = until(there.gate, "end", daemon)
    if ended["number"] != 1:
        raise CannotMeasureError("the first connection outlived the second one")
    series["both sessions open, ms"].append(1000 * (ended["at"] - created))


def note_sound(series: Series, spoken: Spoken, book: list[Page]) -> None:
    """Enter what two sessions that followed one another were given of what was murmured.

    Raises:
        CannotMeasureError: they were not two, or what they were given can't be recognised.
    """
    sessions = [[page for page in book if page.session == number] for number in (1, 2)]
    found = [_recognised(spoken, session) for session in sessions]
    if not all(found):
        raise CannotMeasureError("what the server was given is not what was murmured")
    old, new = found
    again = sum(old[-1]) - new[0][0]
    series["told again at the move, ms"].append(1000 * max(0, again) / RATE_HZ)
    series["lost at the move, samples"].append(max(0, -again))
    steps = [place - sum(before) for session in found for before, (place, _) in pairwise(session)]
    series["lost elsewhere, samples"].append(sum(step for step in steps if step > 0))
    series["doubled elsewhere, samples"].append(-sum(step for step in steps if step < 0))
    series["last old -> first new append, ms"].append(
        1000 * (sessions[1][0].at - sessions[0][-1].at)
    )


def _recognised(spoken: Spoken, session: list[Page]) -> list[tuple[int, int]]:
    """Where each of the appends lies that is recognised, and its length, in samples."""
    places = spoken.places([page.samples for page in session])
    return [
        (place, page.samples.size)
        for page, place in zip(session, places, strict=True)
        if place is not None
    ]
