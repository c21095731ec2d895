"""A room without a sound card: a private PulseAudio server with two null sinks.

    Mouth ──► sink `mouth` ──► its monitor, remapped as source `mic` ──► the daemon's microphone
    Walls ──► (as they reflect it, if a test puts some up)
    Ear   ◄── monitor of sink `ear` ◄────────────────────────────────── the daemon's loudspeaker

Used by the real-audio tests and by the bench. Sound goes in and out through libpulse-simple, whose
latency report makes it possible to say when a sample is audible, to a few milliseconds. Both monitors
are recorded all the time, in fragments of 5 ms: a null sink that nobody listens to closely falls
asleep, to two seconds of latency.

Between the daemon's loudspeaker and the ear nothing is converted (48 kHz, mono, 16 bits, full volume),
so that what is heard can be compared with what was played bit for bit.

Times are seconds of `time.perf_counter`, which all processes of a machine share.
"""

import ctypes
import ctypes.util
import math
import os
import queue
import shutil
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, Literal, Protocol, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

RATE_HZ: Final = 48_000
_FRAGMENT_MS: Final = 5
_FRAGMENT: Final = RATE_HZ * _FRAGMENT_MS // 1000  # samples
_STARTS_WITHIN_S: Final = 10.0
_ANSWERS_WITHIN_S: Final = 5.0
_KEPT_S: Final = 180  # what an Ear remembers
_ORPHANED_S: Final = 60  # a server without clients ends by itself, should nobody be left to end it
_PULSE_PLUGIN: Final = "*/alsa-lib/libasound_module_pcm_pulse.so"

_MOUTHFUL_MS: Final = 40  # enough for a busy machine to lose nothing of what is said
_AWAKE_S: Final = 0.1  # the latency of a sink that is closely listened to is far below

Samples: TypeAlias = npt.NDArray[np.int16]


class RigError(Exception):
    """The rig can't be built or broke; the text says what to install or to look at."""


@attrs.define(eq=False)
class Room:
    """The rig in one piece."""

    environ: Mapping[str, str]  # leads every program to the room's sound server
    mouth: "Mouth"
    ear: "Ear"


@contextmanager
def room(folder: Path) -> Iterator[Room]:
    """Build the rig in *folder*; everything ends with the context.

    Until then the environment of this process, too, leads to the room. PortAudio reads it when it
    is loaded: whoever has loaded it before has to start it anew.
    """
    with ExitStack() as stack:
        environ = stack.enter_context(pulse_server(folder))
        stack.enter_context(_in_environment(environ))
        server = environ["PULSE_SERVER"]

        def stream(direction: Direction, device: str, buffer_ms: int) -> PulseStream:
            return stack.enter_context(PulseStream(direction, device, buffer_ms, server))

        ear = Ear(stream("record", "ear.monitor", _FRAGMENT_MS))
        keeps_awake = Ear(stream("record", "mouth.monitor", _FRAGMENT_MS))
        mouth = Mouth(stream("play", "mouth", _MOUTHFUL_MS))
        for each in (ear, keeps_awake, mouth):
            stack.enter_context(_living(each))
        for sink in ("ear", "mouth"):
            _await_awake(sink, server)
        yield Room(environ, mouth, ear)


# --- the server -----------------------------------------------------------------------------------


def missing_packages() -> list[str]:
    """What has to be installed before a room can be built, as Debian names it."""
    there = {
        "pulseaudio": shutil.which("pulseaudio"),
        "pulseaudio-utils": shutil.which("pactl"),
        "libpulse0": ctypes.util.find_library("pulse-simple"),
        "libportaudio2": ctypes.util.find_library("portaudio"),
        "libasound2-plugins": [*Path("/usr/lib").glob(_PULSE_PLUGIN)],
    }
    return [package for package, found in there.items() if not found]


