"""A foot pedal as an input device: a named pipe that gives the kernel's records, and answers its questions."""

import errno
import os
from collections.abc import Collection
from pathlib import Path

import attrs

from voiced.link.keys import EVENT, HIGHEST

_SYN, _KEY = 0, 1
_REPORT, _DROPPED = 0, 3


@attrs.define(eq=False)
class Pedal:
    """Some keys at a path."""

    path: Path
    has: frozenset[int] | None = None  # None: it is no device of the kernel's, and answers nothing
    grabbed_by_other: bool = False
    down: set[int] = attrs.field(factory=set, init=False)
    grabs: list[int] = attrs.field(factory=list, init=False)
    _writer: int = attrs.field(default=-1, init=False)

    def is_plugged_in(self) -> None:
        """There is such a file."""
        os.mkfifo(self.path)
        self._writer = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)

    def is_unplugged(self) -> None:
        """There is none, and who reads it is at its end."""
        self.path.unlink()
        os.close(self._writer)
        self._writer = -1

    def close(self) -> None:
        """Nobody needs it any more."""
        if self._writer >= 0:
            self.is_unplugged()

    def presses(self, code: int) -> None:
        """Put a key down."""
        self.down.add(code)
        self.tells((_KEY, code, 1), (_SYN, _REPORT, 0))

    def holds(self, code: int) -> None:
        """It repeats, as keys do."""
        self.tells((_KEY, code, 2), (_SYN, _REPORT, 0))

    def releases(self, code: int) -> None:
        """Let a key go."""
        self.down.discard(code)
        self.tells((_KEY, code, 0), (_SYN, _REPORT, 0))

    def drops(self, now_down: Collection[int]) -> None:
        """The kernel has dropped events; these are down now."""
        self.down = set(now_down)
        self.tells((_SYN, _DROPPED, 0), (_SYN, _REPORT, 0))

    def tells(self, *events: tuple[int, int, int]) -> None:
        """Records, as they are."""
        os.write(self._writer, b"".join(EVENT.pack(0, 0, *event) for event in events))

    def ioctl(self, _file: int, request: int, argument: bytes) -> bytes:
        """As `fcntl.ioctl` with a buffer that is given."""
        assert request >> 8 & 0xFF == ord("E")
        assert request >> 16 & 0x3FFF == len(argument)
        match request & 0xFF:
            case 0x90 if self.grabbed_by_other:
                raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
            case 0x90:
                self.grabs.append(int.from_bytes(argument, "little"))
                return argument
            case 0x18 if self.has is not None:
                return _bits(self.down)
            case 0x21 if self.has is not None:
                return _bits(self.has)
            case _:
                raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))


def _bits(codes: Collection[int]) -> bytes:
    bits = sum(1 << code for code in codes)
    return bits.to_bytes(HIGHEST // 8 + 1, "little")
