"""The loudspeaker of a sound card. The callback here runs on PortAudio's audio thread."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, NoReturn, TypeAlias

import attrs
import numpy as np
import trio

from voiced.audio.convert import Pcm, Samples, spread, to_mono, to_pcm16
from voiced.audio.fade import FADE_MS
from voiced.audio.format import BYTES_PER_SAMPLE, WIRE_RATE_HZ, Shape, ms_to_samples
from voiced.audio.ledger import Ledger
from voiced.audio.level import decibels
from voiced.audio.resample import Resampler
from voiced.edges.cards import SoundDevice
from voiced.edges.portaudio import Opened, PortAudio, Wish, as_names, quoted
from voiced.edges.ring import Ring
from voiced.faults import DeviceError, DeviceHung
from voiced.link.stall import Stall

Tap: TypeAlias = Callable[[bytes, int], None]
"""Is handed every block the loudspeaker was given: mono PCM16, and its rate (audio thread)."""

_RATES: Final = (48_000, 44_100, 24_000, 96_000, 32_000, 16_000)
"""48 kHz first: at the sink's own rate small blocks do not underflow, at 24 kHz some do (measured)."""

_AHEAD_MS: Final = 100  # of sound in the ring before more is taken: what a busy machine may sleep
_PIECE_BYTES: Final = (
    ms_to_samples(_AHEAD_MS) * BYTES_PER_SAMPLE
)  # taken at once, if there is as much
_NAP_S: Final = 0.001  # at least, between two looks at a device that takes nothing


@attrs.define(eq=False)
class PortAudioSpeaker:
    """A loudspeaker: by name (or a part of it), or the default one."""

    system: PortAudio
    name: str | tuple[str, ...] = "default"  # several: the best first
    rate_hz: int | None = None  # None: the first of _RATES that it takes
    block_ms: int = 5
    latency_ms: int = 20
    tap: Tap | None = None
    stall_s: float = 3.0  # without taking a first sample though it was woken: it is dead
    gap_s: float = 3.0  # without taking another one

    @asynccontextmanager
    async def open(self) -> AsyncIterator["_OpenSpeaker"]:
        """As the port says. The stream runs from the first `wake` on."""
        feed = _Feed(self.tap)
        wish = Wish(
            kind="output",
            names=as_names(self.name),
            rates=(self.rate_hz,) if self.rate_hz else _RATES,
            block_ms=self.block_ms,
            latency=self.latency_ms / 1000,
        )
        opened = await self.system.open(wish, feed.fill, lambda: None)
        shape = feed.shape = opened.shape
        latency = round(float(opened.stream.latency) * shape.rate_hz)
        feed.ring = Ring(ms_to_samples(4 * _AHEAD_MS, shape.rate_hz) + latency, shape.rate_hz)
        stall = Stall(self.gap_s, self.stall_s)
        speaker = _OpenSpeaker(self.name, self.system, opened, feed, stall)
        try:
            yield speaker
        finally:
            await speaker.close()


