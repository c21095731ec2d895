"""PortAudio, faked: finding devices by name, asking for rates, and surviving those that break or hang.

The fake stands for the sounddevice module, not for our port: what sound cards do is in the contracts.
"""

import atexit
import importlib
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import attrs
import numpy as np
import pytest
import trio
import trio.testing

from voiced.audio.format import Shape
from voiced.edges import portaudio
from voiced.edges.cards import list_devices
from voiced.edges.microphone import PortAudioMicrophone
from voiced.edges.portaudio import PortAudio, load
from voiced.edges.speaker import PortAudioSpeaker
from voiced.faults import DeviceAbsent, DeviceBusy, DeviceError, DeviceHung


class PortAudioError(Exception):
    """What sounddevice raises."""


def device(index: int, name: str, inputs: int = 0, outputs: int = 0) -> dict[str, Any]:
    return {
        "index": index,
        "name": name,
        "hostapi": 0,
        "max_input_channels": inputs,
        "max_output_channels": outputs,
    }


CARDS = [
    device(0, "HDA Intel PCH: ALC257 (hw:0,0)", inputs=2, outputs=2),
    device(1, "HDA Intel PCH: HDMI 0 (hw:0,3)", outputs=8),
    device(2, "USB Speakerphone: Audio (hw:1,0)", inputs=1, outputs=2),
    device(3, "pulse", inputs=32, outputs=32),
]


