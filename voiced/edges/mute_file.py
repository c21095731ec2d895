"""Whether the room is muted, as a file that is there or is not: it outlives a crash, a kill and a power cut.

All of this blocks, and is meant for a worker thread or for the start. Nothing here raises.
"""

import logging
from pathlib import Path
from typing import Final

from attrs import frozen

from voiced.edges.state_file import replace_private

log = logging.getLogger(__name__)

NAME: Final = "muted"


@frozen
class MuteFile:
    """As the port says."""

    directory: Path

    def muted(self) -> bool:
        """As the port says. What can't be looked at counts as there: rather deaf than listening."""
        try:
            return (self.directory / NAME).exists()
        except OSError as error:
            log.warning("muted: %s can't be looked at: %s", self.directory, error.strerror)
            return True

    def keep(self, *, muted: bool) -> None:
        """As the port says."""
        path = self.directory / NAME
        try:
            if muted:
                replace_private(path, b"")
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("mute not kept beyond a restart path=%s: %s", path, error.strerror)
