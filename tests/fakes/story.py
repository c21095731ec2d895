"""A story: the real daemon, from its composition root, between a fake server and a fake room."""

import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

import attrs
import trio
import trio.testing
from attrs import evolve

from tests.fakes.room import Ears, User
from tests.fakes.server import FakeServer
from voiced.actors.operator import Reload
from voiced.app import Daemon
from voiced.audio.echo.handling import Canceller
from voiced.config.sound import Devices
from voiced.config.whole import Config
from voiced.notices import Happened, Moment, Notice, NoticeBoard, Phase, PhaseChanged
from voiced.outside import Ports
from voiced.panel_ports import Buttons, Panel
from voiced.ports import (
    Archive,
    Books,
    Entrance,
    FarEnd,
    MetricsFile,
    MetricsServer,
    MuteKeeper,
    ServiceManager,
    Voice,
    WakeWord,
)

_QUIET_ROOM: Final = Config(devices=Devices(dead_mic_s=0.0))
"""Where nobody speaks, a fake room gives zeros; that this makes a real microphone dead has its own stories."""

FIRST_MIDNIGHT: Final = datetime(2026, 11, 22)  # local time, wherever that is


class Highest(random.Random):
    """Chance without chance: full jitter draws the ceiling, so that stories can count."""

    def random(self) -> float:
        return 1.0


@attrs.define(eq=False)
class Story:
    """The cast, and the daemon among them."""

    config: Config = _QUIET_ROOM
    server: FakeServer = attrs.field(factory=FakeServer)
    user: User = attrs.field(factory=User)
    ears: Ears = attrs.field(factory=Ears)
    voice: Voice | None = None
    notices: list[Notice] = attrs.field(factory=list)
    stays: bool = True
    mended: Callable[[], Awaitable[None]] = trio.sleep_forever
    chance: random.Random = attrs.field(factory=Highest)
    archive: Archive | None = None
    books: Books | None = None
    midnight_in_s: float = 36_000.0  # of the wall clock, when the curtain rises
    manager: ServiceManager | None = None
    entrance: Entrance | None = None
    reload: Reload | None = None
    probes: Callable[[], str] | None = None
    hide: Callable[[str], str] = str
    mute_keeper: MuteKeeper | None = None
    metrics_server: MetricsServer | None = None
    metrics_file: MetricsFile | None = None
    wake_word: WakeWord | None = None
    panel: Panel | None = None
    keys: Buttons | None = None
    far_end: FarEnd | None = None
    canceller: Canceller | None = None
    daemon: Daemon = attrs.field(init=False)

    def set(self, section: str, **values: object) -> None:
        """Change settings, before the curtain rises."""
        self.config = evolve(
            self.config, **{section: evolve(getattr(self.config, section), **values)}
        )

    async def begin(self, nursery: trio.Nursery, *, until_ready: bool = True) -> None:
        """Start the daemon; by default until the gate is open."""
        ports = Ports(
            self.user.microphone,
            self.ears.speaker,
            self.server,
            self.archive,
            self.voice,
            books=self.books,
            now=self.wall,
            manager=self.manager,
            entrance=self.entrance,
            probes=self.probes,
            hide=self.hide,
            mute_keeper=self.mute_keeper,
            metrics_server=self.metrics_server,
            metrics_file=self.metrics_file,
            microphone_recalled=self.user.microphone.plug.recalled,
            speaker_recalled=self.ears.speaker.plug.recalled,
            sound_changed=self.user.microphone.plug.changed,
            wake_word=self.wake_word,
            panel=self.panel,
            keys=self.keys,
            far_end=self.far_end,
            canceller=self.canceller,
        )
        self.daemon = Daemon(self.config, ports, board=_Diary(self.notices), stays=self.stays)
        self.daemon.reload = self.reload
        self.daemon.supervisor.chance = self.chance
        self.daemon.supervisor.mended = self.mended
        nursery.start_soon(self.daemon.run)
        await self.settled()
        if until_ready:
            assert self.phase() is Phase.LISTENING, self

    def wall(self) -> datetime:
        """What the clock on the wall shows."""
        return FIRST_MIDNIGHT + timedelta(seconds=trio.current_time() - self.midnight_in_s)

    async def for_ms(self, ms: float) -> None:
        """Let time pass, and all that belongs into it happen."""
        await trio.sleep(ms / 1000)
        await self.settled()

    async def settled(self) -> None:
        """Let everybody finish what can be done now."""
        await trio.testing.wait_all_tasks_blocked()

    def phase(self) -> Phase:
        """What a person would say is going on; asked, not held: it changes under the test."""
        return self.daemon.board.phase.phase

    @property
    def phases(self) -> list[Phase]:
        """All phases so far."""
        return [n.phase for n in self.notices if isinstance(n, PhaseChanged)]

    def moments(self, moment: Moment) -> list[float]:
        """When it happened, each time, in seconds."""
        return [n.at_s for n in self.notices if isinstance(n, Happened) and n.moment is moment]

    def __repr__(self) -> str:
        told = [event["type"] for wire in self.server.wires for event in wire.heard]
        said = [str(n) for n in self.notices if isinstance(n, Happened | PhaseChanged)]
        return "\n".join(["a story:", *said[-10:], f"the server was told {told[-10:]}"])


class _Diary(NoticeBoard):
    """A board that keeps every notice but levels."""

    def __init__(self, notices: list[Notice]) -> None:
        super().__init__()
        self._notices = notices

    def post(self, notice: Notice) -> None:
        self._notices.append(notice)
        super().post(notice)