@attrs.define(eq=False)
class Stream:
    """One stream, open."""

    kind: str
    wanted: dict[str, Any]
    owner: "SoundDevice"
    active: bool = False
    stopped: bool = True
    closed: bool = False
    latency: float = 0.02

    def start(self) -> None:
        self.owner.diary.append("start")
        if self.owner.dead:
            raise PortAudioError("Illegal combination of I/O devices [PaErrorCode -9993]")
        self.active, self.stopped = True, False

    def abort(self, ignore_errors: bool = True) -> None:
        self.owner.diary.append("abort")
        self.active, self.stopped = False, True

    def close(self, ignore_errors: bool = True) -> None:
        self.owner.diary.append("close")
        self.owner.hang.wait()
        self.active, self.closed = False, True

    # --- what the audio thread does

    def gives(self, pcm: bytes, *, overflow: bool = False) -> None:
        status = SimpleNamespace(input_overflow=overflow) if overflow else None
        self.wanted["callback"](pcm, len(pcm) // 2, None, status)

    def takes(self, samples: int) -> bytes:
        block = bytearray(2 * samples * self.wanted["channels"])
        self.wanted["callback"](block, samples, None, None)
        return bytes(block)

    def dies(self) -> None:
        """As when the sound server is killed: the stream is not active, and nobody has stopped it."""
        self.active = False
        self.wanted["finished_callback"]()


@attrs.define(eq=False)
class SoundDevice:
    """The module sounddevice, with other cards in the machine."""

    cards: list[dict[str, Any]] = attrs.field(factory=lambda: list(CARDS))
    defaults: tuple[int, int] = (3, 3)
    takes: Callable[[dict[str, Any]], bool] = lambda _wanted: True
    dead: bool = False
    hang: threading.Event = attrs.field(factory=threading.Event)  # not set: closing hangs
    tried: list[tuple[int, int]] = attrs.field(factory=list)  # rate and channels
    streams: list[Stream] = attrs.field(factory=list)
    diary: list[str] = attrs.field(factory=list)
    plugged: list[dict[str, Any]] | None = (
        None  # what it would list if it began anew; None: the same
    )
    begun: bool = True
    PortAudioError: type[Exception] = PortAudioError

    def __attrs_post_init__(self) -> None:
        self.hang.set()

    @property
    def default(self) -> "SoundDevice":
        return self

    @property
    def device(self) -> tuple[int, int]:
        return self.defaults

    @property
    def stream(self) -> Stream:
        return self.streams[-1]

    def query_devices(self) -> list[dict[str, Any]]:
        if not self.begun:
            raise PortAudioError("PortAudio not initialized [PaErrorCode -10000]")
        return self.cards

    def _terminate(self) -> None:
        assert all(stream.closed for stream in self.streams), "this would end them"
        if not self.begun:
            raise PortAudioError("PortAudio not initialized [PaErrorCode -10000]")
        self.begun = False
        self.diary.append("terminate")

    def _initialize(self) -> None:
        self.diary.append("initialize")
        if self.dead:
            raise PortAudioError("Unanticipated host error [PaErrorCode -9999]")
        self.begun = True
        self.cards = self.cards if self.plugged is None else self.plugged

    def query_hostapis(self, index: int) -> dict[str, str]:
        return {"name": "ALSA"}

    def RawInputStream(self, **wanted: Any) -> Stream:  # noqa: N802  sounddevice's own name
        return self._open("input", wanted)

    def RawOutputStream(self, **wanted: Any) -> Stream:  # noqa: N802  sounddevice's own name
        return self._open("output", wanted)

    def _open(self, kind: str, wanted: dict[str, Any]) -> Stream:
        self.tried.append((wanted["samplerate"], wanted["channels"]))
        if self.dead or not self.takes(wanted):
            raise PortAudioError("Invalid sample rate [PaErrorCode -9997]")
        self.streams.append(Stream(kind, wanted, self))
        return self.stream


@pytest.fixture
def sounddevice(monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundDevice]:
    fake = SoundDevice()
    monkeypatch.setattr(portaudio, "load", lambda: fake)
    yield fake
    fake.hang.set()


def microphone(name: str = "default", rate_hz: int | None = None) -> PortAudioMicrophone:
    return PortAudioMicrophone(PortAudio(), name, rate_hz)


def speaker(name: str = "default", rate_hz: int | None = None) -> PortAudioSpeaker:
    return PortAudioSpeaker(PortAudio(), name, rate_hz)


async def opened(port: PortAudioMicrophone | PortAudioSpeaker) -> int:
    """The index of the device that it opens."""
    with trio.fail_after(20):
        async with port.open():
            stream = portaudio.load().stream
    assert stream.closed
    return int(stream.wanted["device"])


async def refusal(port: PortAudioMicrophone | PortAudioSpeaker) -> str:
    with pytest.raises(DeviceError) as refused, trio.fail_after(20):
        await opened(port)
    return str(refused.value)


# --- finding a device -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("port", "index"),
    [
        (microphone("pulse"), 3),
        (microphone("USB Speakerphone: Audio (hw:1,0)"), 2),
        (microphone("speakerphone"), 2),  # a part of the name will do
        (microphone("HDA"), 0),  # two cards are called that; one has a microphone
        (microphone("hw:0"), 0),
        (speaker("HDMI"), 1),
        (speaker("default"), 3),
    ],
    ids=lambda value: getattr(value, "name", value),
)
async def test_a_device_is_found_by_its_name_or_a_part_of_it(
    sounddevice: SoundDevice, port: PortAudioMicrophone | PortAudioSpeaker, index: int
) -> None:
    assert await opened(port) == index


async def test_an_exact_name_beats_names_that_contain_it(sounddevice: SoundDevice) -> None:
    sounddevice.cards = [device(0, "pulse monitor", inputs=2), device(1, "pulse", inputs=2)]
    assert await opened(microphone("pulse")) == 1


async def test_without_a_default_the_first_is_taken(sounddevice: SoundDevice) -> None:
    sounddevice.defaults = (-1, -1)
    assert await opened(microphone()) == 0


@pytest.mark.parametrize(
    ("port", "words"),
    [
        (microphone("bluetooth"), 'microphone "bluetooth": there is none of that name'),
        (speaker("HDA"), 'loudspeaker "HDA": several match'),
        (microphone("HDMI"), 'microphone "HDMI": there is none of that name'),
    ],
    ids=lambda value: getattr(value, "name", None),
)
async def test_a_name_that_fits_none_or_several_is_refused_with_all_there_is(
    sounddevice: SoundDevice, port: PortAudioMicrophone | PortAudioSpeaker, words: str
) -> None:
    told = await refusal(port)
    assert told.startswith(words)
    for card in CARDS:
        assert f'"{card["name"]}"' in told


