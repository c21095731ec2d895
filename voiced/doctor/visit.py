"""A visit: one session with the service, opened as the daemon opens one, and then sound for a while.

Theory of operation. A visit runs in a task of its own, from the first knock to the goodbye, because a
socket lives in one nursery while several checks look at it. It writes down when it reached each stage;
whoever wants to know waits for that stage, or for the visit's end. The doctor and the probe differ only in
what they make of it.

Firm audio is more than sound that was sent: after the last frame the server is asked something that changes
nothing. It answers in order, so its answer proves that it took all of it, and that the session goes on.
"""

import enum
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, NoReturn, Protocol, TypeAlias

import attrs
import trio

from voiced.actors.conversation import ENDS
from voiced.actors.line import Line
from voiced.actors.opening import Opening
from voiced.audio.format import FRAME_MS, SILENT_FRAME, Frame
from voiced.audio.framing import FrameSlicer
from voiced.audio.wire import Encoder
from voiced.faults import DeviceError, LinkError, SessionOver, Trouble, VoicedError
from voiced.ports import Dialler, Wire
from voiced.realtime.client_events import Append, Commit, CreateResponse
from voiced.realtime.objects import Response, StatusDetails
from voiced.realtime.response_events import AudioDelta, ResponseCreated, ResponseDone
from voiced.realtime.server_events import Committed, Refused
from voiced.realtime.session import MANUAL
from voiced.verdicts import gravest

FIRM_S: Final = 5.0
"""Sessions that break on sound do so with the first frames, or within the first seconds (reported)."""

_ANSWER_S: Final = 30.0  # from the end of the question; the daemon asks again much earlier


class Stage(enum.Enum):
    """How far a visit came, in order."""

    ANSWERED = "websocket"  # the server speaks WebSocket with us
    CREATED = "session created"
    UPDATED = "session updated"
    FIRM = "firm audio"
    HEARD = "turn"  # the first sound of an answer came


class Mouth(Protocol):
    """Where frames come from."""

    async def frame(self) -> Frame:
        """The next 20 ms, as soon as they are due."""


Sound: TypeAlias = Callable[[], AbstractAsyncContextManager[Mouth]]


@attrs.define(eq=False)
class Silence:
    """Silence in real time: as many frames as a microphone would have given by now."""

    _began_s: float = attrs.field(factory=trio.current_time, init=False)
    _given: int = attrs.field(default=0, init=False)

    async def frame(self) -> Frame:
        """As the class says."""
        self._given += 1
        await trio.sleep_until(self._began_s + self._given * FRAME_MS / 1000)
        return SILENT_FRAME


@asynccontextmanager
async def silence() -> AsyncIterator[Mouth]:
    """The sound of nobody speaking."""
    await trio.lowlevel.checkpoint()
    yield Silence()


@attrs.define(eq=False)
class _Answer:
    """What of the turn has happened."""

    committed: bool = False
    asked: bool = False  # by us, or the server has begun it unasked
    sounds: trio.Event = attrs.field(factory=trio.Event)


