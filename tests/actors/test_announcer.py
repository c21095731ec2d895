"""The Announcer and a real Player, against a loudspeaker made of time."""

import logging

import attrs
import numpy as np
import pytest
import trio
import trio.testing

from tests.fakes.room import Ears
from voiced.actors.announcer import Announcer
from voiced.actors.player import Player
from voiced.audio import earcons
from voiced.audio.earcons import render
from voiced.audio.format import FRAME_MS
from voiced.audio.jitter import JitterBuffer
from voiced.channel import Channel, WhenFull
from voiced.counts import Counts
from voiced.faults import VoiceError
from voiced.link.announcements import Announcement
from voiced.messages import Heard, Playout
from voiced.notices import Happened, LevelMeasured, Moment, NoticeBoard, Phase, PhaseChanged

WORDS = {announcement: f"words of {announcement.value}" for announcement in Announcement}
ANSWER = 5000  # the value of its samples


@attrs.define(eq=False)
class Parrot:
    """A voice: 400 ms of one value; it may be slow, or hoarse."""

    takes_s: float = 0.0
    hoarse: bool = False
    asked: list[str] = attrs.field(factory=list)

    async def speak(self, sentence: str) -> bytes:
        self.asked.append(sentence)
        await trio.sleep(self.takes_s)
        if self.hoarse:
            raise VoiceError("it is hoarse")
        return np.full(24 * 400, 777, "<i2").tobytes()