async def test_a_machine_without_any_is_told_that_files_will_do(sounddevice: SoundDevice) -> None:
    sounddevice.cards = []
    assert "there is no microphone at all" in await refusal(microphone())
    told = await refusal(speaker("pulse"))
    assert "there is no loudspeaker at all" in told
    assert "file:PATH" in told


def test_each_device_is_one_line_of_plain_words() -> None:
    cards = [
        device(0, "HDMI", outputs=8),
        device(1, "Speakerphone", inputs=1, outputs=2),
        device(2, "pulse", inputs=32, outputs=32),
    ]
    assert list_devices(SoundDevice(cards, defaults=(1, 2))) == [
        '"HDMI" (ALSA): loudspeaker with 8 channels',
        '"Speakerphone" (ALSA): microphone with 1 channel, the default; loudspeaker with 2 channels',
        '"pulse" (ALSA): microphone with 32 channels; loudspeaker with 32 channels, the default',
    ]


def test_a_machine_without_portaudio_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(_name: str) -> None:
        raise OSError("PortAudio library not found")

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(DeviceError, match="sudo apt install libportaudio2"):
        load()


# --- asking for rate and channels -----------------------------------------------------------------


async def test_one_channel_at_the_best_rate_is_asked_for_first(sounddevice: SoundDevice) -> None:
    await opened(microphone("pulse"))
    await opened(speaker("pulse"))
    assert sounddevice.tried == [(24_000, 1), (48_000, 1)]
    assert [s.wanted["blocksize"] for s in sounddevice.streams] == [480, 240]  # 20 ms and 5 ms
    assert [s.wanted["latency"] for s in sounddevice.streams] == ["low", 0.02]


async def test_a_card_of_few_words_gets_what_it_wants(sounddevice: SoundDevice) -> None:
    sounddevice.takes = lambda wanted: (wanted["samplerate"], wanted["channels"]) == (44_100, 2)
    async with microphone("HDA").open() as open_microphone:
        assert open_microphone.shape == Shape(44_100, 2)
    assert sounddevice.tried[:4] == [(24_000, 1), (24_000, 2), (48_000, 1), (48_000, 2)]


async def test_a_rate_that_was_chosen_is_the_only_one_tried(sounddevice: SoundDevice) -> None:
    sounddevice.takes = lambda wanted: False
    told = await refusal(speaker("HDMI", 96_000))
    assert {rate for rate, _ in sounddevice.tried} == {96_000}
    assert "can't be opened at 96000 Hz: Invalid sample rate" in told
    assert "There is:" in told


async def test_a_card_that_takes_nothing_is_refused_with_its_reason(
    sounddevice: SoundDevice,
) -> None:
    sounddevice.takes = lambda wanted: False
    told = await refusal(microphone("HDA"))
    assert "can't be opened at any rate: Invalid sample rate [PaErrorCode -9997]" in told
    assert "Another program may hold it" in told


# --- streams that end, break or hang --------------------------------------------------------------


async def test_what_the_device_gives_is_collected(sounddevice: SoundDevice) -> None:
    async with microphone().open() as open_microphone:
        for number in range(20):
            sounddevice.stream.gives(bytes([number]) * 960)
        with trio.fail_after(5):
            blocks = await open_microphone.collect()
    assert [block[0] for block in blocks] == list(range(12, 20))
    assert open_microphone.lost_blocks == 12


async def test_what_the_device_itself_lost_is_counted(sounddevice: SoundDevice) -> None:
    async with microphone("pulse").open() as open_microphone:
        for overflow in (False, True, False, True):
            sounddevice.stream.gives(bytes(960), overflow=overflow)
        with trio.fail_after(5):
            assert len(await open_microphone.collect()) == 4
        assert open_microphone.overflows == 2


async def test_a_microphone_that_ends_by_itself_is_a_fault(sounddevice: SoundDevice) -> None:
    async with microphone("pulse").open() as open_microphone:
        sounddevice.stream.gives(bytes(960))
        sounddevice.stream.dies()
        with trio.fail_after(5):
            assert await open_microphone.collect() == [bytes(960)]
            with pytest.raises(DeviceError, match='"pulse" gives no sound any more'):
                await open_microphone.collect()


