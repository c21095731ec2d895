"""Conversation: one session on one wire, from dialling to its end."""

import logging
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import TypeVar

import attrs
import trio

from voiced.actors.answers import Answers
from voiced.actors.downlink import Downlink
from voiced.actors.line import Line
from voiced.actors.moderator import Moderator
from voiced.actors.narrator import Narrator
from voiced.actors.scribe import Scribe
from voiced.actors.uplink import Uplink
from voiced.audio.format import FRAME_MS, Frame, samples_to_ms
from voiced.audio.jitter import JitterBuffer
from voiced.audio.wire import Encoder, WireFormat
from voiced.channel import Channel
from voiced.counts import Counts
from voiced.faults import LinkError, SessionOver
from voiced.messages import Playout, Volume
from voiced.notices import Happened, Moment, NoticeBoard
from voiced.ports import Dialler, Wire
from voiced.realtime.client_events import Configure, CreateItem, SystemText
from voiced.realtime.server_events import Refused, ServerEvent, SessionCreated, SessionUpdated
from voiced.turns.floor import Floor
from voiced.turns.policy import Detection, Policy
from voiced.turns.talk_button import TalkButton

log = logging.getLogger(__name__)
E = TypeVar("E", bound=ServerEvent)


@attrs.frozen(kw_only=True)
class Patience:
    """How long each step may take, in seconds."""

    socket_s: float
    created_s: float
    updated_s: float
    send_s: float


@attrs.frozen(kw_only=True)
class Habits:
    """How turns are taken: the policy, and what belongs to a push of the button."""

    policy: Policy
    silence_ms: int  # the server's, at the end of speech
    pre_roll_ms: int
    tail_ms: int


@attrs.define(eq=False)
class _Talk:
    """A session that is open: what people can act upon."""

    moderator: Moderator
    button: TalkButton | None


