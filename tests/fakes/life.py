"""A life on real sockets: the whole daemon, its real dialler, and a service that can be killed.

The clock is the real one, so nothing here is measured in time; every wait has a guard against hanging.
The user's frames are numbered, so that a test can tell which of them went up, and how late.
"""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import attrs
import trio
from attrs import evolve

from tests.fakes.room import Ears, User
from tests.fakes.story import Highest
from tests.local.client import Watcher
from voiced.app import Daemon
from voiced.config.whole import Config
from voiced.local.brain import ScriptedBrain
from voiced.local.ears import PlainEars
from voiced.local.options import Options
from voiced.local.server import serve
from voiced.local.voice import ToneVoice
from voiced.local.wire import Direction, Json
from voiced.notices import Happened, Moment, NoticeBoard
from voiced.outside import Ports, dialler_from
from voiced.ports import Dialler

HOST: Final = "127.0.0.1"
_GUARD_S: Final = 180.0  # six attempts may be spent while a busy machine starts a server
_NUMBER_BYTES: Final = 4  # each in a sample of its own, which nobody can hear


@attrs.define(eq=False)
class NumberedUser(User):
    """Each frame of the microphone begins with its number, from 1 on, whatever else it holds."""

    frames: int = attrs.field(default=0, init=False)
    _given: trio.Event = attrs.field(factory=trio.Event, init=False)

    def next_block(self) -> bytes:
        """What the microphone hears in the next 20 ms."""
        block = super().next_block()
        self.frames += 1
        self._given.set()
        self._given = trio.Event()
        digits = self.frames.to_bytes(_NUMBER_BYTES, "little")
        return bytes(each for digit in digits for each in (digit, 0)) + block[2 * _NUMBER_BYTES :]

    def utters(self, pcm: bytes) -> None:
        """Say what was recorded."""
        self._waiting += pcm

    async def is_there_for(self, frames: int) -> None:
        """Let the microphone give so many more."""
        last = self.frames + frames
        while self.frames < last:
            await self._given.wait()


@attrs.define(eq=False)
class Service:
    """The embedded server as a process would be: it can be killed, and started on the same port."""

    nursery: trio.Nursery
    user: NumberedUser
    answers: Sequence[str] = ("[tone 300]",)
    port: int = 0
    watch: Watcher = attrs.field(init=False)  # of this life of the server's
    ears: PlainEars = attrs.field(init=False)
    frames_at: dict[int, int] = attrs.field(factory=dict, init=False)
    """By session, how many frames the user's microphone had given when the gate was opened."""
    _scope: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)

    async def starts(self, *settings: str) -> None:
        """Serve on the port that it had, if it had one."""
        self.watch, self._scope = Watcher(), trio.CancelScope()
        self.ears = PlainEars(["what time is it"])
        self.frames_at.clear()
        self.port = await self.nursery.start(self._serve, Options.parse(settings))

    def is_killed(self) -> None:
        """No goodbye: the system closes its sockets."""
        self._scope.cancel()

    async def _serve(self, options: Options, task_status: trio.TaskStatus[int]) -> None:
        with self._scope:
            await serve(
                options,
                port=self.port,
                ears=self.ears,
                voice=ToneVoice(),
                brain=ScriptedBrain(self.answers),
                watch=self._see,
                task_status=task_status,
            )

    def _see(self, one: Any) -> None:
        self.watch(one)
        if one.event["type"] == "session.updated":
            self.frames_at.setdefault(one.session, self.user.frames)

    # --- what came

    @property
    def sessions(self) -> int:
        """How many there were in this life."""
        return max((one.session for one in self.watch.traffic), default=0)

    def told(self, session: int) -> list[Json]:
        """All that a session was told, in order."""
        traffic = self.watch.traffic
        return [
            one.event
            for one in traffic
            if one.direction is Direction.FROM_CLIENT and one.session == session
        ]

    def said(self, kind: str) -> list[Json]:
        """All events of one type that the server said."""
        traffic = self.watch.traffic
        said = [one.event for one in traffic if one.direction is Direction.TO_CLIENT]
        return [event for event in said if event["type"] == kind]

    def numbers(self, session: int) -> list[int]:
        """Which of the user's frames a session was told, in order."""
        kind = "input_audio_buffer.append"
        appends = (event["audio"] for event in self.told(session) if event["type"] == kind)
        return [
            int.from_bytes(base64.b64decode(audio)[: 2 * _NUMBER_BYTES : 2], "little")
            for audio in appends
        ]


