"""What is measured, one function each. Each gives named series of numbers, or facts."""

import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import attrs
import numpy as np
import soxr

from tests.bench.pilot import RATE_HZ, compare, pilot
from tests.bench.process import ROOT, Child, Told, child
from tests.rig import RATE_HZ as RIG_RATE_HZ
from tests.rig import Room, Samples

Series = dict[str, list[float]]

_SPOKEN_MS: Final = 600
_CHANCE: Final = random.Random(11)


@attrs.define(eq=False)
class Stage:
    """A server and a daemon that talks with it, in a room."""

    room: Room
    server: Child
    daemon: Child
    config: Path


@contextmanager
def server_in(
    room: Room, answer_ms: int, settings: Sequence[str] = ()
) -> Iterator[tuple[Child, str]]:
    """Run the bench's server; give it and its address."""
    with child(["-m", "tests.bench.server", str(answer_ms), *settings], room.environ) as server:
        port = server.until("said")["text"]
        yield server, f"ws://127.0.0.1:{port}/v1/realtime"


@contextmanager
def stage(
    room: Room, answer_ms: int, settings: Sequence[str] = (), toml: str = ""
) -> Iterator[Stage]:
    """Run server and daemon until the first append has arrived."""
    with ExitStack() as stack:
        server, url = stack.enter_context(server_in(room, answer_ms, settings))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        config = folder / "voiced.toml"
        config.write_text(f'[realtime]\nurl = "{url}"\n[capture]\ndevice = "pulse"\n{toml}')
        daemon = stack.enter_context(_daemon(room, config))
        server.until("first append")
        time.sleep(0.5)
        yield Stage(room, server, daemon, config)


@contextmanager
def _daemon(room: Room, config: Path) -> Iterator[Child]:
    with child(["-m", "voiced", "run", "--config", str(config)], room.environ) as daemon:
        yield daemon


