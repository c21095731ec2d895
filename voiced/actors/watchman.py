"""Watchman: tells whoever started us as a service how we are, and whether we get anywhere."""

import logging
from collections.abc import Callable, Mapping
from typing import Final

import attrs
import trio

from voiced.link.progress import Glance, Part, Progress
from voiced.notices import PHASES, Device, Happened, Moment, NoticeBoard, Phase
from voiced.ports import ServiceManager

log = logging.getLogger(__name__)

_OUTCOMES: Final = frozenset(
    moment
    for moment, phases in PHASES.items()
    if set(phases) == set(Phase)
    and Phase.CONNECTING not in phases.values()
    and moment is not Moment.STOPPED
)
"""What ends an attempt to get going: each leads to a definite phase from wherever one is."""

_LONGEST_FIRST_S: Final = 30.0
"""An attempt may take longer, by the owner's limits; to try is then what the daemon does."""

_SOUND: Final = frozenset({Device.MICROPHONE, Device.LOUDSPEAKER})  # others are no condition
_LOOKS_FOR_DEVICES_EVERY_S: Final = 0.1


@attrs.define(eq=False, kw_only=True)
class Watchman:
    """Says READY once, the phase in one line, and, while all moves that ought to, that we live.

    Receives: every moment, how far capture and playout are. Says: to the service manager what its port
    allows; a log line when something stands still, and when it moves again. Loses: nothing. Ends:
    never by itself.

    READY means: both devices are open, and the outcome of the first attempt is known. A session, a
    pause, a fault that waits for a person and idleness on purpose are all outcomes: whoever starts us
    at boot, before there is a network, must not take an outage for a start that failed, and kill us
    for it again and again.
    """

    manager: ServiceManager
    board: NoticeBoard
    glances: Callable[[], Mapping[Part, Glance]]
    device_stall_s: float  # after which a device's own watch finds it dead
    _tried: trio.Event = attrs.field(factory=trio.Event, init=False)
    _stuck: Mapping[Part, float] = attrs.field(factory=dict, init=False)
    _told: str = attrs.field(default="", init=False)

    def __attrs_post_init__(self) -> None:
        self.board.follow(self._note)

    async def run(self) -> None:
        """Watch for ever."""
        self._tell_status()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._report_ready, name="report ready")
            if self.manager.watchdog_s is not None:
                progress = Progress(self.manager.watchdog_s, self.device_stall_s)
                nursery.start_soon(self._keep_alive, progress, name="keep the watchdog quiet")

    def _note(self, happened: Happened) -> None:
        if happened.moment in _OUTCOMES:
            self._tried.set()
        self._tell_status()

    async def _report_ready(self) -> None:
        with trio.move_on_after(_LONGEST_FIRST_S):
            await self._tried.wait()
        while not self.board.devices.keys() >= _SOUND:  # noqa: ASYNC110  no bell rings
            await trio.sleep(_LOOKS_FOR_DEVICES_EVERY_S)
        self.manager.ready()

    async def _keep_alive(self, progress: Progress) -> None:
        while True:
            before_s = trio.current_time()
            self._look(progress, before_s)
            await trio.sleep(progress.look_every_s)
            late_s = trio.current_time() - before_s - progress.look_every_s
            if late_s > progress.look_every_s:
                log.error("event loop stood still for_s=%.1f", late_s)

    def _look(self, progress: Progress, now_s: float) -> None:
        """One look: what stands still is named before the service manager acts on our silence."""
        self.manager.awake()
        before, self._stuck = self._stuck, progress.look(now_s, self.glances())
        for part in Part:
            if part in self._stuck and part not in before:
                log.error(
                    "%s stands still for_s=%.1f: the watchdog is told no more that all is well",
                    part.value,
                    self._stuck[part],
                )
            elif part in before and part not in self._stuck:
                log.warning("%s moves again", part.value)
        if not self._stuck:
            self.manager.alive()
        self._tell_status()

    def _tell_status(self) -> None:
        """The phase and why; never what was said."""
        stuck = (f"{part.value} stands still" for part in self._stuck)
        whys = "; ".join(filter(None, (*stuck, self.board.why)))
        phase = self.board.phase.phase.value
        line = f"{phase}: {whys}" if whys else phase
        if line != self._told:
            self._told = line
            self.manager.status(line)
