"""Attendant: keeps one device open, and puts another in its place when it is lost."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Generic, TypeVar

import attrs
import trio

from voiced.counts import Counts
from voiced.faults import DeviceError, DeviceHung, DeviceUnfit, leaves
from voiced.link.absence import Absence
from voiced.notices import Device, DeviceState, Happened, Moment, NoticeBoard
from voiced.ports import OpenDevice

log = logging.getLogger(__name__)

D = TypeVar("D", bound=OpenDevice)


@attrs.define(eq=False, kw_only=True)
class Attendant(Generic[D]):
    """Opens a device, has it used and watched, and opens it again when it breaks.

    Receives: faults of the device. Says: `DEVICE_LOST` and `DEVICE_BACK`, how it is on the board, one
    log line for each. Loses: nothing itself; its users say what they do. Ends: by the `DeviceError`
    of a device that never opened, that is not fit, or that stayed away for too long.
    """

    device: Device
    open: Callable[[], AbstractAsyncContextManager[D]]
    use: Callable[[D], Awaitable[None]]
    do_without: Callable[[], Awaitable[None]]  # runs while there is none
    absence: Absence
    board: NoticeBoard
    counts: Counts
    _gap: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)

    async def run(self) -> None:
        """Attend for ever. A pause, and each attempt, pass while its users do without."""
        async with trio.open_nursery() as nursery:
            while True:
                fault = await self._serve()
                pause_s = self.absence.pause_s(
                    trio.current_time(), hung=isinstance(fault, DeviceHung)
                )
                if pause_s is None or isinstance(fault, DeviceUnfit):
                    raise fault
                if not self._lost:
                    self._gap = trio.CancelScope()
                    nursery.start_soon(self._bridge, self._gap, name=f"without {self.device.value}")
                    self._tell_lost(fault)
                await trio.sleep(pause_s)

    @property
    def _lost(self) -> bool:
        state = self.board.devices.get(self.device)
        return state is not None and bool(state.fault)

    async def _serve(self) -> DeviceError:
        """Open it and have it used; return what ended that."""
        faults: list[DeviceError] = []
        try:
            async with self.open() as opened:
                self._is_there()
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(opened.watch, name=f"watch the {self.device.value}")
                    nursery.start_soon(self.use, opened, name=f"use the {self.device.value}")
        except* DeviceError as group:
            faults += leaves(group)
        return faults[0]

    async def _bridge(self, gap: trio.CancelScope) -> None:
        with gap:
            await self.do_without()

    def _is_there(self) -> None:
        now_s = trio.current_time()
        was_lost, since_s = self._lost, self.absence.since_s
        self.absence.opened(now_s)
        self.board.devices[self.device] = DeviceState(now_s)
        if not was_lost or since_s is None:
            return
        self._gap.cancel()
        self.counts.device_restarts += 1
        log.info(
            "device back device=%s away_s=%.1f attempts=%d",
            self.device.value,
            now_s - since_s,
            self.absence.attempts,
        )
        self.board.post(Happened(now_s, Moment.DEVICE_BACK, detail=self.device.value))

    def _tell_lost(self, fault: DeviceError) -> None:
        """What there is instead fills many lines; the first one says what happened."""
        now_s = trio.current_time()
        sentence = str(fault).partition("\n")[0].removesuffix(" There is:")
        log.warning("device lost device=%s: %s", self.device.value, sentence)
        told = f"{self.device.value}: {sentence}"
        self.board.devices[self.device] = DeviceState(now_s, told)
        self.board.post(Happened(now_s, Moment.DEVICE_LOST, detail=told))
