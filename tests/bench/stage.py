"""A daemon and a server that talk with each other in a room, and what a turn of theirs looks like.

Nothing is measured here: this is what all measurements stand on.
"""

import queue
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias

import attrs
import numpy as np
import soxr

from tests.bench.pilot import Reference, Traced, pilot
from tests.bench.process import ROOT, Child, Told, child
from tests.rig import RATE_HZ, Recording, Room, Samples
from voiced.local.speech import Timbre, find_voice, read_wav

Series: TypeAlias = dict[str, list[float]]
Facts: TypeAlias = dict[str, float]

SPOKEN_MS: Final = 600
QUICK_TURNS: Final = "[turns]\nsilence_duration_ms = 200\n"  # what ends a turn; for many of them
_TURN_WITHIN_S: Final = 20.0


class CannotMeasureError(Exception):
    """This can't be measured here and now; the text says why. The next row can be."""


@attrs.define(eq=False)
class Stage:
    """A server and a daemon that talks with it, in a room."""

    room: Room
    server: Child
    daemon: Child
    answer_ms: int

    @property
    def reference(self) -> Reference:
        """What an answer sounds like when all of it is heard."""
        return _reference(self.answer_ms)

    def heard_of(self, turn: "Turn", until_s: float) -> "HeardOf":
        """What came out of the loudspeaker between a turn's first delta and *until_s*."""
        recording = self.room.ear.recording(turn.first_delta, until_s)
        return HeardOf(recording, self.reference.trace(recording.samples))


@attrs.frozen
class HeardOf:
    """What was heard of one answer."""

    recording: Recording
    traced: Traced | None  # None: nothing

    @property
    def first_s(self) -> float | None:
        """When the first sample of it sounded."""
        return None if self.traced is None else self.recording.time_s(self.traced.first)

    @property
    def last_s(self) -> float | None:
        """When the last one did."""
        return None if self.traced is None else self.recording.time_s(self.traced.last)


@attrs.frozen
class Turn:
    """One turn of the user's and the beginning of the answer to it; times in seconds."""

    spoke_at: float  # when it began to sound, or when the server was told to imagine it
    onset: float | None  # when its first loud sample arrived at the server
    started: float  # speech_started sent
    first_delta: float
    item_id: str  # of the answer
    told: tuple[Told, ...]  # all that passed since it was spoken

    def truncated_ms(self, item_id: str) -> int | None:
        """Where that item was truncated, if it was."""
        for each in self.told:
            if each["what"] == "truncate" and each["item"] == item_id:
                return int(each["ms"])
        return None

    def deleted(self, item_id: str) -> bool:
        """Whether that item was deleted."""
        return any(each["what"] == "delete" and each["item"] == item_id for each in self.told)

    @property
    def errors(self) -> list[str]:
        """What the server refused."""
        return [each["message"] for each in self.told if each["what"] == "error"]


@contextmanager
def server_in(
    room: Room,
    answer_ms: int,
    settings: Sequence[str] = (),
    hears: Sequence[str] = (),
    book: Path | None = None,
) -> Iterator[tuple[Child, str]]:
    """Run the bench's server, which writes appends down in *book*; give it and its address."""
    arguments = ["-m", "tests.bench.server", str(answer_ms), *settings, "--hears", *hears]
    if book is not None:
        arguments += ["--book", str(book)]
    with child(arguments, room.environ) as server:
        yield server, address(server.until("said")["text"])


def address(port: str | int) -> str:
    """Where a service of this machine is found."""
    return f"ws://127.0.0.1:{port}/v1/realtime"


@contextmanager
def daemon_in(room: Room, config: Path, options: Sequence[str] = ()) -> Iterator[Child]:
    """Run a daemon; its log lies beside its configuration."""
    arguments = ["-m", "voiced", "run", "--config", str(config), *options]
    environ = {**room.environ, "RUNTIME_DIRECTORY": str(config.parent)}  # of this daemon alone
    with child(arguments, environ, config.with_suffix(".log")) as daemon:
        yield daemon


@contextmanager
def stage(
    room: Room,
    answer_ms: int,
    settings: Sequence[str] = (),
    toml: str = "",
    hears: Sequence[str] = (),
) -> Iterator[Stage]:
    """Run server and daemon until the first append has arrived.

    Raises:
        CannotMeasureError: this voiced knows no such settings, or does not start.
    """
    with ExitStack() as stack:
        server, url = stack.enter_context(server_in(room, answer_ms, settings, hears))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        config = folder / "voiced.toml"
        configure(config, url, toml)
        daemon = stack.enter_context(daemon_in(room, config))
        try:
            server.until("first append")
        except queue.Empty:
            log = config.with_suffix(".log").read_text()[-500:]
            raise CannotMeasureError(f"voiced sends nothing; its log ends with: {log}") from None
        time.sleep(0.5)
        yield Stage(room, server, daemon, answer_ms)


