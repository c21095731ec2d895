"""`voiced run` as systemd runs it: its socket and its watchdog are played here, the rest is real.

There is no systemd in a container to run the unit itself; what it says to one, and what one sees of it
when it hangs, is checked on the wire between them.
"""

import signal
import socket
import sys
import time
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("pocketsphinx", reason="the embedded server's ears are not installed")

from tests.cli.systemd import HANG_S, WATCHDOG_S, Systemd


def test_from_ready_to_stopping(systemd: Systemd) -> None:
    process = systemd.starts()
    systemd.hears("STATUS=connecting")
    systemd.hears("STATUS=listening")
    systemd.hears("READY=1")
    for _ in range(3):
        systemd.hears("WATCHDOG=1")
    systemd.signals(signal.SIGTERM)
    systemd.hears("STOPPING=1")
    assert process.wait(HANG_S) == 0


def test_without_anybody_to_talk_to_it_is_ready_too(systemd: Systemd) -> None:
    systemd.port = 9  # nobody listens there
    systemd.configures()
    systemd.starts()
    systemd.hears("READY=1")
    systemd.hears("WATCHDOG=1")


def test_a_key_that_is_missing_ends_with_78(systemd: Systemd) -> None:
    systemd.config.write_text('[auth]\nkey_file = "/nowhere/key"\n')
    assert systemd.starts().wait(HANG_S) == 78


def test_a_process_that_stands_still_is_silent_and_goes_on_later(systemd: Systemd) -> None:
    systemd.starts()
    systemd.hears("READY=1")
    systemd.hears("WATCHDOG=1")
    systemd.signals(signal.SIGSTOP)
    assert systemd.silence_s() >= WATCHDOG_S
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
    assert process.wait(HANG_S) == -signal.SIGABRT
    assert "Fatal Python error: Aborted" in systemd.log.read_text()


def test_killed_it_talks_again(systemd: Systemd) -> None:
    """How long that takes is told, not judged: the unit adds its RestartSec of one second."""
    process = systemd.starts()
    systemd.hears("READY=1")
    process.kill()
    began = time.perf_counter()
    process.wait(HANG_S)
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
    assert process.wait(HANG_S) == 0


def test_a_metrics_port_that_is_taken_ends_with_78_and_names_the_address(systemd: Systemd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        taken = f"127.0.0.1:{holder.getsockname()[1]}"
        with systemd.config.open("a") as config:
            config.write(f'[metrics]\nlisten = "{taken}"\n')
        assert systemd.starts().wait(HANG_S) == 78
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
    assert process.wait(HANG_S) == 0


def _scraped(address: str) -> bytes:
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=HANG_S) as answer:
        return bytes(answer.read())
