"""The Attendant against a device that can be lost in every way."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NoReturn

import attrs
import pytest
import trio
import trio.testing

from tests.fakes.room import Plug
from voiced.actors.attendant import Attendant
from voiced.counts import Counts
from voiced.faults import DeviceAbsent, DeviceBusy, DeviceError, DeviceHung, DeviceUnfit
from voiced.link.absence import Absence
from voiced.notices import Device, NoticeBoard


@attrs.define(eq=False)
class Thing:
    """A device, and what its users see of it."""

    plug: Plug = attrs.field(factory=Plug)
    board: NoticeBoard = attrs.field(factory=NoticeBoard)
    counts: Counts = attrs.field(factory=Counts)
    diary: list[tuple[str, float]] = attrs.field(factory=list)
    refusal: DeviceError | None = None  # what opening it meets
    misuse: DeviceError | None = None  # what using it meets
    opening_s: float = 0.0
    recall: trio.Event = attrs.field(factory=trio.Event)
    news: trio.Event = attrs.field(factory=trio.Event)
    busy: bool = False
    name: str = "a thing"

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Thing"]:
        """As the port says."""
        await trio.sleep(self.opening_s)
        self.plug.admit()
        if self.refusal is not None:
            raise self.refusal
        try:
            yield self
        finally:
            self._note("closed")

    async def watch(self) -> NoReturn:
        """As the port says."""
        await self.plug.watch()

    async def use(self, _: "Thing") -> None:
        """Use it for ever."""
        self._note("used")
        if self.misuse is not None:
            raise self.misuse
        await trio.sleep_forever()

    async def do_without(self) -> None:
        """Do without it for ever."""
        self._note("without")
        try:
            await trio.sleep_forever()
        finally:
            self._note("not without")

    def attendant(self, *, waits_at_start: bool = False) -> "Attendant[Thing]":
        return Attendant(
            device=Device.LOUDSPEAKER,
            open=self.open,
            use=self.use,
            do_without=self.do_without,
            absence=Absence(0.2, 30.0, 600.0, waits_at_start=waits_at_start),
            board=self.board,
            counts=self.counts,
            until_recalled=self._recalled,
            until_changed=self.news.wait,
            at_break=lambda: not self.busy,
        )

    async def _recalled(self) -> None:
        await self.recall.wait()

    def _note(self, what: str) -> None:
        self.diary.append((what, round(trio.current_time(), 6)))


async def for_s(seconds: float) -> None:
    await trio.sleep(seconds)
    await trio.testing.wait_all_tasks_blocked()


async def test_users_have_it_or_do_without_and_never_both(
    nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    thing = Thing(opening_s=0.1)
    nursery.start_soon(thing.attendant().run)
    await for_s(10)
    thing.plug.pulled_out()
    await for_s(1)
    thing.plug.put_back()
    await for_s(10)
    assert thing.diary[:3] == [("used", 0.1), ("closed", 10.0), ("without", 10.0)]
    # Then 0.2, 0.4 and 0.8 s of pauses, and 0.1 s for each attempt.
    assert set(thing.diary[3:]) == {("not without", 11.7), ("used", 11.7)}
    assert thing.counts.device_restarts == 1


async def test_one_that_was_never_there_is_a_fault_at_once(autojump_clock: trio.abc.Clock) -> None:
    thing = Thing(refusal=DeviceError("no such device"))
    with pytest.raises(ExceptionGroup) as ended:
        await thing.attendant().run()
    assert ended.group_contains(DeviceError, match="no such device")
    assert thing.board.devices == {}
    assert trio.current_time() == 0


async def test_one_that_is_not_fit_is_not_opened_again(autojump_clock: trio.abc.Clock) -> None:
    thing = Thing(misuse=DeviceUnfit("it lacks a channel"))
    with pytest.raises(ExceptionGroup) as ended:
        await thing.attendant().run()
    assert ended.group_contains(DeviceUnfit)
    assert len(thing.plug.opened_at) == 1


async def test_a_sound_system_that_hangs_ends_it_before_patience_does(
    nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    thing = Thing()
    attendant = thing.attendant()

    async def lose_it() -> None:
        await trio.sleep(100)
        thing.refusal, thing.opening_s = DeviceHung("the sound server hangs"), 5.0
        thing.plug.ends()

    nursery.start_soon(lose_it)
    with pytest.raises(ExceptionGroup) as ended:
        await attendant.run()
    assert ended.group_contains(DeviceHung)
    assert 130 <= trio.current_time() <= 145


async def test_a_device_whose_users_are_cancelled_is_closed(
    nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    thing = Thing()
    with trio.move_on_after(5):
        await thing.attendant().run()
    assert thing.diary == [("used", 0.0), ("closed", 5.0)]
    assert thing.board.status.why == ""


async def test_of_a_fault_of_many_lines_the_first_is_told(
    nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    thing = Thing()
    nursery.start_soon(thing.attendant().run)
    await for_s(1)
    thing.misuse = DeviceError("it can't be started. There is:\n  nothing\n  at all")
    thing.plug.ends()
    await for_s(1)
    assert thing.board.status.why == "loudspeaker: it can't be started."
    thing.misuse = None
    await for_s(100)
    assert thing.board.status.why == ""


async def test_a_recall_waits_for_a_break_and_is_no_fault(
    nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    thing = Thing(busy=True)
    nursery.start_soon(thing.attendant().run)
    await for_s(10)
    thing.recall.set()
    await for_s(5)
    assert thing.diary == [("used", 0.0)]
    thing.busy, thing.recall = False, trio.Event()
    await for_s(1)
    assert thing.diary[1][0] == "closed"
    assert thing.diary[1][1] == pytest.approx(15, abs=0.11)
    assert thing.diary[2] == ("used", thing.diary[1][1])
    assert len(thing.diary) == 3
    assert (thing.counts.device_recalls, thing.counts.device_restarts) == (1, 0)
    assert thing.board.status.why == ""


async def test_a_service_waits_for_one_that_is_not_there_yet_and_says_so(
    nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    thing = Thing(refusal=DeviceAbsent("there is none of that name"))
    nursery.start_soon(thing.attendant(waits_at_start=True).run)
    await for_s(60)
    assert thing.board.status.why == "loudspeaker: there is none of that name"
    assert thing.diary == [("without", 0.0)]
    thing.refusal = None
    await for_s(3)
    assert thing.board.status.why == ""
    assert thing.diary[1:][0][0] in {"not without", "used"}


async def test_what_is_plugged_in_cuts_a_pause_short(
    nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    thing = Thing()
    nursery.start_soon(thing.attendant().run)
    await for_s(1)
    thing.plug.pulled_out()
    await for_s(300)
    thing.plug.put_back()
    thing.news.set()
    await for_s(0)
    assert thing.counts.device_restarts == 1


async def test_the_status_says_why_it_is_away_now(
    nursery: trio.Nursery, autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture
) -> None:
    thing = Thing()
    nursery.start_soon(thing.attendant().run)
    await for_s(1)
    thing.refusal = DeviceAbsent("there is none of that name")
    thing.plug.ends()
    await for_s(5)
    assert thing.board.status.why == "loudspeaker: there is none of that name"
    thing.refusal = DeviceBusy("another program holds it")
    await for_s(5)
    assert thing.board.status.why == "loudspeaker: another program holds it"
    assert len([each for each in caplog.messages if "still away" in each]) == 2


async def test_every_attempt_that_hangs_is_counted(
    nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    thing = Thing()
    nursery.start_soon(thing.attendant().run)
    await for_s(1)
    thing.refusal, thing.opening_s = DeviceHung("the sound server hangs"), 5.0
    thing.plug.ends()
    await for_s(12)
    thing.refusal = None
    await for_s(10)
    assert thing.counts.device_hangs == 2
    assert thing.board.status.why == ""


async def test_the_board_says_which_device_it_is(
    nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    """Of several that were named, or by default: the owner wants to know which."""
    thing = Thing()
    nursery.start_soon(thing.attendant().run)
    await trio.sleep(1)
    assert thing.board.devices[Device.LOUDSPEAKER].name == "a thing"
    thing.name = "another thing"
    recall, thing.recall = thing.recall, trio.Event()
    recall.set()
    await trio.sleep(1)
    assert thing.board.devices[Device.LOUDSPEAKER].name == "another thing"
    assert thing.board.devices[Device.LOUDSPEAKER].since_s < 1, "it was there all the time"