async def test_a_microphone_that_falls_silent_without_a_word_is_a_fault(
    sounddevice: SoundDevice, nursery: trio.Nursery, mock_clock: trio.testing.MockClock
) -> None:
    ended_s: list[float] = []

    async def watch_it(watch: Callable[[], Awaitable[None]]) -> None:
        with pytest.raises(DeviceError, match='"pulse" gives no sound any more'):
            await watch()
        ended_s.append(trio.current_time())

    async with microphone("pulse").open() as open_microphone:
        nursery.start_soon(watch_it, open_microphone.watch)
        for second in range(30):
            if second < 20:
                sounddevice.stream.gives(bytes(960))
            await trio.testing.wait_all_tasks_blocked()
            mock_clock.jump(1.0)
        await trio.testing.wait_all_tasks_blocked()
    assert len(ended_s) == 1
    assert 21 < ended_s[0] < 27


async def test_a_loudspeaker_that_takes_no_more_is_a_fault_unless_it_rests(
    sounddevice: SoundDevice, nursery: trio.Nursery, mock_clock: trio.testing.MockClock
) -> None:
    """It is asked for at 0 s, and takes something each second until 20; it rests from 10 to 15."""
    ended_s: list[float] = []

    async def watch_it(watch: Callable[[], Awaitable[None]]) -> None:
        with pytest.raises(DeviceError, match='"pulse" takes no sound any more'):
            await watch()
        ended_s.append(trio.current_time())

    async with speaker("pulse").open() as open_speaker:
        nursery.start_soon(watch_it, open_speaker.watch)
        await open_speaker.wake()
        for second in range(30):
            if second == 10:
                await open_speaker.rest()
            if second == 15:
                await open_speaker.wake()
            if second < 10 or 15 <= second < 20:
                sounddevice.stream.takes(240)
            await trio.testing.wait_all_tasks_blocked()
            mock_clock.jump(1.0)
        await trio.testing.wait_all_tasks_blocked()
    assert len(ended_s) == 1
    assert 21 < ended_s[0] < 27


async def test_a_loudspeaker_that_ends_by_itself_is_seen_at_the_next_look(
    sounddevice: SoundDevice, mock_clock: trio.testing.MockClock
) -> None:
    """The clock stands: it is opened in a thread, and one that jumps would not wait for that."""
    port = PortAudioSpeaker(PortAudio(), "pulse", stall_s=60.0)
    async with port.open() as open_speaker:
        await open_speaker.wake()
        sounddevice.stream.dies()
        with pytest.raises(DeviceError, match="takes no sound any more"):
            await open_speaker.watch()
    assert trio.current_time() == 0


async def test_a_stream_that_opens_when_nobody_waits_any_more_is_closed(
    sounddevice: SoundDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portaudio, "_PATIENCE_S", 0.1)
    slow = threading.Event()

    def takes(_wanted: dict[str, Any]) -> bool:
        slow.wait()
        return True

    sounddevice.takes = takes
    with trio.fail_after(20):
        with pytest.raises(DeviceHung, match="the sound server hangs"):
            async with speaker().open():
                pytest.fail("opened")
        slow.set()
        while not (sounddevice.streams and sounddevice.stream.closed):  # noqa: ASYNC110  a thread
            await trio.sleep(0.01)


async def test_a_loudspeaker_that_has_rested_is_opened_anew_before_it_is_started(
    sounddevice: SoundDevice,
) -> None:
    """PortAudio hangs for ever where it starts a stream whose sound server is gone."""
    async with speaker().open() as open_speaker:
        await open_speaker.wake()
        await open_speaker.wake()
        assert sounddevice.diary == ["start"]
        await open_speaker.rest()
        await open_speaker.wake()
        assert sounddevice.diary == ["start", "abort", "close", "start"]
        before, now = sounddevice.streams
        assert before.closed
        assert now.wanted == before.wanted
        await open_speaker.play(np.full(480, 1000, np.int16).tobytes())
        assert np.frombuffer(now.takes(480), np.int16).any()
    assert now.closed
    assert sounddevice.diary == ["start", "abort", "close", "start", "close"]


