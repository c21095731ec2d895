"""Measure, print a table, write JSON.

python -m tests.bench [--quick] [--long MINUTES] [--stall-minutes MINUTES] [--only PART ...] [--json FILE]
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from tests.bench.parts import FULL, QUICK, Measured, parts
from tests.bench.stage import CannotMeasureError
from tests.rig import room


def main() -> None:
    options = _options()
    runs = QUICK if options.quick else FULL
    if options.stall_minutes is not None:
        runs = attrs.evolve(runs, stall_minutes=options.stall_minutes)
    table = parts(runs, options.long)
    unknown = set(options.only or ()) - set(table)
    if unknown:
        sys.exit(f"no such part: {', '.join(unknown)}; there are {', '.join(table)}")
    results: dict[str, Any] = {"machine": machine()}
    print("\n".join(f"{name}: {value}" for name, value in results["machine"].items()), flush=True)
    with tempfile.TemporaryDirectory() as folder, room(Path(folder)) as rig:
        for part in options.only or table:
            for row in table[part]:
                print(f"\n{row.name}", flush=True)
                try:
                    results[row.name] = report(row.measure(rig), row.targets)
                except CannotMeasureError as why:
                    print(f"  not measured: {why}", flush=True)
                    results[row.name] = {"not measured": str(why)}
                options.json.write_text(json.dumps(results, indent=1))
    print(f"\n{options.json}")


def report(measured: Measured, targets: Mapping[str, str]) -> dict[str, Any]:
    """Print what was measured, a line each, and what it should be; give the same as JSON has it."""
    both = measured if isinstance(measured, tuple) else (measured,)
    named = {name: value for each in both for name, value in each.items()}
    result: dict[str, Any] = {}
    for name, value in named.items():
        if isinstance(value, list):
            result[name] = _summary(value)
            line = _line(result[name])
        else:
            result[name] = round(value, 2) + 0.0
            line = f"{result[name]:>8g}"
        target = f"   target {targets[name]}" if name in targets else ""
        print(f"  {name:<40}{line}{target}", flush=True)
    if targets:
        result["targets"] = {name: text for name, text in targets.items() if name in named}
    return result


def _summary(values: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(values), 2),
        "p95": round(float(np.percentile(values, 95)), 2),
        "least": round(min(values), 2),
        "most": round(max(values), 2),
        "runs": len(values),
    }


def _line(row: dict[str, float]) -> str:
    return (
        f"{row['median']:8.2f}   p95 {row['p95']:8.2f}   "
        f"{row['least']:.2f} … {row['most']:.2f}   ({row['runs']} runs)"
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
    parser.add_argument(
        "--stall-minutes", type=float, metavar="MINUTES", help="how long networks stay dead"
    )
    parser.add_argument("--only", nargs="+", metavar="PART", help=", ".join(parts(FULL, 1.0)))
    parser.add_argument("--json", type=Path, default=Path("bench-results.json"))
    return parser.parse_args(sys.argv[1:])


if __name__ == "__main__":
    main()
