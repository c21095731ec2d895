"""What every panel and every pedal keeps to, whoever stands behind the port: the fake of the stories, lines
of a GPIO chip, an input device.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import attrs
import pytest
import trio

from tests.fakes.gpio import Circuit, library
from tests.fakes.panel import FakePanel
from tests.fakes.pedal import Pedal
from voiced.edges.gpio import GpioPanel, Wiring
from voiced.edges.keys import KeyDevice
from voiced.faults import DeviceError
from voiced.link.keys import CODES
from voiced.link.panel import Control, Lamp, Touch
from voiced.panel_ports import Buttons, Panel

PATIENCE_S: Final = 20.0
DOWN, UP = Touch(Control.TALK, True), Touch(Control.TALK, False)
LAMPS: Final = frozenset({Lamp.LISTENING, Lamp.FAULT})


@attrs.frozen
class Hand:
    """Something to open, and what can be done to it."""

    buttons: Buttons
    press: Callable[[], object]
    release: Callable[[], object]
    pull_out: Callable[[], object]
    put_back: Callable[[], object]
    panel: Panel | None = None  # where there are lamps
    lit: Callable[[], frozenset[Lamp]] = frozenset


def fake() -> Hand:
    panel = FakePanel(LAMPS)
    return Hand(
        panel,
        lambda: panel.presses(Control.TALK),
        lambda: panel.releases(Control.TALK),
        panel.is_pulled_out,
        panel.is_put_back,
        panel,
        lambda: panel.lit,
    )


def gpio(folder: Path) -> Hand:
    path, circuit = folder / "gpiochip0", Circuit()
    path.touch()
    wiring = Wiring(
        chip="",
        inputs={"17": Control.TALK},
        lamps={Lamp.LISTENING: "23", Lamp.FAULT: "24"},
        active_low=True,
        lamps_active_low=False,
        bias="pull_up",
        debounce_ms=0,
    )
    panel = GpioPanel(library({str(path): circuit}), wiring, folder)
    lines = {23: Lamp.LISTENING, 24: Lamp.FAULT}

    def lit() -> frozenset[Lamp]:
        history = circuit.request.history if circuit.request is not None else []
        return frozenset(lines[at] for at in history[-1]) if history else frozenset()

    def put_back() -> None:
        circuit.gone = False
        circuit.high.clear()

    return Hand(
        panel,
        lambda: circuit.drive(17, high=False),
        lambda: circuit.drive(17, high=True),
        circuit.vanish,
        put_back,
        panel,
        lit,
    )


@pytest.fixture(params=["fake", "gpio", "keys"])
def hand(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hand]:
    if request.param == "fake":
        yield fake()
    elif request.param == "gpio":
        yield gpio(tmp_path)
    else:
        pedal, code = Pedal(tmp_path / "event0"), CODES["KEY_F13"]
        pedal.is_plugged_in()
        buttons = KeyDevice(pedal.path, {code: Control.TALK})
        yield Hand(
            buttons,
            lambda: pedal.presses(code),
            lambda: pedal.releases(code),
            pedal.is_unplugged,
            pedal.is_plugged_in,
        )
        pedal.close()


async def test_what_is_touched_is_told_in_order_and_once(hand: Hand) -> None:
    with trio.fail_after(PATIENCE_S):
        async with hand.buttons.open() as opened:
            told: list[Touch] = []
            for _ in range(3):
                hand.press()
                hand.release()
            while len(told) < 6:
                told += await opened.collect()
            assert told == [DOWN, UP] * 3
            with trio.move_on_after(0.02) as waited:
                await opened.collect()
            assert waited.cancelled_caught


async def test_gone_and_back_without_what_was_held(hand: Hand) -> None:
    with trio.fail_after(PATIENCE_S):
        async with hand.buttons.open() as opened:
            hand.press()
            assert await opened.collect() == [DOWN]
            hand.pull_out()
            with pytest.raises(DeviceError):
                await opened.collect()
        with pytest.raises(DeviceError):
            async with hand.buttons.open():
                pass
        hand.put_back()
        async with hand.buttons.open() as opened:
            hand.press()
            assert await opened.collect() == [DOWN]


async def test_whoever_waits_can_be_cancelled_and_comes_again(hand: Hand) -> None:
    with trio.fail_after(PATIENCE_S):
        async with hand.buttons.open() as opened:
            for _ in range(2):
                with trio.move_on_after(0.01):
                    await opened.collect()
            hand.press()
            assert await opened.collect() == [DOWN]


async def test_lamps(hand: Hand) -> None:
    if hand.panel is None:
        return  # keys have none
    with trio.fail_after(PATIENCE_S):
        async with hand.panel.open() as opened:
            assert opened.lamps == LAMPS
            assert hand.lit() == frozenset()
            opened.light(frozenset({Lamp.FAULT}))
            assert hand.lit() == {Lamp.FAULT}
            opened.light(frozenset({Lamp.FAULT, Lamp.MUTED}))
            assert hand.lit() == {Lamp.FAULT}, "there is no other"
        assert hand.lit() == frozenset()
        async with hand.panel.open() as opened:
            hand.pull_out()
            with pytest.raises(DeviceError):
                opened.light(LAMPS)
