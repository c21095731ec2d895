"""What it costs: processor, memory, threads; in a moment and over a long conversation."""

import statistics
import time
from collections import defaultdict

from tests.bench.process import child
from tests.bench.stage import Facts, Series, speak, stage
from tests.rig import Room


def cost(room: Room, seconds: float, rounds: int) -> tuple[Series, Facts]:
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
            speak(scene)
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


def talking(room: Room, seconds: float, rounds: int, toml: str) -> Series:
    """CPU of a conversation under other settings."""
    series: Series = defaultdict(list)
    for _ in range(rounds):
        with stage(room, round(1000 * (seconds + 5)), ["burst_factor=1.2"], toml) as scene:
            speak(scene)
            time.sleep(1)
            share = scene.daemon.cpu_share(seconds)
        series["in conversation, % of a core"].append(share)
        series["in conversation, CPU s per minute"].append(0.6 * share)
    return series


def cancelling(room: Room, seconds: float, rounds: int) -> Series:
    """What the echo canceller adds in the daemon, against the same without, alternating."""
    series: Series = defaultdict(list)
    settings = ["burst_factor=1.2"]
    for _ in range(rounds):
        shares: dict[str, list[float]] = {}
        for mode in ("off", "webrtc"):
            toml = f'[echo]\nmode = "{mode}"\n'
            with stage(room, round(1000 * (seconds + 5)), settings, toml) as scene:
                time.sleep(1)
                listening = scene.daemon.cpu_share(seconds)
                speak(scene)
                time.sleep(1)
                shares[mode] = [listening, scene.daemon.cpu_share(seconds), scene.daemon.pss_mb()]
        names = ("listening, % of a core", "in conversation, % of a core", "memory, PSS MB")
        for name, without, with_it in zip(names, *shares.values(), strict=True):
            series[f"the canceller adds: {name}"].append(with_it - without)
    return series


def endurance(room: Room, minutes: float) -> Facts:
    """Memory over a long conversation: a turn every few seconds."""
    samples = []
    with stage(room, 3000) as scene:
        ends = time.perf_counter() + 60 * minutes
        while time.perf_counter() < ends:
            speak(scene)
            time.sleep(2)
            samples.append(scene.daemon.pss_mb())
    fifth = max(1, len(samples) // 5)
    return {
        "turns": len(samples),
        "PSS in the first fifth, MB": statistics.median(samples[:fifth]),
        "PSS in the last fifth, MB": statistics.median(samples[-fifth:]),
        "peak PSS, MB": max(samples),
    }
