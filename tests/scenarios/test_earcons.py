"""Stories of the tones that go with a conversation."""

import attrs
import numpy as np
import pytest
import trio
from trio.testing import MockClock

from tests.fakes.room import SleepyLoudspeaker
from tests.fakes.story import Story
from tests.scenarios.test_activation import appended
from tests.scenarios.test_reload import Owner
from tests.scenarios.test_wake_word import FIRST, STOP, asks, calls, heard, waiting
from voiced.audio import earcons
from voiced.audio.earcons import Note, render
from voiced.config.changes import Reach
from voiced.edges.far_end import FarEndTap
from voiced.faults import LinkError, LinkRefused
from voiced.notices import Moment, Phase

ANSWER = 5000  # the value of its samples
LEVEL_DB = -12.0


def tones(story: Story) -> bytes:
    """All that sounded and is no answer, without silence."""
    heard = story.ears.heard()
    return bytes(heard[(heard != 0) & (heard != ANSWER)])


def as_heard(notes: tuple[Note, ...], level_db: float = LEVEL_DB) -> bytes:
    """As `tones` would give it."""
    sound = np.frombuffer(render(notes, level_db), "<i2")
    return bytes(sound[(sound != 0) & (sound != ANSWER)])


def played_and_lost(story: Story) -> tuple[int, int]:
    counts = story.daemon.counts
    return counts.earcons, counts.earcons_unheard


def answer_samples(story: Story) -> int:
    return int(np.count_nonzero(story.ears.heard() == ANSWER))


# --- the wake word --------------------------------------------------------------------------------


