"""The record of the wire on disk: files of JSON lines, of bounded size and age, for our eyes only.

Law of this file: all of it blocks, and is meant for a worker thread. It deletes nothing but files that are
named like ours. What can't be written is an `OSError` or `Unfit`, for whoever keeps count.
"""

import errno
import os
import re
import stat
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import attrs

from voiced.edges.state_file import Unfit

_OURS: Final = re.compile(r"wire-\d{8}T\d{6}Z-\d+-\d+\.jsonl")
_OTHERS: Final = 0o077
_FILES: Final = 8  # at least: one may not take all the room, or all else would be deleted at once
_MOST_FILES: Final = 1000  # a connection that is refused leaves one, too


@attrs.define(eq=False)
class WireFolder:
    """Where the files lie, and how much they may take together."""

    path: Path
    most_bytes: int
    longest_s: float  # since a file was written last
    _number: int = attrs.field(default=0, init=False)  # of files begun by this process

    @property
    def most_file_bytes(self) -> int:
        """A file that is longer than that is ended, and another one begun."""
        return max(1, self.most_bytes // _FILES)

    def begin(self) -> int:
        """Make room, and open a new file; its descriptor is the caller's."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = self.path.stat(follow_symlinks=False)
        if not stat.S_ISDIR(about.st_mode):
            raise Unfit("it is no directory")
        if about.st_uid != os.geteuid() or about.st_mode & _OTHERS:
            raise Unfit("others may look into it: give it to us alone (chmod 700)")
        self.tidy(self.most_file_bytes)
        self._number += 1
        now = datetime.now(UTC)
        name = f"wire-{now:%Y%m%dT%H%M%SZ}-{os.getpid()}-{self._number}.jsonl"
        # Exclusive, and so never through a link that somebody else has put there.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        return os.open(self.path / name, flags, 0o600)

    def tidy(self, wanted_bytes: int = 0) -> None:
        """Delete what is too old; then the oldest, until *wanted_bytes* more have their place."""
        files = sorted(self._files(), key=lambda each: each[1].st_mtime_ns)
        room = self.most_bytes - wanted_bytes - sum(about.st_size for _, about in files)
        oldest_s = datetime.now(UTC).timestamp() - self.longest_s
        for place, (path, about) in enumerate(files):
            crowded = len(files) - place >= _MOST_FILES
            if crowded or room < 0 or about.st_mtime < oldest_s:
                path.unlink(missing_ok=True)
                room += about.st_size

    def _files(self) -> Sequence[tuple[Path, os.stat_result]]:
        ours = [each for each in os.scandir(self.path) if _OURS.fullmatch(each.name)]
        found = [(Path(each.path), each.stat(follow_symlinks=False)) for each in ours]
        return [each for each in found if stat.S_ISREG(each[1].st_mode)]


@attrs.define(eq=False)
class WireFile:
    """One wire's lines, in one file or, as it grows, in several. After a fault the next line tries anew, in the same file."""

    folder: WireFolder
    lines: int = attrs.field(default=0, init=False)  # written
    _file: int | None = attrs.field(default=None, init=False)
    _bytes: int = attrs.field(default=0, init=False)

    def write(self, line: bytes) -> None:
        """Append *line*, which has its end. `OSError`, `Unfit`: it could not be, and nothing of it was."""
        if len(line) > self.folder.most_file_bytes:
            raise Unfit("a message is longer than a file may be")
        if self._file is None or self._bytes + len(line) > self.folder.most_file_bytes:
            self.close()
            self._file, self._bytes = self.folder.begin(), 0
        with ExitStack() as unless_whole:
            unless_whole.callback(self._take_back)
            if os.write(self._file, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            unless_whole.pop_all()
        self._bytes += len(line)
        self.lines += 1

    def _take_back(self) -> None:
        """What was written of a line; where even that can't be done, the next one has a new file."""
        assert self._file is not None  # noqa: S101  somebody writes
        try:
            os.ftruncate(self._file, self._bytes)
        except OSError:
            self.close()

    def close(self) -> None:
        """End the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
