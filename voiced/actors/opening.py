"""Opening: from a dialled wire to a session that may hear us."""

import logging
from typing import TypeVar

import attrs
import trio

from voiced.actors.line import Line
from voiced.audio.wire import WireFormat
from voiced.faults import LinkError, SessionOver, Trouble
from voiced.realtime.client_events import Configure, CreateItem, SystemText
from voiced.realtime.server_events import Refused, ServerEvent, SessionCreated, SessionUpdated
from voiced.verdicts import Verdict, judge_code

log = logging.getLogger(__name__)
E = TypeVar("E", bound=ServerEvent)


@attrs.frozen(kw_only=True)
class Patience:
    """How long each step may take, in seconds."""

    socket_s: float
    created_s: float
    updated_s: float
    send_s: float
    probe_after_s: float  # of the server's silence, then it is asked whether the session lives
    probe_s: float


@attrs.frozen(kw_only=True)
class Opening:
    """Server speaks first, we configure, it grants: only then may sound go up.

    Ends: with an open session, by `LinkError` where a step takes too long, by `SessionOver` where the
    server refuses.
    """

    configure: Configure
    wire_format: WireFormat
    patience: Patience
    context: str = ""  # what the model is told first in every session, instructions apart

    async def run(self, line: Line) -> None:
        """Open the session on *line*."""
        await self.greeted(line)
        await self.configured(line)

    async def greeted(self, line: Line) -> None:
        """Wait for the server's first word."""
        await self._expect(line, SessionCreated, self.patience.created_s)

    async def configured(self, line: Line) -> None:
        """Have it grant our settings."""
        await self._expect(line, SessionUpdated, self.patience.updated_s, ask=self.configure)
        self._check_formats(line)
        if self.context:
            await line.say(CreateItem(SystemText(self.context), event_id="context"))
        log.info(
            "session ready session=%s model=%s voice=%s turn_detection=%s",
            line.session.session_id,
            line.session.settings and line.session.settings.model,
            line.session.voice,
            line.session.turn_detection,
        )

    async def check(self, line: Line) -> None:
        """Make sure that a session that waited in silence is still there."""
        await self._expect(line, SessionUpdated, self.patience.updated_s, ask=Configure())

    async def stay_quiet(self, line: Line, seconds: float) -> None:
        """Send no sound for a while: who fails now does not fail of what we send."""
        with trio.move_on_after(seconds):
            while True:
                event = await line.hear()
                if isinstance(event, Refused):
                    error = event.error
                    if judge_code(error.code, error.kind).verdict is not Verdict.CARRY_ON:
                        said = f"{error.message} (before any sound was sent)"
                        raise SessionOver(error.code or error.kind, said, kind=error.kind)
        log.info("session stays up without sound session=%s", line.session.session_id)

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
                    raise SessionOver(
                        error.code or error.kind, error.message, kind=error.kind, opening=True
                    )
            return
        raise LinkError(
            f"connected, but the server sent no {wanted.TYPE} within {limit_s:g} s: "
            "is [realtime] url a Realtime service?",
            Trouble.SLOW,
        )