@contextmanager
def pulse_server(folder: Path) -> Iterator[Mapping[str, str]]:
    """Run a PulseAudio server of our own in *folder*; give the environment that leads to it.

    It has no configuration, no hardware and no way in but its socket; no other server is touched.
    """
    if packages := missing_packages():
        raise RigError(f"a room needs packages that are missing: apt install {' '.join(packages)}")
    runtime, home = folder / "run", folder / "home"
    for each in (runtime, home):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    socket, log = runtime / "native", folder / "pulse.log"
    environ = {
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(runtime),
        "PULSE_RUNTIME_PATH": str(runtime),
        "PULSE_SERVER": f"unix:{socket}",
    }
    sink = f"rate={RATE_HZ} channels=1 format=s16le"
    script = folder / "room.pa"
    script.write_text(  # nobody comes in before all is in place: whoever waits for a server is quick
        f"""
load-module module-null-sink sink_name=mouth {sink}
load-module module-null-sink sink_name=ear {sink}
load-module module-remap-source source_name=mic master=mouth.monitor
set-default-sink ear
set-default-source mic
load-module module-native-protocol-unix socket={socket} auth-anonymous=1
"""
    )
    command = [
        *("pulseaudio", "-n", "--daemonize=no", "--use-pid-file=no", "--realtime=no"),
        *("--high-priority=no", f"--exit-idle-time={_ORPHANED_S}", f"--log-target=file:{log}"),
        *("--file", str(script)),
    ]
    full = {**os.environ, **environ}
    silent = subprocess.DEVNULL
    with subprocess.Popen(command, env=full, stdout=silent, stderr=silent) as server:
        try:
            _await(server, full, log)
            yield environ
        finally:
            server.kill()


def _await(server: "subprocess.Popen[bytes]", environ: dict[str, str], log: Path) -> None:
    deadline = time.perf_counter() + _STARTS_WITHIN_S
    while _fails(["pactl", "info"], environ):
        if server.poll() is not None or time.perf_counter() > deadline:
            said = log.read_text()[-2000:] if log.exists() else "nothing"
            raise RigError(f"PulseAudio did not start; its log ends with:\n{said}")
        time.sleep(0.02)


def _fails(command: list[str], environ: dict[str, str]) -> bool:
    return bool(subprocess.run(command, env=environ, capture_output=True, check=False).returncode)


def _await_awake(sink: str, server: str) -> None:
    """Wait until the sink is as quick as its listeners want it; at first it sleeps for two seconds."""
    deadline = time.perf_counter() + _STARTS_WITHIN_S
    with PulseStream("play", sink, _MOUTHFUL_MS, server) as probe:
        probe.write(bytes(4 * _FRAGMENT * _MOUTHFUL_MS // _FRAGMENT_MS))
        while probe.latency_s() > _AWAKE_S:
            if time.perf_counter() > deadline:
                raise RigError(f"the sink {sink} does not wake up")
            probe.write(bytes(2 * _FRAGMENT))


@contextmanager
def _in_environment(environ: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in environ}
    os.environ.update(environ)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


# --- libpulse-simple ------------------------------------------------------------------------------

Direction: TypeAlias = Literal["play", "record"]

_DIRECTIONS: Final[Mapping[Direction, int]] = {"play": 1, "record": 2}
_S16LE: Final = 3
_DEFAULT: Final = 0xFFFFFFFF


class _SampleSpec(ctypes.Structure):
    _fields_ = (
        ("format", ctypes.c_int),
        ("rate", ctypes.c_uint32),
        ("channels", ctypes.c_uint8),
    )


class _BufferAttr(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint32) for name in ("maxlength", "tlength", "prebuf", "minreq", "fragsize")
    )


def _libpulse() -> Any:
    """The library, with what its functions take and give."""
    pulse = ctypes.CDLL("libpulse-simple.so.0")
    text, stream, error = ctypes.c_char_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_int)
    spec, attr = ctypes.POINTER(_SampleSpec), ctypes.POINTER(_BufferAttr)
    pulse.pa_simple_new.argtypes = (
        *(text, text, ctypes.c_int, text, text),
        *(spec, ctypes.c_void_p, attr, error),
    )
    pulse.pa_simple_new.restype = stream
    pulse.pa_simple_write.argtypes = (stream, ctypes.c_char_p, ctypes.c_size_t, error)
    pulse.pa_simple_read.argtypes = (stream, ctypes.c_void_p, ctypes.c_size_t, error)
    pulse.pa_simple_get_latency.argtypes = (stream, error)
    pulse.pa_simple_get_latency.restype = ctypes.c_uint64
    pulse.pa_simple_free.argtypes = (stream,)
    pulse.pa_simple_free.restype = None
    return pulse


