"""A file that outlives the process: where it stands, and how it is read and written.

Law of this file: it is whole at any time, whoever dies when, and for our eyes only. What is in it is no
concern of this. All of it blocks.
"""

import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_OTHERS: Final = 0o077


class Unfit(Exception):
    """Why a file is not to be used."""


def state_directory(environ: Mapping[str, str]) -> Path | None:
    """Where a service or a user keeps what outlives a process; None if there is no such place."""
    if directory := environ.get("STATE_DIRECTORY", "").split(":")[0]:  # systemd may name several
        return Path(directory)
    if (directory := environ.get("XDG_STATE_HOME", "")) and Path(directory).is_absolute():
        return Path(directory) / "voiced"
    if home := environ.get("HOME"):
        return Path(home) / ".local" / "state" / "voiced"
    return None


def unfinished(path: Path) -> Path:
    """What is left when a writer dies: one name, so that a crash leaves one file."""
    return path.with_name(f"{path.name}.new")


def replace_private(path: Path, data: bytes) -> None:
    """Put *data* in the file's place, all of it or none; `OSError` if that can't be."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = unfinished(path)
    new.unlink(missing_ok=True)
    # Exclusive, and so never through a link that somebody else has put there.
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(file, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def read_private(path: Path, most_bytes: int) -> str:
    """What a file of ours holds, in ASCII. No link is followed, and nothing but a file is waited for.

    `Unfit` if it is not ours alone, too large or no text; `OSError` if there is none.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise Unfit("it is a link") from error
    try:
        about = os.fstat(file)
        if not stat.S_ISREG(about.st_mode):
            raise Unfit("it is no file")
        if about.st_uid != os.geteuid() or about.st_mode & _OTHERS:
            raise Unfit("it is not ours alone (owner, or mode other than 0600)")
        with os.fdopen(file, "rb", closefd=False) as source:
            data = source.read(most_bytes + 1)
    finally:
        os.close(file)
    if len(data) > most_bytes:
        raise Unfit("it is too large")
    try:
        return data.decode("ascii")
    except UnicodeDecodeError:
        raise Unfit("it is broken") from None
