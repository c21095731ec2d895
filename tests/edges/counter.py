"""An HTTP server that says word for word what it is told to, and remembers what it was asked."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial

import trio
from attrs import define, field, frozen

from voiced.edges.transport import Route, open_stream

GUARD_S = 30.0  # against hanging; no measure of speed
direct = partial(open_stream, route=Route())


@frozen
class Asked:
    """One request."""

    line: str
    headers: dict[str, str]
    body: bytes


@define(eq=False)
class Counter:
    """Gives one answer after the other, and the last one for ever."""

    answers: Sequence[bytes]
    port: int = 0
    asked: list[Asked] = field(init=False, factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, stream: trio.abc.Stream) -> None:
        raw = b""
        async with stream:
            while b"\r\n\r\n" not in raw:
                raw += await stream.receive_some()
            head, _, body = raw.partition(b"\r\n\r\n")
            line, *rows = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (r.partition(": ") for r in rows)}
            while len(body) < int(headers.get("content-length", 0)):
                body += await stream.receive_some()
            self.asked.append(Asked(line, headers, body))
            with suppress(trio.BrokenResourceError):  # whoever has heard enough may go
                await stream.send_all(self.answers[min(len(self.asked), len(self.answers)) - 1])


@asynccontextmanager
async def answering(*answers: bytes) -> AsyncIterator[Counter]:
    """Serve on loopback; nothing that is asked in these tests may take for ever."""
    counter = Counter(answers)
    with trio.fail_after(GUARD_S):
        async with trio.open_nursery() as nursery:
            start = partial(trio.serve_tcp, counter.serve, 0, host="127.0.0.1")
            listeners = await nursery.start(start)
            counter.port = listeners[0].socket.getsockname()[1]
            yield counter
            nursery.cancel_scope.cancel()


def answer(body: bytes | str, *headers: str, status: str = "200 OK") -> bytes:
    """A whole answer with its length."""
    raw = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(raw)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + raw
