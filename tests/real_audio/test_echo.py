"""The assistant in a room whose walls give its voice back to the microphone: does it interrupt itself?

Real devices, the real canceller, the embedded server with its own ears. What is asserted holds without echo
handling the other way round: the first story shows that this room would be noticed.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import numpy as np
import numpy.typing as npt
import pytest
import trio

from tests import rig
from tests.local.client import Watcher, serving
from tests.rig import RATE_HZ, Room
from voiced.app import Daemon
from voiced.config.whole import Config
from voiced.local.ears import PlainEars
from voiced.local.speech import Timbre, find_voice
from voiced.notices import Happened, Moment
from voiced.outside import ports_from

pytestmark = [pytest.mark.audio, pytest.mark.alone]

_ANSWER = (
    "The museum opens at nine in the morning and closes at six in the evening, on Thursdays at eight. "
    "Tickets for two cost twenty four euros, and children do not pay at all."
)
_THRESHOLD = 300  # of the server's ears: an echo of -20 dB is three times as loud


def response(return_db: float) -> npt.NDArray[np.float64]:
    """A direct sound 6 dB above all reflections, which fall by 60 dB in 0.3 s."""
    rng = np.random.default_rng(5)
    tail = rng.standard_normal(RATE_HZ * 3 // 10) * 10 ** (
        -3 * np.arange(RATE_HZ * 3 // 10) / (RATE_HZ * 3 // 10)
    )
    tail[:96] = 0.0
    tail *= 0.5 / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    whole: npt.NDArray[np.float64] = tail * 10 ** (return_db / 20) / np.sqrt(np.sum(tail**2))
    return whole


@attrs.define(eq=False)
class Scene:
    """A daemon and a server that talk in a room with walls."""

    room: Room
    daemon: Daemon
    watch: Watcher
    notices: list[Happened] = attrs.field(factory=list)

    async def until(self, moment: Moment, times: int = 1) -> None:
        """Wait, but not for ever, until it has happened so often."""
        with trio.fail_after(60):
            while self.count(moment) < times:  # noqa: ASYNC110  the air rings no bell
                await trio.sleep(0.02)

    def count(self, moment: Moment) -> int:
        return sum(1 for each in self.notices if each.moment is moment)

    def started(self) -> int:
        """How often the server heard somebody begin to speak."""
        return self.watch.kinds().count("input_audio_buffer.speech_started")


@asynccontextmanager
async def scene_in(room: Room, mode: str, return_db: float = -12.0) -> AsyncIterator[Scene]:
    watch = Watcher()
    ears = PlainEars(["when do you open"], threshold=_THRESHOLD)
    voice = find_voice(Timbre.ASSISTANT)
    async with serving(answers=[_ANSWER], ears=ears, voice=voice, watch=watch) as port:
        config = Config()
        url = f"ws://127.0.0.1:{port}/v1/realtime"
        config = attrs.evolve(
            config,
            realtime=attrs.evolve(config.realtime, url=url),
            capture=attrs.evolve(config.capture, device="pulse"),
            # Each gap that a busy machine makes moves the echo: how long it is is not asked here.
            playout=attrs.evolve(config.playout, device="pulse", latency_ms=150, block_ms=10),
            echo=attrs.evolve(config.echo, mode=mode),
            control=attrs.evolve(config.control, enabled=False),
        )
        daemon = Daemon(config, ports_from(config, {}))
        scene = Scene(room, daemon, watch)
        daemon.board.follow(scene.notices.append)
        with trio.fail_after(120), rig.walls(room, response(return_db)):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(daemon.run)
                await watch.until("input_audio_buffer.append", 20)
                yield scene
                daemon.supervisor.stop()


def hum(ms: int, level: int = 6000) -> rig.Samples:
    time_s = np.arange(RATE_HZ * ms // 1000) / RATE_HZ
    sound: rig.Samples = np.rint(level * np.sin(2 * np.pi * 220 * time_s)).astype(np.int16)
    return sound


async def asks(scene: Scene) -> None:
    """Somebody says something, and an answer begins."""
    await trio.to_thread.run_sync(scene.room.mouth.say, hum(500))
    await scene.until(Moment.FIRST_SOUND)


async def test_without_echo_handling_the_assistant_interrupts_itself(room: Room) -> None:
    async with scene_in(room, "off") as scene:
        await asks(scene)
        await scene.until(Moment.CUT)
        assert scene.started() >= 2


@pytest.mark.parametrize("mode", ["auto", "half_duplex"])
async def test_with_it_the_answer_is_heard_to_its_end(room: Room, mode: str) -> None:
    async with scene_in(room, mode) as scene:
        await asks(scene)
        await scene.until(Moment.PLAYED)
        await trio.sleep(1.0)  # for what the room gives back last
        assert scene.started() == 1, "only the user"
        assert scene.count(Moment.CUT) == 0
        assert scene.daemon.board.echo.startswith({"auto": "webrtc: "}.get(mode, mode))


async def test_somebody_who_speaks_over_it_is_heard(room: Room) -> None:
    async with scene_in(room, "webrtc") as scene:
        await asks(scene)
        await trio.sleep(4.0)
        began_s = time.perf_counter()
        await trio.to_thread.run_sync(scene.room.mouth.say, hum(800, 12_000))
        await scene.until(Moment.CUT)
        assert scene.started() == 2
        assert time.perf_counter() - began_s < 10
