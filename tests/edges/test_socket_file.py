"""The socket as a file: whose it is, and what may stand in its way."""

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from voiced.edges.socket_file import InUse, listening
from voiced.faults import ConfigError

NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "voiced" / "control.sock"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_a_dead_daemons_socket_is_replaced(path: Path) -> None:
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with listening(path, None), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_a_killed_daemons_socket_is_replaced(path: Path) -> None:
    program = (
        "import os, sys, signal; from pathlib import Path\n"
        "from voiced.edges.socket_file import listening\n"
        "with listening(Path(sys.argv[1]), None): os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(path)], cwd=Path.cwd(), check=False)
    assert ended.returncode == -9
    assert path.exists()
    with listening(path, None):
        assert path.exists()
    assert not path.exists()


def test_a_second_daemon_is_told_and_the_first_goes_on(path: Path) -> None:
    with listening(path, None):
        with pytest.raises(InUse, match="another voiced is running"), listening(path, None):
            pass
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))


def test_another_programs_socket_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        with pytest.raises(ConfigError, match="some other program"), listening(path, None):
            pass
        assert path.exists()


def test_what_is_no_socket_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("precious")
    with pytest.raises(ConfigError, match="no socket"), listening(path, None):
        pass
    assert path.read_text() == "precious"


@pytest.mark.parametrize("name", ["control.sock", "control.sock.lock"])
def test_no_link_is_followed(path: Path, tmp_path: Path, name: str) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    victim.chmod(0o600)
    path.parent.mkdir()
    (path.parent / name).symlink_to(victim)
    with pytest.raises(ConfigError), listening(path, None):
        pass
    assert victim.read_text() == "precious"
    assert mode(victim) == 0o600


def test_no_linked_directory_is_entered(path: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    path.parent.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="link"), listening(path, None):
        pass
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_directory_that_others_may_write_into_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o777)
    with pytest.raises(ConfigError, match="others may write"), listening(path, None):
        pass


@pytest.mark.root
def test_somebody_elses_directory_is_refused(path: Path) -> None:
    path.parent.mkdir()
    os.chown(path.parent, NOBODY, -1)
    with pytest.raises(ConfigError, match="somebody else"), listening(path, None):
        pass


def test_a_path_that_is_too_long_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="too long"), listening(tmp_path / ("x" * 108), None):
        pass


def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    path = tmp_path / "no" / "such" / "control.sock"
    with pytest.raises(ConfigError, match="No such file"), listening(path, None):
        pass


def test_another_ones_socket_survives_our_end(path: Path) -> None:
    with listening(path, None):
        path.unlink()
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(path))
    assert path.exists()
