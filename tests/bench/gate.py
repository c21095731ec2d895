"""A stretch of network between daemon and server that is there or not, as it is told.

    python -m tests.bench.gate PORT

Prints the port to knock at, then one JSON object per line: each connection's "knock" and "end" with its
number, and what was done. Each line on its standard input is an order: `go` resets all connections and
refuses others, `come` accepts them again.
"""

import sys
import time
from collections.abc import Callable, Mapping
from typing import Final

import trio

from tests.bench.process import tell
from tests.fakes.bad_network import BadNetwork, bad_network


def _go(network: BadNetwork) -> None:
    network.refuses()
    network.resets()


_ORDERS: Final[Mapping[str, tuple[Callable[[BadNetwork], None], str]]] = {
    "go": (_go, "gone"),
    "come": (BadNetwork.comes_back, "back"),
}


async def main(port: int) -> None:
    async with bad_network(port) as network:
        network.watch = lambda what, number: tell(what, time.perf_counter(), number=number)
        print(network.port, flush=True)
        async for said in trio.lowlevel.FdStream(sys.stdin.fileno()):
            for order in said.decode().split():
                act, done = _ORDERS[order]
                act(network)
                tell(done, time.perf_counter())


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]))
