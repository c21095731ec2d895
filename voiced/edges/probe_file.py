"""The last probes in a file of the state directory: whole at any time, written by one at a time.

All of this blocks, for a moment at most.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from attrs import frozen

from voiced.edges.state_file import Unfit, read_private, replace_private
from voiced.link.probes import Probe, kept, parse, render

NAME: Final = "probes.jsonl"
_LOCK: Final = "probes.lock"  # not the file itself, which is another one after each writing
_MOST_BYTES: Final = 64 << 10  # twenty lines of all that a line may hold take half of it


@frozen
class ProbeFile:
    """The results that are kept in a directory."""

    directory: Path

    def read(self) -> tuple[Probe, ...]:
        """The last ones, the newest at the end; `Unfit` or `OSError` if they can't be read."""
        try:
            return parse(read_private(self.directory / NAME, _MOST_BYTES))
        except FileNotFoundError:
            return ()

    def add(self, probe: Probe) -> None:
        """Keep one more; `OSError` if that can't be. What is there and can't be used is replaced."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._alone():
            try:
                probes = self.read()
            except Unfit:
                probes = ()
            replace_private(self.directory / NAME, render(kept(probes, probe)).encode("ascii"))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Between reading and writing nobody else may write."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        lock = os.open(self.directory / _LOCK, flags, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)
