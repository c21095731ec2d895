"""Measure, print a table, write JSON.

python -m tests.bench [--quick] [--long MINUTES] [--only NAME ...] [--json FILE]
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench import measures
from tests.bench.measures import Series
from tests.rig import Room, room

_STALLS = ("stall_after_ms=1000", "stall_ms=300", "stall_every_ms=1000")
_JITTER = ("burst_factor=1", "delta_bytes=4800", "delta_jitter_ms=80")
_WIDER = "[playout]\nmin_ms = 200\nmax_ms = 200\n"


def main() -> None:
    options = _options()
    runs = 5 if options.quick else 25
    long_s = 20 if options.quick else 60
    results: dict[str, Any] = {"machine": machine()}
    print("\n".join(f"{name}: {value}" for name, value in results["machine"].items()), flush=True)

    def cost(rig: Room) -> None:
        rounds, seconds = (1, 8.0) if options.quick else (4, 15.0)
        series, facts = measures.cost(rig, seconds, rounds)
        report(series, results)
        tell("resources", facts, results)

    def answers(rig: Room) -> None:
        for name, settings, toml in (
            ("in bursts, 4x real time", (), ""),
            ("in bursts, 300 ms stall after each second", _STALLS, ""),
            ("in real time, each 100 ms up to 80 ms late", _JITTER, ""),
            ("the same with a fixed 200 ms", _JITTER, _WIDER),
        ):
            found = measures.fidelity(rig, long_s, settings, toml)
            tell(f"{long_s} s answer {name}", found, results)

    parts: dict[str, Callable[[Room], None]] = {
        "start": lambda rig: report(measures.start(rig, max(5, runs // 2)), results),
        "latency": lambda rig: report(measures.latency(rig, runs), results),
        "answers": answers,
        "cost": cost,
        "size": lambda _rig: tell("install", measures.size(), results),
    }
    if options.long:
        parts["long"] = lambda rig: tell(
            f"{options.long:g} minutes", measures.endurance(rig, options.long), results
        )
    with tempfile.TemporaryDirectory() as folder, room(Path(folder)) as rig:
        for name in options.only or parts:
            parts[name](rig)
    options.json.write_text(json.dumps(results, indent=1))
    print(f"\n{options.json}")


def report(series: Series, results: dict[str, Any]) -> None:
    """Median and p95 of each series."""
    for name, values in series.items():
        row = {
            "median": round(statistics.median(values), 2),
            "p95": round(float(np.percentile(values, 95)), 2),
            "least": round(min(values), 2),
            "most": round(max(values), 2),
            "runs": len(values),
        }
        results[name] = row
        print(
            f"{name:<36} median {row['median']:8.2f}   p95 {row['p95']:8.2f}   "
            f"{row['least']:.2f} … {row['most']:.2f}   ({row['runs']} runs)",
            flush=True,
        )


def tell(name: str, facts: dict[str, float], results: dict[str, Any]) -> None:
    """Facts in one line."""
    results[name] = {key: round(value, 2) for key, value in facts.items()}
    print(
        f"{name}: " + ", ".join(f"{key} {value:g}" for key, value in results[name].items()),
        flush=True,
    )


def machine() -> dict[str, str]:
    """What was measured on."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    return {
        "machine": f"{os.cpu_count()} x {model}",
        "system": f"{system}, Python {platform.python_version()}",
        "load": f"{os.getloadavg()[0]:.2f} before the first run",
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the runs: to see it work")
    parser.add_argument(
        "--long", type=float, metavar="MINUTES", help="memory over a long conversation"
    )
    parser.add_argument("--only", nargs="+", help="start, latency, answers, cost, size, long")
    parser.add_argument("--json", type=Path, default=Path("bench-results.json"))
    return parser.parse_args(sys.argv[1:])


if __name__ == "__main__":
    main()
