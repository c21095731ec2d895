"""Keys of an input device: real records through a real descriptor."""

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from tests.fakes.pedal import Pedal
from voiced.edges import keys
from voiced.edges.keys import KeyDevice, inventory
from voiced.faults import DeviceAbsent, DeviceBusy, DeviceError
from voiced.link.keys import CODES, EVENT
from voiced.link.panel import Control, Touch

PATIENCE_S = 20.0
F13, F14 = CODES["KEY_F13"], CODES["KEY_F14"]
CONTROLS = {F13: Control.TALK, F14: Control.MUTE}
DOWN, UP = Touch(Control.TALK, True), Touch(Control.TALK, False)


@pytest.fixture
def pedal(tmp_path: Path) -> Iterator[Pedal]:
    pedal = Pedal(tmp_path / "usb-pedal-event-kbd", frozenset({F13, F14, 30}))
    pedal.is_plugged_in()
    yield pedal
    pedal.close()


def device(pedal: Pedal, *, grab: bool = False) -> KeyDevice:
    return KeyDevice(pedal.path, CONTROLS, grab=grab, ioctl=pedal.ioctl)


async def test_press_hold_release(pedal: Pedal) -> None:
    with trio.fail_after(PATIENCE_S):
        async with device(pedal).open() as opened:
            pedal.presses(F13)
            assert await opened.collect() == [DOWN]
            for _ in range(100):
                pedal.holds(F13)
            pedal.presses(30)  # nobody's business
            pedal.releases(F13)
            pedal.presses(F14)
            touches: list[Touch] = []
            while len(touches) < 2:
                touches += await opened.collect()
            assert touches == [UP, Touch(Control.MUTE, True)]


async def test_a_record_in_pieces(pedal: Pedal) -> None:
    with trio.fail_after(PATIENCE_S):
        async with device(pedal).open() as opened:
            record = EVENT.pack(0, 0, 1, F13, 1)
            writer = os.open(pedal.path, os.O_WRONLY)
            os.write(writer, record[:7])
            with trio.move_on_after(0.05):
                assert not await opened.collect(), "half a record tells nothing"
            os.write(writer, record[7:])
            assert await opened.collect() == [DOWN]
            os.close(writer)


async def test_where_events_were_dropped_the_keys_are_asked(pedal: Pedal) -> None:
    with trio.fail_after(PATIENCE_S):
        async with device(pedal).open() as opened:
            pedal.presses(F13)
            await opened.collect()
            pedal.drops(now_down={F14})
            assert await opened.collect() == [UP, Touch(Control.MUTE, True)]


async def test_who_can_not_be_asked_has_no_key_down(pedal: Pedal) -> None:
    pedal.has = None
    with trio.fail_after(PATIENCE_S):
        async with device(pedal).open() as opened:
            pedal.presses(F13)
            await opened.collect()
            pedal.drops(now_down={F13})
            assert await opened.collect() == [UP]


async def test_unplugged_and_plugged_in_again(pedal: Pedal) -> None:
    with trio.fail_after(PATIENCE_S):
        async with device(pedal).open() as opened:
            pedal.presses(F13)
            await opened.collect()
            pedal.is_unplugged()
            with pytest.raises(DeviceError, match="is gone: was it unplugged"):
                await opened.collect()
        with pytest.raises(DeviceAbsent, match="there is no /"):
            async with device(pedal).open():
                pass
        pedal.is_plugged_in()
        async with device(pedal).open() as opened:
            pedal.presses(F13)
            assert await opened.collect() == [DOWN]


async def test_what_the_kernel_says_of_a_device_that_is_gone(
    pedal: Pedal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_file: int, _count: int) -> bytes:
        raise OSError(19, "No such device")

    with trio.fail_after(PATIENCE_S):
        async with device(pedal).open() as opened:
            pedal.presses(F13)
            with monkeypatch.context() as patch:
                patch.setattr(os, "read", gone)
                with pytest.raises(DeviceError, match="is gone"):
                    await opened.collect()


async def test_grabbed(pedal: Pedal) -> None:
    async with device(pedal).open():
        assert pedal.grabs == []
    async with device(pedal, grab=True).open():
        assert pedal.grabs == [1]
    pedal.grabbed_by_other = True
    with pytest.raises(DeviceBusy, match=r"another program has grabbed it, or set \[input\] grab"):
        async with device(pedal, grab=True).open():
            pass


async def test_no_such_key(pedal: Pedal) -> None:
    pedal.has = frozenset({30})
    with pytest.raises(DeviceError, match="has no KEY_F13 and no KEY_F14"):
        async with device(pedal).open():
            pass


async def test_what_is_no_input_device_can_be_read_but_not_grabbed(tmp_path: Path) -> None:
    """With the real ioctl: a pipe knows none of these."""
    pedal = Pedal(tmp_path / "pipe")
    pedal.is_plugged_in()
    with trio.fail_after(PATIENCE_S):
        async with KeyDevice(pedal.path, CONTROLS).open() as opened:
            pedal.presses(F13)
            assert await opened.collect() == [DOWN]
        with pytest.raises(DeviceBusy):
            async with KeyDevice(pedal.path, CONTROLS, grab=True).open():
                pass
    pedal.close()


async def test_without_permission(pedal: Pedal, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", forbidden)
        with pytest.raises(DeviceError, match="group input"):
            async with device(pedal).open():
                pass


def test_what_there_is(tmp_path: Path) -> None:
    assert inventory(tmp_path / "none") == f"  nothing in {tmp_path}/none"
    (tmp_path / "usb-b-event-kbd").touch()
    (tmp_path / "usb-a-event-kbd").touch()
    assert inventory(tmp_path).splitlines() == [
        f"  {tmp_path}/usb-a-event-kbd",
        f"  {tmp_path}/usb-b-event-kbd",
    ]


def test_the_numbers_are_those_of_the_headers() -> None:
    """_IOC(dir, 'E', nr, size), as <asm-generic/ioctl.h> puts it together."""

    def number(direction: int, nr: int, size: int) -> int:
        return direction << 30 | size << 16 | ord("E") << 8 | nr

    assert number(1, 0x90, struct.calcsize("i")) == keys._EVIOCGRAB
    assert number(2, 0x18, 96) == keys._EVIOCGKEY
    assert number(2, 0x20 + 1, 96) == keys._EVIOCGBIT_KEY
