"""The real daemon with real devices in a room without a sound card: what is spoken arrives, what is
answered is heard, and both sample by sample.

Only the server is a fake, so that each test says what is answered, and when.
"""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import trio

from tests import rig
from tests.fakes.server import FakeServer
from tests.real_audio.pilot import pilot, resampled, trace
from tests.rig import RATE_HZ, Room
from voiced.app import Daemon
from voiced.audio.convert import Pcm
from voiced.audio.valve import EDGE_MS
from voiced.config.whole import Config
from voiced.edges.portaudio import PortAudio
from voiced.edges.sound_traces import SoundTraces
from voiced.edges.speaker import PortAudioSpeaker
from voiced.faults import DeviceError, VoicedError
from voiced.hardware import microphone_from
from voiced.notices import Happened, Moment, Phase
from voiced.outside import Ports
from voiced.verdicts import gravest

pytestmark = pytest.mark.audio

WIRE_HZ = 24_000
SWALLOWED_MS = 300  # by a sink that sleeps


@attrs.define(eq=False)
class Scene:
    """A daemon in a room, and a server that it talks with."""

    room: Room
    config: Config
    server: FakeServer = attrs.field(factory=FakeServer)
    began_s: float = attrs.field(factory=time.perf_counter)
    moments: dict[Moment, int] = attrs.field(factory=dict)
    given: bytearray = attrs.field(factory=bytearray, repr=False)  # to the loudspeaker, silence too
    daemon: Daemon = attrs.field(init=False)

    async def run(self, task_status: trio.TaskStatus[None]) -> None:
        """Live; started when the server has heard the first frames."""
        system, playout = PortAudio(SoundTraces().look), self.config.playout
        speaker = PortAudioSpeaker(
            system,
            playout.device,
            playout.rate_hz or None,
            playout.device_block_ms,
            playout.device_latency_ms,
            tap=self._tap,
        )
        self.daemon = Daemon(
            self.config,
            Ports(
                microphone_from(self.config, system),
                speaker,
                self.server,
                microphone_recalled=system.until_recalled,
                speaker_recalled=system.until_recalled,
                sound_changed=system.until_changed,
            ),
        )
        with self.daemon.board.watch() as notices:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.daemon.run)
                await self.until(lambda: bool(self.server.wires and self.server.appended))
                task_status.started()
                async for notice in notices:
                    if isinstance(notice, Happened):
                        self.moments[notice.moment] = self.moments.get(notice.moment, 0) + 1

    def _tap(self, pcm: bytes, _rate_hz: int) -> None:
        self.given += pcm

    async def until(self, happened: Callable[[], bool]) -> None:
        """Wait for something outside of Trio, but not for ever."""
        with trio.fail_after(20):
            while not happened():  # noqa: ASYNC110  neither the air nor the server rings a bell
                await trio.sleep(0.01)

    async def until_moment(self, moment: Moment, times: int = 1) -> None:
        await self.until(lambda: self.moments.get(moment, 0) >= times)

    def answers(self, sound: Pcm) -> str:
        """Answer with *sound*, faster than real time; return the item's id."""
        answer = self.server.begins()
        for at in range(0, sound.size, WIRE_HZ // 4):
            answer.sends_pcm(sound[at : at + WIRE_HZ // 4].tobytes())
        answer.ends()
        return answer.item_id

    def listens_from_now(self) -> None:
        self.began_s = time.perf_counter()
        self.given.clear()

    def played(self) -> Pcm:
        """All that the loudspeaker was given, from the first sound to the last."""
        return np.trim_zeros(np.frombuffer(bytes(self.given), np.int16))

    def heard(self) -> Pcm:
        """All that came out of the loudspeaker, from the first sound on."""
        return np.trim_zeros(self.room.ear.heard(self.began_s), "f")

    async def heard_until_silence(self) -> Pcm:
        """The same, once there was sound and then a quarter of a second of silence."""

        def silent() -> bool:
            heard = self.heard()
            return heard.size > RATE_HZ // 4 and not heard[-RATE_HZ // 4 :].any()

        await self.until(silent)
        return np.trim_zeros(self.heard(), "b")


@asynccontextmanager
async def scene_in(room: Room, **playout: Any) -> AsyncIterator[Scene]:
    """A scene with default settings, but for a latency at which no busy machine makes gaps."""
    scene = Scene(room, devices("pulse", "pulse", **{"latency_ms": 60, **playout}))
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            await nursery.start(scene.run)
            scene.listens_from_now()
            yield scene
            scene.daemon.supervisor.stop()
            nursery.cancel_scope.deadline = trio.current_time() + 5
            await scene.until(lambda: scene.daemon.board.phase.phase is Phase.IDLE)
            nursery.cancel_scope.cancel()


def devices(capture: str, playout: str, **settings: Any) -> Config:
    config = Config()
    return attrs.evolve(
        config,
        capture=attrs.evolve(config.capture, device=capture),
        playout=attrs.evolve(config.playout, device=playout, **settings),
    )


def as_heard(sound: Pcm) -> Pcm:
    """An answer as it leaves the loudspeaker, bit for bit."""
    return np.trim_zeros(resampled(sound, WIRE_HZ, RATE_HZ))


def missed(heard: Pcm, wanted: Pcm) -> int:
    """How many of the very first samples the ear has missed.

    When a stream begins, PulseAudio takes back what the sink was going to play and mixes anew; but
    an ear at a null sink's monitor has heard that already: up to a fragment of 5 ms. (A person at a
    real loudspeaker has not.) That nothing is missing there is seen in what was *played*.
    """
    beginning = heard[:480]
    for samples in range(RATE_HZ * 5 // 1000):
        if np.array_equal(beginning, wanted[samples : samples + beginning.size]):
            return samples
    return 0


def assert_same(sound: Pcm, wanted: Pcm) -> None:
    """Equal, bit for bit; if not, where?"""
    size = min(sound.size, wanted.size)
    differing = np.flatnonzero(sound[:size] != wanted[:size])
    at = int(differing[0]) if differing.size else size
    silence = next(iter(np.flatnonzero(sound[at:])), sound.size - at)
    assert np.array_equal(sound, wanted), (
        f"{sound.size} samples, {wanted.size} wanted; equal for {1000 * at / RATE_HZ:.1f} ms, "
        f"then {silence} silent ones"
    )


def assert_heard(scene: Scene, heard: Pcm, answer: Pcm) -> None:
    """The answer was played from its first sample to its last, and so it was heard."""
    wanted = as_heard(answer)
    assert_same(scene.played(), wanted)
    assert_same(heard, wanted[missed(heard, wanted) :])


# --- spoken ---------------------------------------------------------------------------------------


async def test_a_spoken_second_arrives_without_a_missing_or_a_doubled_sample(room: Room) -> None:
    spoken = pilot(1000, RATE_HZ)
    async with scene_in(room) as scene:
        before = len(scene.server.appended)
        room.mouth.say(spoken)
        await scene.until(lambda: len(scene.server.appended) - before >= 2 * 48_000)
        appends = scene.server.was_told("input_audio_buffer.append")
        appended = np.frombuffer(scene.server.appended[before:], "<i2")
    assert {len(append["audio"]) for append in appends} == {1280}  # 960 bytes in base64
    found = trace(resampled(spoken, RATE_HZ, WIRE_HZ), appended)
    print(f"wander {found.wander:.3f} samples, likeness {found.likeness.min():.4f}")  # noqa: T201  shown by -rP
    assert found.likeness.min() > 0.98
    assert found.wander < 0.5
    assert found.level == pytest.approx(1.0, abs=0.03)
    assert scene.daemon.frames.tally.dropped == scene.daemon.counts.lost_blocks == 0


async def test_speech_is_heard_while_the_assistant_speaks(room: Room) -> None:
    spoken, answer = pilot(500, RATE_HZ, seed=2), pilot(1500, WIRE_HZ, seed=3)
    async with scene_in(room) as scene:
        scene.answers(answer)
        await scene.until_moment(Moment.FIRST_SOUND)
        before = len(scene.server.appended)
        room.mouth.say(spoken)
        assert_heard(scene, await scene.heard_until_silence(), answer)
        appended = np.frombuffer(scene.server.appended[before:], "<i2")
    found = trace(resampled(spoken, RATE_HZ, WIRE_HZ), appended)
    assert found.likeness.min() > 0.98
    assert found.wander < 0.5


# --- answered -------------------------------------------------------------------------------------


async def test_an_answer_of_three_seconds_is_heard_sample_by_sample(room: Room) -> None:
    answer = pilot(3000, WIRE_HZ)
    async with scene_in(room) as scene:
        scene.answers(answer)
        assert_heard(scene, await scene.heard_until_silence(), answer)
        assert scene.daemon.counts.underruns == 0
        assert scene.server.was_told("conversation.item.truncate") == []


async def test_an_answer_of_a_tenth_of_a_second_is_heard_whole(room: Room) -> None:
    answer = pilot(100, WIRE_HZ)
    async with scene_in(room) as scene:
        scene.answers(answer)
        assert_heard(scene, await scene.heard_until_silence(), answer)


async def test_answers_in_line_are_heard_one_after_the_other(room: Room) -> None:
    first, second = pilot(300, WIRE_HZ, seed=4), pilot(300, WIRE_HZ, seed=5)
    async with scene_in(room) as scene:
        scene.answers(first)
        scene.answers(second)
        heard = await scene.heard_until_silence()
    one, other = as_heard(first), as_heard(second)
    assert_same(scene.played()[: one.size], one)
    assert_same(scene.played()[-other.size :], other)
    assert_same(heard[-other.size :], other)
    before = np.trim_zeros(heard[: -other.size])  # and nothing but silence between the two
    assert_same(before, one[missed(before, one) :])


async def test_an_interruption_falls_silent_and_names_the_last_audible_millisecond(
    room: Room,
) -> None:
    answer = pilot(5000, WIRE_HZ)
    async with scene_in(room) as scene:
        item = scene.answers(answer)
        await scene.until(lambda: scene.heard().size >= 1.2 * RATE_HZ)
        heard_before = scene.heard().size
        scene.server.hears_speech()
        heard = await scene.heard_until_silence()
        await scene.until(lambda: bool(scene.server.was_told("conversation.item.truncate")))
        (truncation,) = scene.server.was_told("conversation.item.truncate")
    assert truncation["item_id"] == item
    wanted = as_heard(answer)
    first = missed(heard, wanted)
    last_audible_ms = 1000 * (first + heard.size) / RATE_HZ
    error_ms = truncation["audio_end_ms"] - last_audible_ms
    print(  # noqa: T201  shown by -rP
        f"audio_end_ms {truncation['audio_end_ms']}, last audible {last_audible_ms:.2f} ms, "
        f"error {error_ms:+.2f} ms; silent {1000 * (heard.size - heard_before) / RATE_HZ:.1f} ms "
        "after speech_started"
    )
    assert abs(error_ms) <= 15
    assert heard.size < 2 * RATE_HZ, "it went on speaking"
    fade = RATE_HZ // 100
    assert_same(heard[:-fade], wanted[first:][: heard.size - fade])
    played_ms = 1000 * scene.played().size / RATE_HZ
    assert truncation["audio_end_ms"] == pytest.approx(played_ms, abs=2)  # the fade ends in zeros


async def test_after_an_interruption_the_next_answer_is_heard_whole(room: Room) -> None:
    cut, answer = pilot(5000, WIRE_HZ, seed=6), pilot(400, WIRE_HZ, seed=7)
    async with scene_in(room) as scene:
        scene.answers(cut)
        await scene.until(lambda: scene.heard().size >= 0.3 * RATE_HZ)
        scene.server.hears_speech()
        await scene.heard_until_silence()
        scene.listens_from_now()
        scene.answers(answer)
        assert_heard(scene, await scene.heard_until_silence(), answer)


async def until_it_rests(scene: Scene) -> None:
    """It does when it is given nothing any more."""
    given = -1
    while given != len(scene.given):
        given = len(scene.given)
        await trio.sleep(0.2)


def longest_silence(sound: Pcm) -> tuple[int, int]:
    """Where it begins and ends."""
    loud = np.flatnonzero(sound)
    widest = int(np.argmax(np.diff(loud)))
    return int(loud[widest]) + 1, int(loud[widest + 1])


async def test_a_stall_of_the_server_is_a_pause_and_nothing_is_lost(room: Room) -> None:
    parts = [pilot(300, WIRE_HZ, seed=8), pilot(300, WIRE_HZ, seed=9)]
    async with scene_in(room) as scene:
        answer = scene.server.begins()
        answer.sends_pcm(parts[0].tobytes())
        await scene.until(lambda: scene.heard().size >= 0.5 * RATE_HZ)
        answer.sends_pcm(parts[1].tobytes())
        answer.ends()
        await scene.until_moment(Moment.PLAYED)
        heard = await scene.heard_until_silence()
        counts = scene.daemon.counts
    whole = as_heard(np.concatenate(parts))
    edge = RATE_HZ * EDGE_MS // 1000
    for sound in (heard, scene.played()):
        begin, end = longest_silence(sound)
        first, left = (
            missed(sound, whole),
            RATE_HZ * 290 // 1000,
        )  # 10 ms wait for what follows them
        before, after = left - first, sound.size - (whole.size - left)
        assert_same(sound[:before], whole[first:left])
        assert_same(sound[after + edge :], whole[left + edge :])
        assert (end - begin) / RATE_HZ > 0.1
        assert before <= begin <= before + edge  # it falls to silence,
        assert after <= end <= after + edge  # and rises from there
    assert counts.underruns == 1
    assert counts.underrun_samples > 0.1 * WIRE_HZ


async def test_an_answer_after_a_rest_is_heard_from_its_first_sample(room: Room) -> None:
    answers = [pilot(200, WIRE_HZ, seed=10), pilot(200, WIRE_HZ, seed=11)]
    async with scene_in(room, rest_after_s=0.5) as scene:
        for answer in answers:
            scene.listens_from_now()
            scene.answers(answer)
            assert_heard(scene, await scene.heard_until_silence(), answer)
            await until_it_rests(scene)


@pytest.mark.parametrize("expected", [True, False], ids=["expected", "unexpected"])
async def test_of_what_a_sink_swallows_after_a_rest_no_syllable_is_missing(
    room: Room, expected: bool
) -> None:
    """A sink that swallows the first 300 ms of a stream leaves of each answer all, after a short rise."""
    answers = [pilot(200, WIRE_HZ, seed=14), pilot(200, WIRE_HZ, seed=15)]
    async with scene_in(room, rest_after_s=0.5, wake_sink_ms=SWALLOWED_MS) as scene:
        for answer in answers:
            await until_it_rests(scene)
            scene.listens_from_now()
            if expected:
                scene.server.hears_speech()
                await scene.until(lambda: len(scene.given) > 2 * RATE_HZ // 2)  # it is awake
                scene.server.hears_silence()
            scene.answers(answer)
            await scene.heard_until_silence()
            given = np.frombuffer(bytes(scene.given), np.int16)
            left = np.trim_zeros(given[RATE_HZ * SWALLOWED_MS // 1000 :])
            # It rises at the wire's rate, and a resampler remembers that for a moment.
            wanted, edge = as_heard(answer), 2 * RATE_HZ * EDGE_MS // 1000
            assert_same(left[-wanted.size + edge :], wanted[edge:])
            assert np.trim_zeros(given).size == left.size, "something was swallowed"
            assert wanted.size - edge <= left.size <= wanted.size
            for told in ("conversation.item.truncate", "conversation.item.delete"):
                assert scene.server.was_told(told) == []
            if expected:  # the loudspeaker is awake for as long as another answer may come
                return


# --- devices --------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["capture", "playout"])
async def test_a_device_that_is_not_there_is_refused_with_all_that_are(
    room: Room, side: str
) -> None:
    names = {"capture": "pulse", "playout": "pulse"} | {side: "gramophone"}
    config = devices(names["capture"], names["playout"])
    system = PortAudio()
    speaker = PortAudioSpeaker(system, config.playout.device)
    ports = Ports(microphone_from(config, system), speaker, FakeServer())
    faults: list[VoicedError] = []
    with trio.fail_after(20):
        try:
            await Daemon(config, ports).run()
        except* VoicedError as group:
            faults.append(gravest(group))
    (fault,) = faults
    assert isinstance(fault, DeviceError)
    assert '"gramophone"' in str(fault)
    assert '"pulse" (ALSA): microphone with' in str(fault)


async def test_a_sound_server_that_dies_ends_the_daemon_with_a_sentence_if_nobody_is_to_wait(
    room: Room, tmp_path: Path
) -> None:
    """Another server than that of the other tests: what is opened while it lives is opened there."""
    config = devices("pulse", "pulse")
    config = attrs.evolve(config, devices=attrs.evolve(config.devices, give_up_after_s=0))
    with rig.room(tmp_path) as other:
        scene = Scene(other, config)
        faults: list[VoicedError] = []
        with trio.fail_after(30):
            try:
                async with trio.open_nursery() as nursery:
                    await nursery.start(scene.run)
                    await trio.run_process(["pactl", "exit"])
            except* VoicedError as group:
                faults.append(gravest(group))
    (fault,) = faults
    assert isinstance(fault, DeviceError)
    assert "is the sound server running?" in str(fault)


async def test_a_sound_server_that_is_killed_and_restarted_interrupts_a_conversation_only(
    room: Room, tmp_path: Path
) -> None:
    """The same process, the same session; the answer under way is cut, the next one is heard whole."""
    cut, answer = pilot(20_000, WIRE_HZ, seed=12), pilot(400, WIRE_HZ, seed=13)
    (tmp_path / "room").mkdir()
    with rig.room(tmp_path / "room") as first:
        # A server that is just starting makes gaps of 100 ms, once in a while.
        async with scene_in(first, latency_ms=200) as scene:
            item = scene.answers(cut)
            await scene.until_moment(Moment.FIRST_SOUND)
            await scene.until(lambda: scene.heard().size >= 0.8 * RATE_HZ)
            await trio.run_process(["pactl", "exit"])
            await scene.until_moment(Moment.DEVICE_LOST, times=2)
            (truncation,) = scene.server.was_told("conversation.item.truncate")
            assert truncation["item_id"] == item
            assert 500 <= truncation["audio_end_ms"] < 5000
            with rig.room(tmp_path / "room") as second:
                await assert_all_is_well_in(second, scene, answer)


async def test_a_sound_server_that_dies_while_the_loudspeaker_rests_is_found_dead_by_the_next_answer(
    room: Room, tmp_path: Path
) -> None:
    """Which wants to be played before the microphone is missed."""
    first_answer, lost, answer = (pilot(ms, WIRE_HZ, seed=ms) for ms in (200, 300, 400))
    (tmp_path / "room").mkdir()
    with rig.room(tmp_path / "room") as first:
        async with scene_in(first, latency_ms=200, rest_after_s=0.5) as scene:
            scene.answers(first_answer)
            await scene.heard_until_silence()
            await until_it_rests(scene)
            await trio.run_process(["pactl", "exit"])
            scene.answers(lost)
            await scene.until_moment(Moment.DEVICE_LOST, times=2)
            assert scene.daemon.counts.device_hangs == 0
            with rig.room(tmp_path / "room") as second:
                await assert_all_is_well_in(second, scene, answer)


async def assert_all_is_well_in(second: Room, scene: Scene, answer: Pcm) -> None:
    """Both devices are back, somebody is heard, and an answer is, in the session that there was."""
    before = len(scene.server.appended)
    scene.room = second
    await scene.until_moment(Moment.DEVICE_BACK, times=2)
    await scene.until(lambda: len(scene.server.appended) > before + 48_000)
    scene.listens_from_now()
    scene.answers(answer)
    assert_heard(scene, await scene.heard_until_silence(), answer)
    assert len(scene.server.wires) == 1
    assert scene.daemon.counts.device_restarts == 2


async def until_heard_again(scene: Scene, since_s: float) -> float:
    """Say something over and over until the server hears it; how long that took."""
    loud = (20_000 * np.sin(2 * np.pi * 440 * np.arange(RATE_HZ // 10) / RATE_HZ)).astype(np.int16)
    before = len(scene.server.appended)

    def heard() -> bool:
        news = np.frombuffer(bytes(scene.server.appended[before:]), np.int16)
        return bool(news.size and np.abs(news.astype(np.int32)).max() > 1000)

    with trio.fail_after(30):
        while not heard():
            await trio.to_thread.run_sync(scene.room.mouth.say, loud)
            await trio.sleep(0.05)
    return time.perf_counter() - since_s


async def test_a_microphone_that_is_removed_and_made_again_is_heard_again(
    room: Room, tmp_path: Path
) -> None:
    """As a USB microphone under PulseAudio: its source goes, and another of that name comes."""
    with rig.room(tmp_path) as other:
        async with scene_in(other) as scene:
            took = await until_heard_again(scene, time.perf_counter())
            for away_s in (0.0, 3.0):
                await trio.run_process(["pactl", "unload-module", "module-remap-source"])
                await trio.sleep(away_s)
                again = ["load-module", "module-remap-source", "source_name=mic"]
                await trio.run_process(
                    ["pactl", *again, "master=mouth.monitor"], capture_stdout=True
                )
                await trio.run_process(["pactl", "set-default-source", "mic"])
                took = await until_heard_again(scene, time.perf_counter())
                print(f"heard again {took:.2f} s after it was back")  # noqa: T201  shown by -rP
            assert len(scene.server.wires) == 1
            assert scene.daemon.board.status.why == ""