async def test_who_calls_hears_at_once_that_somebody_listens_and_loses_no_word(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await waiting(story, nursery, tone=True)
    story.server.withholds.add("session.updated")
    calls(story)
    asks(story, 100)
    await story.for_ms(600 + 200 + 60)
    (woken_s,) = story.moments(Moment.WOKEN)
    assert story.phase() is Phase.CONNECTING, "it waits for no session"
    await story.for_ms(120)
    assert tones(story) == as_heard(earcons.WAKE)
    first = int(np.flatnonzero(story.ears.heard())[0]) / 24_000
    assert first - woken_s < 0.002
    story.server.grants()
    await story.for_ms(4000)
    assert heard(story) == list(range(FIRST, FIRST + 100))
    assert played_and_lost(story) == (1, 0)


async def test_the_word_over_an_answer_is_followed_by_the_tone_instead_of_it(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("turns", interruption="never")
    await waiting(story, nursery, tone=True)
    calls(story)
    await story.for_ms(1500)
    story.server.hears_speech()
    story.server.hears_silence()
    story.server.speaks(20_000)
    await story.for_ms(2000)
    calls(story)
    await story.for_ms(2000)
    assert len(story.moments(Moment.CUT)) == 1
    assert tones(story).endswith(as_heard(earcons.WAKE))
    assert played_and_lost(story) == (2, 0)


async def test_the_stop_word_has_no_tone(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await waiting(story, nursery, tone=True)
    calls(story)
    await story.for_ms(1500)
    calls(story, STOP)
    await story.for_ms(2000)
    assert len(story.moments(Moment.WOKEN)) == 2
    assert tones(story) == as_heard(earcons.WAKE)


@pytest.mark.parametrize("why", ["muted", "half duplex"])
async def test_no_tone_says_that_somebody_listens_where_it_would_not_be_so(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, why: str
) -> None:
    """Half duplex is deaf to the first words after it: they are worth more than a tone."""
    story.set("echo", mode="half_duplex" if why == "half duplex" else "off")
    await waiting(story, nursery, tone=True)
    if why == "muted":
        story.daemon.supervisor.mute()
    else:
        sound = story.daemon.sound
        sound.ports = attrs.evolve(sound.ports, far_end=FarEndTap())
    calls(story)
    await story.for_ms(3000)
    assert len(story.moments(Moment.WOKEN)) == (why != "muted")
    assert story.ears.sounding_ms() == 0


async def test_a_sleepy_sink_is_woken_for_the_tone_and_swallows_nothing_of_it(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    sink = story.ears.speaker = SleepyLoudspeaker(story.ears.pcm.extend)
    story.set("playout", wake_sink_ms=300)
    await waiting(story, nursery, tone=True)
    await story.for_ms(60_000)
    calls(story)
    await story.for_ms(3000)
    assert (sink.swallowed, len(sink.woken_at)) == (0, 1)
    assert played_and_lost(story) == (1, 0)


async def test_a_sink_that_takes_too_long_gets_no_tone(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("playout", wake_sink_ms=1000)
    await waiting(story, nursery, tone=True)
    await story.for_ms(60_000)
    calls(story)
    await story.for_ms(5000)
    assert story.ears.sounding_ms() == 0
    assert played_and_lost(story) == (0, 1)


# --- the end of a turn ----------------------------------------------------------------------------


@pytest.mark.parametrize("thinks_ms", [0, 60, 100, 300])
async def test_no_answer_is_held_up_by_the_tick_nor_touched(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, thinks_ms: int
) -> None:
    story.set("earcons", turn_end=True)
    await story.begin(nursery)
    story.server.hears_speech()
    await story.for_ms(1000)
    story.server.hears_silence()
    await story.for_ms(thinks_ms)
    began_s = trio.current_time()
    story.server.speaks(1000)
    await story.for_ms(3000)
    assert answer_samples(story) == 1000 * 24
    (sounded_s,) = story.moments(Moment.FIRST_SOUND)
    assert sounded_s - began_s < 0.085, "what is left of it at most"
    if thinks_ms >= 100:
        assert tones(story) == as_heard(earcons.TURN_END)
        assert sounded_s == began_s
    assert len(story.moments(Moment.PLAYED)) == 1
    assert story.moments(Moment.CUT) == []
    for told in ("conversation.item.truncate", "conversation.item.delete"):
        assert story.server.was_told(told) == []
    assert sum(played_and_lost(story)) == 1


async def test_a_tick_behind_an_answer_would_be_late_and_is_dropped(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("turns", interruption="never")
    story.set("earcons", turn_end=True)
    await story.begin(nursery)
    story.server.speaks(3000)
    await story.for_ms(500)
    story.server.hears_speech()
    await story.for_ms(500)
    story.server.hears_silence()
    await story.for_ms(10_000)
    assert tones(story) == b""
    assert answer_samples(story) == 3000 * 24
    assert played_and_lost(story)[0] == 0


async def test_who_speaks_on_silences_the_tick(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("earcons", turn_end=True)
    await story.begin(nursery)
    story.server.hears_speech()
    await story.for_ms(1000)
    story.server.hears_silence()
    await story.for_ms(20)
    story.server.hears_speech()
    await story.for_ms(500)
    assert story.ears.sounding_ms() <= 26
    assert played_and_lost(story) == (0, 1)


async def test_who_is_muted_hears_no_tick(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("earcons", turn_end=True)
    await story.begin(nursery)
    story.server.hears_speech()
    await story.for_ms(1000)
    story.daemon.supervisor.mute()
    story.server.hears_silence()
    await story.for_ms(500)
    assert story.ears.sounding_ms() == 0


# --- what fails -----------------------------------------------------------------------------------


async def fails(story: Story) -> None:
    """A turn that gets no answer."""
    story.server.hears_speech()
    await story.for_ms(1000)
    story.server.hears_silence()
    await story.for_ms(200)
    story.server.begins().ends("incomplete", reason="content_filter")
    await story.for_ms(1000)


async def test_a_turn_without_an_answer_is_told_by_a_tone_that_is_none(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    await fails(story)
    assert tones(story) == as_heard(earcons.ERROR)
    assert story.moments(Moment.FIRST_SOUND) == story.moments(Moment.PLAYED) == []
    assert story.phase() is Phase.LISTENING
    assert story.daemon.counts.unheard_answers == 0
    assert story.server.was_told("conversation.item.truncate") == []


async def test_a_model_that_chooses_to_say_nothing_has_not_failed(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.hears_speech()
    story.server.hears_silence()
    story.server.begins().ends()
    await story.for_ms(1000)
    assert len(story.moments(Moment.UNANSWERED)) == 1
    assert story.ears.sounding_ms() == 0


async def test_what_is_here_of_an_answer_comes_before_the_tone(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.hears_speech()
    story.server.hears_silence()
    story.server.begins().sends(12_000)
    await story.for_ms(20_000)
    assert answer_samples(story) == 12_000 * 24
    heard = story.ears.heard()
    assert (heard[: 12_000 * 24] == ANSWER).all()
    assert tones(story) == as_heard(earcons.ERROR)


@pytest.mark.parametrize("notices", ["tones", "off"])
async def test_a_fault_that_waits_for_a_person_is_told_once(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, notices: str
) -> None:
    story.set("notices", mode=notices)
    story.server.unreachable = [LinkRefused(401, "HTTP 401")]
    await story.begin(nursery, until_ready=False)
    await story.for_ms(10_000)
    wanted = {"tones": as_heard(earcons.UNREACHABLE, 0.0), "off": as_heard(earcons.ERROR)}
    assert tones(story) == wanted[notices]


async def test_with_all_of_it_off_a_bad_day_is_silent(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("notices", mode="off")
    story.set("earcons", wake=False, error=False)
    await story.begin(nursery)
    await fails(story)
    story.server.unreachable = [LinkError("no route"), LinkRefused(401, "HTTP 401")]
    story.server.hangs_up()
    await story.for_ms(60_000)
    assert story.ears.sounding_ms() == 0
    assert played_and_lost(story) == (0, 0)


# --- how loud, and where there is no loudspeaker --------------------------------------------------


async def test_its_level_is_the_owners_and_changes_while_it_runs(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("earcons", level_db=-6.0)
    await story.begin(nursery)
    owner = Owner(story)
    nursery.start_soon(owner.reload.run)
    await fails(story)
    loud = tones(story)
    assert loud == as_heard(earcons.ERROR, -6.0)
    assert owner.sets("earcons", level_db=-26.0) is Reach.LIVE
    await fails(story)
    assert tones(story)[len(loud) :] == as_heard(earcons.ERROR, -26.0)
    owner.sets("earcons", error=False)
    await fails(story)
    assert played_and_lost(story) == (2, 0)
    story.daemon.volume.set_owner(0)
    owner.sets("earcons", error=True)
    before = story.ears.sounding_ms()
    await fails(story)
    assert story.ears.sounding_ms() == before, "silent is silent"


async def test_a_tone_does_not_wait_for_another_loudspeaker(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("devices", keep_answers_ms=60_000)
    await story.begin(nursery)
    story.ears.speaker.plug.pulled_out()
    await story.for_ms(1000)
    await fails(story)
    await fails(story)
    await story.for_ms(5000)
    story.ears.speaker.plug.put_back()
    await story.for_ms(40_000)
    assert story.ears.sounding_ms() == 0
    assert played_and_lost(story) == (0, 2)
    assert story.daemon.counts.unheard_answers == 0


async def test_no_tone_goes_up(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """It is sound of the loudspeaker's, and nothing else: the wire knows nothing of it."""
    story.set("earcons", turn_end=True)
    await story.begin(nursery)
    await fails(story)
    assert played_and_lost(story)[0] == 2
    assert not appended(story).any()
    assert story.server.was_told("conversation.item.create") == []
