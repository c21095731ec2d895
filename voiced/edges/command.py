"""A secret printed by a program of the owner's: a vault's client, a script that asks a token server.

Law of this file: no shell, no input, an environment of a few names, and no process left behind: it runs
in a group of its own, which is killed whatever happens. What it prints is read to the end of the first
line and shown to nobody; the first line of its stderr is, when it fails.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import attrs
import trio
from attrs import frozen

from voiced.edges.credentials import LONGEST_SECRET, Secret, flaw
from voiced.faults import ConfigError, LinkError, Trouble

_ENVIRONMENT: Final = ("PATH", "HOME", "USER", "LANG", "CREDENTIALS_DIRECTORY")
_DEFAULT_PATH: Final = "/usr/local/bin:/usr/bin:/bin"
_LONGEST_COMPLAINT: Final = 200


@frozen
class Command:
    """Runs a program for each secret. Whoever calls sets the time limit."""

    words: Sequence[str]  # the program and its arguments
    environ: Mapping[str, str] = attrs.field(repr=False)

    def program(self) -> str:
        """Where the program is; `ConfigError` if it can't be run."""
        name = self.words[0]
        if found := shutil.which(name, path=self.environ.get("PATH", _DEFAULT_PATH)):
            return found
        if Path(name).is_file():
            raise ConfigError([f"[auth] command: {name} is not executable: chmod +x {name}"])
        raise ConfigError(
            [f"[auth] command: there is no program {name}: give its whole path, as /usr/bin/..."]
        )

    async def secret(self) -> Secret:
        """As the protocol says."""
        process = await self._start()
        try:
            line, complaint = await _hear(process)
        finally:
            with trio.CancelScope(shield=True):  # nothing that was killed takes long to go
                _kill_group(process)
                await process.wait()
        return self._judged(line, complaint, process.returncode or 0)

    async def _start(self) -> trio.Process:
        words = [self.program(), *self.words[1:]]
        try:
            return await trio.lowlevel.open_process(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={name: self.environ[name] for name in _ENVIRONMENT if name in self.environ},
                start_new_session=True,
            )
        except OSError as error:
            raise ConfigError(
                [f"[auth] command: {self.words[0]} can't be run: {error.strerror}"]
            ) from error

    def _judged(self, line: bytes, complaint: bytes, status: int) -> Secret:
        name = self.words[0]
        text = line.decode("latin-1").strip()
        if len(line) > LONGEST_SECRET:
            said = f"what {name} printed is too long to be a key"
        elif status:
            how = f"was ended by signal {-status}" if status < 0 else f"ended with {status}"
            why = _printable(complaint)
            said = f"{name} {how}" + (f": {why}" if why else ", and said nothing on stderr")
        elif wrong := flaw(text):
            said = f"what {name} printed {wrong}"
        else:
            return Secret(text)
        raise LinkError(f"[auth] command: {said}", Trouble.SECRET)


async def _hear(process: trio.Process) -> tuple[bytes, bytes]:
    """The first lines of stdout and stderr, once the process has ended or said too much."""
    assert process.stdout is not None  # noqa: S101  asked for
    assert process.stderr is not None  # noqa: S101
    out, err = _FirstLine(process.stdout), _FirstLine(process.stderr)
    async with process.stdout, process.stderr, trio.open_nursery() as nursery:
        nursery.start_soon(out.read)
        nursery.start_soon(err.read)
        await out.known.wait()
        if len(out.line) <= LONGEST_SECRET and await process.wait():
            await err.known.wait()
        nursery.cancel_scope.cancel()
    return out.line, err.line


@attrs.define(eq=False)
class _FirstLine:
    """What one pipe says first; the rest is read and forgotten, or the process would stall."""

    pipe: trio.abc.ReceiveStream
    line: bytes = attrs.field(default=b"", init=False, repr=False)
    known: trio.Event = attrs.field(factory=trio.Event, init=False)

    async def read(self) -> None:
        async for piece in self.pipe:
            if not self.known.is_set():
                self.line, ended, _ = (self.line + bytes(piece)).partition(b"\n")
                if ended or len(self.line) > LONGEST_SECRET:
                    self.known.set()
        self.known.set()


def _kill_group(process: trio.Process) -> None:
    """Whatever it has started goes with it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _printable(raw: bytes) -> str:
    text = raw[:_LONGEST_COMPLAINT].decode("utf-8", "replace")
    return "".join(char if char.isprintable() else " " for char in text).strip()
