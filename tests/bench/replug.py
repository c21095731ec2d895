"""How long a conversation is without its devices: a microphone that goes and comes, a sound server that dies.

Each row has a sound server of its own, since it takes apart what others stand on. What is counted begins
when the device, or the server, is there again, and ends at the first sound that the service hears, or that
the ear hears of an answer. The daemon and its session are the same throughout, which is checked.
"""

import json
import os
import queue
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from tests import rig
from tests.bench.stage import CannotMeasureError, Series, Stage, stage, voice
from tests.rig import Room

TARGETS: Final = {
    "source is back -> heard by the service, ms": "<= 2000",
    "server starts -> heard by the service, ms": "<= 3000",
}

_BY_NAME: Final = '[capture]\ndevice = "usb_mic"\n'
_SAID_MS: Final = 50
_SAYS_EVERY_S: Final = 0.25  # the service wants 150 ms of silence before it calls sound an onset
_WITHIN_S: Final = 15.0
_AWAY_S: Final = 1.0


def microphones(rounds: int) -> Series:
    """As a USB microphone that is pulled out: its stream ends, it can't be opened, and is there again a
    second later. (A sound server that has other sources would move the stream instead: it is cut.)
    """
    times = []
    with tempfile.TemporaryDirectory() as folder, _scene(Path(folder), _BY_NAME) as scene:
        for _ in range(rounds):
            _pactl(scene.room, "unload-module", "module-remap-source")
            _cut_recordings(scene.room)
            time.sleep(_AWAY_S)
            began_s = time.perf_counter()
            master = ("source_name=mic", "master=mouth.monitor")
            _pactl(scene.room, "load-module", "module-remap-source", *master)
            times.append(1000 * _until_heard(scene, began_s))
        _check_alive(scene)
    return {"source is back -> heard by the service, ms": times}


def servers(rounds: int) -> Series:
    """The sound server is killed by a signal, and another one is up at the same address a second later.

    Whoever speaks needs a moment to find the new server, too: what is measured is at most as long.
    """
    times = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder, _scene(Path(folder)) as scene:
            subprocess.run(["pkill", "-KILL", "-f", f"{folder}/room.pa"], check=True)
            time.sleep(_AWAY_S)
            began_s = time.perf_counter()
            with rig.room(Path(folder)) as scene.room:
                times.append(1000 * _until_heard(scene, began_s))
                _check_alive(scene)
    return {"server starts -> heard by the service, ms": times}


@contextmanager
def _scene(folder: Path, toml: str = "") -> Iterator[Stage]:
    (folder / "home").mkdir(mode=0o700)
    (folder / "home" / ".asoundrc").write_text("pcm.usb_mic {\n type pulse\n device mic\n}\n")
    with rig.room(folder) as room, stage(room, 1000, toml=toml) as scene:
        _until_heard(scene, time.perf_counter())
        yield scene


def _pactl(room: Room, *command: str) -> None:
    environ = {**os.environ, **room.environ}
    subprocess.run(["pactl", *command], env=environ, check=True, capture_output=True)


def _cut_recordings(room: Room) -> None:
    """End every stream that records from what was the microphone's: only PulseAudio's own console can."""
    console = Path(room.environ["XDG_RUNTIME_DIR"]) / "console"
    if not console.exists():
        _pactl(room, "load-module", "module-cli-protocol-unix", f"socket={console}")
    environ = {**os.environ, **room.environ}
    command = ["pactl", "--format=json", "list", "source-outputs"]
    listed = subprocess.run(command, env=environ, check=True, capture_output=True).stdout
    ours = [
        each["index"]
        for each in json.loads(listed)
        if each["properties"].get("media.name") == "ALSA Capture"
    ]
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(console))
        for each in ours:
            line.sendall(f"kill-source-output {each}\n".encode())
        line.shutdown(socket.SHUT_WR)


def _until_heard(scene: Stage, since_s: float) -> float:
    """Say something over and over until the service hears it; how long that took, in seconds."""
    scene.server.forget()
    ends_s = time.perf_counter() + _WITHIN_S
    while time.perf_counter() < ends_s:
        scene.room.mouth.say(voice(_SAID_MS))
        with suppress(queue.Empty):
            return float(scene.server.until("onset", within_s=_SAYS_EVERY_S)["at"]) - since_s
    raise CannotMeasureError(f"the service heard nothing within {_WITHIN_S:.0f} s")


def _check_alive(scene: Stage) -> None:
    told = [each["what"] for each in scene.server.forget()]
    if scene.daemon.process.poll() is not None:
        raise CannotMeasureError("the daemon has ended: what was heard came from another one")
    if "session created" in told:
        raise CannotMeasureError("the conversation had to begin anew")
