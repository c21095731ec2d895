"""Keys of an input device: a foot pedal, a remote control, a keyboard, as the kernel has it in /dev/input.

Law of this file: it opens, reads and asks the kernel; what the bytes mean, `voiced.link.keys` knows. Nobody
else's package is needed for it (evdev has no wheels).
"""

import fcntl
import os
import struct
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final, NoReturn

import attrs
import trio

from voiced.faults import DeviceAbsent, DeviceBusy, DeviceError
from voiced.link.keys import EVENT, HIGHEST, Key, KeyReader, name_of, pressed_in
from voiced.link.panel import Control, Touch

_AT_ONCE: Final = 64  # events, as many as the kernel keeps for a simple keyboard
_BITS: Final = HIGHEST // 8 + 1  # bytes of one bit for each key
_FOLDER: Final = Path("/dev/input/by-id")

# <linux/input.h>, by the numbers that ioctls have on x86 and Arm.
_EVIOCGRAB: Final = 0x4004_4590
_EVIOCGKEY: Final = 0x8000_4518 | _BITS << 16  # how all keys are
_EVIOCGBIT_KEY: Final = 0x8000_4521 | _BITS << 16  # which keys there are

Ioctl = Callable[[int, int, bytes], bytes]


def _ioctl(file: int, request: int, argument: bytes) -> bytes:
    return fcntl.ioctl(file, request, argument)


@attrs.define(eq=False, kw_only=True)
class OpenKeys:
    """A device that is read."""

    path: Path
    controls: Mapping[int, Control]
    ioctl: Ioctl
    _file: int = attrs.field(alias="file")
    _reader: KeyReader = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._reader = KeyReader(self.controls.keys())

    @property
    def name(self) -> str:
        """As the port says."""
        return self.path.name

    async def watch(self) -> NoReturn:
        """As the port says; that the device is gone, `collect` sees at once."""
        await trio.sleep_forever()

    async def collect(self) -> Sequence[Touch]:
        """As the port says. A key that was down before we came counts once it is pressed again."""
        while True:
            await trio.lowlevel.wait_readable(self._file)
            changed, asks = self._reader.feed(self._read())
            if asks:
                changed = [*changed, *self._reader.settle(self._down())]
            if changed:
                return [self._touch(key) for key in changed]

    def _read(self) -> bytes:
        try:
            data = os.read(self._file, EVENT.size * _AT_ONCE)
        except BlockingIOError:  # somebody else was woken for nothing, too
            return b""
        except OSError as error:
            raise self._gone() from error
        if not data:
            raise self._gone()
        return data

    def _gone(self) -> DeviceError:
        return DeviceError(f"{self.path} is gone: was it unplugged?")

    def _down(self) -> frozenset[int]:
        """Where events were dropped. Who can't be asked has no key down: nobody talks by mistake."""
        try:
            return pressed_in(self.ioctl(self._file, _EVIOCGKEY, bytes(_BITS)))
        except OSError:
            return frozenset()

    def _touch(self, key: Key) -> Touch:
        return Touch(self.controls[key.code], key.down)


@attrs.define(eq=False)
class KeyDevice:
    """Opens an input device by its path."""

    path: Path
    controls: Mapping[int, Control]  # what each key asks for, by its code
    grab: bool = attrs.field(default=False, kw_only=True)
    ioctl: Ioctl = _ioctl

    @asynccontextmanager
    async def open(self) -> AsyncIterator[OpenKeys]:
        """As the port says."""
        file = self._open()
        try:
            self._look_for_keys(file)
            if self.grab:
                self._grab(file)
            yield OpenKeys(path=self.path, controls=self.controls, ioctl=self.ioctl, file=file)
        finally:
            trio.lowlevel.notify_closing(file)
            os.close(file)  # which lets go of it, too

    def look(self) -> str:
        """What it would open, in a sentence, and all faults that opening would have, but for a grab."""
        file = self._open()
        try:
            self._look_for_keys(file)
        finally:
            os.close(file)
        return f"{self.path}: {', '.join(map(name_of, self.controls))}"

    def _open(self) -> int:
        try:
            return os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise DeviceAbsent(
                f"there is no {self.path}: plug it in, or see [input] device. There is:\n{inventory()}"
            ) from error
        except PermissionError as error:
            raise DeviceError(
                f"may not read {self.path}: voiced's user has to be in the group input (a service: "
                "input.conf beside its README is a drop-in for that)"
            ) from error
        except OSError as error:
            raise DeviceError(f"{self.path} can't be opened: {error.strerror or error}") from error

    def _look_for_keys(self, file: int) -> None:
        with suppress(OSError):  # no input device of the kernel's: it may give events all the same
            there = pressed_in(self.ioctl(file, _EVIOCGBIT_KEY, bytes(_BITS)))
            if missing := [name_of(code) for code in self.controls if code not in there]:
                raise DeviceError(
                    f"{self.path} has no {' and no '.join(missing)}: see [input]; "
                    "evtest shows what its keys are called"
                )

    def _grab(self, file: int) -> None:
        try:
            self.ioctl(file, _EVIOCGRAB, struct.pack("i", 1))  # the pointer counts: not null
        except OSError as error:
            raise DeviceBusy(
                f"{self.path} can't be had for ourselves ({error.strerror}): another program has grabbed "
                "it, or set [input] grab = false"
            ) from error


def inventory(folder: Path = _FOLDER) -> str:
    """The input devices that have a name that stays."""
    with suppress(OSError):
        if names := sorted(each.name for each in folder.iterdir()):
            return "\n".join(f"  {folder / name}" for name in names)
    return f"  nothing in {folder}"
