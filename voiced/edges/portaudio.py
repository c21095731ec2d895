"""PortAudio as a whole: loading it, calling it, beginning it anew. One `PortAudio` for a daemon.

Its calls are not thread-safe (opening two streams at once crashed the process in one run of three),
and a hung sound server blocks them for ever (measured with PulseAudio stopped by a signal: even
`abort` never returns). So they run one at a time, in a worker thread, under a time limit; when that
runs out the thread is given up, not the daemon. It keeps its place in the line, so that there is never
more than one such thread: who comes after it is told that the sound system hangs.

PortAudio lists devices once, when it begins, and has to begin anew to see others; that would end every
stream. So it is begun anew only while none is open, when a device is missing or cards or servers came or
went. Where another stream is open then, all are recalled: whoever holds one closes it at a quiet moment
and opens it again. Devices are found by their names, each time: their numbers change.
"""

import atexit
import importlib
import logging
import sys
import threading
from collections.abc import Callable, Hashable
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar

import attrs
import trio
from attrs import frozen

from voiced.audio.format import Shape, ms_to_samples
from voiced.edges.alsa import forget_plugins
from voiced.edges.cards import WHAT, Kind, SoundDevice, find_device, inventory, why_not
from voiced.faults import DeviceAbsent, DeviceBusy, DeviceError, DeviceHung, DeviceUnfit

log = logging.getLogger(__name__)

T = TypeVar("T")

_PATIENCE_S: Final = 5.0  # for opening and starting; a healthy server needs 3 to 50 ms
_FAREWELL_S: Final = 1.0  # for closing: the whole daemon has 2 s to stop
_LOOKS_EVERY_S: Final = 0.5  # while something is missing, for whatever comes
_ALONE_WITHIN_S: Final = 1.0  # of a recall; whoever holds a stream then has none to give
_UNAVAILABLE: Final = -9985  # paDeviceUnavailable: what ALSA's EBUSY becomes


@frozen(kw_only=True)
class Wish:
    """What kind of stream is wanted: the first device that opens, at the first rate that it takes."""

    kind: Kind
    names: tuple[str, ...]  # the best first
    rates: tuple[int, ...]
    block_ms: int
    latency: str | float  # seconds, or "low"
    least_channels: int = 1  # where it has as many


@frozen(eq=False)
class Opened:
    """A stream, and how to have another one like it."""

    stream: SoundDevice
    make: Callable[[], SoundDevice]
    shape: Shape
    name: str  # of the device
    place: int  # among the names wished for


def as_names(name: str | tuple[str, ...]) -> tuple[str, ...]:
    """One name, or several, the best first."""
    return (name,) if isinstance(name, str) else name


def quoted(name: str | tuple[str, ...]) -> str:
    """For a sentence."""
    return " or ".join(f'"{each}"' for each in as_names(name))


