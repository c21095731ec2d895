"""A server and ears for stories of months: they count instead of remembering."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import attrs
import numpy as np
import trio

from tests.fakes.room import Ears, Loudspeaker
from tests.fakes.server import Event, FakeServer, FakeWire
from voiced.audio.format import WIRE_RATE_HZ

_WIRES_KEPT: Final = 4  # the one of now, one being replaced, and what is still being closed
HOUR_S: Final = 3600.0


@attrs.define(eq=False)
class YearsServer(FakeServer):
    """Objects to sound before its time, knows how old a session is, and keeps no old ones."""

    appends: int = 0
    attempts: int = 0
    granted: set[int] = attrs.field(factory=set)  # ids of wires
    opened_at_s: float = 0.0
    told: Counter[str] = attrs.field(factory=Counter)

    @asynccontextmanager
    async def dial(self, model: str = "") -> AsyncIterator[FakeWire]:
        """As the port says."""
        self.attempts += 1
        async with FakeServer.dial(self, model) as wire:  # super() loses its way in a slotted class
            self.opened_at_s = trio.current_time()
            del self.wires[:-_WIRES_KEPT]
            self.granted &= {id(each) for each in self.wires}
            yield wire

    def hear(self, wire: FakeWire, event: Event) -> None:
        """Count what was said; answer what a server answers by itself."""
        wire.heard.clear()
        self.told[event["type"]] += 1
        if event["type"] == "input_audio_buffer.append":
            assert id(wire) in self.granted, "sound before session.updated"
            self.appends += 1
        super().hear(wire, event)

    def grants(self) -> None:
        """Send `session.updated`: from now on sound may come."""
        self.granted.add(id(self.wire))
        super().grants()

    @property
    def session_age_s(self) -> float:
        """How long the session of now has lasted."""
        return trio.current_time() - self.opened_at_s


@attrs.define(eq=False)
class PatientLoudspeaker(Loudspeaker):
    """One that passes hours of silence at once."""

    def _move_on(self) -> None:
        now = round((trio.current_time() - self._opened_at) * WIRE_RATE_HZ)
        silent_samples = max(self._intake.dry, now - self._elapsed)
        if not self._waiting and silent_samples > WIRE_RATE_HZ:  # all that decays has decayed
            self._intake.take(0, now - self._elapsed)
            self._elapsed = now
        super()._move_on()


@attrs.define(eq=False)
class CountingEars(Ears):
    """Remembers how much sounded, not what."""

    loud_bytes: int = 0

    def __attrs_post_init__(self) -> None:
        self.speaker = PatientLoudspeaker(self._hear)

    def sounding_ms(self) -> int:
        """How many milliseconds were not silent."""
        _ = self.speaker.heard_samples
        return self.loud_bytes // 48

    def _hear(self, pcm: bytes) -> None:
        self.loud_bytes += 2 * int(np.count_nonzero(np.frombuffer(pcm, dtype="<i2")))
