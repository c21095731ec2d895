"""Child processes of the bench: what they tell, and what the kernel says they cost."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

ROOT = Path(__file__).parents[2]
Told = dict[str, Any]


@attrs.define(eq=False)
class Child:
    """A Python program of ours, running; what it prints are JSON objects, one per line."""

    process: "subprocess.Popen[str]"
    told: "queue.SimpleQueue[Told]" = attrs.field(factory=queue.SimpleQueue)

    def until(self, what: str, *, within_s: float = 20.0) -> Told:
        """The next thing of that name that it tells; what it tells before that is passed over."""
        deadline = time.perf_counter() + within_s
        while True:
            told = self.told.get(timeout=max(0.01, deadline - time.perf_counter()))
            if told["what"] == what:
                return told

    def forget(self) -> list[Told]:
        """All that it has told and nobody has asked for."""
        told = []
        while not self.told.empty():
            told.append(self.told.get())
        return told

    # --- what is done to it

    def order(self, line: str) -> None:
        """Write a line to its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def pause(self, seconds: float) -> None:
        """Stop it for a while: to whoever talks with it, the network stalls and then catches up."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            self.process.send_signal(signal.SIGCONT)

    # --- costs

    def cpu_s(self) -> float:
        """CPU seconds so far, all threads, to the nanosecond (schedstat)."""
        total = 0
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def cpu_share(self, seconds: float, during: Callable[[], None] | None = None) -> float:
        """Percent of a core used over the next *seconds*."""
        before, began = self.cpu_s(), time.perf_counter()
        if during is not None:
            during()
        time.sleep(max(0.0, seconds - (time.perf_counter() - began)))
        return 100 * (self.cpu_s() - before) / (time.perf_counter() - began)

    def pss_mb(self) -> float:
        """Proportional set size."""
        for line in Path(f"/proc/{self.process.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("the kernel tells no Pss")

    def threads(self) -> int:
        """Threads now."""
        return sum(1 for _ in Path(f"/proc/{self.process.pid}/task").iterdir())


@contextmanager
def child(
    arguments: Sequence[str], environ: Mapping[str, str], log: Path | None = None
) -> Iterator[Child]:
    """Run `python ARGUMENTS`; its stderr goes to *log*."""
    with (log or Path(os.devnull)).open("a") as errors:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**os.environ, **environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        running = Child(process)
        reader = threading.Thread(target=_read, args=(running,), daemon=True)
        reader.start()
        try:
            yield running
        finally:
            process.terminate()
            process.wait(timeout=10)
            reader.join(timeout=5)


def tell(what: str, at: float, **more: Any) -> None:
    """One line for the bench, from one of its children; *at*: seconds of the performance counter."""
    print(json.dumps({"what": what, "at": at, **more}), flush=True)


@contextmanager
def one_core_busy(environ: Mapping[str, str]) -> Iterator[None]:
    """Keep one core from everybody else."""
    with child(["-m", "tests.bench.busy"], environ) as busy:
        busy.until("running")
        yield


def _read(running: Child) -> None:
    assert running.process.stdout is not None
    for line in running.process.stdout:
        if line.startswith("{"):
            running.told.put(json.loads(line))
        else:
            running.told.put({"what": "said", "text": line.strip()})