@attrs.define(eq=False)
class Life:
    """A daemon that runs, and all moments of it, each looked at once."""

    daemon: Daemon
    user: NumberedUser
    ears: Ears
    moments: list[Happened] = attrs.field(factory=list, init=False)
    _seen: int = attrs.field(default=0, init=False)
    _news: trio.Event = attrs.field(factory=trio.Event, init=False)

    def note(self, happened: Happened) -> None:
        """Write it down."""
        self.moments.append(happened)
        self._news.set()

    async def until(self, moment: Moment) -> Happened:
        """Wait for the next such moment after the last one that was waited for."""
        while True:
            while self._seen < len(self.moments):
                self._seen += 1
                if self.moments[self._seen - 1].moment is moment:
                    return self.moments[self._seen - 1]
            self._news = trio.Event()
            await self._news.wait()

    def count(self, moment: Moment) -> int:
        """How often it happened so far."""
        return sum(one.moment is moment for one in self.moments)

    async def asks(self, ms: int = 300) -> None:
        """The user says something, and hears all of an answer."""
        self.user.says(ms)
        await self.until(Moment.PLAYED)


def quick(port: int, **sections: dict[str, Any]) -> Config:
    """Settings of somebody who waits for nothing."""
    usual: dict[str, dict[str, Any]] = {
        "realtime": {"url": f"ws://{HOST}:{port}/v1/realtime"},
        "turns": {"silence_duration_ms": 200, "prefix_padding_ms": 100},
        "link": {"first_pause_s": 0.1, "longest_pause_s": 1.0},
        "notices": {"mode": "off"},
        "devices": {"dead_mic_s": 0.0},  # who says nothing is silent to the last bit
    }
    config = Config()
    for name in usual | sections:
        values = usual.get(name, {}) | sections.get(name, {})
        config = evolve(config, **{name: evolve(getattr(config, name), **values)})
    return config


@asynccontextmanager
async def living(
    config: Config,
    user: NumberedUser,
    environ: dict[str, str] | None = None,
    dialler: Dialler | None = None,
) -> AsyncIterator[Life]:
    """Run a daemon with that user before it; stop it in order at the end."""
    ears, board = Ears(), NoticeBoard()
    ports = Ports(user.microphone, ears.speaker, dialler or dialler_from(config, environ or {}))
    life = Life(Daemon(config, ports, board=board, stays=True), user, ears)
    life.daemon.supervisor.chance = Highest()  # short draws use all attempts of a minute up
    board.follow(life.note)
    with trio.fail_after(_GUARD_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(life.daemon.run)
            yield life
            life.daemon.supervisor.stop()


@asynccontextmanager
async def service(
    *settings: str, answers: Sequence[str] = ("[tone 300]",)
) -> AsyncIterator[Service]:
    """A server on a port of its own, and the user that will speak with it."""
    async with trio.open_nursery() as nursery:
        one = Service(nursery, NumberedUser(), answers)
        await one.starts(*settings)
        yield one
        nursery.cancel_scope.cancel()


async def side_by_side(
    story: Callable[..., Awaitable[None]], cases: Sequence[tuple[object, ...]]
) -> None:
    """Tell a story once for each case, all at the same time: most of it is waiting."""

    async def tell(case: tuple[object, ...]) -> None:
        try:
            await story(*case)
        except BaseException as error:
            error.add_note(f"in the case of {case}")
            raise

    async with trio.open_nursery() as nursery:
        for case in cases:
            nursery.start_soon(tell, case)
