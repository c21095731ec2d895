"""Whoever reads metrics: over a real socket, with whatever bytes; and what the page says, by another's
parser.
"""

import math
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from shutil import which

import trio
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from trio.testing import MockClock

_HANG_S = 60.0
ASKED = b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


async def talk(port: int, *pieces: bytes, eof: bool = False, host: str = "127.0.0.1") -> bytes:
    """Say that, and return what comes back until the server hangs up."""
    with trio.fail_after(_HANG_S):
        async with await trio.open_tcp_stream(host, port) as stream:
            try:
                for piece in pieces:
                    await stream.send_all(piece)
                if eof:
                    await stream.send_eof()
            except trio.BrokenResourceError:
                pass  # it hung up before all was said; what it said is still to be read
            return b"".join([bytes(piece) async for piece in stream])


async def scrape(port: int) -> str:
    """The page, as Prometheus gets it."""
    head, _, body = (await talk(port, ASKED)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), head
    return body.decode()


@contextmanager
def real_time(clock: MockClock) -> Iterator[None]:
    """Let time pass as it does: a clock that jumps and sockets of the kernel do not go together."""
    clock.autojump_threshold, clock.rate = math.inf, 1.0
    try:
        yield
    finally:
        clock.autojump_threshold, clock.rate = 0.0, 0.0


def parsed(text: str, *, is_whole: bool = True) -> Mapping[str, Metric]:
    """The families of a page, by name. Where promtool is installed it has to agree with a page that
    *is_whole*: it minds names and helps as well, and a test's need not be good.
    """
    if is_whole and (promtool := which("promtool")):
        checked = subprocess.run(
            [promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False
        )
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    families = list(text_string_to_metric_families(text))
    names = [family.name for family in families]
    assert len(names) == len(set(names))
    return dict(zip(names, families, strict=True))


def numbers(text: str, *, is_whole: bool = True) -> Mapping[str, float]:
    """Every number by its name and labels, as it stands on the page."""
    found: dict[str, float] = {}
    for family in parsed(text, is_whole=is_whole).values():
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            key = f"{sample.name}{{{labels}}}" if labels else sample.name
            assert key not in found
            found[key] = sample.value
    return found