@attrs.define(eq=False)
class PortAudio:
    """Calls PortAudio, one call at a time."""

    traces: Callable[[], Hashable] = lambda: None  # differ when cards or servers came or went
    _one_at_a_time: trio.CapacityLimiter = attrs.field(factory=lambda: trio.CapacityLimiter(1))
    _streams: dict[SoundDevice, threading.Event] = attrs.field(factory=dict, init=False)
    """Open, or hung in closing; and whether somebody still wants it. Written by the worker thread alone."""

    _listed: Hashable = attrs.field(default=None, init=False)  # traces when PortAudio began
    _begun: bool = attrs.field(default=False, init=False)
    _unmet: set[Kind] = attrs.field(factory=set, init=False)  # whose best device is not open
    _recalled: bool = attrs.field(default=False, init=False)

    async def open(
        self, wish: Wish, callback: Callable[..., None], finished: Callable[[], None]
    ) -> Opened:
        """Open a stream, not yet started. `DeviceError` lists what there is."""
        await self._until_alone()
        self._unmet.add(wish.kind)
        opened = await self._make(partial(self._open_fresh, wish, callback, finished))
        if opened.place:
            log.warning(
                '%s "%s" for now: the first choice is not there',
                WHAT[wish.kind],
                wish.names[opened.place],
            )
        else:
            self._unmet.discard(wish.kind)
        return opened

    async def reopen(self, opened: Opened) -> Opened:
        """Close a stream that rests, and open one like it, not yet started; `DeviceError` if its device is not as
        it was. Who was cancelled meanwhile may ask again.

        To start the old one is no way to find that out: when its sound server is gone, or its plug pulled,
        PortAudio waits for ever for an audio thread that has ended (19.6 and 19.7: the thread holds a lock as it
        fails to start, `CallbackThreadFunc` in pa_linux_alsa.c; seen with a killed server). Opening just fails.
        """

        def anew() -> Opened:
            self._close(opened.stream)
            return attrs.evolve(opened, stream=opened.make())

        return await self._make(anew)

    async def until_recalled(self) -> None:
        """Wait until this stream and all others are to be closed for a moment, and opened again: something
        came that may be the device that is missing.
        """
        while not self._recalled:
            await trio.sleep(_LOOKS_EVERY_S)
            if self._unmet and self.traces() != self._listed:
                self._recalled = True

    async def until_changed(self) -> None:
        """Wait until cards or servers come or go."""
        before = self.traces()
        while self.traces() == before:  # noqa: ASYNC110  no bell rings
            await trio.sleep(_LOOKS_EVERY_S)

    async def name_of(self, kind: Kind, name: str) -> str:
        """What the device that *name* stands for is really called; `DeviceError` if there is none."""
        return await self.call(lambda: str(find_device(load(), kind, name)["name"]))

    async def call(self, work: Callable[[], T]) -> T:
        """Do *work*, a call into PortAudio that may hang."""
        with trio.move_on_after(_PATIENCE_S):
            return await trio.to_thread.run_sync(
                partial(_translated, work), abandon_on_cancel=True, limiter=self._one_at_a_time
            )
        _end_without_it()
        raise DeviceHung(
            f"the sound system did not answer within {_PATIENCE_S:.0f} s: the sound server hangs"
        )

    async def close(self, stream: SoundDevice) -> bool:
        """Close a stream, dead or alive, even while being cancelled; errors don't matter any more.

        False if it did not answer: its callbacks may then still come.
        """
        with trio.move_on_after(_FAREWELL_S, shield=True):
            await trio.to_thread.run_sync(
                self._close, stream, abandon_on_cancel=True, limiter=self._one_at_a_time
            )
            return True
        _end_without_it()
        return False

    async def _make(self, work: Callable[[], Opened]) -> Opened:
        """Open a stream by *work*, in the worker thread. Where nobody waits for it any more it is closed: there,
        or with the next that is opened or closed.
        """
        wanted = threading.Event()
        wanted.set()

        def open_it() -> Opened:
            self._close_unwanted()
            opened = work()
            self._streams[opened.stream] = wanted
            self._close_unwanted()
            return opened

        try:
            return await self.call(open_it)
        except (DeviceHung, trio.Cancelled):
            wanted.clear()
            raise

    async def _until_alone(self) -> None:
        """After a recall, wait for the others; who can't close soon has to be lived with."""
        if self._recalled:
            with trio.move_on_after(_ALONE_WITHIN_S):
                while self._streams:  # noqa: ASYNC110  closing rings no bell
                    await trio.sleep(_ALONE_WITHIN_S / 100)
            self._recalled = False

    # What follows runs in the worker thread.

    def _close(self, stream: SoundDevice) -> None:
        if stream in self._streams:  # else it was closed before: its memory is free
            stream.close(ignore_errors=True)
            del self._streams[stream]  # not before: it may hang
        self._close_unwanted()

    def _close_unwanted(self) -> None:
        for stream in [each for each, wanted in self._streams.items() if not wanted.is_set()]:
            stream.close(ignore_errors=True)
            del self._streams[stream]

    def _open_fresh(
        self, wish: Wish, callback: Callable[..., None], finished: Callable[[], None]
    ) -> Opened:
        """Open, among all devices there are now, if others' streams allow that."""
        if not self._begun:
            self._begun, self._listed = True, self.traces()  # by `load`, a moment ago
        if self.traces() != self._listed:
            self._begin_anew()
        try:
            return _open_one(wish, callback, finished)
        except DeviceAbsent:
            if not self._begin_anew():
                raise
        return _open_one(wish, callback, finished)

    def _begin_anew(self) -> bool:
        """Have PortAudio list its devices again; False if a stream is open, which that would end."""
        if self._streams:
            return False
        sounddevice = load()
        self._listed = self.traces()  # before: what comes meanwhile is a change
        with suppress(sounddevice.PortAudioError):  # it had not begun: the last time it failed
            sounddevice._terminate()
        forget_plugins()  # it has read ALSA's configuration anew
        sounddevice._initialize()
        return True


