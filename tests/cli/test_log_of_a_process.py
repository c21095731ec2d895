"""The whole process and a service that says aloud what it was sent: no secret gets anywhere."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import trio
import trio_websocket

from tests.canaries import KEY, MARK, OPAQUE, leaks_below
from tests.fakes.server import SESSION

_ROOT = Path(__file__).parents[2]
_HANG_S = 60.0


@asynccontextmanager
async def gossip() -> AsyncIterator[int]:
    """A service that refuses a key, and repeats it wherever it can."""

    async def answer(request: trio_websocket.WebSocketRequest) -> None:
        shown = dict(request.headers)[b"authorization"].decode()
        socket = await request.accept()
        created = {**SESSION, "client_secret": {"value": shown}, "instructions": f"Use {shown}"}
        error = {
            "type": "invalid_request_error",
            "code": "invalid_api_key",
            "message": f"Incorrect key: {shown}, that is {shown.split()[1]}\nERROR forged=1",
        }
        for event in (
            {"type": "session.created", "event_id": "e1", "session": created},
            {"type": "error", "event_id": "e2", "error": error},
        ):
            await socket.send_message(json.dumps(event))
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        server = await nursery.start(trio_websocket.serve_websocket, answer, "127.0.0.1", 0, None)
        yield server.port
        nursery.cancel_scope.cancel()


def settings(folder: Path, port: int, secret: str) -> Path:
    soundfile.write(folder / "in.wav", np.zeros(24_000), 24_000)
    (folder / "key").write_text(secret)
    path = folder / "voiced.toml"
    path.write_text(
        f'[realtime]\nurl = "ws://127.0.0.1:{port}/v1/realtime"\n'
        f'[auth]\nkey_file = "{folder}/key"\n'
        f'[capture]\ndevice = "file:{folder}/in.wav"\n'
        f'[playout]\ndevice = "file:{folder}/out.wav"\n'
        f'[debug]\nrecord_dir = "{folder}/wire"\nrecord_audio = true\n'
    )
    return path


@pytest.mark.parametrize("secret", [KEY, OPAQUE], ids=["shaped", "opaque"])
async def test_a_service_that_repeats_the_key_tells_nobody(tmp_path: Path, secret: str) -> None:
    async with gossip() as port:
        config = settings(tmp_path, port, secret)
        command = [sys.executable, "-m", "voiced", "run", "-v", "--log-format", "json"]
        with (tmp_path / "log").open("wb") as log, trio.fail_after(_HANG_S):
            ended = await trio.run_process(
                [*command, "--config", str(config)],
                env={"PATH": "", "HOME": str(tmp_path), "PYTHONPATH": str(_ROOT)},
                stdout=subprocess.DEVNULL,
                stderr=log,
                check=False,
            )
    assert ended.returncode == 78
    said = (tmp_path / "log").read_text()
    last = said.splitlines()[-1]
    things: list[dict[str, Any]] = [
        json.loads(line) for line in said.splitlines() if line[0] == "{"
    ]
    (fault,) = [each for each in things if each["event"] == "conversation_ended"]
    assert fault["fields"]["code"] == "invalid_api_key"
    assert "[masked]" in fault["fields"]["fault"]
    assert "\\nERROR forged=1" in fault["fields"]["fault"]
    assert last.startswith("voiced: the key was refused")
    assert "[masked]\\nERROR forged=1" in last
    record = "".join(each.read_text() for each in (tmp_path / "wire").iterdir())
    events = [json.loads(line) for line in record.splitlines()]
    kinds = [each["event"]["type"] for each in events if "event" in each]
    assert kinds[:2] == ["session.created", "session.update"]
    assert "[masked]" in record
    assert MARK not in said + record
    assert leaks_below(tmp_path) == []
