"""`voiced run` as a service in a fault: it stays, and goes on when somebody mends things."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.canaries import KEY

_HANG_S = 30


@pytest.fixture
def service(tmp_path: Path) -> Iterator["Service"]:
    service = Service(tmp_path)
    yield service
    if service.process is not None:
        service.process.kill()
        service.process.wait()


class Service:
    """The daemon as systemd starts it, file devices on both sides, and nobody at the other end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key, self.config, self.log = folder / "key", folder / "voiced.toml", folder / "log"
        self.process: subprocess.Popen[bytes] | None = None

    def configures(self, **realtime: str) -> None:
        lines = ["[realtime]", *(f'{key} = "{value}"' for key, value in realtime.items())]
        lines += ["[auth]", f'key_file = "{self.key}"']
        lines += ["[capture]", f'device = "file:{self.folder}/in.wav"']
        lines += ["[playout]", f'device = "file:{self.folder}/out.wav"']
        new = self.config.with_suffix(".new")
        new.write_text("\n".join(lines) + "\n")
        new.rename(self.config)

    def starts(self) -> None:
        import numpy as np
        import soundfile

        soundfile.write(self.folder / "in.wav", np.zeros(24_000), 24_000)
        state = str(self.folder / "state")
        environ = {**os.environ, "INVOCATION_ID": "0", "STATE_DIRECTORY": state}
        environ["RUNTIME_DIRECTORY"] = str(self.folder)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "voiced", "run", "--config", str(self.config)],
                stderr=log,
                env=environ,
            )

    def says(self, words: str) -> None:
        """Wait until the log says so."""
        assert self.process is not None
        for _ in range(_HANG_S * 10):
            if words in self.log.read_text():
                return
            try:
                self.process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
            break
        pytest.fail(f"never said {words!r}: {self.log.read_text()}")

    def stops(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_HANG_S)


def test_a_fault_waits_for_new_settings_and_refuses_bad_ones(service: Service) -> None:
    """The address is wrong in a way that only a person can mend; then it is another one."""
    service.key.write_text(KEY)
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=service.folder,
    ) as web:
        try:
            assert web.stdout is not None
            port = web.stdout.readline().decode().split(" port ")[1].split()[0]
            service.configures(url=f"ws://127.0.0.1:{port}/v1/realtime")
            service.starts()
            service.says("there is no Realtime service at this address")
            service.configures(url="nonsense")
            service.says("settings or key were changed, but can't be used")
            service.configures(url="ws://127.0.0.1:9/v1/realtime")
            service.says("can't be reached")
            assert service.stops() == 0
        finally:
            web.kill()
