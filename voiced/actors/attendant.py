"""Attendant: keeps one device open, and puts another in its place when it is lost."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final, Generic, TypeVar

import attrs
import trio

from voiced.counts import Counts
from voiced.faults import DeviceError, DeviceHung, DeviceRecalled, DeviceUnfit, leaves
from voiced.link.absence import Absence
from voiced.notices import Device, DeviceState, Happened, Moment, NoticeBoard
from voiced.ports import OpenDevice

log = logging.getLogger(__name__)

D = TypeVar("D", bound=OpenDevice)


_BREAK_LOOK_S: Final = 0.1


@attrs.define(eq=False, kw_only=True)
class Attendant(Generic[D]):
    """Opens a device, has it used and watched, and opens it again when it breaks.

    Receives: faults of the device, recalls, news of what was plugged in. Says: `DEVICE_LOST` and
    `DEVICE_BACK`, how it is on the board, one log line for each. Loses: nothing itself; its users say what
    they do. Ends: by the `DeviceError` of a device that never opened (where nobody waits at the start),
    that is not fit, or that stayed away for too long.

    A recall is no fault: the device is closed at a break, and opened again at once.
    """

    device: Device
    open: Callable[[], AbstractAsyncContextManager[D]]
    use: Callable[[D], Awaitable[None]]
    do_without: Callable[[], Awaitable[None]]  # runs while there is none
    absence: Absence
    board: NoticeBoard
    counts: Counts
    until_recalled: Callable[[], Awaitable[None]] = trio.sleep_forever
    until_changed: Callable[[], Awaitable[None]] = trio.sleep_forever  # something came or went
    at_break: Callable[[], bool] = lambda: True  # closing it now takes nothing from anybody
    _gap: trio.CancelScope | None = attrs.field(default=None, init=False)  # while there is none
    _kind: type[DeviceError] = attrs.field(default=DeviceError, init=False)  # of fault, as told
    _name: str = attrs.field(default="", init=False)  # of the one that was opened last
    _ails: bool = attrs.field(default=False, init=False)  # it is open, and was told to be no good

    async def run(self) -> None:
        """Attend for ever. A pause, and each attempt, pass while its users do without."""
        async with trio.open_nursery() as nursery:
            while True:
                fault = await self._serve()
                if isinstance(fault, DeviceRecalled):
                    self.counts.device_recalls += 1
                    log.info("device recalled device=%s: %s", self.device.value, fault)
                    continue
                hung = isinstance(fault, DeviceHung)
                self.counts.device_hangs += hung
                pause_s = self.absence.pause_s(trio.current_time(), hung=hung)
                if pause_s is None or isinstance(fault, DeviceUnfit):
                    raise fault
                if self._gap is None:
                    self._gap = trio.CancelScope()
                    nursery.start_soon(self._bridge, self._gap, name=f"without {self.device.value}")
                    self._tell_lost(fault)
                elif type(fault) is not self._kind:
                    self._tell_why(fault)
                await self._rest(pause_s)

    def ails(self, why: str) -> None:
        """It is open, but no good, as its user has found; an empty *why*: it is well again."""
        if why and not self._ails:
            self._ails = True
            self._tell_lost(DeviceError(why))
        elif self._ails and not why:
            self._ails = False
            now_s = trio.current_time()
            self.board.devices[self.device] = DeviceState(now_s, name=self._name)
            log.info("device well again device=%s", self.device.value)
            self.board.post(Happened(now_s, Moment.DEVICE_BACK, detail=self.device.value))

    async def _serve(self) -> DeviceError:
        """Open it and have it used; return what ended that."""
        faults: list[DeviceError] = []
        try:
            async with self.open() as opened:
                self._name = opened.name
                self._is_there()
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(opened.watch, name=f"watch the {self.device.value}")
                    nursery.start_soon(self.use, opened, name=f"use the {self.device.value}")
                    nursery.start_soon(self._give_way, name=f"recall the {self.device.value}")
        except* DeviceError as group:
            faults += leaves(group)
        # What went wrong at the same moment counts more than a recall.
        return min(faults, key=lambda fault: isinstance(fault, DeviceRecalled))

    async def _give_way(self) -> None:
        await self.until_recalled()
        while not self.at_break():  # noqa: ASYNC110  phases ring no bell
            await trio.sleep(_BREAK_LOOK_S)
        raise DeviceRecalled(
            "something was plugged in, or a sound server came: looking for a better one"
        )

    async def _rest(self, pause_s: float) -> None:
        """Pause before the next attempt, but not for longer than nothing changes."""
        with trio.move_on_after(pause_s):
            await self.until_changed()
            self.absence.stirs()

    async def _bridge(self, gap: trio.CancelScope) -> None:
        with gap:
            await self.do_without()

    def _is_there(self) -> None:
        now_s, gap = trio.current_time(), self._gap
        since_s = self.absence.since_s
        self.absence.opened(now_s)
        if gap is None and self.device in self.board.devices:
            before = self.board.devices[self.device]
            self.board.devices[self.device] = attrs.evolve(before, name=self._name)
            return  # recalled: as it was before, but another one perhaps
        self.board.devices[self.device] = DeviceState(now_s, name=self._name)
        if gap is None or since_s is None:
            return
        gap.cancel()
        self._gap = None
        self._ails = False
        self.counts.device_restarts += 1
        log.info(
            "device back device=%s away_s=%.1f attempts=%d",
            self.device.value,
            now_s - since_s,
            self.absence.attempts,
        )
        self.board.post(Happened(now_s, Moment.DEVICE_BACK, detail=self.device.value))

    def _tell_lost(self, fault: DeviceError) -> None:
        """Tell everybody, once for each absence."""
        now_s, told = trio.current_time(), self._sentence(fault)
        log.warning("device lost device=%s", told)
        self.board.devices[self.device] = DeviceState(now_s, told, self._name)
        self.board.post(Happened(now_s, Moment.DEVICE_LOST, detail=told))

    def _tell_why(self, fault: DeviceError) -> None:
        """Why it is still away is another thing now: from unplugged to held by another program, say. That is
        for who asks; nobody is told again.
        """
        told = self._sentence(fault)
        log.warning("device still away device=%s", told)
        self.board.devices[self.device] = attrs.evolve(self.board.devices[self.device], fault=told)

    def _sentence(self, fault: DeviceError) -> str:
        """What there is instead fills many lines; the first one says what happened."""
        self._kind = type(fault)
        sentence = str(fault).partition("\n")[0].removesuffix(" There is:")
        return f"{self.device.value}: {sentence}"
