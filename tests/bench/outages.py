"""Outages: how soon a conversation goes on, and what is said in it of what was spoken meanwhile.

Somebody talks without a pause, from before the outage until after it: the hardest case, for all of it
could be sent. The network is lost as `gate.py` has it, connections reset and the port closed, and comes
back after 3 or 15 s. Each outage meets a daemon that was just started, so its back-off begins anew.

    server back      the port is open again
    next attempt     the first connection after that is accepted: until here, it is the back-off's pause
    first append     the server reads it: the session is ready
    speech heard     the server sends speech_started: of the turn that goes on
    live             the server reads the first frame that is hardly older than without an outage
    answer           the server sends the first delta of the answer to that turn; it is due 200 ms (what
                     ends a turn here) and the way from mouth to server after the end of speech

What the appends hold is found by the sound itself (`spoken.py`). The age of a frame is from when its last
sample sounded in the room to when the server read it, less what that takes when all is well (the
median before the outage): so long was it kept, by daemon, kernels and gate.
"""

import queue
import time
from collections import defaultdict
from contextlib import ExitStack
from typing import Final

import attrs
import numpy as np

from tests.bench.book import Page, pages
from tests.bench.pilot import RATE_HZ
from tests.bench.process import Told
from tests.bench.service import Daemon, Service, service, until
from tests.bench.spoken import LOUD, Spoken, Talker, talking
from tests.bench.stage import QUICK_TURNS, CannotMeasureError, Facts, Series
from tests.rig import Room

KEEP_MS: Final = 2000  # [uplink] keep_ms
TARGETS: Final = {
    "attempt -> first append, ms": "<= 1500",
    "attempt -> speech heard, ms": "<= 1500",
    "sent beyond keep_ms, bytes": "0",
    "fastest 200 ms, x real time": "<= 4",
    "turns not answered": "0",
}

_ANSWER_MS: Final = 500
_LONGEST_S: Final = 120  # that somebody talks: an outage, and the minute that a budget may ask for
_BEFORE_S: Final = 2.0
_SETTLED_S: Final = 0.7  # of that: the first words
_RESTORED_S: Final = 0.3
_AFTER_S: Final = 1.5
_BACK_WITHIN_S: Final = 90.0
_ANSWERED_WITHIN_S: Final = 10.0
_BLUR_MS: Final = 40  # a frame is 20 ms, and so is a block: ages are not told apart within that
_LIVE_MS: Final = 200
_WINDOW_S: Final = 0.2


@attrs.frozen
class Outage:
    """One outage, as those who were there tell it; times in seconds of the performance counter."""

    settled: float  # all was well until here
    back: float
    attempt: float
    first_append: float
    end_of_speech: float
    heard: float | None  # speech_started, if the server heard it
    answer: float | None  # the first delta of an answer to it, if there was one


@attrs.frozen
class Plan:
    """What happens, and how often."""

    seconds: float
    rounds: int
    abreast: int  # daemons, each with a service of its own: most of the time is spent waiting
    again: bool = False
    """It comes when a lost connection has just been restored, so that some of what was spoken has
    been sent late already.
    """


def outages(room: Room, plan: Plan) -> tuple[Series, Facts]:
    """Outages of one kind."""
    series: Series = defaultdict(list)
    unanswered = 0
    with ExitStack() as stack:
        services = [stack.enter_context(service(room, _ANSWER_MS)) for _ in range(plan.abreast)]
        for number in range(plan.rounds):
            print(f"    round {number + 1} of {plan.rounds}: ", end="", flush=True)
            talker, lived = _live_through(room, services, plan)
            for there, outage in zip(services, lived, strict=True):
                _note_times(series, outage)
                unanswered += outage.answer is None
                note_sound(series, outage, talker.spoken, list(pages(there.book)))
            pauses = ", ".join(f"{outage.attempt - outage.back:.1f}" for outage in lived)
            print(f"tried again {pauses} s after the server's return", flush=True)
    return series, {"outages": plan.rounds * plan.abreast, "turns not answered": unanswered}