def load() -> SoundDevice:
    """Import sounddevice, which starts PortAudio; `DeviceError` says what to install if it can't."""
    forget_plugins()
    try:
        return importlib.import_module("sounddevice")
    except OSError as missing:
        raise DeviceUnfit(
            f"PortAudio is not installed ({missing}): run `sudo apt install libportaudio2`, and "
            "libasound2-plugins too if sound goes through PulseAudio or PipeWire"
        ) from missing


def _end_without_it() -> None:
    """At the end of the process sounddevice would call PortAudio once more. Where that hangs, the process
    would never end (measured): nobody would start another one.
    """
    if handler := getattr(sys.modules.get("sounddevice"), "_exit_handler", None):
        atexit.unregister(handler)


def _open_one(wish: Wish, callback: Callable[..., None], finished: Callable[[], None]) -> Opened:
    """Open the first that opens. Else tell why each does not."""
    refusals: list[DeviceError] = []
    for place in range(len(wish.names)):
        try:
            return _open(wish, place, callback, finished)
        except DeviceError as refused:
            refusals.append(refused)
    if len(refusals) == 1:
        raise refusals[0]
    # What is there and refuses says more than what is not there.
    told = [str(each).partition(" There is:")[0] for each in refusals]
    gravest = next((each for each in refusals if not isinstance(each, DeviceAbsent)), refusals[0])
    raise type(gravest)(f"{'; '.join(told)} There is:\n{inventory(load())}") from gravest


def _open(
    wish: Wish, place: int, callback: Callable[..., None], finished: Callable[[], None]
) -> Opened:
    sounddevice = load()
    device = find_device(sounddevice, wish.kind, wish.names[place])
    kinds = {"input": sounddevice.RawInputStream, "output": sounddevice.RawOutputStream}
    stream_of_kind = kinds[wish.kind]
    most = device[f"max_{wish.kind}_channels"]
    least = min(wish.least_channels, most)
    refusal: Exception | None = None
    for rate in wish.rates:
        for channels in sorted({least, max(least, min(2, most)), most}):
            make = partial(
                stream_of_kind,
                samplerate=rate,
                blocksize=ms_to_samples(wish.block_ms, rate),
                device=device["index"],
                channels=channels,
                dtype="int16",  # of whatever the card speaks, PortAudio makes that
                latency=wish.latency,
                callback=callback,
                finished_callback=finished,
            )
            try:
                stream = make()
            except sounddevice.PortAudioError as refused:
                refusal = refused
            else:
                return Opened(stream, make, Shape(rate, channels), device["name"], place)
    rates = f"{wish.rates[0]} Hz" if len(wish.rates) == 1 else "any rate"
    # sounddevice gives PortAudio's number after its words
    busy = refusal is not None and _UNAVAILABLE in refusal.args
    raise (DeviceBusy if busy else DeviceError)(
        f'{WHAT[wish.kind]} "{device["name"]}" can\'t be opened at {rates}: {refusal}. '
        f"{why_not(device['name'], wish.kind)} There is:\n{inventory(sounddevice)}"
    ) from refusal


def _translated(work: Callable[[], T]) -> T:
    sounddevice = load()
    try:
        return work()
    except sounddevice.PortAudioError as error:
        raise DeviceError(f"the sound system refused: {error}") from error
