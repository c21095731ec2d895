"""Meter: counts what happens, and writes it down for monitoring where the owner wants that."""

import logging
import platform
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Final

import attrs
import trio

from voiced import __version__
from voiced.metrics.histogram import Durations
from voiced.metrics.page import Facts, Resources, page
from voiced.notices import Device, Happened, Moment, NoticeBoard, Phase, Status
from voiced.ports import MetricsFile, MetricsServer

log = logging.getLogger(__name__)

_SOUND: Final = frozenset({Device.MICROPHONE, Device.LOUDSPEAKER})
_WRITE_LIMIT_S: Final = 2.0  # a disk that hangs must not keep us from stopping


@attrs.define(eq=False, kw_only=True)
class Meter:
    """Adds up moments and turns, and makes the page of it all for whoever asks.

    Receives: every moment and turn from the board. Says: pages, to the server and the file; numbers and
    names of ours only. Loses: nothing. Ends: never by itself; at the start by `ConfigError`, if the
    server or the file can't be had.
    """

    board: NoticeBoard
    durations: Durations
    tallies: Callable[[], Mapping[str, int]]
    losses: Mapping[str, Callable[[], int]]
    now: Callable[[], datetime]  # the wall clock, local
    resources: Callable[[], Resources | None]
    server: MetricsServer | None = None
    file: MetricsFile | None = None
    file_every_s: float = 15.0
    _moments: Counter[Moment] = attrs.field(factory=Counter, init=False)
    _phases_s: dict[Phase, float] = attrs.field(init=False)
    _phase: Phase = attrs.field(default=Phase.IDLE, init=False)  # since `_since_s`
    _since_s: float = attrs.field(init=False)
    _began_s: float = attrs.field(init=False)
    _dialled_s: float | None = attrs.field(default=None, init=False)
    _one: trio.CapacityLimiter = attrs.field(factory=lambda: trio.CapacityLimiter(1), init=False)

    def __attrs_post_init__(self) -> None:
        self._began_s = self._since_s = trio.current_time()
        self._phases_s = dict.fromkeys(Phase, 0.0)
        self.board.follow(self.note)
        self.board.follow_turns(self.durations.turn_ended)

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve and write for ever; report when it is sure that both can be done."""
        async with trio.open_nursery() as nursery:
            if self.server is not None:
                await nursery.start(self.server.serve, self.page)
            if self.file is not None:
                self.file.open(self.page())  # it blocks for a moment: nothing else lives yet
                nursery.start_soon(self._keep_file, self.file, name="metrics file")
            task_status.started()

    def note(self, happened: Happened) -> None:
        """Count a moment; the phase may be another one since."""
        self._moments[happened.moment] += 1
        if happened.moment is Moment.DIALLING:
            self._dialled_s = happened.at_s
        elif happened.moment is Moment.READY and self._dialled_s is not None:
            self.durations.opening.observe(happened.at_s - self._dialled_s)
            self._dialled_s = None
        if self.board.phase.phase is not self._phase:
            self._settle_phase(trio.current_time())

    def page(self) -> bytes:
        """All numbers, as they are now."""
        now_s = trio.current_time()
        self._settle_phase(now_s)
        return page(self._facts(self.board.status, now_s))

    def _settle_phase(self, now_s: float) -> None:
        self._phases_s[self._phase] += now_s - self._since_s
        self._phase, self._since_s = self.board.phase.phase, now_s

    def _facts(self, status: Status, now_s: float) -> Facts:
        link = status.link
        return Facts(
            version=__version__,
            python=platform.python_version(),
            unix_s=self.now().timestamp(),
            uptime_s=now_s - self._began_s,
            phase=status.phase.value,
            phases_s={phase.value: seconds for phase, seconds in self._phases_s.items()},
            moments={moment.value: self._moments[moment] for moment in Moment},
            reconnects=max(0, self._moments[Moment.READY] - 1),
            attempts=link.attempts,
            strikes=link.strikes,
            pause_s=0.0 if link.resumes_at_s is None else max(0.0, link.resumes_at_s - now_s),
            faults=status.faults,
            devices={device.value: _works(status, device) for device in _known(status)},
            turns=status.turns,
            tallies=self.tallies(),
            losses={name: read() for name, read in self.losses.items()},
            usage=status.usage,
            durations=self.durations,
            resources=self.resources(),
            scrapes={} if self.server is None else self.server.answered,
        )

    async def _keep_file(self, file: MetricsFile) -> None:
        try:
            while True:
                await trio.sleep(self.file_every_s)
                await self._in_thread(partial(file.write, self.page()))
        finally:
            await self._in_thread(file.close)

    async def _in_thread(self, write: Callable[[], None]) -> None:
        """Under a limit of its own; one at a time, or one that hangs would be joined or overtaken."""
        with trio.move_on_after(_WRITE_LIMIT_S, shield=True) as limit:
            await trio.to_thread.run_sync(write, abandon_on_cancel=True, limiter=self._one)
        if limit.cancelled_caught:
            log.warning("metrics not written within %g s: is the disk ill?", _WRITE_LIMIT_S)


def _known(status: Status) -> list[Device]:
    """Those of sound, which there always are, and what else was opened."""
    return [each for each in Device if each in _SOUND or each in status.devices]


def _works(status: Status, device: Device) -> bool:
    state = status.devices.get(device)
    return state is not None and not state.fault
