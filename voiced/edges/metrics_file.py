"""A file of metrics for node_exporter's textfile collector: whole at any time, and for everybody's eyes.

Theory of operation. Others read while we write, so a new file takes the old one's place in one step.
Its name until then does not end in .prom, which the collector would read. Nothing is flushed to the
disk by force: what a power cut takes is worth nothing after it, and flash cards wear out.
"""

import logging
import os
from pathlib import Path
from typing import Final

import attrs

from voiced.channel import is_landmark
from voiced.edges.state_file import unfinished
from voiced.faults import ConfigError

log = logging.getLogger(__name__)

_MODE: Final = 0o644  # node_exporter is another user


@attrs.define(eq=False)
class Textfile:
    """A file, as the port MetricsFile says. Its directory must be there: the collector's is."""

    path: Path
    unwritten: int = attrs.field(default=0, init=False)

    def open(self, text: bytes) -> None:
        """As the port says."""
        try:
            _replace(self.path, text)
        except OSError as error:
            raise _not_writable(self.path, error) from error
        log.info("metrics file=%s", self.path)

    def write(self, text: bytes) -> None:
        """As the port says. It says so at landmarks only: a full disk stays full for long."""
        try:
            _replace(self.path, text)
        except OSError as error:
            self.unwritten += 1
            if is_landmark(self.unwritten):
                log.warning(
                    "metrics not written file=%s count=%d: %s",
                    self.path,
                    self.unwritten,
                    error.strerror or error,
                )

    def close(self) -> None:
        """As the port says."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("metrics file stays file=%s: %s", self.path, error.strerror or error)


def can_write(path: Path) -> None:
    """`ConfigError` if no file could be put there now; nothing is changed."""
    if not os.access(path.parent, os.W_OK | os.X_OK):
        reason = PermissionError() if path.parent.is_dir() else FileNotFoundError()
        raise _not_writable(path, reason)
    if path.is_dir():
        raise _not_writable(path, IsADirectoryError())


def _replace(path: Path, text: bytes) -> None:
    new = unfinished(path)
    new.unlink(missing_ok=True)
    # Exclusive, and so never through a link that somebody else has put there.
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
    try:
        with os.fdopen(file, "wb") as out:
            os.fchmod(file, _MODE)  # whatever the umask says
            out.write(text)
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise


def _not_writable(path: Path, error: OSError) -> ConfigError:
    what = {
        FileNotFoundError: f"there is no directory {path.parent}",
        NotADirectoryError: f"{path.parent} is no directory",
        PermissionError: f"we may not write into {path.parent}",
        IsADirectoryError: "it is a directory",
    }.get(type(error), error.strerror or str(error))
    return ConfigError(
        [f"[metrics] textfile: {path} can't be written: {what}; make one, or name another file"]
    )
