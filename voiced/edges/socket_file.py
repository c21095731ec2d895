"""The control socket as a file: made where only those may reach it who should, and taken away again.

Theory of operation. Its directory must be a real one (no link), owned by us or root, and nobody else may
write into it, so that no other can put anything in our place. A lock beside the socket, which the kernel
gives free however its holder dies, says whether another daemon serves here; with the lock in hand, a
socket that is still there is a dead one's, and is removed. The socket can't be connected to before
it listens, and it listens only once owner and mode are right.
"""

import errno
import fcntl
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from voiced.control.address import LONGEST_BYTES
from voiced.faults import ConfigError

DIRECTORY_MODE: Final = 0o750
SOCKET_MODE: Final = 0o660

_PRIVATE_MODE: Final = 0o700
_OTHERS_WRITE: Final = 0o022
_BACKLOG: Final = 128


class InUse(ConfigError):
    """Another daemon serves here."""


@contextmanager
def listening(path: Path, gid: int | None, *, private: bool = False) -> Iterator[socket.socket]:
    """A socket that listens at *path*, until the context is left; members of *gid* may connect, or
    (*private*) nobody but us. `ConfigError` says why there can't be one.
    """
    if len(os.fsencode(path)) > LONGEST_BYTES:
        raise _flaw(path, f"is too long: a socket's path has at most {LONGEST_BYTES} bytes")
    try:
        _prepare(
            path.parent, None if private else gid, _PRIVATE_MODE if private else DIRECTORY_MODE
        )
        with _locked(path):
            _remove_dead(path)
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as bound:
                bound.bind(str(path))
                made = path.lstat()
                try:
                    _give_to(path, gid)
                    path.chmod(SOCKET_MODE)
                    bound.listen(_BACKLOG)
                    yield bound
                finally:
                    _remove_ours(path, made)
    except OSError as error:
        raise _flaw(path, f"can't be made: {error.strerror or error}") from error


def _flaw(path: Path, what: str) -> ConfigError:
    return ConfigError([f"control socket {path}: {what} (set [control] socket to another place)"])


def _prepare(directory: Path, gid: int | None, mode: int) -> None:
    """Make *directory* if there is none, and make sure that it is safe."""
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        pass
    else:
        _give_to(directory, gid)
        directory.chmod(mode)
    about = directory.lstat()
    if not stat.S_ISDIR(about.st_mode):
        raise _flaw(directory, "its directory is a link or a file")
    if about.st_uid not in {os.geteuid(), 0}:
        raise _flaw(directory, "its directory belongs to somebody else")
    if about.st_mode & _OTHERS_WRITE:
        raise _flaw(directory, "others may write into its directory: chmod go-w it")


def _give_to(path: Path, gid: int | None) -> None:
    """Let *gid* have it, if we may give it away: who is neither root nor a member may not."""
    if gid is not None:
        try:
            os.chown(path, -1, gid, follow_symlinks=False)
        except PermissionError:
            return  # then only we and root can connect, which is safe


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Nobody else serves here for as long as this lasts."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    lock = os.open(path.with_name(path.name + ".lock"), flags, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in {errno.EAGAIN, errno.EACCES}:
                raise
            sentence = (
                f"control socket {path}: another voiced is running and serves here; stop it "
                "(voicectl shutdown), or set [control] socket to another place for this one"
            )
            raise InUse([sentence]) from error
        yield
    finally:
        os.close(lock)  # the file stays: who removed it might remove another one's lock


def _remove_dead(path: Path) -> None:
    try:
        about = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(about.st_mode):
        raise _flaw(path, "something else is there, which is no socket: remove it")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0)
        if probe.connect_ex(str(path)) in {0, errno.EAGAIN}:
            raise _flaw(path, "some other program listens there")
    path.unlink()


def _remove_ours(path: Path, made: os.stat_result) -> None:
    """Take it away, unless another one is there by now."""
    try:
        about = path.lstat()
    except FileNotFoundError:
        return
    if (about.st_dev, about.st_ino) == (made.st_dev, made.st_ino):
        path.unlink()
