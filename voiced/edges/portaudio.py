"""Real devices, through sounddevice. The two callbacks here run on PortAudio's audio threads.

Streams are opened, started and closed in a worker thread under a time limit: a hung sound server
blocks such a call for ever (measured with PulseAudio stopped by a signal: even `abort` never
returns), and then the thread is given up, not the daemon.
"""

import importlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar

import attrs
import numpy as np
import trio

from voiced.audio.convert import Samples, spread, to_mono, to_pcm16
from voiced.audio.fade import FADE_MS
from voiced.audio.format import FRAME_SAMPLES, WIRE_RATE_HZ, Frame, Shape, ms_to_samples
from voiced.audio.ledger import Ledger, audible
from voiced.audio.resample import Resampler
from voiced.edges.alsa import forget_plugins
from voiced.edges.mailbox import Mailbox
from voiced.edges.ring import Ring
from voiced.faults import DeviceError

T = TypeVar("T")

SoundDevice: TypeAlias = Any
"""The sounddevice module or something of it: it ships no types."""

Tap: TypeAlias = Callable[[bytes], None]
"""Is handed every block a loudspeaker was given, mono PCM16 at the device's rate (audio thread)."""

_PATIENCE_S: Final = 5.0  # for opening and starting; a healthy server needs 5 to 30 ms
_FAREWELL_S: Final = 1.0  # for closing: the whole daemon has 2 s to stop
_STUCK_S: Final = 3.0  # a stream that works calls back within one or two blocks
_MAILBOX_BLOCKS: Final = 8
_RING_MS: Final = 200  # refilled from _LOW_MS up to this: five wake-ups a second, not fifty
_LOW_MS: Final = 100

_CAPTURE_RATES: Final = (24_000, 48_000, 44_100, 16_000, 32_000, 96_000, 8_000)
"""24 kHz first: where a sound server converts anyway, nothing is left for us to convert."""

_PLAYOUT_RATES: Final = (48_000, 44_100, 24_000, 96_000, 32_000, 16_000)
"""48 kHz first: at the sink's own rate small blocks do not underflow, at 24 kHz some do (measured)."""


def load_sounddevice() -> SoundDevice:
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


@attrs.define(eq=False)
class PortAudioMicrophone:
    """A microphone: by name (or a part of it), or the default one."""

    name: str = "default"
    rate_hz: int | None = None  # None: the first of _CAPTURE_RATES that it takes
    block_ms: int = 20

    @asynccontextmanager
    async def open(self) -> AsyncIterator["_OpenMicrophone"]:
        """As the port says."""
        mailbox = Mailbox(_MAILBOX_BLOCKS)
        gone = trio.Event()
        token = trio.lowlevel.current_trio_token()

        def heard(block: Any, _count: int, _time: Any, _status: Any) -> None:
            mailbox.leave(bytes(block))

        def ended() -> None:
            token.run_sync_soon(gone.set, idempotent=True)

        opening = partial(
            _open, "input", self.name, self.rate_hz, _CAPTURE_RATES, self.block_ms, "low"
        )
        stream, shape = await _in_thread(opening, heard, ended)
        try:
            await _in_thread(stream.start)
            yield _OpenMicrophone(shape, self.name, mailbox, gone)
        finally:
            await _close(stream)


@attrs.define(eq=False)
class _OpenMicrophone:
    shape: Shape
    _name: str
    _mailbox: Mailbox
    _gone: trio.Event

    @property
    def lost_blocks(self) -> int:
        return self._mailbox.lost

    async def collect(self) -> Sequence[bytes]:
        with trio.move_on_after(_STUCK_S):
            return await self._mailbox.collect()
        what = "was taken away" if self._gone.is_set() else "gives no sound any more"
        raise DeviceError(
            f'the microphone "{self._name}" {what}: is it still plugged in, and is the sound '
            "server running? `voiced devices` lists what there is now"
        )


@attrs.define(eq=False)
class PortAudioSpeaker:
    """A loudspeaker: by name (or a part of it), or the default one."""

    name: str = "default"
    rate_hz: int | None = None  # None: the first of _PLAYOUT_RATES that it takes
    block_ms: int = 10
    latency_ms: int = 20
    tap: Tap | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator["_OpenSpeaker"]:
        """As the port says."""
        rings: list[Ring] = []  # made once the rate is known, before the stream starts
        shapes: list[Shape] = []

        def wants(block: Any, count: int, _time: Any, _status: Any) -> None:
            out = np.frombuffer(block, np.int16)
            if shapes[0].channels == 1:
                rings[0].pull(out)
                mono = out
            else:
                mono = np.empty(count, np.int16)
                rings[0].pull(mono)
                out[:] = spread(mono, shapes[0].channels)
            if self.tap is not None:
                self.tap(mono.tobytes())

        opening = partial(
            _open,
            "output",
            self.name,
            self.rate_hz,
            _PLAYOUT_RATES,
            self.block_ms,
            self.latency_ms / 1000,
        )
        stream, shape = await _in_thread(opening, wants, lambda: None)
        shapes.append(shape)
        rings.append(Ring(ms_to_samples(_RING_MS + 2 * _LOW_MS, shape.rate_hz)))
        try:
            yield _OpenSpeaker(shape, self.name, stream, rings[0])
        finally:
            await _close(stream)


