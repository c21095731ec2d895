"""The edge to gpiod: a chip that is made here, held against the installed library's own signatures."""

import inspect
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import gpiod
import pytest
import trio
from gpiod.line import Bias, Direction, Edge

from tests.fakes.gpio import Chip, Circuit, Request, library
from voiced.edges.gpio import GpioPanel, Wiring, gpio_from
from voiced.faults import ConfigError, DeviceAbsent, DeviceBusy, DeviceError
from voiced.link.panel import Control, Lamp, Touch

PATIENCE_S = 20.0
WIRING = Wiring(
    chip="",
    inputs={"GPIO17": Control.TALK, "22": Control.MUTE_SWITCH},
    lamps={Lamp.LISTENING: "GPIO23", Lamp.FAULT: "24"},
    active_low=True,
    lamps_active_low=False,
    bias="pull_up",
    debounce_ms=20,
)
DOWN, UP = Touch(Control.TALK, True), Touch(Control.TALK, False)
MUTED, OPEN = Touch(Control.MUTE_SWITCH, True), Touch(Control.MUTE_SWITCH, False)


def machine(folder: Path, *circuits: Circuit) -> tuple[Any, list[str]]:
    """gpiod on a machine with these chips."""
    paths = [folder / f"gpiochip{number}" for number in range(len(circuits))]
    for path in paths:
        path.touch()
    names = [str(path) for path in paths]
    return library(dict(zip(names, circuits, strict=True))), names


def panel(folder: Path, *circuits: Circuit, **wiring: Any) -> GpioPanel:
    lib, _ = machine(folder, *circuits)
    return GpioPanel(lib, attrs.evolve(WIRING, **wiring), folder)


# --- the stand-in does not lie --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs"), [(Chip, gpiod.Chip), (Request, gpiod.LineRequest)], ids=["chip", "request"]
)
def test_the_stand_in_takes_what_the_library_takes(ours: type, theirs: type) -> None:
    mirrored = [
        name
        for name, method in vars(ours).items()
        if inspect.isfunction(method) and name in vars(theirs) and not name.startswith("__")
    ]
    assert len(mirrored) >= 4
    for name in mirrored:
        mine = inspect.signature(getattr(ours, name)).parameters
        real = inspect.signature(getattr(theirs, name)).parameters
        assert {each: p.default for each, p in mine.items()} == {
            each: p.default for each, p in real.items()
        }, name
        assert [p.kind for p in mine.values()] == [p.kind for p in real.values()], name
    assert isinstance(vars(theirs)["fd"], property) or theirs is gpiod.Chip


def test_what_the_edge_uses_is_in_the_library() -> None:
    """Whatever else the stand-in offers: attributes by name, on the real thing."""
    for name in ("close", "get_info", "line_offset_from_id", "get_line_info", "request_lines"):
        assert callable(getattr(gpiod.Chip, name))
    for name in ("read_edge_events", "get_values", "set_values", "release"):
        assert callable(getattr(gpiod.LineRequest, name))
    assert inspect.signature(gpiod.is_gpiochip_device).parameters.keys() == {"path"}
    assert set(Bias.__members__) >= {"PULL_UP", "PULL_DOWN", "DISABLED", "AS_IS"}


def test_the_real_library_is_taken_and_finds_no_chip_here(tmp_path: Path) -> None:
    real = gpio_from(WIRING)
    assert real.lib is gpiod
    elsewhere = GpioPanel(gpiod, WIRING, tmp_path)
    (tmp_path / "gpiochip0").touch()  # no character device
    with pytest.raises(DeviceAbsent, match="there is no GPIO chip"), elsewhere.chip():
        pass


def test_without_the_library_one_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gpiod", None)
    with pytest.raises(ConfigError, match=r"pip install 'voiced\[gpio\]'"):
        gpio_from(WIRING)


# --- lines ----------------------------------------------------------------------------------------


