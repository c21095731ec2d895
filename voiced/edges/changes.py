"""Whether files were changed by somebody: for whoever waits for a person to mend something."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final, TypeAlias

import attrs
import trio

_LOOKS_EVERY_S: Final = (
    2.0  # only while something waits to be mended: cheaper than a watch of the kernel's
)

_Mark: TypeAlias = tuple[int, int, int] | None


@attrs.define(eq=False)
class Changes:
    """Compares files with how they were when this was made: replaced, written, made or removed."""

    paths: tuple[Path, ...]
    _before: dict[Path, _Mark] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._before = self._marks(self.paths)

    async def wait(self) -> set[Path]:
        """Wait until at least one of them is another; return which."""
        while True:
            now = self._marks(self.paths)
            if changed := {path for path in self.paths if now[path] != self._before[path]}:
                self._before = now
                return changed
            await trio.sleep(_LOOKS_EVERY_S)

    @staticmethod
    def _marks(paths: Iterable[Path]) -> dict[Path, _Mark]:
        return {path: _mark(path) for path in paths}


def _mark(path: Path) -> _Mark:
    try:
        found = path.expanduser().stat()
    except (OSError, RuntimeError, ValueError):  # not there, ~nobody, a NUL
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