@attrs.define(eq=False, kw_only=True)
class Visit:
    """One of them. Ends: by itself, with `fault` set if anything was wrong."""

    dialler: Callable[[], Dialler]  # `ConfigError` if there is no key and one is needed
    opening: Opening
    server_answers: bool = True  # by itself, at the end of a turn
    sound: Sound = silence
    firm_s: float = FIRM_S
    speech: bytes = b""  # mono PCM16 at 24 kHz, a question: without one, no turn is taken
    reached_ms: dict[Stage, float] = attrs.field(factory=dict, init=False)  # since the first knock
    fault: VoicedError | None = attrs.field(default=None, init=False)
    line: Line | None = attrs.field(default=None, init=False)
    sent_ms: int = attrs.field(default=0, init=False)  # of sound
    first_audio_ms: float | None = attrs.field(default=None, init=False)
    """From the end of the question to the first sound of its answer."""
    _began_s: float = attrs.field(default=0.0, init=False)
    _over: bool = attrs.field(default=False, init=False)
    _news: trio.Event = attrs.field(factory=trio.Event, init=False)

    async def run(self) -> None:
        """Go there, as far as it goes."""
        self._began_s = trio.current_time()
        try:
            await self._go()
        except* (*ENDS, DeviceError) as group:
            self.fault = gravest(group)
        finally:
            self._over = True
            self._tell()

    async def came_to(self, stage: Stage) -> bool:
        """Wait until that stage is reached; False if the visit ended before it."""
        while stage not in self.reached_ms and not self._over:
            await self._news.wait()
        return stage in self.reached_ms

    @property
    def reference(self) -> str:
        """Where it was, for the service's support; empty before there was a session."""
        known = self.line is not None and self.line.session.session_id is not None
        return self.line.reference if known and self.line is not None else ""

    @property
    def session_id(self) -> str:
        """The server's name for the session; empty before there was one."""
        return "" if self.line is None else self.line.session.session_id or ""

    async def _go(self) -> None:
        patience = self.opening.patience
        async with _dialled(self.dialler(), patience.socket_s) as wire:
            self._reached(Stage.ANSWERED)
            self.line = line = Line(wire, patience.send_s)
            await self.opening.greeted(line)
            self._reached(Stage.CREATED)
            await self.opening.configured(line)
            self._reached(Stage.UPDATED)
            async with self.sound() as mouth:
                await self._speak(line, mouth)

    async def _speak(self, line: Line, mouth: Mouth) -> None:
        encoder = Encoder(self.opening.wire_format)
        async with _attended(line, lambda: self._listen(line, None)):
            for _ in range(round(self.firm_s * 1000 / FRAME_MS)):
                await self._append(line, encoder, await mouth.frame())
        await self.opening.check(line)
        self._reached(Stage.FIRM)
        if self.speech:
            answer = _Answer()
            async with _attended(line, lambda: self._listen(line, answer)):
                await self._ask(line, encoder, answer)
            self._reached(Stage.HEARD)

    async def _ask(self, line: Line, encoder: Encoder, answer: _Answer) -> None:
        """Speak the question, and be silent until the answer sounds."""
        pause = Silence()
        for frame in _frames(self.speech):
            await pause.frame()
            await self._append(line, encoder, frame)
        asked_s = trio.current_time()
        if line.session.turn_detection == MANUAL:
            for piece in encoder.finish():
                await line.say(Append(piece))
            answer.asked = True
            await line.say(Commit())
            await line.say(CreateResponse())
        with trio.move_on_after(_ANSWER_S):
            while not answer.sounds.is_set():
                await self._append(line, encoder, await pause.frame())
                if answer.committed and not answer.asked and not self.server_answers:
                    answer.asked = True
                    await line.say(CreateResponse())
            self.first_audio_ms = round((trio.current_time() - asked_s) * 1000, 1)
            return
        told = "its turn was taken" if answer.committed else "the server heard no turn in it"
        raise SessionOver("turn_stalled", f"no answer to a spoken question: {told}")

    async def _append(self, line: Line, encoder: Encoder, frame: Frame) -> None:
        for piece in encoder.feed(frame):
            await line.say(Append(piece))
        self.sent_ms += FRAME_MS

    async def _listen(self, line: Line, answer: _Answer | None) -> NoReturn:
        """Raise `SessionOver` on whatever the server finds wrong; nothing may be, here."""
        while True:
            match await line.hear():
                case Refused(error=error):
                    raise SessionOver(error.code or error.kind, error.message, kind=error.kind)
                case Committed() if answer is not None:
                    answer.committed = True
                case ResponseCreated() if answer is not None:
                    answer.asked = True
                case AudioDelta() if answer is not None:
                    answer.sounds.set()
                case ResponseDone(response=Response(status="failed", status_details=details)):
                    raise _failed(details)
                case _:
                    pass

    def _reached(self, stage: Stage) -> None:
        self.reached_ms[stage] = round((trio.current_time() - self._began_s) * 1000, 1)
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = trio.Event()


def _failed(details: StatusDetails | None) -> SessionOver:
    error = None if details is None else details.error
    if error is None:
        return SessionOver("server_error", "the answer failed, and the server does not say why")
    return SessionOver(error.code or error.kind, error.message, kind=error.kind)


def _frames(pcm: bytes) -> Iterator[Frame]:
    slicer = FrameSlicer()
    yield from slicer.feed(pcm)
    yield from slicer.finish()[0]


@asynccontextmanager
async def _attended(line: Line, listen: Callable[[], Awaitable[NoReturn]]) -> AsyncIterator[None]:
    """While somebody speaks on *line*, hear what is said, and notice when the link dies or is stuck."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(line.watch, name="watch")
        nursery.start_soon(line.wire.keep_alive, name="keep alive")
        nursery.start_soon(listen, name="listen")
        yield
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def _dialled(dialler: Dialler, limit_s: float) -> AsyncIterator[Wire]:
    """Dial under a time limit that ends with the socket's opening."""
    with trio.CancelScope() as dialling:
        dialling.deadline = trio.current_time() + limit_s
        async with dialler.dial() as wire:
            dialling.deadline = float("inf")
            yield wire
    if dialling.cancelled_caught:
        raise LinkError(f"no connection within {limit_s:g} s", Trouble.SLOW)
