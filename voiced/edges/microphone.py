"""The microphone of a sound card. The callback here runs on PortAudio's audio thread."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, NoReturn

import attrs
import trio

from voiced.audio.format import Shape
from voiced.edges.mailbox import Mailbox
from voiced.edges.portaudio import PortAudio, Wish, as_names, quoted
from voiced.faults import DeviceError
from voiced.link.stall import Stall

_RATES: Final = (24_000, 48_000, 44_100, 16_000, 32_000, 96_000, 8_000)
"""24 kHz first: where a sound server converts anyway, nothing is left for us to convert."""

_MAILBOX_BLOCKS: Final = 8


@attrs.define(eq=False)
class PortAudioMicrophone:
    """A microphone: by name (or a part of it), or the default one."""

    system: PortAudio
    name: str | tuple[str, ...] = "default"  # several: the best first
    rate_hz: int | None = None  # None: the first of _RATES that it takes
    block_ms: int = 20
    stall_s: float = 3.0  # without a first block: it is dead; Bluetooth may take a second
    gap_s: float = 3.0  # without another one; one that works gives fifty a second
    channel: int = 0  # that is wanted, from 1; 0: any

    @asynccontextmanager
    async def open(self) -> AsyncIterator["_OpenMicrophone"]:
        """As the port says."""
        mailbox = Mailbox(_MAILBOX_BLOCKS)
        intake = _Intake(mailbox)
        wish = Wish(
            kind="input",
            names=as_names(self.name),
            rates=(self.rate_hz,) if self.rate_hz else _RATES,
            block_ms=self.block_ms,
            latency="low",
            least_channels=max(1, self.channel),
        )
        opened = await self.system.open(wish, intake.heard, mailbox.end)
        try:
            await self.system.call(opened.stream.start)
            stall = Stall(self.gap_s, self.stall_s)
            yield _OpenMicrophone(opened.shape, opened.name, self.name, intake, stall)
        finally:
            if await self.system.close(opened.stream):
                mailbox.close()  # not else: its thread may still ring


@attrs.define(eq=False)
class _Intake:
    """What the audio thread does: leave each block, and count what was lost before it."""

    mailbox: Mailbox
    overflows: int = 0

    def heard(self, block: Any, _count: int, _time: Any, status: Any) -> None:
        if status and status.input_overflow:
            self.overflows += 1
        self.mailbox.leave(bytes(block))


@attrs.define(eq=False)
class _OpenMicrophone:
    shape: Shape
    name: str
    _wanted: str | tuple[str, ...]
    _intake: _Intake
    _stall: Stall

    @property
    def lost_blocks(self) -> int:
        return self._intake.mailbox.lost

    @property
    def overflows(self) -> int:
        return self._intake.overflows

    async def collect(self) -> Sequence[bytes]:
        if blocks := await self._intake.mailbox.collect():
            return blocks
        raise self._gone()

    async def watch(self) -> NoReturn:
        """Look at progress now and then: cheaper than a time limit on each of fifty waits a second."""
        while not self._stall.look(trio.current_time(), self._intake.mailbox.left):  # noqa: ASYNC110  no bell rings
            await trio.sleep(self._stall.look_every_s)
        raise self._gone()

    def _gone(self) -> DeviceError:
        return DeviceError(
            f"the microphone {quoted(self._wanted)} gives no sound any more: is it still plugged in, and is "
            "the sound server running? `voiced devices` lists what there is"
        )