def configure(config: Path, url: str, toml: str = "", realtime: str = "") -> None:
    """Write a configuration; *realtime* is what else belongs to that section. Without a section [echo] in
    *toml* there is no echo handling: no loudspeaker is heard here, and its cost has rows of its own.

    Raises:
        CannotMeasureError: this voiced does not know all of it.
    """
    here = f'[realtime]\nurl = "{url}"\n{realtime}[devices]\ndead_mic_s = 0\n'
    usual = {"[echo]": 'mode = "off"', "[capture]": 'device = "pulse"'}
    rest = "".join(f"{name}\n{line}\n" for name, line in usual.items() if name not in toml)
    config.write_text(here + rest + toml)
    command = [sys.executable, "-m", "voiced", "config", "check", "--config", str(config)]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if checked.returncode:
        said = " ".join((checked.stdout + checked.stderr).split())
        mistakes = said.partition(f"{config}: ")[2] or said
        raise CannotMeasureError(f"this voiced does not know these settings: {mistakes}")


# --- turns ----------------------------------------------------------------------------------------


def speak(scene: Stage, sound: Samples | None = None, within_s: float = _TURN_WITHIN_S) -> Turn:
    """Speak into the microphone, until an answer begins.

    Raises:
        CannotMeasureError: none does, or somebody else's.
    """
    scene.server.forget()
    spoke_at = scene.room.mouth.say(voice(SPOKEN_MS) if sound is None else sound)
    return _follow(scene, spoke_at, within_s)


def imagine(scene: Stage) -> Turn:
    """Let the server hear speech where there is none, until an answer begins."""
    scene.server.forget()
    spoke_at = time.perf_counter()
    scene.server.order("speech")
    return _follow(scene, spoke_at, _TURN_WITHIN_S)


def _follow(scene: Stage, spoke_at: float, within_s: float) -> Turn:
    told: list[Told] = []
    ends = time.perf_counter() + within_s
    while not told or told[-1]["what"] != "first delta":
        try:
            told.append(scene.server.told.get(timeout=max(0.01, ends - time.perf_counter())))
        except queue.Empty:
            passed = ", ".join(each["what"] for each in told) or "nothing"
            raise CannotMeasureError(f"no answer came after a turn; there was: {passed}") from None
    first = {each["what"]: each for each in reversed(told)}
    onset = first["onset"]["at"] if "onset" in first else None
    delta = told[-1]
    if "speech started" not in first:
        raise CannotMeasureError("an answer came though nobody had spoken")
    return Turn(
        spoke_at, onset, first["speech started"]["at"], delta["at"], delta["item"], tuple(told)
    )


# --- sounds ---------------------------------------------------------------------------------------


def voice(ms: int) -> Samples:
    """What the user says: loud from its first sample on, at 48 kHz."""
    time_s = np.arange(RATE_HZ * ms // 1000) / RATE_HZ
    sound: Samples = np.rint(12_000 * np.cos(2 * np.pi * 300 * time_s)).astype(np.int16)
    return sound


@cache
def words(text: str) -> Samples:
    """The same in words, by the program that the embedded server speaks with, from its first sound on."""
    command = find_voice(Timbre.USER).command(text, 1.0)
    rate_hz, pcm = read_wav(subprocess.run(command, capture_output=True, check=True).stdout)
    sound = soxr.resample(np.frombuffer(pcm, "<i2").astype(np.float64), rate_hz, RATE_HZ)
    loud = np.flatnonzero(np.abs(sound) > 500)
    spoken: Samples = np.clip(np.rint(sound[loud[0] :]), -32768, 32767).astype(np.int16)
    return spoken


@cache
def cough(ms: int = 200, dbfs: float = -20.0) -> Samples:
    """A burst of noise below 4 kHz of that RMS level, at 48 kHz: loud at once, gone at once."""
    noise = np.random.default_rng(3).standard_normal(RATE_HZ * ms // 1000)
    spectrum = np.fft.rfft(noise)
    spectrum[np.fft.rfftfreq(noise.size, 1 / RATE_HZ) > 4000] = 0
    shaped = np.fft.irfft(spectrum, noise.size)
    level = 32768 * 10 ** (dbfs / 20) / shaped.std()
    burst: Samples = np.clip(np.rint(level * shaped), -32768, 32767).astype(np.int16)
    return burst


@cache
def _reference(ms: int) -> Reference:
    return Reference(pilot(ms))
