"""The owner's settings file, changed in place: whole at any time, and as readable by others as it was.

Law of this file: what is in it is no concern of this. What would surprise its owner is refused in a sentence
(`NotChanged`): links, files that are write-protected or not theirs, changes that came in between. All of it
blocks.
"""

import os
import stat
from pathlib import Path

from voiced.edges.state_file import unfinished
from voiced.faults import VoicedError


class NotChanged(VoicedError):
    """Why the settings file stays as it was."""


def read_settings(path: Path) -> str:
    """The text of the file, as it stands: line ends and all. `NotChanged` if it may not be written either."""
    _look(path)
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise _not_changed(path, error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise _not_changed(path, "it is not UTF-8 text") from error


def replace_settings(path: Path, before: str, after: str) -> Path:
    """Put *after* in the place of *before*, which goes into `NAME~` beside it; return the place of that.

    `NotChanged` if the file is not *before* any more, or can't be replaced by one of the same owner and mode.
    """
    about = _look(path)
    backup = path.with_name(f"{path.name}~")
    try:
        if path.read_bytes() != before.encode():
            raise _not_changed(path, "somebody has changed it meanwhile; try again")
        _put(backup, before.encode(), about)
        _put(path, after.encode(), about)
    except OSError as error:
        raise _not_changed(path, error.strerror or str(error)) from error
    return backup


def _look(path: Path) -> os.stat_result:
    try:
        about = path.lstat()
    except OSError as error:
        raise _not_changed(path, error.strerror or str(error)) from error
    if stat.S_ISLNK(about.st_mode):
        raise _not_changed(path, f"it is a link; name the file itself: --config {path.resolve()}")
    if not stat.S_ISREG(about.st_mode):
        raise _not_changed(path, "it is no file")
    if about.st_nlink > 1:
        raise _not_changed(
            path, "it has another name as well (a hard link), which would be left behind"
        )
    if not (about.st_mode & stat.S_IWUSR and os.access(path, os.W_OK)):
        raise _not_changed(
            path, "it is write-protected, or not yours: try as its owner, or with sudo"
        )
    return about


def _put(path: Path, data: bytes, about: os.stat_result) -> None:
    """All of it or nothing, with owner and mode as *about* says."""
    new = unfinished(path)
    new.unlink(missing_ok=True)
    # Exclusive, and so never through a link that somebody else has put there; ours alone until it is done.
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(file, "wb") as out:
            out.write(data)
            out.flush()
            if (about.st_uid, about.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(out.fileno(), about.st_uid, about.st_gid)
            os.fchmod(out.fileno(), stat.S_IMODE(about.st_mode))
            os.fsync(out.fileno())
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise


def _not_changed(path: Path, why: str) -> NotChanged:
    return NotChanged(f"{path} was not changed: {why}")
