"""Where the socket is: where a daemon puts it, and where people look for it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

NAME: Final = "control.sock"
SYSTEM: Final = Path("/run/voiced") / NAME
"""Where the system's own service has it: RuntimeDirectory=voiced."""

LONGEST_BYTES: Final = 107
"""What fits into an address (unix(7)), less the zero at its end."""


def place(environ: Mapping[str, str], uid: int) -> Path:
    """Where a daemon of *uid* puts its socket, unless it is told where."""
    return next(iter(_own(environ, uid)))


def places(environ: Mapping[str, str], uid: int, named: str = "") -> tuple[Path, ...]:
    """Where somebody with that *uid* looks for one: their own daemon's first, then the system's; only at
    the one that is *named*, where the settings name one.
    """
    if named:
        return (Path(named),)
    return tuple(dict.fromkeys([*_own(environ, uid), SYSTEM]))


def is_temporary(path: Path, uid: int) -> bool:
    """Whether *path* is where anybody could have been first: its owner must be looked at."""
    return path == _temporary(uid)


def _own(environ: Mapping[str, str], uid: int) -> list[Path]:
    found = []
    runtime = environ.get("RUNTIME_DIRECTORY", "").split(":")[0]  # systemd may name several
    if runtime and Path(runtime).is_absolute():
        found.append(Path(runtime) / NAME)
    session = environ.get("XDG_RUNTIME_DIR", "")
    if session and Path(session).is_absolute():
        found.append(Path(session) / "voiced" / NAME)
    return [*found, _temporary(uid)]


def _temporary(uid: int) -> Path:
    """Where there is no place for such things: a directory of our own, which nobody else enters."""
    return Path("/tmp") / f"voiced-{uid}" / NAME  # noqa: S108  made and checked as private
