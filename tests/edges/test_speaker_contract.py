"""What every loudspeaker promises: the one made of time, and the sound card's.

The promises are functions; each loudspeaker is held to all of them. What sounds is compared sample by
sample, however busy the machine is; no time is measured.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import pairwise

import attrs
import numpy as np
import pytest
import trio

from tests.fakes.room import Loudspeaker
from tests.rig import Room
from voiced.audio.convert import Pcm, to_mono, to_pcm16
from voiced.audio.resample import Resampler
from voiced.edges.paced import PacedSpeaker
from voiced.edges.portaudio import PortAudio
from voiced.edges.speaker import PortAudioSpeaker
from voiced.faults import DeviceError
from voiced.ports import OpenSpeaker, Speaker

MS = 24  # wire samples
FRAME_MS = 20
FADE_MS = 5
EDGE_MS = 5  # of a break
AHEAD_MS = 300  # the most that may be under way: what is accepted beyond is promised too early


@attrs.define(eq=False)
class Subject:
    """A loudspeaker under test, and all that it has let sound so far."""

    port: Speaker = attrs.field(init=False)
    sounded: Pcm = attrs.field(factory=lambda: np.empty(0, np.int16), repr=False)
    rate_hz: int = 24_000
    block_ms: int = 0  # what the device takes at once
    get_stuck: Callable[[], None] | None = None  # None: it cannot

    def hear(self, pcm: bytes, rate_hz: int = 24_000) -> None:
        self.sounded = np.concatenate([self.sounded, np.frombuffer(pcm, np.int16)])
        self.rate_hz = rate_hz

    @asynccontextmanager
    async def open(self) -> AsyncIterator[OpenSpeaker]:
        """Nothing that is asked of a loudspeaker may take for ever."""
        with trio.fail_after(20):
            async with self.port.open() as speaker:
                yield speaker

    def as_device(self, sound: Pcm) -> Pcm:
        """*sound* as the device gets it."""
        resampler = Resampler(24_000, self.rate_hz)
        floats = resampler.feed(to_mono(sound.tobytes(), 1))
        pcm = to_pcm16(np.concatenate([floats, resampler.finish()]))
        return np.frombuffer(pcm, np.int16)

    def sounds(self, sound: Pcm) -> bool:
        """Whether *sound* sounded, whole and without a gap, and nothing else did."""
        wanted = np.trim_zeros(self.as_device(sound))
        return bool(np.array_equal(np.trim_zeros(self.sounded), wanted))


Promise = Callable[[Subject], Awaitable[None]]


def pilot(ms: int, seed: int = 1) -> Pcm:
    """Sound of which no two stretches are alike, and no sample is silent."""
    chance = np.random.default_rng(seed)
    loudness, sign = chance.integers(1000, 9000, ms * MS), chance.choice([-1, 1], ms * MS)
    return np.asarray(loudness * sign, np.int16)


def pieces(sound: Pcm, ms: int) -> Iterator[bytes]:
    for at in range(0, sound.size, ms * MS):
        yield sound[at : at + ms * MS].tobytes()


async def play(speaker: OpenSpeaker, sound: Pcm) -> None:
    """In pieces that are long enough for the device not to run dry between two of them."""
    for piece in pieces(sound, 100):
        await speaker.play(piece)


async def until(happened: Callable[[], bool]) -> None:
    while not happened():  # noqa: ASYNC110  devices ring no bell
        await trio.sleep(0.001)


def heard_to(subject: Subject, mark: int, sound: Pcm) -> int:
    """Which sample of *sound* was the last to sound since *mark*, by what it was given: wire samples.

    Ten milliseconds are looked for that neither a fade nor the edge of a break has touched.
    """
    window, edge = subject.rate_hz // 100, EDGE_MS * subject.rate_hz // 1000
    wanted, sounded = subject.as_device(sound), np.trim_zeros(subject.sounded[mark:], "b")
    for end in range(sounded.size - edge // 2, window, -1):
        stretch = sounded[end - window : end]
        for at in np.flatnonzero(wanted[: wanted.size - window + 1] == stretch[0]):
            if np.array_equal(wanted[at : at + window], stretch):
                return int(at + window) * 24_000 // subject.rate_hz
    return 0


# --- the promises ---------------------------------------------------------------------------------


async def at_first_there_is_nothing(subject: Subject) -> None:
    async with subject.open() as speaker:
        assert (speaker.end_samples, speaker.heard_samples, speaker.waiting_samples) == (0, 0, 0)
        assert speaker.latency_s >= 0


async def what_is_handed_over_is_counted_at_once(subject: Subject) -> None:
    async with subject.open() as speaker:
        await play(speaker, pilot(100))
        assert speaker.end_samples == 100 * MS
        assert 0 <= speaker.heard_samples <= 100 * MS
        assert 0 <= speaker.waiting_samples <= 100 * MS


async def after_the_drain_all_was_heard(subject: Subject) -> None:
    async with subject.open() as speaker:
        await play(speaker, pilot(200))
        await speaker.drain()
        assert speaker.end_samples == speaker.heard_samples == 200 * MS
        assert speaker.waiting_samples == 0
    assert subject.sounds(pilot(200))


async def a_drain_of_nothing_returns(subject: Subject) -> None:
    async with subject.open() as speaker:
        await speaker.drain()
        await speaker.wake()
        await speaker.drain()
        assert speaker.end_samples == speaker.heard_samples == 0


async def what_is_heard_only_grows_and_is_never_more_than_was_handed_over(subject: Subject) -> None:
    seen: list[int] = []
    async with subject.open() as speaker, trio.open_nursery() as nursery:

        async def look() -> None:
            while True:
                seen.append(speaker.heard_samples)
                assert seen[-1] <= speaker.end_samples
                assert speaker.end_samples - speaker.waiting_samples >= seen[-1]
                await trio.sleep(0.002)

        nursery.start_soon(look)
        await play(speaker, pilot(100))
        await speaker.drain()
        await play(speaker, pilot(100))
        await until(lambda: speaker.dry_samples > 60 * MS)  # a stall, not the end
        await play(speaker, pilot(100))
        await speaker.drain()
        nursery.cancel_scope.cancel()
    assert all(a <= b for a, b in pairwise(seen))
    assert len(set(seen)) > 20, "it grew by leaps"


async def whoever_hands_over_waits_while_enough_is_under_way(subject: Subject) -> None:
    async with subject.open() as speaker:
        for piece in pieces(pilot(1000), FRAME_MS):
            await speaker.play(piece)
            assert speaker.waiting_samples <= AHEAD_MS * MS
        assert speaker.heard_samples >= (1000 - AHEAD_MS) * MS - speaker.latency_s * 24_000


async def any_number_of_samples_is_taken(subject: Subject) -> None:
    sound = pilot(720)
    async with subject.open() as speaker:
        at = 0  # the first piece is long: a busy machine may pause between two of them
        for samples in (4800, 1, 7, 479, 481, 3000, 7991, sound.size):
            piece = sound[at : at + samples]
            await speaker.play(piece.tobytes())
            at += piece.size
        await speaker.play(b"")
        await speaker.drain()
        assert speaker.heard_samples == sound.size
    assert subject.sounds(sound)


async def what_is_handed_over_without_a_pause_sounds_without_one(subject: Subject) -> None:
    async with subject.open() as speaker:
        await speaker.play(pilot(600).tobytes())
        await speaker.drain()
        assert speaker.heard_samples == 600 * MS
    assert subject.sounds(pilot(600))


async def a_cut_says_exactly_what_will_have_been_heard(subject: Subject) -> None:
    sound = pilot(1000)
    async with subject.open() as speaker, trio.open_nursery() as nursery:
        nursery.start_soon(play, speaker, sound)
        await until(lambda: speaker.heard_samples >= 300 * MS)
        nursery.cancel_scope.cancel()
        taken = speaker.end_samples - speaker.waiting_samples
        end = speaker.flush()
        assert speaker.end_samples == end
        assert taken + FADE_MS * MS - 1 <= end <= taken + (FADE_MS + subject.block_ms) * MS
        assert speaker.waiting_samples <= FADE_MS * MS
        with trio.CancelScope(shield=True):
            await until(lambda: speaker.waiting_samples == 0)
            await until(lambda: speaker.heard_samples == end)
    sounded = np.trim_zeros(subject.sounded)
    device_end, fade = end * subject.rate_hz // 24_000, FADE_MS * subject.rate_hz // 1000
    assert device_end - fade // 4 <= sounded.size <= device_end  # a fade ends in zeros
    before_it = np.trim_zeros(subject.as_device(sound))[: device_end - fade]
    assert np.array_equal(sounded[: before_it.size], before_it)
    fading = np.abs(sounded[before_it.size :].astype(int))
    assert fading.max() < 9000 * 1.5
    assert fading[-fade // 8 :].max() < 1000


async def a_cut_of_nothing_changes_nothing(subject: Subject) -> None:
    async with subject.open() as speaker:
        assert speaker.flush() == 0
        await play(speaker, pilot(60))
        await speaker.drain()
        assert speaker.flush() == 60 * MS
        assert speaker.end_samples == speaker.heard_samples == 60 * MS


async def after_a_cut_the_next_sound_is_whole_and_begins_there(subject: Subject) -> None:
    async with subject.open() as speaker:
        await play(speaker, pilot(100))
        end = speaker.flush()
        mark = subject.sounded.size
        await play(speaker, pilot(100, seed=2))
        assert speaker.end_samples == end + 100 * MS
        await speaker.drain()
        assert speaker.heard_samples == end + 100 * MS
    wanted = np.trim_zeros(subject.as_device(pilot(100, seed=2)))
    after = np.trim_zeros(subject.sounded[mark:])[-wanted.size :]
    assert np.array_equal(after, wanted)


async def a_drain_that_is_given_up_can_be_cut(subject: Subject) -> None:
    async with subject.open() as speaker:
        await play(speaker, pilot(200))
        with trio.CancelScope() as scope:
            scope.cancel()
            await speaker.drain()
        end = speaker.flush()
        assert end <= 200 * MS
        await play(speaker, pilot(60, seed=2))
        await speaker.drain()
        assert speaker.heard_samples == end + 60 * MS


async def a_device_that_has_taken_all_has_nothing_waiting(subject: Subject) -> None:
    """Without a drain: this is how an underrun is noticed."""
    async with subject.open() as speaker:
        await play(speaker, pilot(100))
        await until(lambda: speaker.waiting_samples == 0)
        assert speaker.end_samples == 100 * MS


async def silence_after_the_last_sample_is_counted(subject: Subject) -> None:
    async with subject.open() as speaker:
        await play(speaker, pilot(60))
        await speaker.drain()
        await until(lambda: speaker.dry_samples >= 100 * MS)
        await play(speaker, pilot(100, seed=2))
        await until(lambda: speaker.heard_samples > 60 * MS)
        assert speaker.dry_samples < 100 * MS


async def a_pause_in_the_middle_leaves_both_sides_whole(subject: Subject) -> None:
    async with subject.open() as speaker:
        for seed in (1, 2):
            await play(speaker, pilot(100, seed))
            await speaker.drain()
            dry = speaker.dry_samples
            await until(lambda dry=dry: speaker.dry_samples > dry + 50 * MS)  # type: ignore[misc]  # mypy can't infer a lambda's default
    both = [np.trim_zeros(subject.as_device(pilot(100, seed))) for seed in (1, 2)]
    sounded = np.trim_zeros(subject.sounded)
    assert np.array_equal(sounded[: both[0].size], both[0])
    assert np.array_equal(sounded[-both[1].size :], both[1])
    between = sounded[both[0].size : -both[1].size]
    assert between.size >= 50 * subject.rate_hz // 1000
    assert not between.any()


async def a_break_falls_and_rises_without_a_click(subject: Subject) -> None:
    """A tone, so that neighbours are near to each other; the break is longer than both its edges."""
    tone = np.full(200 * MS, 8000, np.int16)
    async with subject.open() as speaker:
        await play(speaker, tone)
        await until(lambda: speaker.dry_samples > 40 * MS)
        await play(speaker, tone)
        await speaker.drain()
    sounded = np.trim_zeros(subject.sounded).astype(int)
    inside = sounded[50 * subject.rate_hz // 1000 : -50 * subject.rate_hz // 1000]
    assert np.abs(np.diff(inside)).max() < 8000 * 4 / (EDGE_MS * subject.rate_hz / 1000) + 1
    silent = np.flatnonzero(inside == 0)
    assert np.array_equal(silent, np.arange(silent[0], silent[-1] + 1)), "one break"
    assert silent.size > (40 - 2 * EDGE_MS) * subject.rate_hz // 1000


async def after_a_break_the_sound_is_whole_but_for_its_first_milliseconds(subject: Subject) -> None:
    sound = pilot(400)
    async with subject.open() as speaker:
        await play(speaker, sound[: 200 * MS])
        await until(lambda: speaker.dry_samples > 40 * MS)
        await play(speaker, sound[200 * MS :])
        await speaker.drain()
        assert speaker.heard_samples == 400 * MS
    wanted = np.trim_zeros(subject.as_device(sound))
    sounded, edge = np.trim_zeros(subject.sounded), EDGE_MS * subject.rate_hz // 1000
    before = int(np.flatnonzero(sounded[: wanted.size] != wanted)[0])
    after = wanted.size - before - edge
    assert np.array_equal(sounded[-after:], wanted[-after:])
    risen = wanted[before : before + edge].astype(int)
    assert (np.abs(sounded[-after - edge : -after]) <= np.abs(risen)).all()


async def the_gain_is_reached_wherever_the_sound_is(subject: Subject) -> None:
    """It is handed over already when the gain is changed."""
    samples = subject.rate_hz // 1000
    async with subject.open() as speaker, trio.open_nursery() as nursery:
        nursery.start_soon(play, speaker, np.full(800 * MS, 8000, np.int16))
        await until(lambda: speaker.heard_samples > 100 * MS)
        before = subject.sounded.size
        speaker.ramp_to(-12.0)
        await until(lambda: speaker.heard_samples > 300 * MS)
        speaker.ramp_to(0.0)
    loud, quiet = 8000, round(8000 * 10 ** (-12 / 20))
    sounded = subject.sounded[before:].astype(int)
    down = int(np.flatnonzero(sounded < loud - 100)[0])
    low = int(np.flatnonzero(np.abs(sounded - quiet) <= 1)[0])
    assert down <= (subject.block_ms + 2) * samples
    assert low - down <= 15 * samples
    assert np.abs(np.diff(sounded[: low + 1])).max() <= (loud - quiet) / (8 * samples)
    up = low + int(np.flatnonzero(sounded[low:] > quiet + 100)[0])
    full = up + int(np.flatnonzero(np.abs(sounded[up:] - loud) <= 1)[0])
    assert full - up <= 15 * samples
    assert (np.abs(sounded[low:up] - quiet) <= 101).all()
    assert (np.abs(sounded[full : full + 100 * samples] - loud) <= 1).all()


async def a_cut_is_exact_wherever_it_falls(subject: Subject) -> None:
    """In the first and the last milliseconds, in a break, right after it, and in answers in a row."""
    sound = pilot(400)
    halves = sound[: 200 * MS], sound[200 * MS :]
    async with subject.open() as speaker:

        def dry_for(samples: float) -> bool:
            return not speaker.waiting_samples and speaker.dry_samples > samples

        await speaker.wake()
        for cut_at_ms in (15, 45, 199, 200, 215, 230, 300, 360, 385):
            start, mark = speaker.end_samples, subject.sounded.size

            def heard(ms: float, start: int = start) -> bool:
                return speaker.end_samples - speaker.waiting_samples - start >= ms * MS

            await play(speaker, halves[0])
            if cut_at_ms < 200:
                await until(lambda: heard(cut_at_ms) or not speaker.waiting_samples)  # noqa: B023
            else:
                await until(lambda: dry_for(50 * MS))
            if cut_at_ms > 200:
                await play(speaker, halves[1])
                await until(lambda: heard(cut_at_ms) or not speaker.waiting_samples)  # noqa: B023
            end = speaker.flush() - start
            await until(lambda: dry_for(speaker.latency_s * 24_000 + 30 * MS))
            assert speaker.heard_samples == speaker.end_samples == start + end
            exact = heard_to(subject, mark, sound)
            assert -1 * MS <= end - exact <= (FADE_MS + 1) * MS, (cut_at_ms, end, exact)


async def a_cut_while_it_is_quiet_falls_from_there(subject: Subject) -> None:
    quiet = round(8000 * 10 ** (-12 / 20))
    async with subject.open() as speaker, trio.open_nursery() as nursery:
        nursery.start_soon(play, speaker, np.full(1000 * MS, 8000, np.int16))
        speaker.ramp_to(-12.0)
        await until(lambda: speaker.heard_samples > 300 * MS)
        nursery.cancel_scope.cancel()
        before = np.trim_zeros(subject.sounded).size
        speaker.flush()
        with trio.CancelScope(shield=True):
            await until(lambda: speaker.dry_samples > 20 * MS)
    after = subject.sounded[-(subject.sounded.size - before) :]
    assert after.max() <= quiet + 1
    assert np.abs(np.diff(after.astype(int))).max() <= quiet / 10


async def what_was_changed_at_rest_holds_from_the_first_sample(subject: Subject) -> None:
    async with subject.open() as speaker:
        speaker.ramp_to(-12.0)
        await trio.sleep(0.1)
        await play(speaker, pilot(100))
        await speaker.drain()
    wanted = np.trim_zeros(subject.as_device(pilot(100)))
    sounded = np.trim_zeros(subject.sounded)
    assert np.abs(sounded - wanted[: sounded.size] * 10 ** (-12 / 20)).max() <= 1


async def a_rested_loudspeaker_wakes_for_the_first_sample(subject: Subject) -> None:
    async with subject.open() as speaker:
        await speaker.rest()  # before it ever woke
        await play(speaker, pilot(100))
        await speaker.drain()
        await speaker.rest()
        await speaker.rest()
        mark = subject.sounded.size
        await speaker.wake()
        await speaker.wake()
        await speaker.rest()
        await play(speaker, pilot(100, seed=2))
        await speaker.drain()
        assert speaker.heard_samples == 200 * MS
    wanted = np.trim_zeros(subject.as_device(pilot(100, seed=2)))
    assert np.array_equal(np.trim_zeros(subject.sounded[mark:]), wanted)


async def it_is_watched_without_complaint_awake_idle_and_at_rest(subject: Subject) -> None:
    async with subject.open() as speaker, trio.open_nursery() as nursery:
        nursery.start_soon(speaker.watch)
        await trio.sleep(0.3)
        await play(speaker, pilot(200))
        await speaker.drain()
        await trio.sleep(1.0)  # awake, with nothing to play
        await speaker.rest()
        await trio.sleep(1.0)
        await play(speaker, pilot(100, seed=2))
        await speaker.drain()
        nursery.cancel_scope.cancel()


async def one_that_gets_stuck_is_noticed_and_nothing_more_is_heard(subject: Subject) -> None:
    assert subject.get_stuck is not None
    async with subject.open() as speaker, trio.open_nursery() as nursery:
        nursery.start_soon(play, speaker, pilot(5000))
        await until(lambda: speaker.heard_samples >= 200 * MS)
        subject.get_stuck()
        heard = speaker.heard_samples
        with pytest.raises(DeviceError):
            await speaker.watch()
        assert speaker.heard_samples == heard
        assert speaker.waiting_samples > 0
        nursery.cancel_scope.cancel()


async def leaving_does_not_wait_for_what_has_not_sounded(subject: Subject) -> None:
    async with subject.open() as speaker:
        await play(speaker, pilot(200))
    full = subject.as_device(pilot(200)).size
    assert np.trim_zeros(subject.sounded).size < full


async def leaving_is_possible_while_being_cancelled(subject: Subject) -> None:
    with trio.CancelScope() as scope:
        async with subject.open() as speaker:
            await play(speaker, pilot(60))
            scope.cancel()
            await trio.sleep_forever()
    assert scope.cancelled_caught


async def it_can_be_opened_again_and_begins_anew(subject: Subject) -> None:
    async with subject.open() as speaker:
        await play(speaker, pilot(100))
    subject.sounded = subject.sounded[:0]
    async with subject.open() as speaker:
        assert (speaker.end_samples, speaker.heard_samples, speaker.waiting_samples) == (0, 0, 0)
        await play(speaker, pilot(100, seed=2))
        await speaker.drain()
    assert subject.sounds(pilot(100, seed=2))


PROMISES: list[Promise] = [
    at_first_there_is_nothing,
    what_is_handed_over_is_counted_at_once,
    after_the_drain_all_was_heard,
    a_drain_of_nothing_returns,
    what_is_heard_only_grows_and_is_never_more_than_was_handed_over,
    whoever_hands_over_waits_while_enough_is_under_way,
    any_number_of_samples_is_taken,
    what_is_handed_over_without_a_pause_sounds_without_one,
    a_cut_says_exactly_what_will_have_been_heard,
    a_cut_of_nothing_changes_nothing,
    after_a_cut_the_next_sound_is_whole_and_begins_there,
    a_drain_that_is_given_up_can_be_cut,
    a_device_that_has_taken_all_has_nothing_waiting,
    silence_after_the_last_sample_is_counted,
    a_pause_in_the_middle_leaves_both_sides_whole,
    a_break_falls_and_rises_without_a_click,
    after_a_break_the_sound_is_whole_but_for_its_first_milliseconds,
    the_gain_is_reached_wherever_the_sound_is,
    a_cut_is_exact_wherever_it_falls,
    a_cut_while_it_is_quiet_falls_from_there,
    what_was_changed_at_rest_holds_from_the_first_sample,
    a_rested_loudspeaker_wakes_for_the_first_sample,
    it_is_watched_without_complaint_awake_idle_and_at_rest,
    leaving_does_not_wait_for_what_has_not_sounded,
    leaving_is_possible_while_being_cancelled,
    it_can_be_opened_again_and_begins_anew,
]

BREAKABLE: list[Promise] = [*PROMISES, one_that_gets_stuck_is_noticed_and_nothing_more_is_heard]
"""For those that something can stop: how the sound card's is stopped is told with PulseAudio's end."""

all_promises_of_what_breaks = pytest.mark.parametrize(
    "promise", BREAKABLE, ids=lambda promise: promise.__name__
)
all_promises = pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)


# --- who makes them -------------------------------------------------------------------------------


@all_promises_of_what_breaks
async def test_the_loudspeaker_made_of_time(
    promise: Promise, autojump_clock: trio.abc.Clock
) -> None:
    subject = Subject()
    subject.port = speaker = PacedSpeaker(subject.hear)
    subject.get_stuck = lambda: speaker.breaks(DeviceError("the disk is full"))
    await promise(subject)


@all_promises_of_what_breaks
async def test_the_loudspeaker_of_stories(promise: Promise, autojump_clock: trio.abc.Clock) -> None:
    subject = Subject()
    subject.port = speaker = Loudspeaker(subject.hear)
    subject.get_stuck = speaker.plug.stalls
    await promise(subject)


@all_promises_of_what_breaks
async def test_the_loudspeaker_made_of_time_that_is_slow_to_sound(
    promise: Promise, autojump_clock: trio.abc.Clock
) -> None:
    subject = Subject()
    subject.port = speaker = PacedSpeaker(subject.hear, latency_s=0.05)
    subject.get_stuck = lambda: speaker.breaks(DeviceError("the disk is full"))
    await promise(subject)


@pytest.mark.audio
@all_promises
async def test_the_loudspeaker_of_a_sound_card(promise: Promise, room: Room) -> None:
    subject = Subject(rate_hz=48_000, block_ms=5)
    subject.port = PortAudioSpeaker(PortAudio(), "pulse", tap=subject.hear)
    await promise(subject)


@pytest.mark.audio
@pytest.mark.parametrize("rate_hz", [24_000, 44_100])
@pytest.mark.parametrize(
    "promise",
    [
        after_the_drain_all_was_heard,
        a_cut_says_exactly_what_will_have_been_heard,
        a_cut_is_exact_wherever_it_falls,
    ],
    ids=lambda promise: promise.__name__,
)
async def test_the_loudspeaker_of_a_sound_card_at_another_rate(
    promise: Promise, rate_hz: int, room: Room
) -> None:
    subject = Subject(rate_hz=rate_hz, block_ms=5)
    subject.port = PortAudioSpeaker(PortAudio(), "pulse", rate_hz, tap=subject.hear)
    await promise(subject)


@pytest.mark.audio
@pytest.mark.parametrize("latency_ms", [10, 150])
async def test_the_loudspeaker_of_a_sound_card_that_takes_much_at_once(
    latency_ms: int, room: Room
) -> None:
    subject = Subject(rate_hz=48_000, block_ms=5)
    subject.port = PortAudioSpeaker(PortAudio(), "pulse", latency_ms=latency_ms, tap=subject.hear)
    await what_is_handed_over_without_a_pause_sounds_without_one(subject)
