"""What this machine says of itself: packages, memory, disk, modes of files, and what systemd knows of us.

Law of this file: it looks and tells, and judges nothing. What is not there is None, or a sentence that says why.
"""

import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Final

import trio
from attrs import frozen

import voiced
from voiced.edges.http import wall_s

_MEMINFO: Final = Path("/proc/meminfo")
_SYSTEMCTL_S: Final = 5.0
_UNIT: Final = "voiced.service"
_PROPERTIES: Final = (
    "LoadState,ActiveState,SubState,Result,NRestarts,WatchdogUSec,MainPID,UnitFileState"
)


@frozen
class FileModes:
    """Whose a file or directory is, and what others than its owner may do with it."""

    uid: int
    mode: int  # the permissions alone


@frozen
class Machine:
    """This one."""

    def python(self) -> str:
        """The version of the Python that runs."""
        return ".".join(map(str, sys.version_info[:3]))

    def demanded(self) -> tuple[str, list[str]] | None:
        """What we demand: of Python, and of packages, as pyproject.toml says it; None if that is lost."""
        try:
            about = metadata.distribution("voiced")
        except metadata.PackageNotFoundError:
            return _from_source()
        python = about.metadata.json.get("requires_python", "")
        return str(python), list(about.requires or [])

    def installed(self, package: str) -> str | None:
        """The version of a package that is installed; None: it is not."""
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            return None

    def wall_s(self) -> float:
        """Seconds since 1970, as this machine believes."""
        return wall_s()

    def free_bytes(self, directory: Path) -> int:
        """What we could still write there, or where it would be made; `OSError` if it can't be told."""
        return shutil.disk_usage(_nearest(directory)).free

    def may_write(self, directory: Path) -> bool:
        """Whether we may write there, or make it."""
        return os.access(_nearest(directory), os.W_OK | os.X_OK)

    def available_bytes(self) -> int | None:
        """Memory that programs could still have without swapping; None where nobody tells."""
        try:
            found = re.search(r"(?m)^MemAvailable:\s+(\d+) kB$", _MEMINFO.read_text("ascii"))
        except (OSError, UnicodeDecodeError):
            return None
        return int(found[1]) * 1024 if found else None

    def modes(self, path: Path) -> FileModes | None:
        """None if there is no such file, or we may not even look."""
        try:
            about = path.stat()
        except (OSError, ValueError):
            return None
        return FileModes(about.st_uid, stat.S_IMODE(about.st_mode))

    def uid(self) -> int:
        """Who we are."""
        return os.geteuid()

    async def unit(self, *, user: bool) -> Mapping[str, str] | str:
        """What systemd (the *user*'s or the machine's) knows of the service, or why it can't be asked."""
        scope = "--user" if user else "--system"
        return await _asked(["systemctl", scope, "show", _UNIT, f"--property={_PROPERTIES}"])

    async def lingers(self) -> Mapping[str, str] | str:
        """Whether our user's services run without a login, or why nobody can be asked."""
        return await _asked(["loginctl", "show-user", str(os.geteuid()), "--property=Linger"])


def _nearest(directory: Path) -> Path:
    """The directory, or the first above it that exists."""
    return next((place for place in (directory, *directory.parents) if place.exists()), directory)


def _from_source() -> tuple[str, list[str]] | None:
    """From a source tree that nobody has installed."""
    place = Path(voiced.__file__).parents[1] / "pyproject.toml"
    try:
        project = tomllib.loads(place.read_text("utf-8"))["project"]
        return str(project["requires-python"]), [str(each) for each in project["dependencies"]]
    except (OSError, ValueError, KeyError):
        return None


async def _asked(command: Sequence[str]) -> Mapping[str, str] | str:
    program = command[0]
    try:
        with trio.fail_after(_SYSTEMCTL_S):
            done = await trio.run_process(
                command,
                stdin=subprocess.DEVNULL,
                capture_stdout=True,
                capture_stderr=True,
                check=False,
            )
    except OSError as error:
        return f"{program} can't be run: {error.strerror or error}"
    except trio.TooSlowError:
        return f"{program} did not answer within {_SYSTEMCTL_S:g} s"
    if done.returncode:
        complaint = done.stderr.decode(errors="replace").strip().splitlines()
        return f"{program}: {complaint[0] if complaint else f'it ended with {done.returncode}'}"
    lines = (line.partition("=") for line in done.stdout.decode(errors="replace").splitlines())
    return {name: value for name, equals, value in lines if equals}
