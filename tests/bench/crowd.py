"""A crowd at the control socket: 32 subscribers to everything, half of whom never read, and the same
conversation with and without them.

python -m tests.bench.crowd SOCKET
"""

import json
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import Final, TypeVar

from tests.bench.process import child
from tests.bench.stage import CannotMeasureError
from tests.rig import Room

_ALL: Final = 32  # as many as may be there
_SLEEPERS: Final = 16
_PATIENCE_S: Final = 30.0
_TOPICS: Final = ["phase", "transcript", "level", "turn", "fault", "tally"]
_SUBSCRIBE: Final = {"jsonrpc": "2.0", "id": 1, "method": "subscribe", "params": [_TOPICS]}

_T = TypeVar("_T")


def crowded(room: Room, measure: Callable[[str], _T]) -> _T:
    """*measure* with these settings while the crowd is there.

    Raises:
        CannotMeasureError: the crowd did not get in, or was told nothing.
    """
    with tempfile.TemporaryDirectory() as folder, _crowd(room, Path(folder) / "c.sock") as toml:
        return measure(toml)


@contextmanager
def _crowd(room: Room, path: Path) -> Iterator[str]:
    with child(["-m", "tests.bench.crowd", str(path)], room.environ) as crowd:
        yield f'[control]\nsocket = "{path}"\n'
        seen = [each for each in crowd.forget() if each["what"] == "heard"]
        if not seen or seen[-1]["clients"] < _ALL or not seen[-1]["bytes"]:
            raise CannotMeasureError(f"the crowd was not there: {seen[-1:]}")


def _subscribed(path: str) -> socket.socket:
    deadline = time.perf_counter() + _PATIENCE_S
    while True:
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            client.connect(path)
        except OSError:
            client.close()
            if time.perf_counter() > deadline:
                raise
            time.sleep(0.05)
        else:
            client.sendall(json.dumps(_SUBSCRIBE).encode() + b"\n")
            return client


def main() -> None:
    """Be there until the daemon goes or somebody kills us; say once a second how much was heard."""
    selector, heard, told = DefaultSelector(), 0, 0.0
    clients = [_subscribed(sys.argv[1]) for _ in range(_ALL)]
    for reader in clients[_SLEEPERS:]:
        selector.register(reader, EVENT_READ)
    readers = _ALL - _SLEEPERS
    while readers:
        for key, _ in selector.select(timeout=1.0):
            assert isinstance(key.fileobj, socket.socket)
            piece = key.fileobj.recv(65_536)
            heard += len(piece)
            if not piece:
                selector.unregister(key.fileobj)
                readers -= 1
        if time.perf_counter() - told > 1.0:
            told = time.perf_counter()
            print(
                json.dumps({"what": "heard", "clients": len(clients), "bytes": heard}), flush=True
            )


if __name__ == "__main__":
    main()