class PulseStream:
    """Mono PCM16 at 48 kHz to or from one device, blocking, with small buffers. A context."""

    def __init__(self, direction: Direction, device: str, buffer_ms: int, server: str) -> None:
        self._pulse = _libpulse()
        self._error = ctypes.c_int()
        size = RATE_HZ * buffer_ms // 1000 * 2
        self._stream = self._pulse.pa_simple_new(
            server.encode(),
            b"rig",
            _DIRECTIONS[direction],
            device.encode(),
            direction.encode(),
            ctypes.byref(_SampleSpec(_S16LE, RATE_HZ, 1)),
            None,
            ctypes.byref(_BufferAttr(_DEFAULT, size, _DEFAULT, _DEFAULT, size)),
            ctypes.byref(self._error),
        )
        if not self._stream:
            raise RigError(f"no stream to {device}: {self._reason()}")

    def write(self, pcm: bytes) -> None:
        """Write, waiting for room: real time."""
        self._check(self._pulse.pa_simple_write(self._stream, pcm, len(pcm), self._error))

    def read(self, size: int) -> bytes:
        """Read *size* bytes, waiting for them."""
        buffer = ctypes.create_string_buffer(size)
        self._check(self._pulse.pa_simple_read(self._stream, buffer, size, self._error))
        return buffer.raw

    def latency_s(self) -> float:
        """How long what is written now takes until it sounds."""
        latency: int = self._pulse.pa_simple_get_latency(self._stream, self._error)
        self._check(-1 if latency == ctypes.c_uint64(-1).value else 0)
        return latency / 1e6

    def close(self) -> None:
        """Give it back; doing so again changes nothing."""
        stream, self._stream = self._stream, None
        if stream:
            self._pulse.pa_simple_free(stream)

    def __enter__(self) -> "PulseStream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check(self, result: int) -> None:
        if result < 0:
            raise RigError(f"PulseAudio: {self._reason()}: is the server still there?")

    def _reason(self) -> str:
        pulse = ctypes.CDLL("libpulse.so.0")
        pulse.pa_strerror.restype = ctypes.c_char_p
        reason: bytes = pulse.pa_strerror(self._error)
        return reason.decode()


# --- who lives in the room ------------------------------------------------------------------------


class _Inhabitant(Protocol):
    """Whoever does one thing over and over, in real time, on a thread of its own."""

    trouble: RigError | None

    def step(self) -> None:
        """Do it once, waiting for the server."""