async def test_lines_are_requested_as_they_are_wired(tmp_path: Path) -> None:
    circuit = Circuit()
    async with panel(tmp_path, circuit, active_low=True, bias="pull_up").open() as opened:
        assert opened.lamps == {Lamp.LISTENING, Lamp.FAULT}
    assert circuit.request is not None
    button, lamp = circuit.request.settings[17], circuit.request.settings[23]
    assert circuit.request.settings.keys() == {17, 22, 23, 24}
    assert (button.direction, button.edge_detection) == (Direction.INPUT, Edge.BOTH)
    assert (button.bias, button.active_low) == (Bias.PULL_UP, True)
    assert button.debounce_period == timedelta(milliseconds=20)
    assert (lamp.direction, lamp.active_low) == (Direction.OUTPUT, False)


@pytest.mark.parametrize("active_low", [True, False])
async def test_a_button_and_a_switch(tmp_path: Path, active_low: bool) -> None:
    circuit = Circuit()
    bias = "pull_up" if active_low else "pull_down"
    pressed = not active_low
    with trio.fail_after(PATIENCE_S):
        async with panel(tmp_path, circuit, active_low=active_low, bias=bias).open() as opened:
            assert await opened.collect() == [OPEN], "where the switch is comes first"
            circuit.drive(17, high=pressed)
            assert await opened.collect() == [DOWN]
            circuit.drive(17, high=not pressed)
            circuit.drive(22, high=pressed)
            assert await opened.collect() == [UP, MUTED]


async def test_a_button_that_is_down_at_first_counts_when_it_is_pressed_again(
    tmp_path: Path,
) -> None:
    circuit = Circuit(high={17: False, 22: False})
    with trio.fail_after(PATIENCE_S):
        async with panel(tmp_path, circuit).open() as opened:
            assert await opened.collect() == [MUTED]
            circuit.drive(17, high=True)
            assert await opened.collect() == [UP]
            circuit.drive(17, high=False)
            assert await opened.collect() == [DOWN]


async def test_where_the_kernel_has_lost_edges_the_end_counts(tmp_path: Path) -> None:
    circuit = Circuit(keeps=1)
    with trio.fail_after(PATIENCE_S):
        async with panel(tmp_path, circuit).open() as opened:
            await opened.collect()
            for high in [False, True] * 4 + [False]:
                circuit.drive(17, high=high)
            circuit.drive(22, high=False)
            assert await opened.collect() == [MUTED, DOWN]
            circuit.drive(17, high=True)
            assert await opened.collect() == [UP]


async def test_lamps_are_lit_as_told_and_dark_at_the_end(tmp_path: Path) -> None:
    circuit = Circuit()
    async with panel(tmp_path, circuit).open() as opened:
        opened.light(frozenset({Lamp.FAULT}))
        opened.light(frozenset({Lamp.FAULT, Lamp.LISTENING}))
    assert circuit.request is not None
    assert circuit.request.history == [{24}, {23, 24}, set()]
    assert not circuit.request.live


@pytest.mark.parametrize("only", ["inputs", "lamps"])
async def test_half_a_panel(tmp_path: Path, only: str) -> None:
    halves: Mapping[str, Any] = {"inputs": {}, "lamps": {}}
    circuit = Circuit()
    half = panel(tmp_path, circuit, **{key: {} for key in halves if key != only})
    async with half.open() as opened:
        opened.light(opened.lamps)
        with trio.move_on_after(0.01):
            await opened.collect()
    assert circuit.request is not None
    assert not circuit.request.live


async def test_a_chip_that_is_unplugged(tmp_path: Path) -> None:
    circuit = Circuit()
    with trio.fail_after(PATIENCE_S):
        async with panel(tmp_path, circuit).open() as opened:
            await opened.collect()
            circuit.vanish()
            with pytest.raises(DeviceError, match="does not answer any more"):
                await opened.collect()
        with pytest.raises(DeviceError):
            async with panel(tmp_path, circuit).open():
                pass
    assert circuit.request is not None
    assert not circuit.request.live