@attrs.define(eq=False)
class _OpenSpeaker:
    """Runs only while it is awake; resampling happens on the Trio side, before the ring."""

    shape: Shape
    _name: str
    _stream: SoundDevice
    _ring: Ring
    _resampler: Resampler = attrs.field(init=False)
    _ledger: Ledger = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._resampler = Resampler(WIRE_RATE_HZ, self.shape.rate_hz)
        self._ledger = Ledger(self.shape.rate_hz)

    @property
    def latency_s(self) -> float:
        return float(self._stream.latency)

    @property
    def end_samples(self) -> int:
        return self._ledger.end

    @property
    def heard_samples(self) -> int:
        latency = round(self.latency_s * self.shape.rate_hz)
        return self._ledger.position(audible(self._ring.taken, self._ring.dry, latency))

    @property
    def waiting_samples(self) -> int:
        return self._ledger.end - self._ledger.position(self._ring.taken)

    @property
    def dry_samples(self) -> int:
        return self._ring.dry * WIRE_RATE_HZ // self.shape.rate_hz

    async def wake(self) -> None:
        if not self._stream.active:
            await _in_thread(partial(_start_afresh, self._stream))

    async def rest(self) -> None:
        await _in_thread(self._stream.abort)

    async def play(self, frame: Frame) -> None:
        await self.wake()
        low, high = (ms_to_samples(ms, self.shape.rate_hz) for ms in (_LOW_MS, _RING_MS))
        if self._ring.waiting > high:
            await self._until_left(low)
        self._write(self._resampler.feed(to_mono(frame, channels=1)))
        self._ledger.hand_over(FRAME_SAMPLES)

    async def drain(self) -> None:
        self._write(self._resampler.finish())
        await self._until_left(0)
        await trio.sleep(self.latency_s)
        self._ledger.rebase(self._ring.written)

    def flush(self) -> int:
        end = self._ring.cut(ms_to_samples(FADE_MS, self.shape.rate_hz))
        self._resampler.finish()  # what it holds belongs to what was cut
        return self._ledger.rebase(end)

    def _write(self, samples: Samples) -> None:
        self._ring.write(np.frombuffer(to_pcm16(samples), np.int16))

    async def _until_left(self, target: int) -> None:
        """Wait until at most *target* device samples wait; a device that takes none is dead."""
        taken, progress_at = self._ring.taken, trio.current_time()
        while (waiting := self._ring.waiting) > target:
            await trio.sleep((waiting - target) / self.shape.rate_hz)
            now = trio.current_time()
            if self._ring.taken != taken:
                taken, progress_at = self._ring.taken, now
            elif now - progress_at > _STUCK_S:
                raise DeviceError(
                    f'the loudspeaker "{self._name}" takes no sound any more: is it still plugged '
                    "in, and is the sound server running? `voiced devices` lists what there is"
                )


def _open(
    kind: str,
    name: str,
    rate_hz: int | None,
    rates: tuple[int, ...],
    block_ms: int,
    latency: str | float,
    callback: Callable[..., None],
    finished: Callable[[], None],
) -> tuple[SoundDevice, Shape]:
    """Find the device and open a stream on it, with the first rate and channel count it takes."""
    sounddevice = load_sounddevice()
    device = _find(sounddevice, kind, name)
    make = sounddevice.RawInputStream if kind == "input" else sounddevice.RawOutputStream
    most = device[f"max_{kind}_channels"]
    refusal: Exception | None = None
    for rate in (rate_hz,) if rate_hz else rates:
        for channels in sorted({1, min(2, most), most}):
            try:
                stream = make(
                    samplerate=rate,
                    blocksize=ms_to_samples(block_ms, rate),
                    device=device["index"],
                    channels=channels,
                    dtype="int16",
                    latency=latency,
                    callback=callback,
                    finished_callback=finished,
                )
            except sounddevice.PortAudioError as refused:
                refusal = refused
            else:
                return stream, Shape(rate, channels)
    at = f"at {rate_hz} Hz" if rate_hz else "at any rate"
    raise DeviceError(
        f'{_WHAT[kind]} "{device["name"]}" can\'t be opened {at}: {refusal}. Another program may '
        f"hold it, or your user may lack the audio group. There is:\n{_inventory(sounddevice)}"
    ) from refusal


_WHAT: Final = {"input": "microphone", "output": "loudspeaker"}


def _find(sounddevice: SoundDevice, kind: str, name: str) -> dict[str, Any]:
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
    problem = (
        "several match" if found else "there is none of that name" if devices else "there is none"
    )
    raise DeviceError(
        f'{_WHAT[kind]} "{name}": {problem}. There is:\n{_inventory(sounddevice)}\n'
        "Without a sound card, file:PATH works as a device."
    )


def _inventory(sounddevice: SoundDevice) -> str:
    return (
        "\n".join(f"  {line}" for line in list_devices(sounddevice)) or "  (no sound device at all)"
    )


async def _in_thread(call: Callable[..., T], *args: Any) -> T:
    """Run a call into PortAudio that may hang, and give it up after a while."""
    with trio.move_on_after(_PATIENCE_S):
        return await trio.to_thread.run_sync(
            partial(_translated, call, *args), abandon_on_cancel=True
        )
    raise DeviceError(
        f"the sound system did not answer within {_PATIENCE_S:.0f} s: the sound server hangs"
    )


def _translated(call: Callable[..., T], *args: Any) -> T:
    sounddevice = load_sounddevice()
    try:
        return call(*args)
    except sounddevice.PortAudioError as error:
        raise DeviceError(f"the sound system refused: {error}") from error


def _start_afresh(stream: SoundDevice) -> None:
    """Start a stream that may have ended by itself: PortAudio wants it stopped first."""
    if not stream.stopped:
        stream.abort()
    stream.start()


async def _close(stream: SoundDevice) -> None:
    with trio.move_on_after(_FAREWELL_S, shield=True):
        await trio.to_thread.run_sync(partial(stream.close, True), abandon_on_cancel=True)