async def test_who_is_cancelled_while_it_wakes_can_have_it_woken_again(
    sounddevice: SoundDevice,
) -> None:
    """As by somebody who speaks just when a rested loudspeaker was wanted; nothing stays open of that."""
    opening, goes_on = threading.Event(), threading.Event()

    def slowly(_wanted: dict[str, Any]) -> bool:
        opening.set()
        return goes_on.wait(20)

    async with speaker().open() as open_speaker:
        await open_speaker.wake()
        await open_speaker.rest()
        sounddevice.takes = slowly
        async with trio.open_nursery() as nursery:
            nursery.start_soon(open_speaker.wake)
            assert await trio.to_thread.run_sync(opening.wait, 20)
            nursery.cancel_scope.cancel()
        open_speaker.ramp_to(-12.0)
        goes_on.set()
        await open_speaker.wake()
        assert [each.active for each in sounddevice.streams] == [False, False, True]
    assert all(each.closed for each in sounddevice.streams)
    assert sounddevice.diary.count("close") == 3, "each once: its memory is free then"


async def test_a_loudspeaker_that_ended_by_itself_is_a_fault_and_not_started(
    sounddevice: SoundDevice,
) -> None:
    async with speaker().open() as open_speaker:
        await open_speaker.wake()
        sounddevice.stream.dies()
        with pytest.raises(DeviceError, match='"default" takes no sound any more'):
            await open_speaker.play(bytes(960))
    assert sounddevice.diary == ["start", "close"]


async def test_a_loudspeaker_that_went_away_at_rest_is_a_fault_when_it_is_woken(
    sounddevice: SoundDevice,
) -> None:
    async with speaker().open() as open_speaker:
        await open_speaker.wake()
        await open_speaker.rest()
        sounddevice.takes = lambda _wanted: False
        with pytest.raises(DeviceError, match='"default" takes no sound any more'):
            await open_speaker.play(bytes(960))
    assert sounddevice.diary == ["start", "abort", "close"]


async def test_every_channel_of_the_loudspeaker_gets_the_same(sounddevice: SoundDevice) -> None:
    sounddevice.takes = lambda wanted: wanted["channels"] == 8
    sound = np.full(480, 1000, np.int16)
    async with speaker("HDMI", 24_000).open() as open_speaker:
        await open_speaker.play(sound.tobytes())
        taken = np.frombuffer(sounddevice.stream.takes(480), np.int16).reshape(-1, 8)
    assert (taken == 1000).all()


async def test_leaving_does_not_wait_for_ever_for_a_stream_that_hangs(
    sounddevice: SoundDevice,
) -> None:
    with trio.fail_after(20):
        async with microphone().open():
            sounddevice.hang.clear()
    # Its thread is left behind, and may still give: that must harm nobody.
    sounddevice.stream.gives(bytes(960))


async def test_calls_are_made_one_at_a_time() -> None:
    system, inside, most = PortAudio(), 0, 0
    lock = threading.Lock()

    def work() -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        threading.Event().wait(0.001)
        with lock:
            inside -= 1

    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(system.call, work)
    assert most == 1


async def test_a_call_that_hangs_is_given_up_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portaudio, "_PATIENCE_S", 0.1)
    system, hang = PortAudio(), threading.Event()
    with trio.fail_after(20):
        with pytest.raises(DeviceError, match=r"did not answer.*the sound server hangs"):
            await system.call(hang.wait)
        with pytest.raises(DeviceError, match="the sound server hangs"):
            await system.call(lambda: None)  # it still holds the line
        hang.set()
        monkeypatch.undo()
        await system.call(lambda: None)


async def test_a_card_that_another_program_holds_is_told_from_one_that_refuses(
    sounddevice: SoundDevice,
) -> None:
    def held(_wanted: dict[str, Any]) -> bool:
        raise PortAudioError("Device unavailable", -9985)

    sounddevice.takes = held
    with pytest.raises(DeviceBusy):
        await opened(speaker("HDMI"))
    with pytest.raises(DeviceAbsent):
        await opened(speaker("gramophone"))


