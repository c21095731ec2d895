"""The Player against a loudspeaker made of time: exact to the sample."""

from collections.abc import AsyncIterator
from itertools import pairwise

import attrs
import numpy as np
import pytest
import trio
import trio.testing

from tests.fakes.room import Ears, Loudspeaker
from voiced.actors.player import Player
from voiced.audio.format import FRAME_MS
from voiced.audio.jitter import JitterBuffer
from voiced.channel import Channel, WhenFull
from voiced.counts import Counts
from voiced.faults import DeviceError
from voiced.messages import Heard, Playout
from voiced.notices import Happened, LevelMeasured, Moment, NoticeBoard

MS = 24  # wire samples
FADE_MS = 5
EDGE_MS = 5
FALL_MS = 4  # of it is more than zero, when whole milliseconds are counted


@attrs.define(eq=False)
class Sleeper(Loudspeaker):
    """A loudspeaker that remembers when it was woken and sent to rest; it may break."""

    diary: list[tuple[str, float]] = attrs.field(factory=list, init=False)
    broken: bool = attrs.field(default=False, init=False)

    async def wake(self) -> None:
        self.diary.append(("wake", trio.current_time()))
        await super().wake()

    async def rest(self) -> None:
        self.diary.append(("rest", trio.current_time()))
        await super().rest()

    async def play(self, pcm: bytes) -> None:
        if self.broken:
            raise DeviceError("unplugged")
        await super().play(pcm)