# --- which chip -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "wanted", "found"),
    [
        (["gpio-brcmstb@107d508500", "pinctrl-rp1"], "", 1),  # a Pi 5
        (["pinctrl-bcm2711", "raspberrypi-exp-gpio"], "", 0),  # a Pi 4
        (["whatever"], "", 0),
        (["a", "b"], "b", 1),
        (["a", "b"], "gpiochip0", 0),
    ],
)
async def test_the_chip_of_the_header_is_found(
    tmp_path: Path, labels: list[str], wanted: str, found: int
) -> None:
    circuits = [Circuit(label) for label in labels]
    async with panel(tmp_path, *circuits, chip=wanted).open():
        pass
    assert [circuit.requests for circuit in circuits] == [
        int(at == found) for at in range(len(labels))
    ]


async def test_a_link_from_an_older_name_is_no_second_chip(tmp_path: Path) -> None:
    circuit = Circuit("some board")
    lib, _ = machine(tmp_path, circuit)
    (tmp_path / "gpiochip4").symlink_to("gpiochip0")
    async with GpioPanel(lib, WIRING, tmp_path).open():
        assert circuit.requests == 1


@pytest.mark.parametrize(
    ("labels", "wanted", "told"),
    [
        ([], "", "no GPIO chip"),
        ([], "pinctrl-rp1", "no GPIO chip"),
        (["a", "b"], "", r"no telling which .* \(a\), .*gpiochip1 \(b\)"),
        (["a"], "c", r'no GPIO chip "c": set \[gpio\] chip'),
        (["a"], "/dev/nowhere", r"there is no /dev/nowhere: see \[gpio\] chip"),
    ],
)
async def test_no_such_chip(tmp_path: Path, labels: list[str], wanted: str, told: str) -> None:
    with pytest.raises(DeviceAbsent, match=told):
        async with panel(tmp_path, *map(Circuit, labels), chip=wanted).open():
            pass


async def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    circuits = Circuit("a"), Circuit("b")
    lib, names = machine(tmp_path, *circuits)
    async with GpioPanel(lib, attrs.evolve(WIRING, chip=names[1]), tmp_path).open():
        assert circuits[1].requests == 1


# --- what a person must mend ----------------------------------------------------------------------


@pytest.mark.parametrize("chip", ["", "pinctrl-rp1"])
async def test_without_permission(tmp_path: Path, chip: str) -> None:
    with pytest.raises(DeviceError, match="group gpio"):
        async with panel(tmp_path, Circuit(forbidden=True), chip=chip).open():
            pass


async def test_lines_that_there_are_none_of(tmp_path: Path) -> None:
    inputs = {"GPIO99": Control.TALK, "77": Control.MUTE_SWITCH}
    with pytest.raises(ConfigError) as caught:
        async with panel(tmp_path, Circuit(), inputs=inputs).open():
            pass
    assert caught.value.mistakes == (
        '[gpio] names line "GPIO99", which gpiochip0 (pinctrl-rp1, 28 lines) does not have',
        '[gpio] names line "77", which gpiochip0 (pinctrl-rp1, 28 lines) does not have',
    )


async def test_one_line_by_two_names(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match='line 17 twice, once as "17"'):
        async with panel(tmp_path, Circuit(), lamps={Lamp.MUTED: "17"}).open():
            pass


async def test_a_line_that_another_program_holds(tmp_path: Path) -> None:
    circuit = Circuit(held={17: "lirc-rx", 23: ""})
    with pytest.raises(DeviceBusy) as caught:
        async with panel(tmp_path, circuit).open():
            pass
    assert str(caught.value) == (
        'line "GPIO17" of gpiochip0 (pinctrl-rp1, 28 lines) is held by "lirc-rx"; '
        'line "GPIO23" of gpiochip0 (pinctrl-rp1, 28 lines) is held by the kernel'
    )


async def test_another_voiced(tmp_path: Path) -> None:
    with pytest.raises(DeviceBusy, match="held by another voiced"):
        async with panel(tmp_path, Circuit(held={17: "voiced"})).open():
            pass
