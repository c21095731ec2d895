"""Buttons and lamps at GPIO lines, through gpiod (libgpiod's own binding), an optional extra.

Law of this file: lines in, touches out; lamps lit as told. Nobody imports it but for settings that name a
line. The kernel debounces and keeps edges; their file descriptor wakes Trio, and there is no thread. All
calls are ioctls that take microseconds.
"""

import errno
import importlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import attrs
import trio

from voiced.faults import ConfigError, DeviceAbsent, DeviceBusy, DeviceError
from voiced.link.panel import Control, Lamp, Touch

if TYPE_CHECKING:
    import gpiod

CONSUMER: Final = "voiced"
"""By what name the kernel knows who holds a line of ours."""

_HEADERS: Final = ("pinctrl-rp1", "pinctrl-bcm")
"""How the chip of a Raspberry Pi's header is labelled: a 5's, and all others'. Its number changes with
models and kernels (on a 5 it was gpiochip4 for a while)."""

_MISSING: Final = (
    "[gpio] needs a package that is not installed ({why}): pip install 'voiced[gpio]' into voiced's "
    "environment, or name no line"
)


@attrs.frozen(kw_only=True)
class Wiring:
    """What is connected to which line, and how."""

    chip: str
    inputs: Mapping[str, Control]
    lamps: Mapping[Lamp, str]
    active_low: bool
    lamps_active_low: bool
    bias: str  # as the settings have it
    debounce_ms: int


