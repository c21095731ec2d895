"""Asking a daemon over its socket: one that answers, hangs, talks nonsense, has died, or is not ours."""

import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import trio

from voiced.edges import control_call
from voiced.edges.control_call import NoAnswer, NotThere, call

HANG_S = 20


@asynccontextmanager
async def daemon(path: Path, *pieces: bytes | None) -> AsyncIterator[list[bytes]]:
    """Answers every line with these pieces; None: it says nothing more, ever."""
    heard: list[bytes] = []

    async def serve(client: trio.SocketStream) -> None:
        async with client:
            heard.append(bytes(await client.receive_some()))
            for piece in pieces:
                if piece is None:
                    await trio.sleep_forever()
                else:
                    await client.send_all(piece)

    sock = trio.socket.socket(trio.socket.AF_UNIX)
    await sock.bind(str(path))
    sock.listen()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, serve, [trio.SocketListener(sock)])
        with trio.fail_after(HANG_S):
            yield heard
        nursery.cancel_scope.cancel()


async def test_a_question_and_its_answer(tmp_path: Path) -> None:
    answer = {"jsonrpc": "2.0", "id": 1, "result": {"phase": "listening"}}
    line = json.dumps(answer).encode() + b"\n"
    path = tmp_path / "control.sock"
    async with daemon(path, line[:9], line[9:]) as heard:
        assert await call(path, "status") == {"phase": "listening"}
    assert json.loads(heard[0]) == {"jsonrpc": "2.0", "id": 1, "method": "status"}
    assert heard[0].endswith(b"\n")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"", "is not voiced"),
        (b"SSH-2.0\n", "is not voiced"),
        (b"[1]\n", "is not voiced"),
        (b'{"result": 7}\n', "is not voiced"),
        (b"[" * 100_000 + b"\n", "is not voiced"),
        (b"x" * (2 << 20), "is not voiced"),
        (b'{"error": {"code": -32601, "message": "there is no such method"}}\n', "refuses: there"),
    ],
    ids=["nothing", "another", "list", "number", "deep", "endless", "refusal"],
)
async def test_who_answers_otherwise_is_told(tmp_path: Path, said: bytes, told: str) -> None:
    path = tmp_path / "control.sock"
    async with daemon(path, said):
        with pytest.raises(NoAnswer, match=told):
            await call(path, "hello")


async def test_one_that_hangs_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_call, "_LIMIT_S", 0.1)
    path = tmp_path / "control.sock"
    async with daemon(path, b"{", None):
        with pytest.raises(NoAnswer, match="does not answer within"):
            await call(path, "hello")


async def test_nobody_is_there(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with pytest.raises(NotThere, match="No such file"):
        await call(path, "hello")
    async with daemon(path):
        pass
    with pytest.raises(NotThere, match="Connection refused"):  # its daemon has died
        await call(path, "hello")
    with pytest.raises(NotThere):
        await call(tmp_path / ("x" * 200), "hello")


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may knock anywhere: be somebody else meanwhile."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


async def test_one_that_is_not_for_us(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    async with daemon(path):
        path.chmod(0)
        with as_nobody(), pytest.raises(control_call.NotForUs):
            await call(path, "hello")