def voice(ms: int) -> Samples:
    """What the user says: loud from its first sample on, at 48 kHz."""
    time_s = np.arange(RIG_RATE_HZ * ms // 1000) / RIG_RATE_HZ
    sound: Samples = np.rint(12_000 * np.cos(2 * np.pi * 300 * time_s)).astype(np.int16)
    return sound


def start(room: Room, runs: int) -> Series:
    """Process start to the arrival of the first append, against a server that is ready."""
    times = []
    with server_in(room, 1000) as (server, url), tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "voiced.toml"
        config.write_text(f'[realtime]\nurl = "{url}"\n')
        for _ in range(runs):
            began = time.perf_counter()
            with _daemon(room, config):
                times.append(1000 * (server.until("first append")["at"] - began))
    return {"process start -> first append, ms": times}


def latency(room: Room, runs: int, toml: str = "") -> Series:
    """A user who speaks, listens for a while, and speaks over the answer, again and again."""
    series: Series = defaultdict(list)
    with stage(room, 30_000, toml=toml) as scene:
        answer = _converse(scene)
        for _ in range(runs):
            time.sleep(_CHANCE.uniform(1.0, 1.6))  # any phase of block and frame
            first_sound = _need(room.ear.first_loud(answer.first_delta))
            series["first delta -> first sound, ms"].append(
                1000 * (first_sound - answer.first_delta)
            )
            interrupted, answer = answer, _converse(scene)
            silent = _need(room.ear.last_loud(interrupted.first_delta, before_s=answer.first_delta))
            series["mouth -> wire, ms"].append(1000 * (answer.onset - answer.spoke_at))
            series["speech_started -> silence, ms"].append(1000 * (silent - answer.started))
            series["audio_end_ms - last audible, ms"].append(
                answer.heard_ms - 1000 * (silent - first_sound)
            )
    return series


@attrs.frozen
class _Turn:
    """One utterance and the beginning of its answer; times in seconds."""

    spoke_at: float
    onset: float
    started: float
    first_delta: float
    heard_ms: int  # of the answer that it interrupted; 0 if it interrupted none


def _converse(scene: Stage) -> _Turn:
    """Speak, until the answer begins."""
    scene.server.forget()
    spoke_at = scene.room.mouth.say(voice(_SPOKEN_MS))
    told: dict[str, Told] = {}
    while "first delta" not in told:
        each = scene.server.told.get(timeout=20)
        told.setdefault(each["what"], each)
    return _Turn(
        spoke_at,
        told["onset"]["at"],
        told["speech started"]["at"],
        told["first delta"]["at"],
        told["truncate"]["ms"] if "truncate" in told else 0,
    )


def fidelity(room: Room, seconds: int, settings: Sequence[str], toml: str = "") -> dict[str, float]:
    """One long answer, held against what was sent."""
    with stage(room, seconds * 1000, settings, toml) as scene:
        room.mouth.say(voice(_SPOKEN_MS))
        began = scene.server.until("first delta")["at"]
        time.sleep(seconds + 1.5)
        while (last := room.ear.last_loud(began)) and time.perf_counter() - last < 1.0:
            time.sleep(0.5)
        recorded = room.ear.heard(began)
    floats = soxr.resample(recorded.astype(np.float32), RIG_RATE_HZ, RATE_HZ)
    found = compare(floats, pilot(seconds * 1000))
    return {
        "heard ms": found.heard_ms,
        "gaps": found.gaps,
        "gap ms": found.gap_ms,
        "jumps": found.jumps,
    }


def cost(room: Room, seconds: float, rounds: int) -> tuple[Series, dict[str, float]]:
    """CPU of the daemon against bare streams, alternating; memory and threads on the way."""
    series: Series = defaultdict(list)
    peak_pss, peak_threads = 0.0, 0
    for _ in range(rounds):
        with child(["-m", "tests.bench.bare"], room.environ) as bare:
            bare.until("running")
            time.sleep(1)
            series["bare streams, % of a core"].append(bare.cpu_share(seconds))
        with stage(room, round(1000 * (seconds + 5)), ["burst_factor=1.2"]) as scene:
            time.sleep(1)
            series["listening, % of a core"].append(scene.daemon.cpu_share(seconds))
            room.mouth.say(voice(_SPOKEN_MS))
            scene.server.until("first delta")
            time.sleep(1)
            series["in conversation, % of a core"].append(scene.daemon.cpu_share(seconds))
            peak_pss = max(peak_pss, scene.daemon.pss_mb())
            peak_threads = max(peak_threads, scene.daemon.threads())
        series["listening / bare"].append(
            series["listening, % of a core"][-1] / series["bare streams, % of a core"][-1]
        )
        series["in conversation / bare"].append(
            series["in conversation, % of a core"][-1] / series["bare streams, % of a core"][-1]
        )
    for kind in ("listening", "in conversation"):
        shares = series[f"{kind}, % of a core"]
        series[f"{kind}, CPU s per minute"] = [0.6 * share for share in shares]
    return series, {"peak PSS, MB": peak_pss, "peak threads": peak_threads}


def endurance(room: Room, minutes: float) -> dict[str, float]:
    """Memory over a long conversation: a turn every few seconds."""
    samples = []
    with stage(room, 3000) as scene:
        ends = time.perf_counter() + 60 * minutes
        while time.perf_counter() < ends:
            room.mouth.say(voice(_SPOKEN_MS))
            scene.server.until("first delta")
            time.sleep(2)
            samples.append(scene.daemon.pss_mb())
            scene.server.forget()
    fifth = max(1, len(samples) // 5)
    return {
        "turns": len(samples),
        "PSS in the first fifth, MB": statistics.median(samples[:fifth]),
        "PSS in the last fifth, MB": statistics.median(samples[-fifth:]),
        "peak PSS, MB": max(samples),
    }


def size() -> dict[str, float]:
    """What `pip install .` brings, without any extra; pip itself not counted."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = Path(folder) / "bin" / "python"
        quiet: list[str | Path] = [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            str(ROOT),
        ]
        subprocess.run(quiet, check=True, stderr=subprocess.DEVNULL)
        site = next((Path(folder) / "lib").glob("python3*/site-packages"))
        own = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "distutils-precedence.pth")
        for each in site.iterdir():
            if each.name.startswith(own):
                subprocess.run(["rm", "-r", each], check=True)
        packages = len(list(site.glob("*.dist-info")))
        total = sum(f.stat().st_size for f in site.rglob("*") if f.is_file())
    return {"installed, MB": total / 1e6, "packages, voiced included": packages}


def _need(at: float | None) -> float:
    if at is None:
        raise RuntimeError("nothing was heard at the loudspeaker")
    return at