@attrs.define(eq=False, kw_only=True)
class Conversation:
    """Opens the session, then lets both directions run.

    Receives and says what Uplink and Downlink do. Loses: the speech that waited, when the session
    can't be opened: it would be stale by the next attempt. Ends: by the fault that ends the session.
    """

    dialler: Dialler
    configure: Configure
    frames: Channel[Frame]
    playouts: Channel[Playout]
    volume: Volume
    board: NoticeBoard
    scribe: Scribe
    jitter: JitterBuffer
    counts: Counts
    patience: Patience
    habits: Habits
    batch_ms: int
    longest_ms: int
    wire_format: WireFormat
    context: str = ""  # what the model is told first in every session, instructions apart
    greeting: str = ""  # is said as soon as a session is open, once: whoever sets it decides when
    _talking: _Talk | None = attrs.field(default=None, init=False)

    async def run(self) -> None:
        """Hold one conversation."""
        with ExitStack() as unless_opened:
            unless_opened.callback(self._discard)
            async with self._wire() as wire:
                line = Line(wire, self.patience.send_s)
                await self._open(line)
                unless_opened.pop_all()
                await self._talk(line)

    # What people may do; each is False if there is nobody to do it to.

    def press(self) -> bool:
        """Put the talk button down: what is said now is a turn, and an answer is interrupted."""
        talk = self._talking
        if talk is None or talk.button is None or not talk.button.press():
            return False
        talk.moderator.carry_out(talk.moderator.floor.pressed(trio.current_time()))
        return True

    def release(self) -> bool:
        """Let the talk button go: the turn ends with what is still on the tip of the tongue."""
        talk = self._talking
        return talk is not None and talk.button is not None and talk.button.release()

    def interrupt(self) -> bool:
        """Silence the answer, as speech would, but without a turn of the user's."""
        if self._talking is None:
            return False
        moderator = self._talking.moderator
        moderator.carry_out(moderator.floor.interrupted(trio.current_time()))
        return True

    def ask(self, text: str) -> bool:
        """Ask in the user's place: interrupts, where speech may. ValueError: what is wrong with it."""
        return self._talking is not None and self._talking.moderator.ask(text)

    def say(self, text: str) -> bool:
        """Have the assistant say *text* when nobody speaks. Errors as for `ask`."""
        return self._talking is not None and self._talking.moderator.say(text)

    async def _talk(self, line: Line) -> None:
        habits = self.habits
        held = habits.policy.detection is Detection.PUSH_TO_TALK
        button = TalkButton(habits.pre_roll_ms, habits.tail_ms) if held else None
        narrator = Narrator(
            line,
            self.playouts,
            self.board,
            self.scribe,
            self.jitter,
            self.counts,
            self.longest_ms,
            Answers(self.wire_format),
        )
        moderator = Moderator(
            Floor(habits.policy),
            line,
            narrator,
            self.volume,
            self.board,
            release_button=self.release,
        )
        encoder = Encoder(self.wire_format)
        uplink = Uplink(line, self.frames, self.counts, encoder, moderator, button, self.batch_ms)
        downlink = Downlink(
            line, narrator, moderator, self.board, self.scribe, self.counts, habits.silence_ms
        )
        self._talking = _Talk(moderator, button)
        if self.greeting:
            moderator.say(self.greeting)
            self.greeting = ""
        try:
            with moderator.presiding():
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(uplink.run, name="uplink")
                    nursery.start_soon(downlink.run, name="downlink")
                    nursery.start_soon(moderator.run, name="moderator")
                    nursery.start_soon(line.deliver, moderator.sent, name="deliver")
                    nursery.start_soon(line.wire.keep_alive, name="keep alive")
                    nursery.start_soon(line.watch, name="watch the line")
        finally:
            self._talking = None
            self.volume.set(0.0)  # an answer that outlives its session is spoken, not whispered
            line.session.end()
            log.info(
                "session over session=%s sent_ms=%d",
                line.session.session_id,
                samples_to_ms(line.clock.sent_samples),
            )
            for name, count in {**line.session.skipped, **line.session.unknown_fields}.items():
                log.info("not understood what=%r count=%d", name, count)

    @asynccontextmanager
    async def _wire(self) -> AsyncIterator[Wire]:
        """Dial under a time limit that ends with the socket's opening."""
        limit = self.patience.socket_s
        with trio.CancelScope() as dialling:
            dialling.deadline = trio.current_time() + limit
            async with self.dialler.dial() as wire:
                dialling.deadline = float("inf")
                yield wire
        if dialling.cancelled_caught:
            raise LinkError(f"no connection within {limit:g} s")

    async def _open(self, line: Line) -> None:
        """Server speaks first, we configure, it grants: only then may sound go up."""
        await self._expect(line, SessionCreated, self.patience.created_s)
        await self._expect(line, SessionUpdated, self.patience.updated_s, ask=self.configure)
        self._check_formats(line)
        if self.context:
            await line.say(CreateItem(SystemText(self.context)))
        log.info(
            "session ready session=%s model=%s voice=%s turn_detection=%s",
            line.session.session_id,
            line.session.settings and line.session.settings.model,
            line.session.voice,
            line.session.turn_detection,
        )
        self.board.post(Happened(trio.current_time(), Moment.READY))

    def _check_formats(self, line: Line) -> None:
        """One format taken for another is noise at full volume: rather say nothing."""
        settings = line.session.settings
        if settings is None:
            return
        granted = {settings.audio.input.format.kind, settings.audio.output.format.kind}
        wanted = f"audio/{self.wire_format.value}"
        if others := granted - {wanted, ""}:  # who does not say what it grants grants what we ask
            raise SessionOver(
                "audio_format_not_granted",
                f"[realtime] audio_format asks for {wanted}, the server grants {min(others)}",
                opening=True,
            )

    async def _expect(
        self, line: Line, wanted: type[E], limit_s: float, ask: Configure | None = None
    ) -> None:
        with trio.move_on_after(limit_s):
            if ask is not None:
                await line.say(ask)
            while not isinstance(event := await line.hear(), wanted):
                if isinstance(event, Refused):
                    error = event.error
                    raise SessionOver(error.code or error.kind, error.message, opening=True)
            return
        raise LinkError(
            f"connected, but the server sent no {wanted.TYPE} within {limit_s:g} s: "
            "is [realtime] url a Realtime service?"
        )

    def _discard(self) -> None:
        if count := self.frames.discard_all():
            log.warning("speech discarded ms=%d: the session could not be opened", count * FRAME_MS)
