"""Dead networks: how often it tries, and what it keeps while nothing gets better.

Three daemons side by side, for some minutes, each with a fate of its own:

    refused   nobody listens on the port: every attempt fails at once
    hanging   somebody listens whose backlog is full: the kernel answers no SYN
    stalled   a server grants each session and then reads nothing: sends get stuck, again and again

When the first two tried is read from the daemon's log (a refused attempt leaves no other trace): each
`conversation ended` ends one attempt, and is told of each with -v. Of the third the server tells, with each session.created. Its memory
is the proportional set size, every second from the end of the first session on, when all has been
loaded that a failure needs; the growth is from the median of the first fifth to that of the last. The
queues are the kernel's, from /proc/net/tcp: what the daemon sent and the other side has not taken, and
what that has taken and nobody has read.
"""

import socket
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tests.bench.process import Child
from tests.bench.service import Daemon, daemon_at
from tests.bench.stage import CannotMeasureError, Facts, address, server_in
from tests.rig import Room

_FATES: Final = ("refused", "hanging", "stalled")
TARGETS: Final = {
    **{f"{fate}: most attempts in 60 s": "<= 6" for fate in _FATES},
    **{f"{fate}: longest gap, s": "<= 60" for fate in _FATES},
    "stalled: growth of PSS, MB": "<= 2",
    "stalled: most in our queue, ms of speech": "about 500",
}

_HOST: Final = "127.0.0.1"
_MINUTE_S: Final = 59.9  # a log is written a little late, and the seventh may come after a minute
_ENDED: Final = "conversation ended"
_FIRST_STALL_S: Final = 30.0
_LOOKS_EVERY_S: Final = 0.5
_PSS_EVERY: Final = 2  # looks
_TELLS_EVERY_S: Final = 30.0
_APPEND_BYTES: Final = 1350  # on the wire, and its share of headers; 20 ms of speech
_CONNECTS_S: Final = 0.5
_STALLS: Final = ("fault=stop_reading", "max_sessions=10000")
_ESTABLISHED: Final = "01"


def dead(room: Room, minutes: float) -> Facts:
    """All three, for so long.

    Raises:
        CannotMeasureError: the peer that should stall a link does not.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ports = stack.enter_context(_refusing()), stack.enter_context(_hanging())
        server, url = stack.enter_context(server_in(room, 1000, _STALLS))
        began = time.perf_counter()
        refused, hanging, stalled = (
            stack.enter_context(daemon_at(room, folder, each, options=["-v"]))
            for each in (*map(address, ports), url)
        )
        _await_first_stall(stalled)
        memory, queues = _watch(stalled.child, int(urlsplit(url).port or 0), minutes)
        ended = time.perf_counter()
        attempts = {
            "refused": refused.said(_ENDED),
            "hanging": hanging.said(_ENDED),
            "stalled": [
                each["at"] for each in server.forget() if each["what"] == "session created"
            ],
        }
    facts: Facts = {"seconds": ended - began}
    for fate, times in attempts.items():
        facts[f"{fate}: attempts"] = len(times)
        facts[f"{fate}: most attempts in 60 s"] = most_in_a_minute(times)
        facts[f"{fate}: longest gap, s"] = longest_gap_s([began, *times, ended])
    fifth = max(1, len(memory) // 5)
    first, last = statistics.median(memory[:fifth]), statistics.median(memory[-fifth:])
    ours, theirs = (max(sizes) for sizes in zip(*queues, strict=True))
    facts |= {
        "stalled: PSS in the first fifth, MB": first,
        "stalled: growth of PSS, MB": last - first,
        "stalled: peak PSS, MB": max(memory),
        "stalled: most in our queue, kB": ours / 1000,
        "stalled: most in our queue, ms of speech": 20 * ours / _APPEND_BYTES,
        "stalled: most in the peer's queue, kB": theirs / 1000,
    }
    return facts


def most_in_a_minute(times: Sequence[float]) -> int:
    """The most of these that lie within one minute, wherever that begins."""
    return max((sum(0 <= at - first < _MINUTE_S for at in times) for first in times), default=0)


def longest_gap_s(times: Sequence[float]) -> float:
    """The longest time between two that follow one another."""
    return max(after - before for before, after in pairwise(times))


def _await_first_stall(daemon: Daemon) -> None:
    ends = time.perf_counter() + _FIRST_STALL_S
    while not daemon.said(_ENDED):
        if time.perf_counter() > ends:
            raise CannotMeasureError(f"no session was given up within {_FIRST_STALL_S:g} s")
        time.sleep(_LOOKS_EVERY_S)


def _watch(daemon: Child, port: int, minutes: float) -> tuple[list[float], list[tuple[int, int]]]:
    """The daemon's memory in MB every second, and the queues in bytes more often."""
    memory: list[float] = []
    queues: list[tuple[int, int]] = []
    began = time.perf_counter()
    told_s = 0.0
    while (passed_s := time.perf_counter() - began) < 60 * minutes:
        queues.append(queued(Path("/proc/net/tcp").read_text(), port))
        if len(queues) % _PSS_EVERY == 0:
            memory.append(daemon.pss_mb())
        if passed_s >= told_s:
            print(f"    {passed_s:.0f} of {60 * minutes:.0f} s", flush=True)
            told_s += _TELLS_EVERY_S
        time.sleep(_LOOKS_EVERY_S)
    return memory, queues


def queued(table: str, port: int) -> tuple[int, int]:
    """What lies in a connection to that port, by /proc/net/tcp: sent and not taken, taken and not read."""
    sent = taken = 0
    for line in table.splitlines()[1:]:
        _, local, remote, state, queues, *_ = line.split()
        if state != _ESTABLISHED:
            continue
        unsent, unread = (int(size, 16) for size in queues.split(":"))
        if int(remote.split(":")[1], 16) == port:
            sent = max(sent, unsent)
        if int(local.split(":")[1], 16) == port:
            taken = max(taken, unread)
    return sent, taken


@contextmanager
def _refusing() -> Iterator[int]:
    """A port that nobody else gets, and nobody listens on."""
    with socket.socket() as bound:
        bound.bind((_HOST, 0))
        yield bound.getsockname()[1]


@contextmanager
def _hanging() -> Iterator[int]:
    """A port where connections are neither accepted nor refused."""
    with socket.socket() as listening, ExitStack() as stack:
        listening.bind((_HOST, 0))
        listening.listen(0)
        port = listening.getsockname()[1]
        while True:
            knocking = stack.enter_context(socket.socket())
            knocking.settimeout(_CONNECTS_S)
            try:
                knocking.connect((_HOST, port))
            except TimeoutError:
                break
        yield port
