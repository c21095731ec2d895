"""systemd as the daemon sees it: what starts it, hears what it says, and gives it signals."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).parents[2]
HANG_S = 60.0
WATCHDOG_S = 2.0
_TEMPLATE = """
[realtime]
url = "ws://127.0.0.1:{port}/v1/realtime"
instructions = "{instructions}"
[capture]
device = "file:{folder}/in.wav"
block_ms = {block_ms}
[playout]
device = "file:{folder}/out.wav"
"""


class Systemd:
    """Starts the service, hears what it says, and gives it signals."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.log, self.config = folder / "log", folder / "voiced.toml"
        self.place = folder / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.place))
        self.process: subprocess.Popen[bytes] | None = None
        self.heard: list[str] = []
        soundfile.write(folder / "in.wav", np.zeros(24_000), 24_000)
        self.configures()

    def configures(self, *, instructions: str = "Be kind.", block_ms: int = 20) -> None:
        text = _TEMPLATE.format(
            port=self.port, folder=self.folder, instructions=instructions, block_ms=block_ms
        )
        self.config.write_text(text)

    def starts(self, python_path: Path | None = None) -> "subprocess.Popen[bytes]":
        environ = {
            **os.environ,
            "INVOCATION_ID": "0",
            "NOTIFY_SOCKET": str(self.place),
            "WATCHDOG_USEC": str(round(WATCHDOG_S * 1e6)),
            "STATE_DIRECTORY": str(self.folder),
            "RUNTIME_DIRECTORY": str(self.folder),
            "PYTHONPATH": os.pathsep.join(map(str, filter(None, (python_path, ROOT)))),
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "voiced", "run", "--config", str(self.config)],
                stderr=log,
                env=environ,
            )
        return self.process

    def hears(self, what: str) -> None:
        """Wait until the service says that."""
        deadline = time.perf_counter() + HANG_S
        while time.perf_counter() < deadline:
            self.heard += self._datagrams(0.1)
            if what in self.heard:
                del self.heard[: self.heard.index(what) + 1]
                return
            assert self.process is not None
            if self.process.poll() is not None:
                break
        pytest.fail(f"never said {what!r} but {self.heard}: {self.log.read_text()}")

    def silence_s(self) -> float:
        """Wait until nothing was heard for as long as the watchdog waits; return how long that was."""
        began = last = time.perf_counter()
        while (now := time.perf_counter()) - last < WATCHDOG_S:
            if self._datagrams(0.05):
                last = time.perf_counter()
            assert now - began < HANG_S, "it never fell silent"
        return time.perf_counter() - last

    def _datagrams(self, wait_s: float) -> list[str]:
        self.socket.settimeout(wait_s)
        try:
            return self.socket.recv(65536).decode().split("\n")
        except TimeoutError:
            return []

    def signals(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def logs(self, words: str) -> None:
        """Wait until the log says so; what is heard meanwhile is kept for `hears`."""
        deadline = time.perf_counter() + HANG_S
        while words not in self.log.read_text():
            assert time.perf_counter() < deadline, self.log.read_text()
            self.heard += self._datagrams(0.1)

    def ends(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.socket.close()


@contextmanager
def local_server() -> Iterator[int]:
    command = [sys.executable, "-m", "voiced", "local-server", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().decode()
            yield int(address.rpartition(":")[2].partition("/")[0])
        finally:
            process.terminate()
