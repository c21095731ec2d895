"""Keys as the kernel tells them: names, codes, and what a stream of input events says. Pure.

Theory of operation. A device under /dev/input gives records of `struct input_event`: a time, a type, a
code, a value. Of these only keys matter here, and that some were dropped because nobody read in time:
then all up to the next report is to be passed over, and the keys are to be asked how they are.
"""

import struct
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import attrs
from attrs import frozen

EVENT: Final = struct.Struct("@llHHi")
"""`struct input_event` in the machine's own sizes: 24 bytes where a long has 8, 16 where it has 4 (the
kernel keeps it so for programs with a 64-bit time, too: `__kernel_ulong_t`)."""

HIGHEST: Final = 0x2FF  # KEY_MAX

_EV_SYN, _EV_KEY = 0, 1
_SYN_REPORT, _SYN_DROPPED = 0, 3
_UP, _DOWN = 0, 1  # 2: it repeats while it is held

_ROWS: Final[Mapping[int, str]] = MappingProxyType(
    {
        1: "ESC 1 2 3 4 5 6 7 8 9 0 MINUS EQUAL BACKSPACE TAB Q W E R T Y U I O P LEFTBRACE RIGHTBRACE "
        "ENTER LEFTCTRL A S D F G H J K L SEMICOLON APOSTROPHE GRAVE LEFTSHIFT BACKSLASH Z X C V B N M "
        "COMMA DOT SLASH RIGHTSHIFT KPASTERISK LEFTALT SPACE CAPSLOCK F1 F2 F3 F4 F5 F6 F7 F8 F9 F10 "
        "NUMLOCK SCROLLLOCK KP7 KP8 KP9 KPMINUS KP4 KP5 KP6 KPPLUS KP1 KP2 KP3 KP0 KPDOT",
        86: "102ND F11 F12",
        96: "KPENTER RIGHTCTRL KPSLASH SYSRQ RIGHTALT",
        102: "HOME UP PAGEUP LEFT RIGHT END DOWN PAGEDOWN INSERT DELETE",
        113: "MUTE VOLUMEDOWN VOLUMEUP POWER",
        119: "PAUSE",
        125: "LEFTMETA RIGHTMETA COMPOSE STOP",
        163: "NEXTSONG PLAYPAUSE PREVIOUSSONG STOPCD RECORD",
        183: "F13 F14 F15 F16 F17 F18 F19 F20 F21 F22 F23 F24",
        200: "PLAYCD PAUSECD",
        207: "PLAY",
        226: "MEDIA",
        248: "MICMUTE",
        582: "VOICECOMMAND",
    }
)
_BUTTON_ROWS: Final[Mapping[int, str]] = MappingProxyType(
    {
        0x100: "0 1 2 3 4 5 6 7 8 9",
        0x110: "LEFT RIGHT MIDDLE SIDE EXTRA",
        0x120: "TRIGGER THUMB THUMB2 TOP TOP2 PINKIE BASE",
    }
)


def _names() -> Iterator[tuple[str, int]]:
    for prefix, rows in {"KEY": _ROWS, "BTN": _BUTTON_ROWS}.items():
        for first, names in rows.items():
            yield from ((f"{prefix}_{name}", first + at) for at, name in enumerate(names.split()))


CODES: Final[Mapping[str, int]] = MappingProxyType(dict(_names()))
"""By the kernel's names (linux/input-event-codes.h): what pedals, remotes and headsets send. Any other
key goes by its number."""

_BY_CODE: Final[Mapping[int, str]] = MappingProxyType({code: name for name, code in CODES.items()})


def code_of(name: str) -> int:
    """The code of a key by its name, or by its number; ValueError if it is neither."""
    if name in CODES:
        return CODES[name]
    if not (name.isascii() and name.isdecimal() and 0 < int(name) <= HIGHEST):
        raise ValueError(f"{name!r} is no key that is known by name, and no number up to {HIGHEST}")
    return int(name)


def name_of(code: int) -> str:
    """A key, for people."""
    return _BY_CODE.get(code, str(code))


def pressed_in(bits: bytes) -> frozenset[int]:
    """The codes of the bits that are set, in the order in which the kernel gives them."""
    numbers = (8 * at + bit for at, byte in enumerate(bits) for bit in range(8) if byte >> bit & 1)
    return frozenset(numbers)


@frozen
class Key:
    """A key went down, or up."""

    code: int
    down: bool


@attrs.define(eq=False)
class KeyReader:
    """What becomes of some keys of one device."""

    codes: Collection[int]
    lost: int = attrs.field(default=0, init=False)  # how often the kernel has dropped events
    _rest: bytes = attrs.field(default=b"", init=False)
    _down: set[int] = attrs.field(factory=set, init=False)
    _astray: bool = attrs.field(default=False, init=False)  # events were dropped: wait for a report

    def feed(self, data: bytes) -> tuple[Sequence[Key], bool]:
        """Take in what was read. Return what changed, and whether the keys are to be asked how they are
        (see `settle`), as events were dropped.
        """
        data = self._rest + data
        whole = len(data) - len(data) % EVENT.size
        self._rest = data[whole:]
        changed: list[Key] = []
        asks = False
        for _, _, kind, code, value in EVENT.iter_unpack(data[:whole]):
            if kind == _EV_SYN and code == _SYN_DROPPED:
                self._astray = True
                self.lost += 1
            elif self._astray:
                if kind == _EV_SYN and code == _SYN_REPORT:
                    self._astray, asks = False, True
            elif kind == _EV_KEY and code in self.codes and value in {_UP, _DOWN}:
                changed += self._turn(code, down=value == _DOWN)
        return changed, asks

    def settle(self, down: Collection[int]) -> Sequence[Key]:
        """These are down, and no others: return what has changed."""
        return [key for code in sorted(self.codes) for key in self._turn(code, down=code in down)]

    def _turn(self, code: int, *, down: bool) -> Iterator[Key]:
        if down == (code in self._down):
            return
        (self._down.add if down else self._down.discard)(code)
        yield Key(code, down)
