"""`voicectl dump`: one tar with what a person who helps wants to see; secrets are not in it.

Belongs here: what goes into it, and how it is packed. A daemon that is down is no reason to write none: then
above all somebody wants to know why.
"""

import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from voiced.cli.papers import versions
from voiced.edges.state_file import replace_private
from voiced.faults import VoicedError

_DOCTOR_S: Final = 180.0
_LINES: Final = frozenset({"log", "timeline"})
_ABOUT: Final = """\
A dump of voiced, made at {at}.

status.json      what was going on; the last words of either side, if you may read them
stats.json       figures of turns, usage, every count
config.toml      the settings in effect
versions.json    what runs here, and on what
log.jsonl        the last 200 lines of the log, one object each
timeline.jsonl   what happened in the session of now and in the one before, with its times
doctor.json      what `voiced doctor` found (`voicectl dump --no-doctor` leaves it out)

Keys and other secrets are masked. Instructions, the last words and, where the log holds what was said,
the conversation are not: look through it before you give it to others.
"""


class NotWritten(VoicedError):
    """There is no dump."""


def write(path: Path, told: Mapping[str, Any], *, with_doctor: bool) -> None:
    """Pack what the daemon has *told*, and what the doctor finds now; `NotWritten` says why not."""
    files = {"README.txt": _ABOUT.format(at=datetime.now(UTC).isoformat(timespec="seconds"))}
    files["versions.json"] = _json(versions())
    for name, what in told.items():
        if name in _LINES:
            files[f"{name}.jsonl"] = "".join(f"{json.dumps(each)}\n" for each in what)
        elif name == "config":
            files["config.toml"] = what
        else:
            files[f"{name}.json"] = _json(what)
    if with_doctor:
        files["doctor.json"] = _doctor()
    try:
        replace_private(path, _packed(files, path.name.removesuffix(".gz").removesuffix(".tar")))
    except OSError as error:
        raise NotWritten(
            f"the dump can't be written to {path}: {error.strerror or error}"
        ) from error


def usual_name() -> Path:
    """Where it goes, if nobody says where."""
    return Path(f"voiced-dump-{datetime.now(UTC):%Y%m%d-%H%M%S}.tar.gz")


def _doctor() -> str:
    """Its report: the checks that fail are a part of it, and it makes no sound."""
    # -P: what lies in the directory of whoever asks is no part of voiced.
    command = [sys.executable, "-P", "-m", "voiced", "doctor", "--json", "--quiet"]
    try:
        done = subprocess.run(  # noqa: S603  our own program
            command, capture_output=True, text=True, timeout=_DOCTOR_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return _json({"failed": str(error)})
    return done.stdout or _json({"failed": done.stderr})


def _packed(files: Mapping[str, str], folder: str) -> bytes:
    packed, now_s = io.BytesIO(), int(datetime.now(UTC).timestamp())
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in files.items():
            data = text.encode("utf-8", "replace")
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mode, entry.mtime = len(data), 0o600, now_s
            tar.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def _json(what: object) -> str:
    return f"{json.dumps(what, indent=1)}\n"