@attrs.define(eq=False, kw_only=True)
class OpenGpio:
    """Lines that are ours."""

    name: str
    lib: Any
    request: "gpiod.LineRequest"
    controls: Mapping[int, Control]  # by offset, as what follows
    outputs: Mapping[Lamp, int]
    _told: dict[int, bool] = attrs.field(factory=dict, init=False)  # how each line was last

    @property
    def lamps(self) -> frozenset[Lamp]:
        """As the port says."""
        return frozenset(self.outputs)

    def __attrs_post_init__(self) -> None:
        # A button that is down already counts once it is pressed again; where a switch is, is news.
        buttons = {
            at for at, control in self.controls.items() if control is not Control.MUTE_SWITCH
        }
        levels = self._levels()
        self._told = {at: levels[at] for at in buttons}

    async def watch(self) -> NoReturn:
        """As the port says; that the chip is gone, `collect` sees at once."""
        await trio.sleep_forever()

    async def collect(self) -> Sequence[Touch]:
        """As the port says."""
        if self._told.keys() != self.controls.keys():
            await trio.lowlevel.checkpoint()
            return self._news(self._levels())
        while True:
            await trio.lowlevel.wait_readable(self.request.fd)
            if touches := self._read():
                return touches

    def light(self, lit: frozenset[Lamp]) -> None:
        """As the port says."""
        if not self.outputs:
            return
        value = self.lib.line.Value
        values: dict[int | str, Any] = {
            offset: value.ACTIVE if lamp in lit else value.INACTIVE
            for lamp, offset in self.outputs.items()
        }
        with self._gone():
            self.request.set_values(values)

    def _read(self) -> list[Touch]:
        """What has happened, and how it stands now: where the kernel kept not all of it, the end counts."""
        with self._gone():
            events = self.request.read_edge_events()
        rising = self.lib.EdgeEvent.Type.RISING_EDGE
        touches: list[Touch] = []
        for event in events:
            touches += self._news({event.line_offset: event.event_type is rising})
        return touches + self._news(self._levels())

    def _levels(self) -> dict[int, bool]:
        offsets = list(self.controls)
        if not offsets:
            return {}
        with self._gone():
            values = self.request.get_values(offsets)
        active = self.lib.line.Value.ACTIVE
        return {at: value is active for at, value in zip(offsets, values, strict=True)}

    def _news(self, levels: Mapping[int, bool]) -> list[Touch]:
        news = {at: active for at, active in levels.items() if self._told.get(at) is not active}
        self._told |= news
        return [Touch(self.controls[at], active) for at, active in news.items()]

    @contextmanager
    def _gone(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DeviceError(
                f"the GPIO chip does not answer any more ({error.strerror or error})"
            ) from error


@attrs.define(eq=False)
class GpioPanel:
    """Requests lines of one chip."""

    lib: Any  # gpiod
    wiring: Wiring
    folder: Path = Path("/dev")

    @asynccontextmanager
    async def open(self) -> AsyncIterator[OpenGpio]:
        """As the port says."""
        with self.chip() as chip:
            opened = self._request(chip)
        try:
            yield opened
        finally:
            trio.lowlevel.notify_closing(opened.request.fd)
            with suppress(DeviceError):
                opened.light(frozenset())
            opened.request.release()

    def look(self) -> str:
        """What it would open, in a sentence, and all faults that opening would have; nothing is requested."""
        with self.chip() as chip:
            offsets = self.offsets(chip)
            if held := self.held_by_others(chip):
                raise DeviceBusy("; ".join(held))
            return f"{_told(chip)}: {', '.join(offsets)}"

    @contextmanager
    def chip(self) -> "Iterator[gpiod.Chip]":
        """The one that is meant, open."""
        path = self._path()
        try:
            chip = self.lib.Chip(str(path))
        except OSError as error:
            raise _unopened(path, error) from error
        with chip:
            yield chip

    def offsets(self, chip: "gpiod.Chip") -> dict[str, int]:
        """The number of each line that is named; `ConfigError` if there is none."""
        found: dict[str, int] = {}
        mistakes = []
        for line in [*self.wiring.inputs, *self.wiring.lamps.values()]:
            try:
                offset = chip.line_offset_from_id(line)
            except (OSError, ValueError):
                mistakes.append(f'[gpio] names line "{line}", which {_told(chip)} does not have')
                continue
            if offset in found.values():
                mistakes.append(f'[gpio] names line {offset} twice, once as "{line}"')
            found[line] = offset
        if mistakes:
            raise ConfigError(mistakes)
        return found

    def held_by_others(self, chip: "gpiod.Chip") -> list[str]:
        """Who holds lines that we want, a sentence for each."""
        held = []
        for line, offset in self.offsets(chip).items():
            about = chip.get_line_info(offset)
            if about.used and about.consumer != CONSUMER:
                who = f'"{about.consumer}"' if about.consumer else "the kernel"
                held.append(f'line "{line}" of {_told(chip)} is held by {who}')
        return held

    def _request(self, chip: "gpiod.Chip") -> OpenGpio:
        offsets = self.offsets(chip)
        controls = {offsets[line]: control for line, control in self.wiring.inputs.items()}
        outputs = {lamp: offsets[line] for lamp, line in self.wiring.lamps.items()}
        settings: dict[Any, Any] = dict.fromkeys(controls, self._input())
        settings |= dict.fromkeys(outputs.values(), self._output())
        try:
            request = chip.request_lines(settings, consumer=CONSUMER)
        except OSError as error:
            raise self._refused(chip, error) from error
        try:
            return OpenGpio(
                name=chip.get_info().label,
                lib=self.lib,
                request=request,
                controls=controls,
                outputs=outputs,
            )
        except DeviceError:
            request.release()
            raise

    def _input(self) -> "gpiod.LineSettings":
        line, wiring = self.lib.line, self.wiring
        settings: gpiod.LineSettings = self.lib.LineSettings(
            direction=line.Direction.INPUT,
            edge_detection=line.Edge.BOTH,
            bias=line.Bias[wiring.bias.upper()],
            active_low=wiring.active_low,
            debounce_period=timedelta(milliseconds=wiring.debounce_ms),
        )
        return settings

    def _output(self) -> "gpiod.LineSettings":
        line = self.lib.line
        settings: gpiod.LineSettings = self.lib.LineSettings(
            direction=line.Direction.OUTPUT,
            active_low=self.wiring.lamps_active_low,
            output_value=line.Value.INACTIVE,
        )
        return settings

    def _refused(self, chip: "gpiod.Chip", error: OSError) -> DeviceError:
        if error.errno == errno.EBUSY:
            held = self.held_by_others(chip) or [
                f"lines of {_told(chip)} are held by another voiced"
            ]
            return DeviceBusy("; ".join(held))
        return DeviceError(
            f"{_told(chip)} refuses the lines of [gpio] as they are wanted: {error.strerror or error}"
        )

    def _path(self) -> Path:
        wanted = self.wiring.chip
        if wanted.startswith("/"):
            return Path(wanted)
        chips = self._chips()
        if not chips:
            raise DeviceAbsent(f"there is no GPIO chip ({self.folder}/gpiochip*) on this machine")
        if wanted:
            found = [path for path, label in chips.items() if wanted in {label, path.name}]
        else:
            headers = [path for path, label in chips.items() if label.startswith(_HEADERS)]
            found = headers[:1] or list(chips)
        if len(found) == 1:
            return found[0]
        told = ", ".join(f"{path} ({label})" for path, label in chips.items())
        what = f'no GPIO chip "{wanted}"' if wanted else "no telling which GPIO chip is meant"
        raise DeviceAbsent(f"there is {what}: set [gpio] chip to one of {told}")

    def _chips(self) -> dict[Path, str]:
        """All chips and their labels, each once: there may be links from older names."""
        chips: dict[Path, str] = {}
        paths = {each.resolve() for each in self.folder.glob("gpiochip*")}
        for path in sorted(paths, key=lambda each: (len(each.name), each.name)):
            if self.lib.is_gpiochip_device(str(path)):
                try:
                    with self.lib.Chip(str(path)) as chip:
                        chips[path] = str(chip.get_info().label)
                except OSError as error:
                    raise _unopened(path, error) from error
        return chips


def _unopened(path: Path, error: OSError) -> DeviceError:
    if isinstance(error, PermissionError):
        return DeviceError(
            f"may not open {path}: voiced's user has to be in the group gpio (a service: gpio.conf "
            "beside its README is a drop-in for that)"
        )
    if isinstance(error, FileNotFoundError):
        return DeviceAbsent(f"there is no {path}: see [gpio] chip")
    return DeviceError(f"{path} can't be opened: {error.strerror or error}")


def _told(chip: "gpiod.Chip") -> str:
    info = chip.get_info()
    return f"{info.name} ({info.label}, {info.num_lines} lines)"


def gpio_from(wiring: Wiring) -> GpioPanel:
    """Whoever uses these lines; `ConfigError` if gpiod is not installed."""
    try:
        lib = importlib.import_module("gpiod")
    except (ImportError, OSError) as error:
        raise ConfigError([_MISSING.format(why=error)]) from error
    return GpioPanel(lib, wiring)