@attrs.define(eq=False)
class _Feed:
    """What the audio thread does: pull from the ring, spread over the channels."""

    tap: Tap | None
    shape: Shape = attrs.field(factory=lambda: Shape(WIRE_RATE_HZ, 1))
    ring: Ring = attrs.field(factory=lambda: Ring(1, WIRE_RATE_HZ))
    underflows: int = 0
    blocks: int = 0  # that the device has taken, ever

    def fill(self, block: Any, _count: int, _time: Any, status: Any) -> None:
        if status and status.output_underflow:
            self.underflows += 1
        out = np.frombuffer(block, np.int16)
        mono = (
            out if self.shape.channels == 1 else np.empty(out.size // self.shape.channels, np.int16)
        )
        self.ring.pull(mono)
        self.blocks += 1
        if mono is not out:
            out[:] = spread(mono, self.shape.channels)
        if self.tap is not None:
            self.tap(mono.tobytes(), self.shape.rate_hz)


@attrs.define(eq=False)
class _OpenSpeaker:
    """Resampling happens here, on the Trio side, before the ring: the callback only copies."""

    _wanted: str | tuple[str, ...]
    _system: PortAudio
    _opened: Opened
    _feed: _Feed
    _stall: Stall
    _awake: bool = attrs.field(default=False, init=False)  # it was told to run, and not to rest
    _has_run: bool = attrs.field(default=False, init=False)  # then or before
    _ring: Ring = attrs.field(init=False)
    _resampler: Resampler = attrs.field(init=False)
    _ledger: Ledger = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._ring = self._feed.ring
        self._resampler = Resampler(WIRE_RATE_HZ, self.shape.rate_hz)
        self._ledger = Ledger(self.shape.rate_hz)

    @property
    def shape(self) -> Shape:
        return self._opened.shape

    @property
    def name(self) -> str:
        return self._opened.name

    @property
    def _stream(self) -> SoundDevice:
        return self._opened.stream

    @property
    def latency_s(self) -> float:
        return float(self._stream.latency)

    @property
    def _latency(self) -> int:
        return round(self.latency_s * self.shape.rate_hz)

    @property
    def end_samples(self) -> int:
        return self._ledger.end

    @property
    def heard_samples(self) -> int:
        return self._ledger.position(self._ring.audible(self._latency))

    @property
    def waiting_samples(self) -> int:
        if not self._ring.waiting:
            return 0  # what the resampler holds comes with what follows: the device is dry
        return self._ledger.end - self._ledger.position(self._ring.taken)

    @property
    def dry_samples(self) -> int:
        return self._ring.dry * WIRE_RATE_HZ // self.shape.rate_hz

    @property
    def underflows(self) -> int:
        return self._feed.underflows

    async def wake(self) -> None:
        if self._awake and not self._stream.active:
            raise self._gone()
        if not self._awake:
            await self._start()
        self._awake = True

    async def rest(self) -> None:
        self._awake = False
        await self._system.call(self._stream.abort)

    async def close(self) -> None:
        """Close it, whatever has become of it."""
        await self._system.close(self._stream)

    async def play(self, pcm: bytes) -> None:
        await self.wake()
        # A device that was just woken takes its whole latency at once.
        ahead = ms_to_samples(_AHEAD_MS, self.shape.rate_hz) + self._latency
        for at in range(0, len(pcm), _PIECE_BYTES):
            await self._until_left(ahead)
            piece = pcm[at : at + _PIECE_BYTES]
            self._ring.write(_as_pcm(self._resampler.feed(to_mono(piece, channels=1))))
            self._ledger.hand_over(len(piece) // BYTES_PER_SAMPLE)

    async def drain(self) -> None:
        self._ring.finish(_as_pcm(self._resampler.finish()))
        await self._until_left(0)
        await trio.sleep(self.latency_s)
        while self._stream.active and self._ring.audible(self._latency) < self._ring.written:  # noqa: ASYNC110
            await trio.sleep(_NAP_S)  # on a busy machine its callbacks come late
        self._ledger.rebase(self._ring.written)

    def flush(self) -> int:
        end = self._ring.cut(ms_to_samples(FADE_MS, self.shape.rate_hz))
        self._resampler.finish()  # what it holds belongs to what was cut
        return self._ledger.rebase(end)

    def ramp_to(self, gain_db: float) -> None:
        sounds = self._awake and self._stream.active  # (one that rests may just be closed)
        self._ring.ramp_to(decibels(gain_db), at_once=not sounds)

    async def watch(self) -> NoReturn:
        """A stream that ended is seen at the next look, one that hangs (it stays active) later."""
        stall = self._stall
        while not (self._awake and not self._stream.active):
            if stall.look(trio.current_time(), self._feed.blocks, due=self._awake):
                break
            await trio.sleep(stall.look_every_s)
        raise self._gone()

    def _gone(self) -> DeviceError:
        return DeviceError(
            f"the loudspeaker {quoted(self._wanted)} takes no sound any more: is it still plugged in, and is "
            "the sound server running? `voiced devices` lists what there is"
        )

    async def _start(self) -> None:
        """What has become of its device while it rested, only opening it tells."""
        if self._has_run:
            try:
                self._opened = await self._system.reopen(self._opened)
            except DeviceHung:
                raise
            except DeviceError as refused:
                raise self._gone() from refused
        self._has_run = True
        await self._system.call(self._stream.start)

    async def _until_left(self, target: int) -> None:
        """Wait until at most *target* device samples wait."""
        while (waiting := self._ring.waiting) > target:  # noqa: ASYNC110  a ring rings no bell
            await trio.sleep(max(_NAP_S, (waiting - target) / self.shape.rate_hz))


def _as_pcm(samples: Samples) -> Pcm:
    return np.frombuffer(to_pcm16(samples), np.int16)
