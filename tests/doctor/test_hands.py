"""What the doctor finds of buttons, lamps and keys."""

from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from tests.edges.test_gpio import panel
from tests.fakes.gpio import Circuit
from tests.fakes.pedal import Pedal
from voiced.config.whole import Config
from voiced.doctor.examination import examine
from voiced.doctor.finding import Verdict
from voiced.doctor.hands import hands, judged
from voiced.edges.keys import KeyDevice
from voiced.link.keys import CODES
from voiced.link.panel import Control

CONTROLS = {CODES["KEY_F13"]: Control.TALK}


@pytest.fixture
def pedal(tmp_path: Path) -> Iterator[Pedal]:
    pedal = Pedal(tmp_path / "pedal", frozenset(CONTROLS))
    pedal.is_plugged_in()
    yield pedal
    pedal.close()


async def test_where_nothing_is_named_nothing_is_looked_at() -> None:
    findings = await examine(hands(Config()))
    assert [(each.check, each.verdict) for each in findings] == [
        ("panel", Verdict.SKIPPED),
        ("keys", Verdict.SKIPPED),
    ]


async def test_what_is_named_and_is_not_there() -> None:
    config = Config()
    config = attrs.evolve(
        config,
        gpio=attrs.evolve(config.gpio, chip="/dev/nowhere", mute_line="22"),
        input=attrs.evolve(config.input, device="/dev/nowhere", mute_key="KEY_F13"),
    )
    on_chip, on_device = await examine(hands(config))
    assert (on_chip.verdict, on_device.verdict) == (Verdict.FAILED, Verdict.WARNING)
    assert on_chip.seen == "there is no /dev/nowhere: see [gpio] chip"
    assert "mute switch" in on_chip.cause
    assert on_device.seen.startswith("there is no /dev/nowhere: plug it in")
    assert "; there is nothing in /dev/input/by-id" in on_device.action


def test_a_panel_is_looked_at_and_left_as_it_is(tmp_path: Path) -> None:
    circuit = Circuit()
    finding = judged("panel", lambda: panel(tmp_path, circuit))
    assert finding.verdict is Verdict.OK
    assert finding.seen == "gpiochip0 (pinctrl-rp1, 28 lines): GPIO17, 22, GPIO23, 24"
    assert circuit.requests == 0
    circuit.held = {17: "voiced"}
    assert judged("panel", lambda: panel(tmp_path, circuit)).verdict is Verdict.OK
    circuit.held = {17: "lirc"}
    finding = judged("panel", lambda: panel(tmp_path, circuit))
    assert (finding.verdict, 'held by "lirc"' in finding.seen) == (Verdict.WARNING, True)


def test_keys_are_looked_at(pedal: Pedal) -> None:
    device = KeyDevice(pedal.path, CONTROLS, ioctl=pedal.ioctl, grab=True)
    finding = judged("keys", lambda: device)
    assert (finding.verdict, finding.seen) == (Verdict.OK, f"{pedal.path}: KEY_F13")
    assert pedal.grabs == []
    pedal.has = frozenset({1})
    finding = judged("keys", lambda: device)
    assert (finding.verdict, "has no KEY_F13" in finding.seen) == (Verdict.WARNING, True)
    assert finding.action
