"""PortAudio as a whole: loading it, naming its devices, calling it. One `PortAudio` for a daemon.

Its calls are not thread-safe (opening two streams at once crashed the process in one run of three),
and a hung sound server blocks them for ever (measured with PulseAudio stopped by a signal: even
`abort` never returns). So they run one at a time, in a worker thread, under a time limit; when that
runs out the thread is given up, not the daemon.
"""

import importlib
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Final, Literal, TypeAlias, TypeVar

import attrs
import trio
from attrs import frozen

from voiced.audio.format import Shape, ms_to_samples
from voiced.edges.alsa import forget_plugins
from voiced.faults import DeviceAbsent, DeviceBusy, DeviceError, DeviceHung

T = TypeVar("T")

SoundDevice: TypeAlias = Any
"""The sounddevice module, or something of it: it ships no types."""

Kind: TypeAlias = Literal["input", "output"]

_PATIENCE_S: Final = 5.0  # for opening and starting; a healthy server needs 3 to 50 ms
_FAREWELL_S: Final = 1.0  # for closing: the whole daemon has 2 s to stop
_UNAVAILABLE: Final = -9985  # paDeviceUnavailable: what ALSA's EBUSY becomes
_WHAT: Final[dict[Kind, str]] = {"input": "microphone", "output": "loudspeaker"}


@frozen(kw_only=True)
class Wish:
    """What kind of stream is wanted; the first rate that the device takes is used."""

    kind: Kind
    name: str
    rates: tuple[int, ...]
    block_ms: int
    latency: str | float  # seconds, or "low"


@attrs.define(eq=False)
class PortAudio:
    """Calls PortAudio, one call at a time."""

    _one_at_a_time: trio.CapacityLimiter = attrs.field(factory=lambda: trio.CapacityLimiter(1))

    async def open(
        self, wish: Wish, callback: Callable[..., None], finished: Callable[[], None]
    ) -> tuple[SoundDevice, Shape]:
        """Open a stream, not yet started; `DeviceError` lists what there is."""
        wanted = threading.Event()
        wanted.set()

        def work() -> tuple[SoundDevice, Shape]:
            stream, shape = _open(wish, callback, finished)
            if not wanted.is_set():  # it took so long that nobody is there to close it
                stream.close(ignore_errors=True)
            return stream, shape

        try:
            opened = await self.call(work)
        except (DeviceHung, trio.Cancelled):
            wanted.clear()
            raise
        return opened

    async def name_of(self, kind: Kind, name: str) -> str:
        """What the device that *name* stands for is really called; `DeviceError` if there is none."""
        return await self.call(lambda: str(_find(load(), kind, name)["name"]))

    async def call(self, work: Callable[[], T]) -> T:
        """Do *work*, a call into PortAudio that may hang."""
        with trio.move_on_after(_PATIENCE_S):
            return await trio.to_thread.run_sync(
                partial(_translated, work), abandon_on_cancel=True, limiter=self._one_at_a_time
            )
        raise DeviceHung(
            f"the sound system did not answer within {_PATIENCE_S:.0f} s: the sound server hangs"
        )

    async def close(self, stream: SoundDevice) -> bool:
        """Close a stream, dead or alive, even while being cancelled; errors don't matter any more.

        False if it did not answer: its callbacks may then still come.
        """
        with trio.move_on_after(_FAREWELL_S, shield=True):
            await trio.to_thread.run_sync(
                partial(stream.close, ignore_errors=True),
                abandon_on_cancel=True,
                limiter=self._one_at_a_time,
            )
            return True
        return False


def load() -> SoundDevice:
    """Import sounddevice, which starts PortAudio; `DeviceError` says what to install if it can't."""
    forget_plugins()
    try:
        return importlib.import_module("sounddevice")
    except OSError as missing:
        raise DeviceError(
            f"PortAudio is not installed ({missing}): run `sudo apt install libportaudio2`, and "
            "libasound2-plugins too if sound goes through PulseAudio or PipeWire"
        ) from missing


def list_devices(sounddevice: SoundDevice) -> list[str]:
    """Every device in one line of plain words."""
    defaults = sounddevice.default.device
    lines = []
    for device in sounddevice.query_devices():
        uses = [
            f"{what} with {count} channel{'s' if count > 1 else ''}"
            + (", the default" if defaults[side] == device["index"] else "")
            for side, what, count in (
                (0, "microphone", device["max_input_channels"]),
                (1, "loudspeaker", device["max_output_channels"]),
            )
            if count
        ]
        host = sounddevice.query_hostapis(device["hostapi"])["name"]
        lines.append(f'"{device["name"]}" ({host}): {"; ".join(uses)}')
    return lines


def _open(
    wish: Wish, callback: Callable[..., None], finished: Callable[[], None]
) -> tuple[SoundDevice, Shape]:
    sounddevice = load()
    device = _find(sounddevice, wish.kind, wish.name)
    make = {"input": sounddevice.RawInputStream, "output": sounddevice.RawOutputStream}[wish.kind]
    most = device[f"max_{wish.kind}_channels"]
    refusal: Exception | None = None
    for rate in wish.rates:
        for channels in sorted({1, min(2, most), most}):
            try:
                stream = make(
                    samplerate=rate,
                    blocksize=ms_to_samples(wish.block_ms, rate),
                    device=device["index"],
                    channels=channels,
                    dtype="int16",
                    latency=wish.latency,
                    callback=callback,
                    finished_callback=finished,
                )
            except sounddevice.PortAudioError as refused:
                refusal = refused
            else:
                return stream, Shape(rate, channels)
    rates = f"{wish.rates[0]} Hz" if len(wish.rates) == 1 else "any rate"
    # sounddevice gives PortAudio's number after its words
    busy = refusal is not None and _UNAVAILABLE in refusal.args
    raise (DeviceBusy if busy else DeviceError)(
        f'{_WHAT[wish.kind]} "{device["name"]}" can\'t be opened at {rates}: {refusal}. Another '
        "program may hold it, or your user may lack the group audio. "
        f"There is:\n{_inventory(sounddevice)}"
    ) from refusal


def _find(sounddevice: SoundDevice, kind: Kind, name: str) -> dict[str, Any]:
    """The device of that name; else the only one whose name contains it."""
    devices = [d for d in sounddevice.query_devices() if d[f"max_{kind}_channels"] > 0]
    if name == "default":
        index = sounddevice.default.device[0 if kind == "input" else 1]
        found = [d for d in devices if d["index"] == index] or devices[:1]
    else:
        exact = [d for d in devices if d["name"] == name]
        found = exact[:1] or [d for d in devices if name.lower() in d["name"].lower()]
    if len(found) == 1:
        return dict(found[0])
    if not devices:
        raise DeviceAbsent(
            f"there is no {_WHAT[kind]} at all; without a sound card, file:PATH works as a device"
        )
    why = "several match" if found else "there is none of that name"
    raise DeviceAbsent(f'{_WHAT[kind]} "{name}": {why}. There is:\n{_inventory(sounddevice)}')


def _inventory(sounddevice: SoundDevice) -> str:
    return "\n".join(f"  {line}" for line in list_devices(sounddevice))


def _translated(work: Callable[[], T]) -> T:
    sounddevice = load()
    try:
        return work()
    except sounddevice.PortAudioError as error:
        raise DeviceError(f"the sound system refused: {error}") from error