def _live_through(room: Room, services: list[Service], plan: Plan) -> tuple[Talker, list[Outage]]:
    """One outage for each of these."""
    for there in services:
        there.server.forget()
        there.gate.forget()
    with ExitStack() as stack:
        daemons = [stack.enter_context(there.daemon(QUICK_TURNS)) for there in services]
        both = list(zip(services, daemons, strict=True))
        talker = stack.enter_context(talking(room.mouth, _LONGEST_S, LOUD))
        time.sleep(_BEFORE_S)
        settled = time.perf_counter()
        if plan.again:
            for there, daemon in both:
                _lose_connection(there, daemon)
            for there, daemon in both:
                until(there.server, "first append", daemon)
            time.sleep(_RESTORED_S)
        for there, daemon in both:
            there.gate.order("go")
            until(there.gate, "gone", daemon)
        time.sleep(plan.seconds)
        for there in services:
            there.server.forget()
            there.gate.order("come")
        returns = [_return(there, daemon) for there, daemon in both]
        time.sleep(_AFTER_S)
        ended = talker.stop()
        return talker, [
            Outage(settled, *each, ended, *_heard_and_answered(there))
            for each, there in zip(returns, services, strict=True)
        ]


def _lose_connection(there: Service, daemon: Daemon) -> None:
    """An outage that nobody notices but those who were connected."""
    there.gate.order("go")
    there.gate.order("come")
    until(there.gate, "back", daemon)


def _return(there: Service, daemon: Daemon) -> tuple[float, float, float]:
    """When the port was open again, when somebody came, and when the first append did."""
    back = until(there.gate, "back", daemon)["at"]
    attempt = until(there.gate, "knock", daemon, _BACK_WITHIN_S)["at"]
    return back, attempt, until(there.server, "first append", daemon)["at"]


def _heard_and_answered(there: Service) -> tuple[float | None, float | None]:
    first = {each["what"]: each["at"] for each in reversed(_told_until_an_answer(there))}
    return first.get("speech started"), first.get("first delta")


def _told_until_an_answer(there: Service) -> list[Told]:
    told: list[Told] = []
    ends = time.perf_counter() + _ANSWERED_WITHIN_S
    while not told or told[-1]["what"] != "first delta":
        try:
            told.append(there.server.told.get(timeout=max(0.01, ends - time.perf_counter())))
        except queue.Empty:
            break
    return told


def _note_times(series: Series, outage: Outage) -> None:
    def note(name: str, since: float, until: float | None) -> None:
        if until is not None:
            series[name].append(1000 * (until - since))

    note("server back -> next attempt, ms", outage.back, outage.attempt)
    note("server back -> first append, ms", outage.back, outage.first_append)
    note("attempt -> first append, ms", outage.attempt, outage.first_append)
    note("attempt -> speech heard, ms", outage.attempt, outage.heard)
    note("end of speech -> answer, ms", outage.end_of_speech, outage.answer)


# --- what was sent --------------------------------------------------------------------------------


def note_sound(series: Series, outage: Outage, spoken: Spoken, book: list[Page]) -> None:
    """Enter what a session that was opened after the outage was given, and how old it was.

    Raises:
        CannotMeasureError: what the server got can't be recognised.
    """
    began = spoken.begun_s[0] + _SETTLED_S
    before = [page for page in book if began < page.at < outage.settled]
    after = [page for page in book if outage.attempt < page.at <= outage.end_of_speech]
    usual_ages = _ages_ms(spoken, before)
    ages = _ages_ms(spoken, after)
    if not usual_ages or not ages:
        raise CannotMeasureError("what the server was given is not what was spoken")
    usual_ms = float(np.median([age for _, age in usual_ages]))
    kept = [(page, age - usual_ms) for page, age in ages]
    series["oldest sent, ms"].append(max(age for _, age in kept))
    stale = [page for page, age in kept if age > KEEP_MS + _BLUR_MS]
    series["sent beyond keep_ms, bytes"].append(2.0 * sum(page.samples.size for page in stale))
    series["fastest 200 ms, x real time"].append(_fastest(after))
    live = [page.at for page, age in kept if age < _LIVE_MS]
    if live:
        series["attempt -> live, ms"].append(1000 * (live[0] - outage.attempt))
    series["not recognised, frames"].append(len(after) - len(ages))


def _ages_ms(spoken: Spoken, book: list[Page]) -> list[tuple[Page, float]]:
    """How long before it was read the end of each page sounded, as far as it is recognised."""
    places = spoken.places([page.samples for page in book])
    return [
        (page, 1000 * (page.at - spoken.time_s(place + page.samples.size)))
        for page, place in zip(book, places, strict=True)
        if place is not None
    ]


def _fastest(book: list[Page]) -> float:
    """The most sound that was read within 200 ms, against these."""
    most_s = 0.0
    for first, page in enumerate(book):
        within = (each for each in book[first:] if each.at < page.at + _WINDOW_S)
        most_s = max(most_s, sum(each.samples.size for each in within) / RATE_HZ)
    return most_s / _WINDOW_S