async def test_what_a_name_stands_for_is_told(sounddevice: SoundDevice) -> None:
    assert await PortAudio().name_of("input", "speakerphone") == (
        "USB Speakerphone: Audio (hw:1,0)"
    )
    assert await PortAudio().name_of("output", "default") == "pulse"
    with pytest.raises(DeviceAbsent):
        await PortAudio().name_of("input", "HDMI")


# --- devices that come and go ---------------------------------------------------------------------

USB = device(2, "USB PnP: Audio (hw:1,0)", inputs=1)
BUILT_IN = device(0, "HDA Intel PCH: ALC257 (hw:0,0)", inputs=2, outputs=2)


@attrs.define(eq=False)
class Machine:
    """PortAudio, and the cards that are really there: they leave traces."""

    sounddevice: SoundDevice
    plugs: int = 0
    system: PortAudio = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.system = PortAudio(lambda: self.plugs)

    def holds(self, *cards: dict[str, Any]) -> None:
        self.sounddevice.plugged = list(cards)
        self.plugs += 1

    def microphone(self, *names: str) -> PortAudioMicrophone:
        return PortAudioMicrophone(self.system, names)

    def speaker(self, *names: str) -> PortAudioSpeaker:
        return PortAudioSpeaker(self.system, names)


@pytest.fixture
def machine(sounddevice: SoundDevice) -> Machine:
    sounddevice.cards = [BUILT_IN, USB]
    return Machine(sounddevice)


async def test_one_that_was_plugged_in_again_is_found_by_name_under_another_number(
    machine: Machine,
) -> None:
    assert await opened(machine.microphone("USB PnP")) == 2
    machine.holds(BUILT_IN)
    assert "there is none of that name" in await refusal(machine.microphone("USB PnP"))
    machine.holds({**USB, "index": 0}, {**BUILT_IN, "index": 1})
    assert await opened(machine.microphone("USB PnP")) == 0


async def test_what_left_no_trace_is_looked_for_when_it_is_missing(machine: Machine) -> None:
    machine.sounddevice.plugged = [BUILT_IN, {**USB, "name": "Studio"}]
    assert await opened(machine.microphone("Studio")) == 2
    await opened(machine.microphone("Studio"))
    assert machine.sounddevice.diary.count("initialize") == 1


async def test_while_nothing_comes_or_goes_it_is_never_begun_anew(machine: Machine) -> None:
    for _ in range(3):
        await opened(machine.microphone("USB PnP"))
    assert "initialize" not in machine.sounddevice.diary


async def test_a_sound_system_that_could_not_begin_begins_at_the_next_attempt(
    machine: Machine,
) -> None:
    await opened(machine.microphone("USB PnP"))
    machine.holds(USB)
    machine.sounddevice.dead = True
    assert "the sound system refused" in await refusal(machine.microphone("USB PnP"))
    machine.holds(USB, BUILT_IN)
    machine.sounddevice.dead = False
    assert await opened(machine.microphone("USB PnP")) == 2


async def test_the_first_that_opens_is_taken(machine: Machine) -> None:
    assert await opened(machine.microphone("Studio", "USB PnP", "default")) == 2

    def held(wanted: dict[str, Any]) -> bool:
        if wanted["device"] == 2:
            raise PortAudioError("Device unavailable", -9985)
        return True

    machine.sounddevice.takes = held
    assert await opened(machine.microphone("USB PnP", "HDA")) == 0
    with pytest.raises(DeviceBusy) as busy:
        await opened(machine.microphone("Studio", "USB PnP"))
    told = str(busy.value)
    assert told.count("There is:") == 1
    assert '"Studio": there is none of that name' in told
    assert '"USB PnP: Audio (hw:1,0)" can\'t be opened' in told