@attrs.define(eq=False)
class Stage:
    """A Player at work, whoever sends it playouts, and whoever listens in the room."""

    prefill_ms: int = 60
    rest_after_s: float = 10.0
    ears: Ears = attrs.field(factory=Ears)
    board: NoticeBoard = attrs.field(factory=NoticeBoard)
    counts: Counts = attrs.field(factory=Counts)
    speaker: Sleeper = attrs.field(init=False)
    playouts: Channel[Playout] = attrs.field(init=False)
    heard: Channel[Heard] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.speaker = self.ears.speaker = Sleeper(self.ears.pcm.extend)
        self.playouts = Channel("playouts", 8, WhenFull.DROP_NEWEST)
        self.heard = Channel("heard", 100, WhenFull.DROP_NEWEST)

    async def run(self) -> None:
        async with self.speaker.open() as speaker:
            jitter = JitterBuffer(self.prefill_ms, self.prefill_ms)
            await Player(self.playouts, jitter, self.board, self.counts, self.rest_after_s).run(
                speaker
            )

    def item(self, item_id: str = "item", *, sent_ms: int = 0, complete: bool = False) -> Playout:
        """Hand a playout to the Player; *sent_ms* of it are here already."""
        playout = Playout(item_id, Channel("frames", 6000, WhenFull.DROP_NEWEST), self.heard)
        self.playouts.offer(playout)
        self.send(playout, sent_ms)
        if complete:
            playout.frames.close()
        return playout

    def send(self, playout: Playout, ms: int, value: int = 5000) -> None:
        for _ in range(ms // FRAME_MS):
            playout.frames.offer(np.full(480, value, "<i2").tobytes())

    def reports(self) -> list[Heard]:
        """What the Player said since the last time."""
        reports = []
        while (heard := self.heard.receive_nowait()) is not None:
            reports.append(heard)
        return reports


@pytest.fixture
async def stage(nursery: trio.Nursery) -> AsyncIterator[Stage]:
    """A stage whose Player waits for `begin`."""
    assert isinstance(trio.lowlevel.current_clock(), trio.testing.MockClock), "ask for one"
    yield Stage()
    nursery.cancel_scope.cancel()


async def begin(stage: Stage, nursery: trio.Nursery) -> None:
    nursery.start_soon(stage.run)
    await trio.testing.wait_all_tasks_blocked()


async def for_ms(ms: float) -> None:
    await trio.sleep(ms / 1000)
    await trio.testing.wait_all_tasks_blocked()


# --- holding back -------------------------------------------------------------------------------


async def test_nothing_sounds_before_enough_is_here(
    stage: Stage, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    await begin(stage, nursery)
    playout = stage.item(sent_ms=40)
    await for_ms(1000)
    assert stage.ears.sounding_ms() == 0
    stage.send(playout, 20)
    await for_ms(60)
    assert stage.ears.sounding_ms() == 60


async def test_the_end_of_an_answer_is_not_held_back(
    stage: Stage, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    await begin(stage, nursery)
    stage.item(sent_ms=20, complete=True)
    await for_ms(20)
    assert stage.ears.sounding_ms() == 20
    assert stage.reports() == [Heard("item", 20 * MS, whole=True)]


async def test_an_answer_without_sound_is_over_at_once(
    stage: Stage, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    await begin(stage, nursery)
    stage.item(complete=True)
    await for_ms(0)
    assert stage.reports() == [Heard("item", 0, whole=True)]


async def test_after_an_underrun_it_waits_for_as_much_again(
    stage: Stage, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    await begin(stage, nursery)
    playout = stage.item(sent_ms=100)
    await for_ms(500)  # 100 ms of sound, 400 of stall
    stage.send(playout, 40)
    await for_ms(500)  # 40 ms are not enough
    assert stage.ears.sounding_ms() == 100 + FALL_MS
    stage.send(playout, 20)
    await for_ms(60)
    assert stage.ears.sounding_ms() == 160 + FALL_MS
    assert stage.counts.underruns == 1
    assert stage.counts.underrun_samples == 900 * MS


async def test_each_underrun_is_counted_and_nothing_is_lost(
    stage: Stage, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    await begin(stage, nursery)
    playout = stage.item()
    for value in range(1, 6):
        stage.send(playout, 60, 1000 * value)
        await for_ms(100)
    playout.frames.close()
    await for_ms(100)
    heard = stage.ears.heard()
    for value in range(1, 6):
        whole = heard[100 * MS * (value - 1) :][: 60 * MS]
        edge = 0 if value == 1 else EDGE_MS * MS
        assert (whole[edge:] == 1000 * value).all()
        assert (np.diff(whole[:edge]) >= 0).all()
        broken = heard[100 * MS * (value - 1) + 60 * MS :][: 40 * MS]
        assert (np.diff(broken) <= 0).all()
        assert not broken[EDGE_MS * MS :].any()
    assert stage.counts.underruns == 4
    assert stage.counts.underrun_samples == 4 * 40 * MS
    assert stage.reports() == [Heard("item", 300 * MS, whole=True)]


async def test_a_stall_that_the_loudspeaker_does_not_feel_is_no_underrun(
    stage: Stage, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    await begin(stage, nursery)
    playout = stage.item(sent_ms=100)
    await for_ms(90)
    stage.send(playout, 20)
    await for_ms(20)
    assert stage.ears.sounding_ms() == 110
    assert stage.counts.underruns == 0


async def test_an_end_that_comes_late_is_no_underrun(
    stage: Stage, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    """All sound is here and was heard; only the word that it was all comes after a while."""
    await begin(stage, nursery)
    playout = stage.item(sent_ms=100)
    await for_ms(500)
    playout.frames.close()
    await for_ms(0)
    assert stage.counts.underruns == 0
    assert stage.reports() == [Heard("item", 100 * MS, whole=True)]


async def test_the_rest_after_an_underrun_is_played_at_the_end_however_short(
    stage: Stage, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    await begin(stage, nursery)
    playout = stage.item(sent_ms=100)
    await for_ms(200)
    stage.send(playout, 20)
    playout.frames.close()
    await for_ms(20)
    assert stage.ears.sounding_ms() == 120 + FALL_MS
    assert stage.counts.underruns == 1


async def test_without_prefill_the_first_frame_sounds_at_once(
    stage: Stage, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    stage.prefill_ms = 0
    await begin(stage, nursery)
    stage.item(sent_ms=20)
    await for_ms(20)
    assert stage.ears.sounding_ms() == 20


# --- cutting --------------------------------------------------------------------------------------


async def test_an_answer_cancelled_before_it_begins_is_not_heard(
    stage: Stage, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    await begin(stage, nursery)
    playout = stage.item(sent_ms=1000)
    playout.scope.cancel()
    await for_ms(2000)
    assert stage.ears.sounding_ms() == 0
    assert stage.reports() == [Heard("item", 0, whole=False)]


async def test_an_answer_cancelled_while_held_back_is_not_heard(
    stage: Stage, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    await begin(stage, nursery)
    playout = stage.item(sent_ms=40)
    await for_ms(100)
    playout.scope.cancel()
    await for_ms(1000)
    assert stage.ears.sounding_ms() == 0
    assert stage.reports() == [Heard("item", 0, whole=False)]


@pytest.mark.parametrize("at_ms", [1, 7, 20, 333, 960, 999])
async def test_a_cut_falls_silent_after_a_fade_and_says_so_exactly(
    stage: Stage, nursery: trio.Nursery, autojump_clock: trio.abc.Clock, at_ms: int
) -> None:
    await begin(stage, nursery)
    playout = stage.item(sent_ms=1000, complete=True)
    await for_ms(at_ms)
    playout.scope.cancel()
    await for_ms(2000)
    until = min(1000, at_ms + FADE_MS) * MS
    assert stage.reports() == [Heard("item", until, whole=False)]
    (sounding,) = np.nonzero(stage.ears.heard())
    assert until - 10 < sounding.max() + 1 <= until  # the fade ends in zeros


async def test_a_cut_during_a_stall_reports_what_had_sounded_before_it(
    stage: Stage, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    await begin(stage, nursery)
    playout = stage.item(sent_ms=200)
    await for_ms(700)
    playout.scope.cancel()
    await for_ms(0)
    assert stage.reports() == [Heard("item", 200 * MS, whole=False)]


async def test_a_cut_answer_does_not_leak_into_the_next(
    stage: Stage, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    await begin(stage, nursery)
    first = stage.item("first", sent_ms=1000)
    second = stage.item("second")
    stage.send(second, 100, value=77)
    second.frames.close()
    await for_ms(500)
    first.scope.cancel()
    await for_ms(1000)
    assert stage.reports() == [
        Heard("first", (500 + FADE_MS) * MS, whole=False),
        Heard("second", 100 * MS, whole=True),
    ]
    assert np.count_nonzero(stage.ears.heard() == 77) == 100 * MS


async def test_what_is_sent_after_a_cut_stays_silent(
    stage: Stage, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    await begin(stage, nursery)
    playout = stage.item(sent_ms=200)
    await for_ms(100)
    playout.scope.cancel()
    await for_ms(0)
    stage.send(playout, 500)
    await for_ms(1000)
    assert stage.ears.sounding_ms() <= 100 + FADE_MS


async def test_answers_follow_each_other_and_each_is_reported_once(
    stage: Stage, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    await begin(stage, nursery)
    for number in range(5):
        stage.item(f"item {number}", sent_ms=100, complete=True)
    await for_ms(500)
    assert stage.reports() == [Heard(f"item {n}", 100 * MS, whole=True) for n in range(5)]
    assert stage.ears.sounding_ms() == 500


# --- rest -----------------------------------------------------------------------------------------


async def test_the_loudspeaker_rests_after_the_pause_and_once_only(
    stage: Stage, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    stage.rest_after_s = 3.0
    await begin(stage, nursery)
    stage.item(complete=True)
    await for_ms(60_000)
    assert stage.speaker.diary == [("wake", 0.0), ("rest", 3.0)]


async def test_one_that_was_never_woken_need_not_rest(
    stage: Stage, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    await begin(stage, nursery)
    await for_ms(60_000)
    assert stage.speaker.diary == []


async def test_a_rested_loudspeaker_is_woken_before_the_first_sound(
    stage: Stage, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    stage.rest_after_s = 3.0
    await begin(stage, nursery)
    stage.item(complete=True)
    await for_ms(5000)
    stage.item(sent_ms=100, complete=True)
    await for_ms(100)
    assert stage.speaker.diary[1:] == [("rest", 3.0), ("wake", 5.0)]
    assert stage.ears.sounding_ms() == 100
    await for_ms(5000)  # and rests again
    assert [(what, round(at_s, 6)) for what, at_s in stage.speaker.diary[3:]] == [("rest", 8.1)]


async def test_a_short_pause_is_no_reason_to_rest(
    stage: Stage, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    stage.rest_after_s = 1.0
    await begin(stage, nursery)
    for _ in range(5):
        stage.item(sent_ms=100, complete=True)
        await for_ms(900)
    assert [what for what, _ in stage.speaker.diary] == ["wake"] * 5


async def test_it_does_not_rest_in_the_middle_of_a_long_answer_that_stalls(
    stage: Stage, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    stage.rest_after_s = 1.0
    await begin(stage, nursery)
    stage.item(sent_ms=100)
    await for_ms(5000)
    assert [what for what, _ in stage.speaker.diary] == ["wake"]


# --- what it tells --------------------------------------------------------------------------------


async def test_moments_are_when_they_are_heard_not_when_they_are_handed_over(
    stage: Stage, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    stage.speaker.latency_s = 0.05
    await begin(stage, nursery)
    with stage.board.watch() as stream:
        await for_ms(1000)
        stage.item("whole", sent_ms=200, complete=True)
        await for_ms(1000)
        cut = stage.item("cut", sent_ms=200)
        await for_ms(100)
        cut.scope.cancel()
        await for_ms(1000)
    happened = [n async for n in stream if isinstance(n, Happened)]
    assert [(n.moment, n.item_id, round(n.at_s, 6), n.heard_ms) for n in happened] == [
        (Moment.FIRST_SOUND, "whole", 1.05, 0),
        (Moment.PLAYED, "whole", 1.25, 200),
        (Moment.FIRST_SOUND, "cut", 2.05, 0),
        (Moment.CUT, "cut", 2.155, 105),  # the fade, and then the latency
    ]


async def test_levels_are_told_for_when_they_sound(
    stage: Stage, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    await begin(stage, nursery)
    with stage.board.watch() as stream:
        stage.item(sent_ms=200, complete=True)
        await for_ms(300)
    levels = [n for n in [n async for n in stream] if isinstance(n, LevelMeasured)]
    times = sorted(level.at_s for level in levels)
    assert len(times) == 10
    assert 0 <= times[0] < 0.021  # the first frame sounds from 0 to 20 ms
    assert [b - a for a, b in pairwise(times)] == pytest.approx([0.02] * 9)


async def test_a_loudspeaker_that_breaks_ends_the_player(
    stage: Stage, autojump_clock: trio.abc.Clock
) -> None:
    stage.speaker.broken = True
    stage.item(sent_ms=100)
    with pytest.raises(DeviceError, match="unplugged"):
        await stage.run()