@contextmanager
def _living(inhabitant: _Inhabitant) -> Iterator[None]:
    over = threading.Event()

    def live() -> None:
        try:
            while not over.is_set():
                inhabitant.step()
        except RigError as trouble:
            inhabitant.trouble = trouble  # told to whoever asks next

    thread = threading.Thread(target=live, name=type(inhabitant).__name__, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(_ANSWERS_WITHIN_S)


@attrs.define(eq=False)
class Mouth:
    """Speaks into the microphone: silence, and in it what it is given."""

    _stream: PulseStream
    _said: "queue.SimpleQueue[tuple[Samples, queue.SimpleQueue[float]]]" = attrs.field(
        factory=queue.SimpleQueue, init=False
    )
    trouble: RigError | None = attrs.field(default=None, init=False)

    def say(self, samples: Samples) -> float:
        """Speak mono PCM16 at 48 kHz, after what was said before; return when it begins to sound."""
        if self.trouble:
            raise self.trouble
        audible: queue.SimpleQueue[float] = queue.SimpleQueue()
        self._said.put((samples, audible))
        patience_s = _ANSWERS_WITHIN_S + self._said.qsize() * samples.size / RATE_HZ
        try:
            return audible.get(timeout=patience_s)
        except queue.Empty:
            raise self.trouble or RigError("the mouth is stuck") from None

    def step(self) -> None:
        """Say what is waiting, or 5 ms of nothing."""
        try:
            samples, audible = self._said.get_nowait()
        except queue.Empty:
            self._stream.write(bytes(2 * _FRAGMENT))
            return
        audible.put(time.perf_counter() + self._stream.latency_s())
        whole = np.pad(samples, (0, -samples.size % _FRAGMENT))
        for at in range(0, whole.size, _FRAGMENT):
            self._stream.write(whole[at : at + _FRAGMENT].tobytes())


_CLOCK_FRAGMENTS: Final = 50  # on either side: a quarter of a second


@attrs.frozen(eq=False)
class Recording:
    """What an `Ear` heard for a while, without a gap, and when each sample of it sounded.

    Fragments arrive every 5 ms, give or take 0.1 ms, but up to tens of ms late where the machine is
    busy. The sink's own clock does not stumble, so a sample is dated by the median of the fragments
    around it, and not by the one that brought it.
    """

    samples: Samples
    _began_s: npt.NDArray[np.float64]  # when the first sample sounded, by each fragment's arrival

    def time_s(self, index: int) -> float:
        """When a sample sounded."""
        fragment = index // _FRAGMENT
        around = self._began_s[
            max(0, fragment - _CLOCK_FRAGMENTS) : fragment + _CLOCK_FRAGMENTS + 1
        ]
        return float(np.median(around)) + index / RATE_HZ


@attrs.define(eq=False)
class Ear:
    """Hears all that sounds, and knows when."""

    _stream: PulseStream
    _fragments: deque[tuple[float, Samples]] = attrs.field(
        factory=lambda: deque(maxlen=_KEPT_S * 1000 // _FRAGMENT_MS), init=False
    )
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)
    trouble: RigError | None = attrs.field(default=None, init=False)

    def heard(self, since_s: float = 0.0) -> Samples:
        """All samples (48 kHz) whose fragments arrived after *since_s*: without a gap, in order."""
        return np.concatenate([np.empty(0, np.int16), *(s for _, s in self._since(since_s))])

    def recording(self, since_s: float, until_s: float = math.inf) -> Recording:
        """All fragments that arrived between the two."""
        fragments = [each for each in self._since(since_s) if each[0] <= until_s]
        arrived = np.array([at for at, _ in fragments])
        ends = np.arange(1, len(fragments) + 1) * _FRAGMENT / RATE_HZ
        return Recording(
            np.concatenate([np.empty(0, np.int16), *(samples for _, samples in fragments)]),
            arrived - ends,
        )

    def first_loud(self, since_s: float, threshold: int = 500) -> float | None:
        """When the first loud sample after *since_s* arrived here."""
        for at, samples in self._since(since_s):
            loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > threshold)
            if loud.size:
                return at - (samples.size - int(loud[0])) / RATE_HZ
        return None

    def last_loud(
        self, since_s: float, *, before_s: float = math.inf, threshold: int = 500
    ) -> float | None:
        """When the last loud sample after *since_s* (and before *before_s*) arrived here."""
        for at, samples in reversed(self._since(since_s)):
            if at >= before_s:
                continue
            loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > threshold)
            if loud.size:
                return at - (samples.size - 1 - int(loud[-1])) / RATE_HZ
        return None

    def step(self) -> None:
        """Hear the next 5 ms."""
        samples = np.frombuffer(self._stream.read(2 * _FRAGMENT), "<i2")
        with self._lock:
            self._fragments.append((time.perf_counter(), samples))

    def _since(self, since_s: float) -> list[tuple[float, Samples]]:
        if self.trouble:
            raise self.trouble
        with self._lock:
            return [fragment for fragment in self._fragments if fragment[0] > since_s]


_WALL_MS: Final = 20  # taken and given back at once


@attrs.define(eq=False)
class Walls:
    """Give what the loudspeaker plays back to the microphone, through an impulse response at 48 kHz."""

    _heard: PulseStream
    _given: PulseStream
    _response: npt.NDArray[np.float64]
    trouble: RigError | None = attrs.field(default=None, init=False)
    _tail: npt.NDArray[np.float64] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._tail = np.zeros(self._response.size - 1)

    def step(self) -> None:
        """Reflect the next 20 ms."""
        size = RATE_HZ * _WALL_MS // 1000
        sound = np.frombuffer(self._heard.read(2 * size), "<i2").astype(np.float64)
        length = size + self._response.size - 1
        transform = 1 << length.bit_length()
        spectrum = np.fft.rfft(sound, transform) * np.fft.rfft(self._response, transform)
        reflected = np.fft.irfft(spectrum, transform)[:length]
        reflected[: self._tail.size] += self._tail
        self._tail = reflected[size:]
        self._given.write(np.rint(np.clip(reflected[:size], -32768, 32767)).astype("<i2").tobytes())


@contextmanager
def walls(room: Room, response: npt.NDArray[np.float64]) -> Iterator[None]:
    """Make the microphone hear the loudspeaker, some 40 to 80 ms later, through *response*."""
    server = room.environ["PULSE_SERVER"]
    with (
        PulseStream("record", "ear.monitor", _WALL_MS, server) as heard,
        PulseStream("play", "mouth", _MOUTHFUL_MS, server) as given,
        _living(Walls(heard, given, response)),
    ):
        yield