async def test_one_that_is_missing_is_found_once_the_other_has_closed_its_stream_for_a_moment(
    machine: Machine, nursery: trio.Nursery
) -> None:
    """Microphone and loudspeaker on different cards: while one is open, no other card can be seen."""
    machine.sounddevice.cards = [BUILT_IN]
    open_again = trio.Event()

    async def play(task_status: trio.TaskStatus[None]) -> None:
        async with machine.speaker("HDA").open():
            task_status.started()
            await machine.system.until_recalled()
        async with machine.speaker("HDA").open():
            open_again.set()
            await trio.sleep_forever()

    with trio.fail_after(20):
        await nursery.start(play)
        assert "there is none of that name" in await refusal(machine.microphone("USB PnP"))
        assert "initialize" not in machine.sounddevice.diary
        machine.holds(BUILT_IN, USB)
        await open_again.wait()
        assert await opened(machine.microphone("USB PnP")) == 2
    nursery.cancel_scope.cancel()


async def test_a_better_one_that_comes_back_is_taken_when_both_have_closed(
    machine: Machine, nursery: trio.Nursery
) -> None:
    machine.sounddevice.cards = [BUILT_IN]
    taken: list[int] = []
    both = trio.Event()

    async def live(port: PortAudioMicrophone | PortAudioSpeaker) -> None:
        while True:
            async with port.open():
                if isinstance(port, PortAudioMicrophone):
                    inputs = [s for s in machine.sounddevice.streams if s.kind == "input"]
                    taken.append(inputs[-1].wanted["device"])
                if len(taken) == 2:
                    both.set()
                await machine.system.until_recalled()

    with trio.fail_after(20):
        nursery.start_soon(live, machine.speaker("HDA"))
        nursery.start_soon(live, machine.microphone("USB PnP", "HDA"))
        while sum(not stream.closed for stream in machine.sounddevice.streams) < 2:  # noqa: ASYNC110
            await trio.sleep(0.01)
        machine.holds(BUILT_IN, USB)
        await both.wait()
        assert taken == [0, 2]
        assert machine.sounddevice.diary.count("initialize") == 1
    nursery.cancel_scope.cancel()


async def test_nobody_is_recalled_while_everybody_has_the_best(
    machine: Machine, mock_clock: trio.testing.MockClock, nursery: trio.Nursery
) -> None:
    mock_clock.rate = 100.0
    async with machine.microphone("USB PnP").open():
        machine.holds(BUILT_IN, USB)
        with trio.move_on_after(10) as waiting:
            await machine.system.until_recalled()
    assert waiting.cancelled_caught


async def test_a_stream_that_hangs_in_closing_keeps_portaudio_as_it_is(machine: Machine) -> None:
    """To begin anew under a thread that is still inside would crash the process."""
    with trio.fail_after(20):
        async with machine.microphone("USB PnP").open():
            machine.sounddevice.hang.clear()
        machine.holds(BUILT_IN, USB)
        threads = threading.active_count()
        with pytest.raises(DeviceHung):
            async with machine.microphone("USB PnP").open():
                pytest.fail("opened")
        assert threading.active_count() <= threads  # one is stuck, and no more than that
    assert "terminate" not in machine.sounddevice.diary


async def test_a_channel_that_is_wanted_is_asked_for(machine: Machine) -> None:
    machine.sounddevice.cards = [device(0, "Array", inputs=8)]
    await opened(PortAudioMicrophone(machine.system, "Array", channel=3))
    await opened(PortAudioMicrophone(machine.system, "Array", channel=9))
    assert machine.sounddevice.tried == [(24_000, 3), (24_000, 8)]


async def test_once_it_hangs_the_end_of_the_process_does_not_wait_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(portaudio, "_PATIENCE_S", 0.1)
    handler, hang = object(), threading.Event()
    left_out: list[object] = []
    monkeypatch.setitem(sys.modules, "sounddevice", SimpleNamespace(_exit_handler=handler))
    monkeypatch.setattr(atexit, "unregister", left_out.append)
    monkeypatch.setattr(portaudio, "load", SoundDevice)
    with trio.fail_after(20):
        with pytest.raises(DeviceHung):
            await PortAudio().call(hang.wait)
    hang.set()
    assert left_out == [handler]
