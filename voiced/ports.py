"""The ports: what an actor needs of the world, as Protocols. Edges fill them, tests fake them.

Everything behind a port is opened by entering a context and closed by leaving it; leaving is
bounded in time and quiet when the thing is already dead. Foreign exceptions never come through:
devices raise `DeviceError`, the wire raises `LinkError`, a voice `VoiceError`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date
from typing import NoReturn, Protocol

import trio

from voiced.account.usage import Used
from voiced.audio.format import Frame, Shape
from voiced.control.rights import Right
from voiced.control.rpc import Refusal
from voiced.link.memory import Entry


class OpenDevice(Protocol):
    """A device that is running, whichever it is."""

    @property
    def name(self) -> str:
        """What the system calls it, whatever it was asked for by."""

    async def watch(self) -> NoReturn:
        """Run for ever; `DeviceError` when the device has stopped working, without a word perhaps."""


class OpenMicrophone(OpenDevice, Protocol):
    """A microphone that is running; it works while it gives sound."""

    @property
    def shape(self) -> Shape:
        """Rate and channels of the blocks, as the device really gives them."""

    @property
    def lost_blocks(self) -> int:
        """Blocks overwritten because nobody collected them in time."""

    @property
    def overflows(self) -> int:
        """How often the device itself lost sound: the machine was too busy to take it."""

    async def collect(self) -> Sequence[bytes]:
        """Wait for at least one block of interleaved PCM16, then take all there are."""


class Microphone(Protocol):
    """A microphone that can be opened."""

    def open(self) -> AbstractAsyncContextManager[OpenMicrophone]:
        """Start capturing; `DeviceError` says what there is if it can't."""


class OpenSpeaker(OpenDevice, Protocol):
    """A loudspeaker that is running; it works while it takes samples, silent ones too, or rests.

    Positions are wire samples (24 kHz, mono). Where it stops taking them, `play` and `drain` wait:
    to notice is the work of `watch`.
    """

    @property
    def shape(self) -> Shape:
        """Rate and channels of the device itself."""

    @property
    def latency_s(self) -> float:
        """Seconds from a sample being taken by the device to its being audible."""

    @property
    def end_samples(self) -> int:
        """Where the next sample handed over will stand; falls back only at a flush."""

    @property
    def heard_samples(self) -> int:
        """How far the room has heard: samples taken by the device less its latency."""

    @property
    def waiting_samples(self) -> int:
        """Samples handed over that the device has not taken yet."""

    @property
    def underflows(self) -> int:
        """How often the device itself ran out of sound: the machine was too busy to feed it."""

    @property
    def dry_samples(self) -> int:
        """Silence put in since the last real sample was taken (0 while sound flows)."""

    async def wake(self) -> None:
        """Get ready to play, if resting; `play` does it too, this is for doing it in good time."""

    async def rest(self) -> None:
        """Let the device sleep until it is needed: a stream that runs costs CPU even in silence."""

    async def play(self, pcm: bytes) -> None:
        """Hand sound over, any number of whole samples; waits while enough is under way already."""

    async def drain(self) -> None:
        """Wait until all that was handed over has been heard."""

    def ramp_to(self, gain_db: float) -> None:
        """Be that loud within 30 ms, wherever the sound is on its way; 0 dB is as it was sent."""

    def flush(self) -> int:
        """Cut: a short fade, then silence. Return what will have been heard, in samples."""


class FarEnd(Protocol):
    """What the loudspeaker really plays: after volume, ducking and cuts, silence included."""

    @property
    def lost_blocks(self) -> int:
        """Blocks overwritten because nobody took them in time."""

    def take(self) -> Sequence[tuple[bytes, int, float]]:
        """All blocks that the loudspeaker was given since the last time, none if it rests: mono PCM16, the
        rate, and how many seconds ago that was. It neither waits nor raises.
        """


class Speaker(Protocol):
    """A loudspeaker that can be opened."""

    def open(self) -> AbstractAsyncContextManager[OpenSpeaker]:
        """Start playing (silence at first); `DeviceError` says what there is if it can't."""


class Wire(Protocol):
    """One open socket. It answers the server's pings by itself."""

    async def send(self, text: str) -> None:
        """Send one text frame; `LinkError` if the wire is gone."""

    async def receive(self) -> str | bytes:
        """Wait for one message (bytes: a binary frame); `LinkError` if the wire is gone."""

    async def keep_alive(self) -> None:
        """Ping for ever; `LinkError` as soon as a ping stays unanswered for too long."""


