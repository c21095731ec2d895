"""What betrays that sound cards or sound servers came or went. Looks, never judges, and opens nothing.

PortAudio sees only what was there when it began, and looking again costs every open stream. So somebody
else has to notice that looking again is worth it: device nodes and servers' sockets, whose inodes are
new whenever they are made anew. It takes a few calls of stat, a fraction of a millisecond.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, TypeAlias

import attrs
from attrs import frozen

from voiced.edges.sound_server import pulse_address

Traces: TypeAlias = frozenset[tuple[str, int, int]]
"""Path, inode and the time in ns of its last change, which permissions given later are, too."""

_SOCKETS: Final = ("pulse/native", "pipewire-0")


@frozen
class SoundTraces:
    """Finds them; every place can be another one in tests."""

    environ: Mapping[str, str] = attrs.field(factory=lambda: os.environ, repr=False)
    root: Path = Path("/")

    def look(self) -> Traces:
        """All there are now; two answers differ if anything came, went or was made anew."""
        return frozenset(self._traces())

    def _traces(self) -> Iterator[tuple[str, int, int]]:
        for path in (*(self.root / "dev/snd").glob("*"), *self._sockets()):
            try:
                seen = path.stat()
            except OSError:  # it is not there, or went between two looks: no trace
                continue
            yield str(path), seen.st_ino, seen.st_ctime_ns

    def _sockets(self) -> Iterator[Path]:
        server = pulse_address(self.environ.get("PULSE_SERVER", ""))
        if isinstance(server, Path):
            yield server
        if place := self.environ.get("PULSE_RUNTIME_PATH"):
            yield Path(place) / "native"
        if place := self.environ.get("XDG_RUNTIME_DIR"):
            yield from (Path(place) / name for name in _SOCKETS)
