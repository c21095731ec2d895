"""The settings of buttons, lamps and keys."""

import subprocess
import sys

import pytest

from voiced.config.file import parse
from voiced.config.whole import Config
from voiced.faults import ConfigError
from voiced.hardware import keys_from, panel_from
from voiced.link.panel import Control, Lamp


def mistakes(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text, "voiced.toml")
    return "\n".join(caught.value.mistakes)


def test_nothing_named_is_nothing_opened() -> None:
    assert not Config().gpio.wanted
    assert panel_from(Config()) is None
    assert keys_from(Config()) is None


def test_nothing_named_is_nothing_imported() -> None:
    code = (
        "import sys; from voiced.hardware import panel_from; from voiced.config.whole import Config; "
        "panel_from(Config()); sys.exit(bool({'gpiod', 'voiced.edges.gpio'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_a_whole_panel() -> None:
    config = parse(
        '[turns]\ndetection = "push_to_talk"\n'
        '[gpio]\nbutton_line = "GPIO17"\nmute_line = "22"\nled_fault = "GPIO24"\n'
        '[input]\ndevice = "/dev/input/by-id/usb-pedal-event-kbd"\ntalk_key = "KEY_F13"\n'
        'mute_key = "248"\n',
        "voiced.toml",
    )
    assert config.gpio.inputs == {"GPIO17": Control.TALK, "22": Control.MUTE_SWITCH}
    assert config.gpio.lamps == {Lamp.FAULT: "GPIO24"}
    assert config.input.keys == {183: Control.TALK, 248: Control.MUTE}
    panel, keys = panel_from(config), keys_from(config)
    assert panel is not None
    assert keys is not None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[gpio]\nbutton_line = " 17"', "must be a line"),
        ('[gpio]\nbutton_action = "mute_switch"', 'one of "talk", "activate", "interrupt", "mute"'),
        ('[gpio]\nbias = "up"', "must be one of"),
        ('[gpio]\nled_muted = "5"\nled_fault = "5"', 'names line "5" twice'),
        ('[gpio]\nbutton_action = "mute"\nbutton_line = "5"\nmute_line = "5"', 'line "5" twice'),
        ('[gpio]\nbutton_line = "5"', "[gpio] button_line is a talk button, but [turns] detection"),
        ('[input]\ndevice = "/dev/input/event0"\ntalk_key = "3"', "[input] talk_key is a talk"),
        ('[input]\ndevice = "/dev/input/event0"', "names device, but no key of it"),
        ('[input]\nmute_key = "KEY_F13"', "names a key, but no device"),
        ('[input]\ndevice = "pedal"', "must be a whole path"),
        ('[input]\nmute_key = "F13"', "is no key that is known by name"),
        (
            '[input]\ndevice = "/dev/x"\nmute_key = "KEY_F13"\ninterrupt_key = "183"',
            "names a key twice",
        ),
    ],
)
def test_mistakes(text: str, told: str) -> None:
    assert told in mistakes(text)