class Dialler(Protocol):
    """Whoever can open a wire to the one server of this daemon."""

    def dial(self, model: str = "") -> AbstractAsyncContextManager[Wire]:
        """Connect, to another than the usual *model* if one is given; `LinkError` or `LinkRefused` if
        that fails, `ConfigError` if a person must mend first what opens it. Leaving closes with 1000.
        """


class Archive(Protocol):
    """Where the conversation's text is kept between two lives. Its calls block, and never raise: they
    say in the log what they could not do.
    """

    def read(self) -> tuple[Entry, ...]:
        """What was kept, if it is fit to be used."""

    def write(self, entries: Sequence[Entry]) -> None:
        """Keep these instead of what was kept before."""

    def remove(self) -> None:
        """Keep nothing."""


class ServiceManager(Protocol):
    """Whoever started us as a service and wants to know how we are. Its calls neither wait nor raise."""

    @property
    def watchdog_s(self) -> float | None:
        """It starts us anew if it has not heard `alive` for so long; None: it does not watch."""

    def ready(self) -> None:
        """We do what we are for, or have taken in new settings."""

    def status(self, sentence: str) -> None:
        """How we are, for people; one line of it is shown."""

    def awake(self) -> None:
        """The event loop turns. Without this, who blocks it is named in the log."""

    def alive(self) -> None:
        """All moves that ought to."""

    def reloading(self) -> None:
        """New settings are being taken in; `ready` ends that."""

    def stopping(self) -> None:
        """We are about to end."""


class Voice(Protocol):
    """Whoever can say a sentence without the service."""

    async def speak(self, sentence: str) -> bytes:
        """Return *sentence* as mono PCM16 at 24 kHz; `VoiceError` if it can't be said."""


class OpenWakeWord(Protocol):
    """A detector that listens."""

    async def listen(self, frames: Sequence[Frame]) -> Sequence[tuple[int, str]]:
        """Listen to what follows on what was given before, off the loop; return each word that was
        recognised, with the number (from 0) of the frame in which it was.
        """


class WakeWord(Protocol):
    """Whoever recognises a few words without the service."""

    def open(self) -> AbstractAsyncContextManager[OpenWakeWord]:
        """Begin with silence. `ConfigError` if a word's model can't be used."""


class Books(Protocol):
    """Where usage is kept between two lives, by one daemon at a time. Its calls block, and never raise:
    they say in the log what they could not do.
    """

    def open(self) -> Mapping[date, Used]:
        """What was kept, if it is fit to be used; from now on only we write."""

    def write(self, days: Mapping[date, Used]) -> None:
        """Keep these instead of what was kept before."""

    def close(self) -> None:
        """Let another one write."""


class MuteKeeper(Protocol):
    """Where it is kept, between two lives of the process, that the room is muted. Its calls block, and
    never raise: they say in the log what they could not do.
    """

    def muted(self) -> bool:
        """Whether somebody wanted not to be heard."""

    def keep(self, *, muted: bool) -> None:
        """Remember how it is now."""


class Caller(Protocol):
    """Somebody at the control socket."""

    @property
    def rights(self) -> frozenset[Right]:
        """What it may do; nothing, if it is a stranger."""

    @property
    def name(self) -> str:
        """Who it is, for the log."""

    async def receive(self) -> bytes | Refusal | None:
        """Wait for one line, without its end. None: it has left. A refusal: what came is no line, and
        nothing that follows can be understood.
        """

    async def send(self, line: bytes) -> bool:
        """Hand over a whole line, waiting for as long as it takes; False if it has left."""


class Entrance(Protocol):
    """Where callers come in."""

    async def serve(self, attend: Callable[[Caller], Awaitable[None]]) -> NoReturn:
        """Let callers in for ever, and *attend* to each, in a task of its own, until that returns.
        `ConfigError` if there can be no such entrance.
        """


class MetricsServer(Protocol):
    """Where monitoring comes to read."""

    @property
    def answered(self) -> Mapping[int, int]:
        """How many requests were answered with which HTTP status."""

    async def serve(
        self,
        page: Callable[[], bytes],
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Give *page* to whoever asks, for ever; report when that is possible. `ConfigError` if it can't
        be: the address is taken, or not ours.
        """


class MetricsFile(Protocol):
    """Where monitoring looks for a file. Its calls block."""

    def open(self, text: bytes) -> None:
        """Write for the first time; `ConfigError` if that can't be done."""

    def write(self, text: bytes) -> None:
        """Put *text* in the file's place. It never raises: it says in the log what it could not do."""

    def close(self) -> None:
        """Leave nothing behind that would look like a daemon that lives. It never raises."""
