"""What every microphone promises: the one made of time, a file, and the sound card's."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import attrs
import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import trio

from tests.fakes.room import Microphone
from tests.rig import RATE_HZ, Room
from voiced.audio.format import Shape
from voiced.edges.files import FileMicrophone
from voiced.edges.microphone import PortAudioMicrophone
from voiced.edges.paced import PacedMicrophone
from voiced.edges.portaudio import PortAudio
from voiced.faults import DeviceError
from voiced.ports import Microphone as MicrophonePort
from voiced.ports import OpenMicrophone

LOUD = 12_000


@attrs.define(eq=False)
class Subject:
    """A microphone under test, and somebody who speaks into it: a tone, half a second long."""

    port: MicrophonePort
    speak: Callable[[], None] = lambda: None  # for those that do not speak from the beginning
    fall_silent: Callable[[], None] | None = None  # None: it cannot
    numbered: bool = False  # every block is another than the one before

    @asynccontextmanager
    async def open(self) -> AsyncIterator[OpenMicrophone]:
        """Nothing that is asked of a microphone may take for ever."""
        with trio.fail_after(20):
            async with self.port.open() as microphone:
                yield microphone


Promise = Callable[[Subject], Awaitable[None]]


async def take(microphone: OpenMicrophone, blocks: int) -> list[bytes]:
    """So many blocks, or a few more."""
    taken: list[bytes] = []
    while len(taken) < blocks:
        taken += await microphone.collect()
    return taken


def milliseconds(blocks: list[bytes], shape: Shape) -> float:
    return 1000 * sum(map(len, blocks)) / (2 * shape.channels * shape.rate_hz)


# --- the promises ---------------------------------------------------------------------------------


async def its_shape_is_known_as_soon_as_it_is_open(subject: Subject) -> None:
    async with subject.open() as microphone:
        assert 8_000 <= microphone.shape.rate_hz <= 384_000
        assert microphone.shape.channels >= 1
        assert (microphone.lost_blocks, microphone.overflows) == (0, 0)


async def blocks_come_for_ever_all_of_one_length(subject: Subject) -> None:
    async with subject.open() as microphone:
        blocks = await take(microphone, 25)
        assert {len(block) for block in blocks} == {
            microphone.shape.rate_hz // 50 * microphone.shape.channels * 2
        }


async def whoever_collects_gets_at_least_one(subject: Subject) -> None:
    async with subject.open() as microphone:
        for _ in range(10):
            assert len(await microphone.collect()) >= 1


async def what_is_spoken_is_heard(subject: Subject) -> None:
    async with subject.open() as microphone:
        await take(microphone, 5)
        subject.speak()
        heard = np.empty(0, np.int32)
        while np.count_nonzero(heard > LOUD // 10) < 0.35 * microphone.shape.rate_hz:
            samples = np.frombuffer(b"".join(await microphone.collect()), np.int16)
            first = samples.reshape(-1, microphone.shape.channels)[:, 0]
            heard = np.concatenate([heard, np.abs(first.astype(np.int32))])
        assert heard.max() == pytest.approx(LOUD, rel=0.05)


async def time_in_which_nobody_collects_is_there_afterwards_or_counted_as_lost(
    subject: Subject,
) -> None:
    async with subject.open() as microphone:
        await microphone.collect()
        await trio.sleep(1.0)
        blocks = list(await microphone.collect())
        accounted_ms = milliseconds(blocks, microphone.shape) + 20 * microphone.lost_blocks
        assert accounted_ms >= 900
        assert (
            len(blocks) <= 8 or not microphone.lost_blocks
        )  # bounded, where it is not time itself


async def giving_up_waiting_loses_nothing(subject: Subject) -> None:
    async with subject.open() as microphone:
        blocks: list[bytes] = []
        while len(blocks) < 10:
            with trio.move_on_after(0.007):
                blocks += await microphone.collect()
        assert microphone.lost_blocks == 0
        if subject.numbered:
            numbers = [int(np.frombuffer(block, np.int16)[0]) for block in blocks]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


async def it_is_watched_without_complaint_while_it_works(subject: Subject) -> None:
    async with subject.open() as microphone, trio.open_nursery() as nursery:
        nursery.start_soon(microphone.watch)
        await take(microphone, 10)
        nursery.cancel_scope.cancel()


async def one_that_falls_silent_is_noticed(subject: Subject) -> None:
    assert subject.fall_silent is not None
    async with subject.open() as microphone, trio.open_nursery() as nursery:
        nursery.start_soon(take, microphone, 1_000_000)
        await trio.sleep(0.5)
        subject.fall_silent()
        with pytest.raises(DeviceError):
            await microphone.watch()
        nursery.cancel_scope.cancel()


async def leaving_is_possible_while_being_cancelled(subject: Subject) -> None:
    with trio.CancelScope() as scope:
        async with subject.open() as microphone:
            await microphone.collect()
            scope.cancel()
            while True:
                await microphone.collect()
    assert scope.cancelled_caught


async def it_can_be_opened_again(subject: Subject) -> None:
    for _ in range(2):
        async with subject.open() as microphone:
            await take(microphone, 3)


PROMISES: list[Promise] = [
    its_shape_is_known_as_soon_as_it_is_open,
    blocks_come_for_ever_all_of_one_length,
    whoever_collects_gets_at_least_one,
    what_is_spoken_is_heard,
    time_in_which_nobody_collects_is_there_afterwards_or_counted_as_lost,
    giving_up_waiting_loses_nothing,
    it_is_watched_without_complaint_while_it_works,
    leaving_is_possible_while_being_cancelled,
    it_can_be_opened_again,
]

BREAKABLE: list[Promise] = [*PROMISES, one_that_falls_silent_is_noticed]
"""For those that something can silence: the sound card's silence is told of with PulseAudio's end."""

all_promises_of_what_breaks = pytest.mark.parametrize(
    "promise", BREAKABLE, ids=lambda promise: promise.__name__
)
all_promises = pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)


# --- who makes them -------------------------------------------------------------------------------


def tone(rate_hz: int) -> npt.NDArray[np.int16]:
    wave = np.sin(2 * np.pi * 300 * np.arange(rate_hz // 2) / rate_hz)
    return np.asarray(np.rint(LOUD * wave), np.int16)


@all_promises
async def test_the_microphone_made_of_time(
    promise: Promise, autojump_clock: trio.abc.Clock
) -> None:
    sound = np.resize(tone(24_000), (1000, 480)).copy()
    numbers = count()

    def source() -> bytes:
        number = next(numbers)
        block = sound[number % 1000]
        block[0] = number
        return bytes(block)

    await promise(Subject(PacedMicrophone(Shape(24_000, 1), source), numbered=True))


@all_promises_of_what_breaks
async def test_the_microphone_of_stories(promise: Promise, autojump_clock: trio.abc.Clock) -> None:
    sound = np.resize(tone(24_000), (1000, 480))
    numbers = count()
    microphone = Microphone(Shape(24_000, 1), lambda: bytes(sound[next(numbers) % 1000]))
    await promise(Subject(microphone, fall_silent=microphone.plug.stalls))


@all_promises
async def test_a_file_as_microphone(
    promise: Promise, tmp_path: Path, autojump_clock: trio.abc.Clock
) -> None:
    path = tmp_path / "speech.wav"
    soundfile.write(path, np.stack([np.tile(tone(44_100), 5)] * 2, axis=1), 44_100)
    await promise(Subject(FileMicrophone(path)))


@pytest.mark.audio
@all_promises
@pytest.mark.parametrize("rate_hz", [None, 48_000])
async def test_the_microphone_of_a_sound_card(
    promise: Promise, rate_hz: int | None, room: Room
) -> None:
    def speak() -> None:
        room.mouth.say(tone(RATE_HZ))

    await promise(Subject(PortAudioMicrophone(PortAudio(), "pulse", rate_hz), speak))
