"""A server, the network before it that can be lost, and daemons that need both.

Nothing is measured here: outages and renewals stand on it.
"""

import queue
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Final
from urllib.parse import urlsplit

import attrs

from tests.bench.process import Child, Told, child
from tests.bench.stage import CannotMeasureError, address, configure, daemon_in, server_in
from tests.rig import Room

_STAMP: Final = "%H:%M:%S.%f"  # how voiced.cli.logs begins a line
_DAY_S: Final = 86_400


@attrs.define(eq=False)
class Daemon:
    """A daemon that runs."""

    child: Child
    config: Path

    @property
    def log(self) -> Path:
        """Where it writes."""
        return self.config.with_suffix(".log")

    def said(self, words: str) -> list[float]:
        """When it wrote lines with these words in its log, in seconds of the performance counter."""
        return [_when(line) for line in self.log.read_text().splitlines() if words in line]


@attrs.define(eq=False)
class Service:
    """Server and gate; what is told of each comes in an order of its own."""

    room: Room
    folder: Path
    server: Child
    gate: Child
    url: str  # of the gate

    @property
    def book(self) -> Path:
        """All that was appended."""
        return self.folder / "appends.book"

    @contextmanager
    def daemon(self, toml: str = "", realtime: str = "") -> Iterator[Daemon]:
        """Run a daemon until its first append has arrived, then as long as the context lasts.

        Raises:
            CannotMeasureError: it does not get so far.
        """
        with daemon_at(self.room, self.folder, self.url, toml, realtime) as daemon:
            until(self.server, "first append", daemon)
            yield daemon


@contextmanager
def service(room: Room, answer_ms: int, settings: Sequence[str] = ()) -> Iterator[Service]:
    """Run a server and a gate before it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        book = folder / "appends.book"
        with server_in(room, answer_ms, settings, book=book) as (server, url):
            port = str(urlsplit(url).port)
            with child(["-m", "tests.bench.gate", port], room.environ, folder / "gate.log") as gate:
                yield Service(room, folder, server, gate, address(gate.until("said")["text"]))


@contextmanager
def daemon_at(
    room: Room,
    folder: Path,
    url: str,
    toml: str = "",
    realtime: str = "",
    options: Sequence[str] = (),
) -> Iterator[Daemon]:
    """Run a daemon that is sent there, whatever it finds; a log for each, in *folder*."""
    config = folder / f"voiced-{len(list(folder.glob('*.toml')))}.toml"
    configure(config, url, toml, realtime)
    with daemon_in(room, config, options) as running:
        yield Daemon(running, config)


def until(teller: Child, what: str, daemon: Daemon, within_s: float = 20.0) -> Told:
    """As `Child.until`; where nothing comes, the daemon's log may say why.

    Raises:
        CannotMeasureError: it was not told in time.
    """
    try:
        return teller.until(what, within_s=within_s)
    except queue.Empty:
        ends = daemon.log.read_text()[-500:]
        raise CannotMeasureError(
            f"no {what!r} within {within_s:g} s; the daemon's log ends with: {ends}"
        ) from None


def _when(line: str) -> float:
    """When a line was written: it says the time of day, and none is older than a day."""
    said = datetime.strptime(line.split(maxsplit=1)[0], _STAMP)
    now = datetime.now()
    ago_s = (now - now.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
    ago_s -= (said - said.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
    return perf_counter() - ago_s % _DAY_S
