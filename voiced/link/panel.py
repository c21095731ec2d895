"""What buttons and switches ask for, and what lamps show. Pure: time is an argument.

Theory of operation. What is touched (a `Touch`) is the same for a button at a GPIO line and a key of a
foot pedal. What a lamp shows follows from a `Scene` by one table; a pattern that moves begins with light
when it begins, so that a short phase is seen, too.
"""

import enum
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final

import attrs
from attrs import frozen


class Control(enum.Enum):
    """What a hand can ask for."""

    TALK = "talk"  # while it is down
    ACTIVATE = "activate"  # begins a conversation; within one, cuts the answer
    INTERRUPT = "interrupt"
    MUTE = "mute"  # each press turns it
    MUTE_SWITCH = "mute_switch"  # its position is the state


BUTTONS: Final = tuple(each for each in Control if each is not Control.MUTE_SWITCH)


@frozen
class Touch:
    """A control went down, or up; a switch: to muted, or from there."""

    control: Control
    down: bool


class Lamp(enum.Enum):
    """What a lamp tells about."""

    LISTENING = "listening"
    SPEAKING = "speaking"
    MUTED = "muted"
    FAULT = "fault"
    STATUS = "status"  # all of it, where there is only one lamp


class Pattern(enum.Enum):
    """How a lamp is lit."""

    OFF = "off"
    ON = "on"
    SLOW = "slow blink"
    FAST = "fast blink"
    PULSE = "pulse"  # a short flash now and then


_RHYTHMS_MS: Final[Mapping[Pattern, tuple[int, int]]] = MappingProxyType(
    {Pattern.SLOW: (500, 500), Pattern.FAST: (170, 180), Pattern.PULSE: (100, 1900)}
)
"""Light, then dark. Never more than three flashes a second (WCAG 2.3.1): more can harm people."""

_OFF, _ON, _SLOW, _FAST, _PULSE = Pattern

SHOWS: Final[Mapping[Lamp, Mapping[str, Pattern]]] = MappingProxyType(
    {
        Lamp.LISTENING: {"connecting": _SLOW, "listening": _ON, "hearing": _ON},
        Lamp.SPEAKING: {"thinking": _SLOW, "speaking": _ON},
        Lamp.MUTED: {},
        Lamp.FAULT: {"cooling_down": _SLOW, "fault": _FAST},
        Lamp.STATUS: {
            "connecting": _SLOW,
            "listening": _ON,
            "hearing": _ON,
            "thinking": _SLOW,
            "speaking": _ON,
            "cooling_down": _PULSE,
            "muted": _PULSE,
            "fault": _FAST,
        },
    }
)
"""What each lamp shows in which phase; dark in all others."""


@frozen
class Scene:
    """What there is to show."""

    phase: str  # as the status has it
    muted: bool = False  # in whatever phase
    ails: bool = False  # a device is away, or no good


def pattern(lamp: Lamp, scene: Scene) -> Pattern:
    """How *lamp* is lit in that scene."""
    if lamp is Lamp.MUTED:
        return Pattern.ON if scene.muted else Pattern.OFF
    if scene.ails and lamp in {Lamp.FAULT, Lamp.STATUS}:
        return Pattern.FAST
    if scene.muted and lamp is Lamp.LISTENING:
        return Pattern.OFF  # nobody is to believe that they are heard
    return SHOWS[lamp].get(scene.phase, Pattern.OFF)


@frozen
class Look:
    """Which lamps are lit now, and when to look again (infinity: once the scene is another)."""

    lit: frozenset[Lamp]
    until_s: float


@attrs.define(eq=False)
class Lamps:
    """Some lamps, and since when each shows what it shows."""

    lamps: Collection[Lamp]
    _shown: dict[Lamp, tuple[Pattern, float]] = attrs.field(factory=dict, init=False)

    def look(self, scene: Scene, now_s: float) -> Look:
        """Show *scene* at that time."""
        lit, until_s = set(), float("inf")
        for lamp in self.lamps:
            wanted = pattern(lamp, scene)
            shown, since_s = self._shown.get(lamp, (None, now_s))
            if wanted is not shown:
                self._shown[lamp] = wanted, now_s
                since_s = now_s
            is_lit, next_s = _at(wanted, since_s, now_s)
            until_s = min(until_s, next_s)
            if is_lit:
                lit.add(lamp)
        return Look(frozenset(lit), until_s)


def _at(pattern: Pattern, since_s: float, now_s: float) -> tuple[bool, float]:
    """Whether it is lit, and when that changes. In whole ms, so that who wakes in time finds it changed."""
    if pattern not in _RHYTHMS_MS:
        return pattern is Pattern.ON, float("inf")
    light_ms, dark_ms = _RHYTHMS_MS[pattern]
    at_ms = round((now_s - since_s) * 1000) % (light_ms + dark_ms)
    is_lit = at_ms < light_ms
    left_ms = (light_ms if is_lit else light_ms + dark_ms) - at_ms
    return is_lit, now_s + left_ms / 1000
