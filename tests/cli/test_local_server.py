"""`voiced local-server` from outside: where it listens, and where it does not."""

import socket
import subprocess
import sys

import pytest

pytest.importorskip("pocketsphinx", reason="the embedded server's ears are not installed")

_HANG_S = 60.0


def fails(*options: str) -> tuple[int, str]:
    """Start it; return its exit code and what it said."""
    ended = subprocess.run(
        [sys.executable, "-m", "voiced", "local-server", *options],
        capture_output=True,
        text=True,
        timeout=_HANG_S,
        check=False,
    )
    assert "Traceback" not in ended.stderr
    return ended.returncode, ended.stderr


def test_beyond_loopback_it_has_to_be_told_twice() -> None:
    code, said = fails("--host", "0.0.0.0", "--port", "0")
    assert code == 1
    assert "0.0.0.0" in said
    assert "--allow-remote" in said


def test_told_twice_it_says_where_it_listens() -> None:
    command = [
        *(sys.executable, "-m", "voiced", "local-server"),
        *("--host", "0.0.0.0", "--allow-remote", "--port", "0"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith(b"listening on ws://0.0.0.0:")
        finally:
            process.terminate()


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = str(holder.getsockname()[1])
        code, said = fails("--port", port)
    assert code == 1
    assert f"127.0.0.1:{port} can't be used" in said
