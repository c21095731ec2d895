"""Stories of what the room hears about the link."""

import attrs
import numpy as np
import pytest
import trio
from trio.testing import MockClock

from tests.fakes.story import Story
from voiced.audio import earcons
from voiced.audio.earcons import Note, render
from voiced.faults import LinkError, LinkRefused
from voiced.notices import Moment, Phase, Transcribed, TurnEnded

ANSWER = 5000  # the value of its samples
NAMES = {
    "connecting": earcons.CONNECTING,
    "lost": earcons.LOST,
    "unreachable": earcons.UNREACHABLE,
    "back": earcons.BACK,
}


def announced(story: Story) -> list[str]:
    """What was announced, in order."""
    heard = story.ears.heard()
    sound = bytes(heard[(heard != 0) & (np.abs(heard) != ANSWER)])
    names = list[str]()
    while sound:
        name = next(name for name, notes in NAMES.items() if sound.startswith(_audible(notes)))
        names.append(name)
        sound = sound[len(_audible(NAMES[name])) :]
    return names


def _audible(notes: tuple[Note, ...]) -> bytes:
    sound = np.frombuffer(render(notes), "<i2")
    return bytes(sound[(sound != 0) & (np.abs(sound) != ANSWER)])


async def test_renewals_are_silent(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    for _ in range(3):
        await story.for_ms(90_000)
        story.server.refuses("session_expired")
        story.server.hangs_up(1001)
        await story.for_ms(10_000)
    assert story.phase() is Phase.LISTENING
    assert story.ears.sounding_ms() == 0


@pytest.mark.parametrize(
    ("outage_ms", "names"),
    [
        (1000, []),
        (3000, ["lost", "back"]),
        (10_000, ["lost", "back"]),
        (600_000, ["lost", "unreachable", "back"]),
    ],
)
async def test_an_outage_is_told_once_however_long_it_is(
    story: Story,
    nursery: trio.Nursery,
    autojump_clock: MockClock,
    outage_ms: int,
    names: list[str],
) -> None:
    await story.begin(nursery)
    await story.for_ms(100_000)
    story.server.unreachable = [LinkError("no route")] * 1000
    if outage_ms == 1000:
        story.server.unreachable.clear()
    story.server.hangs_up()
    await story.for_ms(outage_ms)
    story.server.unreachable.clear()
    await story.for_ms(100_000)
    assert story.phase() is Phase.LISTENING
    assert announced(story) == names
    assert story.daemon.counts.announcements == len(names)


async def test_the_first_connection_may_take_a_while(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.server.unreachable = [LinkError("no route")] * 3  # dialled at 0, 1, 3, 7
    await story.begin(nursery, until_ready=False)
    await story.for_ms(1990)
    assert story.ears.sounding_ms() == 0
    await story.for_ms(20_000)
    assert story.phase() is Phase.LISTENING
    assert announced(story) == ["connecting"]


async def test_a_refused_key_is_heard_at_once(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.server.unreachable = [LinkRefused(401, "HTTP 401")]
    await story.begin(nursery, until_ready=False)
    await story.for_ms(300_000)
    assert announced(story) == ["unreachable"]
    story.daemon.supervisor.reconnect()
    await story.for_ms(10_000)
    assert announced(story) == ["unreachable", "back"]


async def test_a_link_that_flaps_for_ten_minutes(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    for _ in range(150):
        story.server.unreachable = []
        await story.for_ms(2000)
        story.server.unreachable = [LinkError("no route")] * 10
        story.server.hangs_up()
        await story.for_ms(2000)
    assert announced(story) == ["lost", "unreachable"]
    story.server.unreachable = []
    await story.for_ms(100_000)
    assert announced(story) == ["lost", "unreachable", "back"]


async def test_what_is_here_of_an_answer_comes_first_and_the_turn_is_as_it_was(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    answer = story.server.begins()
    answer.sends(4000)
    await story.for_ms(300)
    story.server.unreachable = [LinkError("no route")] * 3
    story.server.hangs_up()
    await story.for_ms(3650)
    assert story.ears.heard()[-1] == ANSWER
    assert announced(story) == []
    await story.for_ms(100_000)
    assert announced(story) == ["lost", "back"]
    assert len(story.moments(Moment.FIRST_SOUND)) == len(story.moments(Moment.PLAYED)) == 1
    assert story.moments(Moment.CUT) == []
    ended = [n.turn for n in story.notices if isinstance(n, TurnEnded)]
    assert [turn.heard_ms for turn in ended] == [4000]
    assert not [n for n in story.notices if isinstance(n, Transcribed) and n.text]
    for told in ("conversation.item.truncate", "conversation.item.delete"):
        assert story.server.was_told(told) == []


async def test_an_answer_over_an_announcement_waits_for_its_end(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    await story.for_ms(100_000)
    story.server.unreachable = [LinkError("no route")] * 1
    story.server.hangs_up()
    await story.for_ms(6010)  # back since 3 s: it sounds
    assert story.phase() is Phase.LISTENING
    story.server.speaks(500)
    await story.for_ms(100)
    assert story.phase() is Phase.LISTENING
    await story.for_ms(400)
    assert story.phase() is Phase.SPEAKING
    await story.for_ms(5000)
    assert announced(story) == ["lost", "back"]
    assert np.count_nonzero(story.ears.heard() == ANSWER) == 500 * 24


async def test_somebody_who_speaks_is_not_told_that_all_is_well(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    await story.for_ms(100_000)
    story.server.unreachable = [LinkError("no route")] * 1
    story.server.hangs_up()
    await story.for_ms(4000)
    story.server.hears_speech()
    await story.for_ms(100_000)
    assert announced(story) == ["lost"]


async def test_an_operators_silence_includes_announcements(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.server.withholds.add("connection")
    await story.begin(nursery, until_ready=False)
    await story.for_ms(2100)
    assert story.daemon.supervisor.interrupt()
    await story.for_ms(1000)
    assert story.ears.sounding_ms() < 110
    assert not story.daemon.supervisor.interrupt()


async def test_off_is_silent(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("notices", mode="off")
    story.server.withholds.add("connection")
    await story.begin(nursery, until_ready=False)
    await story.for_ms(100_000)
    assert story.ears.sounding_ms() == 0


@attrs.define(eq=False)
class Parrot:
    """A voice that says everything in 500 ms."""

    asked: list[str] = attrs.field(factory=list)

    async def speak(self, sentence: str) -> bytes:
        await trio.lowlevel.checkpoint()
        self.asked.append(sentence)
        return np.full(24 * 500, 777, "<i2").tobytes()


async def test_a_voice_says_the_owners_words(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("notices", mode="voice", connecting="Ich verbinde.", unreachable="Niemand da.")
    story.voice = voice = Parrot()
    story.server.withholds.add("connection")
    await story.begin(nursery, until_ready=False)
    await story.for_ms(100_000)
    assert voice.asked == ["Ich verbinde.", "Niemand da."]
    assert story.ears.sounding_ms() == 1000
