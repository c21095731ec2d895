"""A GPIO chip without one: what of gpiod opens devices, replaced; all of its plain types are its own.

A test holds each signature against the installed library, so that nothing here takes what the real one
would not.
"""

import errno
import os
from collections import deque
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import attrs
import gpiod
from gpiod.line import Direction, Value


@attrs.define(eq=False)
class Circuit:
    """One chip, as it is wired: levels are what the pins see, whatever the settings make of them."""

    label: str = "pinctrl-rp1"
    names: dict[int, str] = attrs.field(factory=lambda: {at: f"GPIO{at}" for at in range(28)})
    held: dict[int, str] = attrs.field(factory=dict)  # by whom, of those that others hold
    high: dict[int, bool] = attrs.field(factory=dict)  # pins that are driven; else the bias decides
    gone: bool = False
    keeps: int = 16  # edges, before the oldest is lost
    forbidden: bool = False
    request: "Request | None" = None  # the last one
    requests: int = 0

    def drive(self, offset: int, *, high: bool) -> None:
        """Put a pin on that level."""
        request = self.request
        before = request.active(offset) if request is not None else False
        self.high[offset] = high
        if request is not None and request.live and request.active(offset) is not before:
            request.edge(offset, rising=not before)

    def vanish(self) -> None:
        """As a USB adapter that is unplugged."""
        self.gone = True
        if self.request is not None:
            self.request.stir()


class Request:
    """As `gpiod.LineRequest`."""

    def __init__(self, circuit: Circuit, settings: dict[int, gpiod.LineSettings]) -> None:
        self._circuit, self._settings = circuit, settings
        self._events: deque[gpiod.EdgeEvent] = deque(maxlen=circuit.keeps)
        self._readable, self._writable = os.pipe()
        os.set_blocking(self._readable, False)
        self._written = {
            at: each.output_value is Value.ACTIVE
            for at, each in settings.items()
            if each.direction is Direction.OUTPUT
        }
        self.live = True
        self.settings = settings
        self.history: list[frozenset[int]] = []  # which lines were lit, at each writing

    # --- what the circuit does

    def active(self, offset: int) -> bool:
        """The logical level."""
        if offset not in self._settings:
            return False
        settings = self._settings[offset]
        high = self._circuit.high.get(offset, settings.bias is gpiod.line.Bias.PULL_UP)
        return high is not settings.active_low

    def edge(self, offset: int, *, rising: bool) -> None:
        """Keep an edge."""
        kind = gpiod.EdgeEvent.Type.RISING_EDGE if rising else gpiod.EdgeEvent.Type.FALLING_EDGE
        self._events.append(gpiod.EdgeEvent(kind.value, 0, offset, 0, 0))
        self.stir()

    def stir(self) -> None:
        """The descriptor is readable."""
        os.write(self._writable, b"!")

    # --- what gpiod has

    @property
    def fd(self) -> int:
        return self._readable

    def read_edge_events(self, max_events: int | None = None) -> list[gpiod.EdgeEvent]:
        self._alive()
        os.read(self._readable, 4096)  # BlockingIOError: the real one would block here
        events = list(self._events)
        self._events.clear()
        return events

    def get_values(self, lines: Iterable[int | str] | None = None) -> list[Value]:
        self._alive()
        return [Value(int(self.active(int(line)))) for line in lines or self._settings]

    def set_values(self, values: dict[int | str, Value]) -> None:
        self._alive()
        for line, value in values.items():
            assert self._settings[int(line)].direction is Direction.OUTPUT
            self._written[int(line)] = value is Value.ACTIVE
        self.history.append(frozenset(at for at, lit in self._written.items() if lit))

    def release(self) -> None:
        assert self.live
        self.live = False
        os.close(self._readable)
        os.close(self._writable)

    def _alive(self) -> None:
        assert self.live
        if self._circuit.gone:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))


class Chip:
    """As `gpiod.Chip`, of the circuit that was put at that path."""

    circuits: dict[str, Circuit]

    def __init__(self, path: str) -> None:
        if path not in self.circuits:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        self._path, self._circuit = path, self.circuits[path]
        if self._circuit.forbidden:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        if self._circuit.gone:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    def __enter__(self) -> "Chip":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        pass

    def get_info(self) -> gpiod.ChipInfo:
        name = self._path.rpartition("/")[2]
        return gpiod.ChipInfo(name, self._circuit.label, len(self._circuit.names))

    def line_offset_from_id(self, id: str | int) -> int:  # noqa: A002  its name
        names = {name: at for at, name in self._circuit.names.items()}
        if id in names:
            return names[str(id)]
        if not str(id).isdigit():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        if int(id) >= len(self._circuit.names):
            raise ValueError("line offset of out range")
        return int(id)

    def get_line_info(self, line: int | str) -> gpiod.LineInfo:
        offset = self.line_offset_from_id(line)
        who = self._circuit.held.get(offset, "")
        name, used = self._circuit.names[offset], offset in self._circuit.held
        return gpiod.LineInfo(offset, name, used, who, 1, False, 1, 1, 1, 1, False, 0)

    def request_lines(
        self,
        config: dict[Iterable[int | str] | int | str, gpiod.LineSettings | None],
        consumer: str | None = None,
        event_buffer_size: int | None = None,
        output_values: dict[int | str, Value] | None = None,
    ) -> Request:
        settings = {}
        for line, each in config.items():
            assert isinstance(line, int)
            settings[line] = each or gpiod.LineSettings()
        if self._circuit.held.keys() & settings.keys():
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        self._circuit.request = Request(self._circuit, settings)
        self._circuit.requests += 1
        return self._circuit.request


def library(circuits: dict[str, Circuit]) -> Any:
    """gpiod, with these chips and no others, by their paths."""
    chip = type("Chip", (Chip,), {"circuits": circuits})

    def is_gpiochip_device(path: str) -> bool:
        return path in circuits

    return SimpleNamespace(
        Chip=chip,
        is_gpiochip_device=is_gpiochip_device,
        LineSettings=gpiod.LineSettings,
        EdgeEvent=gpiod.EdgeEvent,
        line=gpiod.line,
    )
