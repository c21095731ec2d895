"""What an owner decides about buttons and lamps: those at GPIO lines, and the keys of an input device."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import attrs
from attrs import field, frozen
from attrs.validators import and_, in_

from voiced.config.checks import flag, text, whole
from voiced.link.keys import code_of
from voiced.link.panel import BUTTONS, Control, Lamp

BIASES: Final = ("pull_up", "pull_down", "disabled", "as_is")


def _line(_self: object, _attribute: "attrs.Attribute[Any]", value: str) -> None:
    """A line's name, its number, or none."""
    if not value.isprintable() or value != value.strip():
        raise ValueError('must be a line, as "GPIO17" or "17", or "" for none')


def _key(_self: object, _attribute: "attrs.Attribute[Any]", value: str) -> None:
    """A key's name, its number, or none."""
    if value:
        code_of(value)


def _input_device(_self: object, _attribute: "attrs.Attribute[Any]", value: str) -> None:
    if value and not (value.startswith("/") and value.isprintable()):
        raise ValueError("must be a whole path, as /dev/input/by-id/usb-...-event-kbd")


def _a_line() -> Any:
    return field(default="", validator=and_(text(), _line))


def _a_key() -> Any:
    return field(default="", validator=and_(text(), _key))


@frozen(kw_only=True)
class Gpio:
    """Buttons and lamps at GPIO lines. Where no line is named, nothing of it is even imported."""

    chip: str = field(default="", validator=text())
    button_line: str = _a_line()
    button_action: str = field(
        default="talk", validator=and_(text(), in_(tuple(each.value for each in BUTTONS)))
    )
    mute_line: str = _a_line()
    active_low: bool = field(default=True, validator=flag())
    bias: str = field(default="pull_up", validator=and_(text(), in_(BIASES)))
    debounce_ms: int = field(default=20, validator=whole(0, 500))
    led_listening: str = _a_line()
    led_speaking: str = _a_line()
    led_muted: str = _a_line()
    led_fault: str = _a_line()
    led_status: str = _a_line()
    led_active_low: bool = field(default=False, validator=flag())

    @property
    def inputs(self) -> Mapping[str, Control]:
        """What each line that is read asks for."""
        named = {self.button_line: Control(self.button_action), self.mute_line: Control.MUTE_SWITCH}
        return {line: control for line, control in named.items() if line}

    @property
    def lamps(self) -> Mapping[Lamp, str]:
        """The line of each lamp that there is."""
        named: dict[Lamp, str] = {lamp: getattr(self, f"led_{lamp.value}") for lamp in Lamp}
        return {lamp: line for lamp, line in named.items() if line}

    @property
    def wanted(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.inputs or self.lamps)


@frozen(kw_only=True)
class Input:
    """Keys of a USB foot pedal, a remote control, a headset: whatever the kernel has as an input device."""

    device: str = field(default="", validator=and_(text(), _input_device))
    talk_key: str = _a_key()
    activate_key: str = _a_key()
    interrupt_key: str = _a_key()
    mute_key: str = _a_key()
    grab: bool = field(default=False, validator=flag())

    @property
    def keys(self) -> Mapping[int, Control]:
        """What each key that counts asks for, by its code."""
        named: dict[Control, str] = {each: getattr(self, f"{each.value}_key") for each in BUTTONS}
        return {code_of(name): control for control, name in named.items() if name}


def hands_across(gpio: Gpio, keys: Input, detection: str) -> Iterator[str]:
    """Mistakes that no single value makes."""
    lines = [gpio.button_line, gpio.mute_line, *gpio.lamps.values()]
    for line in _twice([line for line in lines if line]):
        yield f'[gpio] names line "{line}" twice: each is for one thing alone'
    named = [key for key in (getattr(keys, f"{each.value}_key") for each in BUTTONS) if key]
    if _twice([str(code_of(key)) for key in named]):
        yield "[input] names a key twice: each asks for one thing alone"
    if bool(keys.device) != bool(named):
        missing = "no key of it" if keys.device else "no device that has it"
        thing = "device" if keys.device else "a key"
        yield f"[input] names {thing}, but {missing}: it takes both, or neither"
    if detection == "push_to_talk":
        return
    for section, key, talks in (
        ("gpio", "button_line", gpio.button_line and gpio.button_action == "talk"),
        ("input", "talk_key", keys.talk_key),
    ):
        if talks:
            yield (
                f'[{section}] {key} is a talk button, but [turns] detection = "{detection}" has none: '
                'set detection = "push_to_talk", or have the button ask for something else'
            )


def _twice(words: Sequence[str]) -> list[str]:
    return sorted({word for word in words if words.count(word) > 1})
