"""Starting, and being installed."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.process import ROOT
from tests.bench.stage import Facts, Series, daemon_in, server_in
from tests.rig import Room


def start(room: Room, runs: int) -> Series:
    """Process start to the arrival of the first append, against a server that is ready."""
    times = []
    with server_in(room, 1000) as (server, url), tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "voiced.toml"
        config.write_text(f'[realtime]\nurl = "{url}"\n')
        for _ in range(runs):
            began = time.perf_counter()
            with daemon_in(room, config):
                times.append(1000 * (server.until("first append")["at"] - began))
    return {"process start -> first append, ms": times}


def size() -> Facts:
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
