"""`voiced run` as systemd runs it: its socket and its watchdog are played here, the rest is real.

There is no systemd in a container to run the unit itself; what it says to one, and what one sees of it
when it hangs, is checked on the wire between them.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("pocketsphinx", reason="the embedded server's ears are not installed")

_ROOT = Path(__file__).parents[2]
_HANG_S = 60.0
_WATCHDOG_S = 2.0
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
            "WATCHDOG_USEC": str(round(_WATCHDOG_S * 1e6)),
            "STATE_DIRECTORY": str(self.folder),
            "RUNTIME_DIRECTORY": str(self.folder),
            "PYTHONPATH": os.pathsep.join(map(str, filter(None, (python_path, _ROOT)))),
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
        deadline = time.perf_counter() + _HANG_S
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
        while (now := time.perf_counter()) - last < _WATCHDOG_S:
            if self._datagrams(0.05):
                last = time.perf_counter()
            assert now - began < _HANG_S, "it never fell silent"
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
        deadline = time.perf_counter() + _HANG_S
        while words not in self.log.read_text():
            assert time.perf_counter() < deadline, self.log.read_text()
            self.heard += self._datagrams(0.1)

    def ends(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.socket.close()


@contextmanager
def _server() -> Iterator[int]:
    command = [sys.executable, "-m", "voiced", "local-server", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().decode()
            yield int(address.rpartition(":")[2].partition("/")[0])
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with _server() as port:
        yield port


@pytest.fixture
def systemd(tmp_path: Path, port: int) -> Iterator[Systemd]:
    systemd = Systemd(tmp_path, port)
    yield systemd
    systemd.ends()


def test_from_ready_to_stopping(systemd: Systemd) -> None:
    process = systemd.starts()
    systemd.hears("STATUS=connecting")
    systemd.hears("STATUS=listening")
    systemd.hears("READY=1")
    for _ in range(3):
        systemd.hears("WATCHDOG=1")
    systemd.signals(signal.SIGTERM)
    systemd.hears("STOPPING=1")
    assert process.wait(_HANG_S) == 0


def test_without_anybody_to_talk_to_it_is_ready_too(systemd: Systemd) -> None:
    systemd.port = 9  # nobody listens there
    systemd.configures()
    systemd.starts()
    systemd.hears("READY=1")
    systemd.hears("WATCHDOG=1")


def test_a_key_that_is_missing_ends_with_78(systemd: Systemd) -> None:
    systemd.config.write_text('[auth]\nkey_file = "/nowhere/key"\n')
    assert systemd.starts().wait(_HANG_S) == 78


def test_a_process_that_stands_still_is_silent_and_goes_on_later(systemd: Systemd) -> None:
    systemd.starts()
    systemd.hears("READY=1")
    systemd.hears("WATCHDOG=1")
    systemd.signals(signal.SIGSTOP)
    assert systemd.silence_s() >= _WATCHDOG_S
    systemd.signals(signal.SIGCONT)
    systemd.hears("WATCHDOG=1")


def test_who_blocked_the_event_loop_is_in_the_log_and_sigabrt_says_it_again(
    systemd: Systemd, tmp_path: Path
) -> None:
    """By way of `sitecustomize` the process gets a handler that it would not have otherwise."""
    handler = tmp_path / "sitecustomize.py"
    handler.write_text(
        "import signal\n"
        "def a_handler_that_blocks(*_):\n"
        "    while True: pass\n"
        "signal.signal(signal.SIGUSR1, a_handler_that_blocks)\n"
    )
    process = systemd.starts(python_path=tmp_path)
    systemd.hears("READY=1")
    systemd.signals(signal.SIGUSR1)
    systemd.silence_s()
    assert "a_handler_that_blocks" in systemd.log.read_text()
    assert "Timeout (0:00:01" in systemd.log.read_text()
    systemd.signals(signal.SIGABRT)
    assert process.wait(_HANG_S) == -signal.SIGABRT
    assert "Fatal Python error: Aborted" in systemd.log.read_text()


def test_killed_it_talks_again(systemd: Systemd) -> None:
    """How long that takes is told, not judged: the unit adds its RestartSec of one second."""
    process = systemd.starts()
    systemd.hears("READY=1")
    process.kill()
    began = time.perf_counter()
    process.wait(_HANG_S)
    systemd.starts()
    systemd.hears("STATUS=listening")
    sys.stderr.write(f"killed, and listening again after {time.perf_counter() - began:.2f} s\n")


def test_sighup_takes_in_new_settings(systemd: Systemd) -> None:
    process = systemd.starts()
    systemd.hears("READY=1")

    systemd.signals(signal.SIGHUP)
    systemd.hears("RELOADING=1")
    systemd.hears("READY=1")
    systemd.logs("nothing has changed")

    systemd.config.write_text('[realtime]\nvoise = "x"\nspeed = "fast"\n')
    systemd.signals(signal.SIGHUP)
    systemd.hears("RELOADING=1")
    systemd.hears("READY=1")
    systemd.logs("settings refused, the old ones go on")
    assert "voise" in systemd.log.read_text()
    assert "speed" in systemd.log.read_text()

    systemd.configures(instructions="Be brief.")
    systemd.signals(signal.SIGHUP)
    systemd.logs("session renewed from=")

    systemd.configures(instructions="Be brief.", block_ms=10)
    systemd.signals(signal.SIGHUP)
    systemd.logs("starting anew with new settings")
    systemd.hears("STATUS=connecting")
    systemd.hears("STATUS=listening")
    systemd.hears("WATCHDOG=1")

    systemd.signals(signal.SIGTERM)
    systemd.hears("STOPPING=1")
    assert process.wait(_HANG_S) == 0


def test_a_metrics_port_that_is_taken_ends_with_78_and_names_the_address(systemd: Systemd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        taken = f"127.0.0.1:{holder.getsockname()[1]}"
        with systemd.config.open("a") as config:
            config.write(f'[metrics]\nlisten = "{taken}"\n')
        assert systemd.starts().wait(_HANG_S) == 78
    assert f"[metrics] listen: {taken} is taken by another program" in systemd.log.read_text()


def test_metrics_that_cannot_be_had_are_refused_on_a_reload_and_others_move(
    systemd: Systemd,
) -> None:
    def listens(address: str) -> None:
        systemd.configures()
        with systemd.config.open("a") as config:
            config.write(f'[metrics]\nlisten = "{address}"\n')

    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        first, other = (f"127.0.0.1:{each.getsockname()[1]}" for each in (one, two))
        one.close()
        listens(first)
        process = systemd.starts()
        systemd.hears("READY=1")
        systemd.logs(f"metrics at=http://{first}/metrics")

        listens(other)
        systemd.signals(signal.SIGHUP)
        systemd.logs(f"{other} is taken by another program")
        systemd.logs("settings refused, the old ones go on")
        assert _scraped(first).startswith(b"# HELP voiced_build_info")

        two.close()
        systemd.signals(signal.SIGHUP)
        systemd.logs(f"metrics at=http://{other}/metrics")
        assert _scraped(other).startswith(b"# HELP voiced_build_info")
    systemd.signals(signal.SIGTERM)
    assert process.wait(_HANG_S) == 0


def _scraped(address: str) -> bytes:
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=_HANG_S) as answer:
        return bytes(answer.read())
