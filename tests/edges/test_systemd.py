"""systemd's side of NOTIFY_SOCKET, played by real sockets."""

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from voiced.edges.systemd import Systemd, service_manager, watchdog_s

_HANG_S = 20


class Ear:
    """Where the datagrams arrive."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.settimeout(_HANG_S)

    def hears(self) -> str:
        return self._socket.recv(65536).decode()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """As it stands in NOTIFY_SOCKET."""
    return str(tmp_path / "notify") if request.param == "path" else f"@{tmp_path}/notify"


@pytest.fixture
def ear(place: str) -> Iterator[Ear]:
    ear = Ear(place.replace("@", "\0", 1))
    yield ear
    ear.close()


def test_it_says_what_sd_notify_would(place: str, ear: Ear) -> None:
    with service_manager({"NOTIFY_SOCKET": place}, os.getpid()) as systemd:
        assert systemd is not None
        systemd.status("listening")
        systemd.ready()
        systemd.alive()
        systemd.reloading()
        systemd.stopping()
    assert ear.hears() == "STATUS=listening"
    assert ear.hears() == "READY=1"
    assert ear.hears() == "WATCHDOG=1"
    first, second = ear.hears().split("\n")
    assert first == "RELOADING=1"
    name, _, usec = second.partition("=")
    assert name == "MONOTONIC_USEC"
    assert int(usec) > 0
    assert ear.hears() == "STOPPING=1"
    assert systemd.unsent == 0


def test_a_status_is_one_line_and_not_too_long(tmp_path: Path) -> None:
    """A second line would be an assignment of its own."""
    ear = Ear(str(tmp_path / "notify"))
    systemd = Systemd(str(tmp_path / "notify"), None)
    systemd.status("fault: the key\nREADY=1\twas refused")
    assert ear.hears() == "STATUS=fault: the key READY=1 was refused"
    systemd.status("x" * 1000)
    assert len(ear.hears()) < 256
    systemd.status("hört")
    assert ear.hears() == "STATUS=hört"
    systemd.close()
    ear.close()


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1234"}])
def test_where_nobody_asks_nobody_is_told(environ: dict[str, str]) -> None:
    with service_manager(environ, os.getpid()) as systemd:
        assert systemd is None


def test_what_systemd_does_not_take_is_counted_and_no_reason_to_fail(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with service_manager({"NOTIFY_SOCKET": str(tmp_path / "nobody")}, os.getpid()) as systemd:
        assert systemd is not None
        for _ in range(25):
            systemd.alive()
    assert systemd.unsent == 25
    assert len(caplog.records) == 2  # the 1st and the 10th
    assert "what=WATCHDOG count=1" in caplog.text


def test_a_full_queue_is_waited_for_by_nobody(tmp_path: Path) -> None:
    ear = Ear(str(tmp_path / "notify"))
    systemd = Systemd(str(tmp_path / "notify"), None)
    for _ in range(10_000):
        systemd.alive()
    assert 0 < systemd.unsent < 10_000
    systemd.close()
    ear.close()


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "42"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "43"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-1"}, None),
        ({"WATCHDOG_USEC": "²"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_how_often_it_wants_to_hear(environ: dict[str, str], seconds: float | None) -> None:
    assert watchdog_s(environ, 42) == seconds


_BLOCKED = """
import time
from voiced.edges.systemd import Systemd

def a_handler_that_never_returns():
    while True:
        pass

systemd = Systemd("/nobody", 0.5)
systemd.awake()
a_handler_that_never_returns()
"""


def test_who_blocks_the_event_loop_is_named_before_systemd_acts() -> None:
    with subprocess.Popen([sys.executable, "-c", _BLOCKED], stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        said = ""
        while "a_handler_that_never_returns" not in said:
            line = process.stderr.readline().decode()
            assert line, said
            said += line
        process.kill()
    assert said.startswith("Timeout (0:00:00")


_AWAKE = """
import time
from voiced.edges.systemd import service_manager

with service_manager({"NOTIFY_SOCKET": "/nobody", "WATCHDOG_USEC": "2000000"}, 1) as systemd:
    for _ in range(20):
        systemd.awake()
        time.sleep(0.1)
time.sleep(1.5)
"""


def test_who_wakes_in_time_or_has_ended_is_not_accused() -> None:
    done = subprocess.run([sys.executable, "-c", _AWAKE], stderr=subprocess.PIPE, check=True)
    assert done.stderr == b""