@attrs.define(eq=False)
class Stage:
    """An Announcer, a Player, a board to post on and ears in the room."""

    voice: Parrot | None = None
    places: int = 8
    ears: Ears = attrs.field(factory=Ears)
    board: NoticeBoard = attrs.field(factory=NoticeBoard)
    counts: Counts = attrs.field(factory=Counts)
    playouts: Channel[Playout] = attrs.field(init=False)
    heard: Channel[Heard] = attrs.field(init=False)
    announcer: Announcer = attrs.field(init=False)

    def begin(self, nursery: trio.Nursery, *, player: bool = True) -> None:
        self.playouts = Channel("playouts", self.places, WhenFull.DROP_NEWEST)
        self.heard = Channel("heard", 8, WhenFull.DROP_NEWEST)
        self.announcer = Announcer(self.playouts, self.board, self.counts, self.voice, WORDS)
        nursery.start_soon(self.announcer.run)
        if player:
            nursery.start_soon(self._play)

    async def _play(self) -> None:
        async with self.ears.speaker.open() as speaker:
            player = Player(self.playouts, JitterBuffer(60, 60), self.board, self.counts, 10.0)
            await player.run(speaker)

    def answer(self, ms: int) -> Playout:
        """An answer that is here already."""
        frames = Channel[bytes]("frames", ms // FRAME_MS, WhenFull.DROP_NEWEST)
        for _ in range(ms // FRAME_MS):
            frames.offer(np.full(480, ANSWER, "<i2").tobytes())
        frames.close()
        playout = Playout("item", frames, self.heard)
        self.playouts.offer(playout)
        return playout

    def happens(self, *moments: Moment) -> None:
        for moment in moments:
            self.board.post(Happened(trio.current_time(), moment))

    def announced(self) -> bytes:
        """All that sounded and is no answer, without silence."""
        heard = self.ears.heard()
        return bytes(heard[(heard != 0) & (heard != ANSWER)])


def audible(notes: tuple[earcons.Note, ...]) -> bytes:
    """As `Stage.announced` would give it."""
    sound = np.frombuffer(render(notes), "<i2")
    return bytes(sound[(sound != 0) & (sound != ANSWER)])


async def for_s(seconds: float) -> None:
    await trio.sleep(seconds)
    await trio.testing.wait_all_tasks_blocked()


async def test_a_tone_when_the_link_is_lost_and_one_when_it_is_back(
    nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    stage = Stage()
    stage.begin(nursery)
    stage.happens(Moment.DIALLING, Moment.READY)
    await for_s(10)
    stage.happens(Moment.COOLING)
    await for_s(1.49)
    assert stage.announced() == b""
    await for_s(1)
    assert stage.announced() == audible(earcons.LOST)
    stage.happens(Moment.DIALLING, Moment.READY)
    await for_s(2.99)
    assert stage.announced() == audible(earcons.LOST)
    await for_s(1)
    assert stage.announced() == audible(earcons.LOST) + audible(earcons.BACK)
    assert stage.counts.announcements == 2


async def test_it_waits_until_an_answer_is_spoken(
    nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    stage = Stage()
    stage.begin(nursery)
    stage.happens(Moment.DIALLING, Moment.READY)
    stage.answer(4000)
    stage.happens(Moment.COOLING)
    await for_s(3.9)
    assert stage.announced() == b""
    await for_s(1)
    assert stage.announced() == audible(earcons.LOST)


async def test_what_is_outdated_when_its_turn_comes_is_never_heard_of(
    nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    stage = Stage()
    stage.begin(nursery)
    stage.happens(Moment.DIALLING, Moment.READY)
    stage.answer(4000)
    stage.happens(Moment.COOLING)
    await for_s(2)
    stage.happens(Moment.READY)
    await for_s(100)
    assert stage.announced() == b""
    assert (stage.counts.announcements, stage.counts.announcements_unheard) == (0, 1)
    assert stage.ears.sounding_ms() == 4000


async def test_the_gravest_news_takes_the_place_of_what_waits(
    nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    stage = Stage()
    stage.begin(nursery)
    stage.happens(Moment.DIALLING, Moment.READY)
    stage.answer(4000)
    stage.happens(Moment.COOLING)
    await for_s(2)
    stage.happens(Moment.GAVE_UP)
    await for_s(100)
    assert stage.announced() == audible(earcons.UNREACHABLE)


async def test_what_sounds_is_not_broken_off_by_good_news(
    nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    stage = Stage()
    stage.begin(nursery)
    stage.happens(Moment.DIALLING, Moment.READY)
    await for_s(1)
    stage.happens(Moment.COOLING)
    await for_s(1.6)
    stage.happens(Moment.READY)
    await for_s(1)
    assert stage.announced() == audible(earcons.LOST)


async def test_the_conversation_knows_nothing_of_it(
    nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    stage = Stage()
    stage.begin(nursery)
    with stage.board.watch() as stream:
        stage.happens(Moment.DIALLING)
        await for_s(2.1)  # it sounds
        stage.happens(Moment.READY)
        await for_s(1)
    notices = [n async for n in stream]
    moments = [n.moment for n in notices if isinstance(n, Happened)]
    assert stage.counts.announcements == 1
    assert moments == [Moment.DIALLING, Moment.READY]
    phases = [n.phase for n in notices if isinstance(n, PhaseChanged)]
    assert phases == [Phase.CONNECTING, Phase.LISTENING]
    assert not [n for n in notices if isinstance(n, LevelMeasured)]


@pytest.mark.parametrize("told", ["the board", "an operator"])
async def test_whoever_speaks_or_wants_silence_gets_it(
    nursery: trio.Nursery, autojump_clock: trio.abc.Clock, told: str
) -> None:
    stage = Stage(Parrot())
    stage.begin(nursery)
    stage.happens(Moment.DIALLING)
    await for_s(2.1)
    assert len(stage.announced()) == 2 * 24 * 100
    if told == "the board":
        stage.happens(Moment.READY, Moment.SPEECH_START)
    else:
        assert stage.announcer.hush()
    await for_s(20)
    assert len(stage.announced()) < 2 * 24 * 106  # the fade of a cut
    assert stage.counts.announcements_unheard == 1
    assert not stage.announcer.hush()


async def test_silence_includes_what_waits_behind_the_answer(
    nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    stage = Stage()
    stage.begin(nursery)
    stage.happens(Moment.DIALLING, Moment.READY)
    answer = stage.answer(4000)
    stage.happens(Moment.COOLING)
    await for_s(2)
    assert stage.announcer.hush()
    answer.scope.cancel()
    await for_s(20)
    assert stage.ears.sounding_ms() < 2010  # the answer and its fade
    assert stage.counts.announcements_unheard == 1


async def test_a_voice_is_asked_once_for_each_sentence(
    nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    voice = Parrot(takes_s=0.3)
    stage = Stage(voice)
    stage.begin(nursery)
    stage.happens(Moment.DIALLING, Moment.READY)
    for _ in range(2):
        await for_s(100)
        stage.happens(Moment.COOLING)
        await for_s(5)
        stage.happens(Moment.READY)
    await for_s(100)
    assert voice.asked == ["words of lost", "words of back"]
    assert len(stage.announced()) == 4 * 2 * 24 * 400


async def test_news_while_the_voice_thinks_are_not_missed(
    nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    stage = Stage(Parrot(takes_s=1.0))
    stage.begin(nursery)
    stage.happens(Moment.DIALLING, Moment.READY)
    await for_s(100)
    stage.happens(Moment.COOLING)
    await for_s(2)
    stage.happens(Moment.READY)
    await for_s(100)
    assert stage.announced() == b""


async def test_a_voice_that_fails_is_told_once_and_replaced_by_tones(
    nursery: trio.Nursery,
    autojump_clock: trio.abc.Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    voice = Parrot(hoarse=True)
    stage = Stage(voice)
    stage.begin(nursery)
    stage.happens(Moment.DIALLING, Moment.READY)
    await for_s(100)
    with caplog.at_level(logging.WARNING):
        stage.happens(Moment.COOLING)
        await for_s(5)
        stage.happens(Moment.READY)
        await for_s(5)
    assert stage.announced() == audible(earcons.LOST) + audible(earcons.BACK)
    assert voice.asked == ["words of lost"]
    assert [r.getMessage() for r in caplog.records] == [
        "announcements are tones from now on: it is hoarse"
    ]


async def test_without_a_loudspeaker_nothing_piles_up(
    nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    stage = Stage()
    stage.begin(nursery, player=False)
    for _ in range(100):
        stage.happens(Moment.DIALLING, Moment.READY)
        await for_s(100)
        stage.happens(Moment.COOLING)
        await for_s(100)
    assert len(stage.playouts) == 1


async def test_no_room_among_the_answers_is_counted_and_tried_again(
    nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    stage = Stage(places=2)
    stage.begin(nursery)
    stage.happens(Moment.DIALLING, Moment.READY)
    await for_s(1)
    stage.answer(6000)
    await for_s(0.1)
    stage.answer(2000)
    stage.answer(2000)
    stage.happens(Moment.COOLING)
    await for_s(3)
    assert stage.playouts.tally.dropped == 1
    await for_s(20)
    assert stage.announced() == audible(earcons.LOST)
