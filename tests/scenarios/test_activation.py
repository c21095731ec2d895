"""Stories of conversations that begin when somebody wants them to, and end when nobody goes on."""

import numpy as np
import pytest
import trio
from trio.testing import MockClock

from tests.fakes.server import FakeServer
from tests.fakes.story import Story
from voiced.audio.convert import Pcm
from voiced.faults import LinkRefused
from voiced.link.door import State
from voiced.notices import Moment, Phase


def appended(story: Story) -> Pcm:
    """Each sample that went up in the session of now."""
    return np.frombuffer(story.server.appended, "<i2")


def said_ms(story: Story, value: int) -> int:
    """How much of what was said with that value went up in the session of now."""
    return int(np.count_nonzero(appended(story) == value)) // 24


async def waiting(story: Story, nursery: trio.Nursery, **settings: object) -> None:
    """A daemon that waits to be told to begin."""
    story.set("activation", **{"mode": "on_command", **settings})
    await story.begin(nursery, until_ready=False)
    assert story.phase() is Phase.IDLE


def every_frame_is_accounted_for(story: Story) -> None:
    """Captured = withheld + kept for later + gone on; gone on = sent (less twice) + lost + waiting."""
    daemon = story.daemon
    blocks, frames = daemon.sound.blocks.tally, daemon.frames.tally
    button = daemon.supervisor.conversation.house.button
    daemon.counts.frames_withheld += daemon.door.book_withheld()  # or the next frame's coming would
    let_go = daemon.counts.frames_withheld
    waits = len(daemon.frames) + daemon.tape.waiting + (0 if button is None else button.waiting)
    told_anew = daemon.tape.dropped - daemon.tape.retold
    sent = daemon.counts.frames_sent + daemon.counts.frames_unsent
    captured = blocks.offered - blocks.dropped - len(daemon.sound.blocks)
    lost = frames.dropped + frames.discarded
    assert captured == let_go + daemon.door.kept + sent + lost + waits + told_anew


# --- on command -----------------------------------------------------------------------------------


async def test_nothing_is_connected_until_somebody_wants_it(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await waiting(story, nursery)
    story.user.says(12_000, value=7)
    await story.for_ms(10_000)
    assert story.server.connected_at == []
    assert story.daemon.board.status.why == "not activated"
    assert story.moments(Moment.INACTIVE) == [0]
    assert story.moments(Moment.COOLING) == []
    every_frame_is_accounted_for(story)

    assert story.daemon.supervisor.activate()
    assert not story.daemon.supervisor.activate()
    await story.for_ms(1000)
    assert story.phase() is Phase.LISTENING
    assert len(story.server.wires) == 1
    every_frame_is_accounted_for(story)


async def test_what_was_said_just_before_goes_up_and_nothing_older(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await waiting(story, nursery, pre_roll_ms=500)
    for value in range(1, 101):  # 20 ms each, and each can be found
        story.user.says(20, value=value)
    await story.for_ms(2010)
    story.server.withholds.add("session.updated")
    story.daemon.supervisor.activate()
    for value in range(101, 151):
        story.user.says(20, value=value)
    await story.for_ms(700)
    story.server.grants()
    await story.for_ms(1000)

    up = appended(story)[::480]
    spoken = [int(value) for value in up if value]
    assert spoken == list(range(76, 151)), "25 frames, and every word since"
    every_frame_is_accounted_for(story)


async def test_off_is_off(story: Story, nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    await waiting(story, nursery)
    story.daemon.supervisor.activate()
    await story.for_ms(1000)
    wire = story.server.wire
    assert story.daemon.supervisor.deactivate()
    assert not story.daemon.supervisor.deactivate()
    await story.settled()
    assert wire.closed_by_us
    assert story.phase() is Phase.IDLE
    assert story.daemon.board.status.why == "deactivated"
    story.user.says(5000, value=9)
    told = len(wire.heard)
    await story.for_ms(5000)
    assert len(wire.heard) == told
    assert story.server.connected_at == [0]
    every_frame_is_accounted_for(story)


async def test_what_was_said_in_one_conversation_is_not_said_in_the_next(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await waiting(story, nursery)
    story.daemon.supervisor.activate()
    story.user.says(1000, value=8)
    await story.for_ms(1000)
    assert said_ms(story, 8) > 900
    story.daemon.supervisor.deactivate()
    await story.for_ms(20)
    story.daemon.supervisor.activate()
    await story.for_ms(1000)
    assert len(story.server.wires) == 2
    assert said_ms(story, 8) <= 20, "what nobody had got yet"
    every_frame_is_accounted_for(story)


async def test_off_cuts_the_answer_and_whoever_comes_next_is_told_nothing_of_it(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await waiting(story, nursery)
    story.daemon.supervisor.activate()
    await story.for_ms(1000)
    story.server.hears_speech()
    story.server.hears_silence()
    answer = story.server.begins()
    answer.sends(4000)
    answer.writes("one two three four five six seven eight", final=True)
    answer.ends()
    await story.for_ms(2060)
    assert story.daemon.supervisor.deactivate("the owner went to bed")
    await story.for_ms(100)
    heard_ms = story.ears.sounding_ms()
    assert 1900 <= heard_ms <= 2100
    assert len(story.moments(Moment.CUT)) == 1
    assert story.phase() is Phase.IDLE
    assert story.daemon.board.status.why == "the owner went to bed"
    await story.for_ms(5000)
    assert story.ears.sounding_ms() == heard_ms, "a cut is a cut"

    story.daemon.supervisor.activate()
    await story.for_ms(1000)
    assert not story.server.was_told("conversation.item.create")


async def test_the_greeting_is_said_once_each_time_it_is_begun(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("realtime", greeting="Welcome.")
    await waiting(story, nursery)
    for times in (1, 2):
        story.daemon.supervisor.activate()
        await story.for_ms(500)
        assert len(story.server.was_told("response.create")) == times
        story.server.speaks(200)
        await story.for_ms(1000)
        story.server.hangs_up()
        await story.for_ms(3000)
        assert len(story.server.was_told("response.create")) == times, "an outage is no beginning"
        story.daemon.supervisor.deactivate()
        await story.for_ms(100)


async def test_off_while_it_is_being_connected_means_off(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await waiting(story, nursery)
    story.server.withholds.add("session.updated")
    story.daemon.supervisor.activate()
    await story.for_ms(300)
    story.daemon.supervisor.deactivate()
    await story.for_ms(60_000)
    assert story.server.wire.closed_by_us
    assert story.server.connected_at == [0]
    assert story.phase() is Phase.IDLE


async def test_a_pause_is_waited_though_somebody_switches_off_and_on(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await waiting(story, nursery)
    story.server.unreachable = [LinkRefused(429, "HTTP 429", retry_after_s=20.0)]
    story.daemon.supervisor.activate()
    await story.for_ms(1000)
    assert story.phase() is Phase.COOLING_DOWN
    story.daemon.supervisor.deactivate()
    await story.for_ms(1000)
    assert story.phase() is Phase.IDLE
    assert story.daemon.board.status.link.resumes_at_s is None
    assert story.daemon.supervisor.activate()
    await story.settled()
    assert story.phase() is Phase.COOLING_DOWN
    assert story.daemon.board.link.resumes_at_s == 20
    story.user.says(25_000, value=5)
    await story.for_ms(19_000)
    assert story.server.connected_at == [0, 20]
    assert story.phase() is Phase.LISTENING
    assert said_ms(story, 5) >= 2000, "what was said meanwhile, as much as is kept"
    every_frame_is_accounted_for(story)


async def test_who_asks_for_it_need_not_wait_for_that_pause(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await waiting(story, nursery)
    story.server.unreachable = [LinkRefused(429, "HTTP 429", retry_after_s=20.0)]
    story.daemon.supervisor.activate()
    await story.for_ms(1000)
    story.daemon.supervisor.reconnect()
    await story.for_ms(10)
    assert story.phase() is Phase.LISTENING


async def test_a_hundred_quick_changes_of_mind_make_no_storm(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await waiting(story, nursery)
    for _ in range(100):
        assert story.daemon.supervisor.activate()
        await story.for_ms(130)
        assert story.daemon.supervisor.deactivate()
        await story.for_ms(70)
    assert story.phase() is Phase.IDLE
    assert story.daemon.supervisor.activate()
    await story.for_ms(120_000)
    at = story.server.connected_at
    assert all(b - a >= 60 for a, b in zip(at, at[6:], strict=False)), at
    assert story.phase() is Phase.IDLE, "nobody spoke for a minute"
    every_frame_is_accounted_for(story)


async def test_changes_of_mind_within_one_instant_leave_what_was_wanted_last(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await waiting(story, nursery)
    switch = story.daemon.supervisor
    assert [switch.activate(), switch.deactivate(), switch.activate()] == [True] * 3
    await story.for_ms(100)
    assert story.phase() is Phase.LISTENING
    assert [switch.deactivate(), switch.activate(), switch.deactivate()] == [True] * 3
    await story.for_ms(100)
    assert story.phase() is Phase.IDLE
    assert [switch.activate(), switch.deactivate()] == [True] * 2
    await story.for_ms(100)
    assert story.phase() is Phase.IDLE
    assert story.daemon.door.state is State.SHUT


async def test_idleness_on_purpose_is_not_announced(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await waiting(story, nursery)
    story.daemon.supervisor.activate()
    await story.for_ms(5000)
    story.daemon.supervisor.deactivate()
    await story.for_ms(120_000)
    story.daemon.supervisor.activate()
    await story.for_ms(10_000)
    assert story.ears.sounding_ms() == 0
    assert story.daemon.counts.announcements == 0


# --- silence --------------------------------------------------------------------------------------


async def test_silence_ends_it_politely_and_says_so(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await waiting(story, nursery, idle_hangup_s=30.0)
    story.daemon.supervisor.activate()
    await story.for_ms(29_000)
    story.server.hears_speech()
    story.server.hears_silence()
    story.server.speaks(3000)
    await story.for_ms(32_500)  # 3 s of an answer, and less than 30 of silence
    assert story.phase() is Phase.LISTENING
    await story.for_ms(1000)
    assert story.phase() is Phase.IDLE
    assert story.server.wire.closed_by_us
    assert story.daemon.board.status.why == "hung up after 30 s of silence"
    assert not story.daemon.board.link.fault


@pytest.mark.parametrize("what", ["speech", "a turn", "an answer", "a question"])
async def test_nobody_is_hung_up_on(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, what: str
) -> None:
    story.set("limits", created_ms=120_000, first_delta_ms=120_000, max_turn_ms=300_000)
    await waiting(story, nursery, idle_hangup_s=10.0)
    story.daemon.supervisor.activate()
    await story.for_ms(1000)
    match what:
        case "speech":
            story.server.hears_speech()
        case "a turn":
            story.server.hears_speech()
            story.server.hears_silence()
        case "an answer":
            story.server.speaks(60_000)
        case _:
            story.daemon.supervisor.ask("what time is it")
    await story.for_ms(50_000)
    assert story.phase() is not Phase.IDLE
    assert story.server.connected_at == [0]


async def test_a_dead_link_is_not_kept_for_a_room_that_everybody_has_left(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await waiting(story, nursery, idle_hangup_s=30.0)
    story.daemon.supervisor.activate()
    await story.for_ms(1000)
    story.server.down = True
    story.server.hangs_up()
    await story.for_ms(40_000)
    assert story.phase() is Phase.IDLE
    attempts = len(story.server.connected_at)
    story.server.down = False
    await story.for_ms(60_000)
    assert len(story.server.connected_at) == attempts


async def test_a_fault_that_waits_for_a_person_is_not_hidden_by_silence(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await waiting(story, nursery, idle_hangup_s=30.0)
    story.server.unreachable = [LinkRefused(401, "HTTP 401")]
    story.daemon.supervisor.activate()
    await story.for_ms(100_000)
    assert story.phase() is Phase.FAULT
    story.daemon.supervisor.deactivate()
    await story.settled()
    assert story.phase() is Phase.IDLE
    story.daemon.supervisor.activate()
    await story.for_ms(100)
    assert story.phase() is Phase.LISTENING, "a person did something"


async def test_whoever_speaks_opens_it_again_without_losing_a_word(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("activation", idle_hangup_s=30.0)
    story.set("realtime", greeting="Welcome.")
    await story.begin(nursery)
    assert len(story.server.was_told("response.create")) == 1
    story.server.speaks(100)
    await story.for_ms(60_000)
    assert story.phase() is Phase.IDLE
    assert story.server.connected_at == [0]
    story.server.withholds.add("session.updated")
    story.user.says(1000, value=4000)
    await story.for_ms(600)
    story.server.grants()
    await story.for_ms(1400)
    assert story.server.connected_at[1] == pytest.approx(60.1, abs=0.1)
    assert said_ms(story, 4000) == 1000
    assert int(np.argmax(appended(story) == 4000)) // 24 == 440, "and what was before it"
    assert len(story.server.was_told("response.create")) == 1, "who speaks is not greeted"
    every_frame_is_accounted_for(story)


@pytest.mark.parametrize("before_ms", [-200, -60, -20, 0, 20, 40, 60, 80, 200])
async def test_who_begins_to_speak_while_it_is_hung_up_loses_no_word(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, before_ms: int
) -> None:
    story.set("activation", idle_hangup_s=10.0)
    await story.begin(nursery)
    await story.for_ms(10_000 - before_ms)
    story.user.says(1000, value=4000)
    await story.for_ms(200)
    if story.phase() is Phase.LISTENING and len(story.server.wires) == 1:
        story.server.hears_speech()  # it was in time
    await story.for_ms(2000)
    assert said_ms(story, 4000) == 1000
    every_frame_is_accounted_for(story)


async def test_after_off_nobody_is_heard_though_it_is_always_on(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("activation", idle_hangup_s=30.0)
    await story.begin(nursery)
    story.daemon.supervisor.deactivate()
    story.user.says(5000, value=4000)
    await story.for_ms(60_000)
    assert story.phase() is Phase.IDLE
    assert story.server.connected_at == [0]
    every_frame_is_accounted_for(story)


async def test_a_conversation_has_its_limit_and_an_answer_may_be_finished(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("budget", session_max_s=60.0)
    await waiting(story, nursery, idle_hangup_s=0.0)
    story.daemon.supervisor.activate()
    await story.for_ms(58_000)
    story.server.speaks(5000)
    await story.for_ms(4000)
    assert story.phase() is Phase.SPEAKING
    assert story.moments(Moment.BUDGET) == [48.0], "somebody may want to know"
    await story.for_ms(2000)
    assert story.phase() is Phase.IDLE
    assert story.ears.sounding_ms() == 5000
    assert story.daemon.board.status.why == "hung up: a conversation lasts 60 s at most"


async def test_who_talks_on_and_on_is_cut_off(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("limits", max_turn_ms=600_000)
    story.set("budget", session_max_s=60.0)
    await waiting(story, nursery)
    story.daemon.supervisor.activate()
    await story.for_ms(1000)
    story.server.hears_speech()
    await story.for_ms(88_000)
    assert story.phase() is Phase.HEARING
    await story.for_ms(2000)
    assert story.phase() is Phase.IDLE


async def test_a_radio_that_plays_on_does_not_begin_the_next_one(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("budget", session_max_s=60.0)
    await story.begin(nursery)
    await story.for_ms(55_000)
    story.user.says(20_000, value=4000)
    await story.for_ms(20_000)
    assert story.phase() is Phase.IDLE
    assert story.daemon.board.status.why == "hung up: a conversation lasts 60 s at most"
    await story.for_ms(2000)
    story.user.says(1000, value=4000)
    await story.for_ms(2000)
    assert story.phase() is Phase.LISTENING
    assert said_ms(story, 4000) == 1000, "and nothing of the radio"
    every_frame_is_accounted_for(story)


# --- the talk button ------------------------------------------------------------------------------


async def buttoned(story: Story, nursery: trio.Nursery) -> None:
    """A daemon that a button wakes, and two seconds of a room in which a radio plays."""
    story.set("turns", detection="push_to_talk")
    story.set("activation", mode="push_to_talk")
    await story.begin(nursery, until_ready=False)
    story.user.says(2000, value=3)
    await story.for_ms(2010)
    assert story.server.connected_at == []


@pytest.mark.parametrize("opening_ms", [0, 300, 1200, 4000])
@pytest.mark.parametrize("held_ms", [200, 1000])
async def test_a_press_begins_it_and_the_turn_is_whole_however_long_opening_takes(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, held_ms: int, opening_ms: int
) -> None:
    await buttoned(story, nursery)
    if opening_ms:
        story.server.withholds.add("session.updated")
    supervisor = story.daemon.supervisor
    assert supervisor.press()
    assert not supervisor.press()
    story.user.says(held_ms, value=4)
    story.user.says(25_000, value=5)
    nursery.start_soon(_grant, story.server, opening_ms)
    await story.for_ms(held_ms)
    assert supervisor.release()
    assert not supervisor.release()
    await story.for_ms(5500)
    assert story.server.connected_at == [2.01]
    assert said_ms(story, 4) == held_ms
    assert said_ms(story, 3) == 500, "the pre-roll"
    assert said_ms(story, 5) == pytest.approx(200, abs=40), "the tail"
    told = [e["type"] for e in story.server.wire.heard if "append" not in e["type"]]
    assert told[1:3] == ["input_audio_buffer.commit", "response.create"]
    every_frame_is_accounted_for(story)


async def _grant(server: FakeServer, after_ms: int) -> None:
    if after_ms:
        await trio.sleep(after_ms / 1000)
        server.grants()


async def test_a_turn_that_finds_no_session_is_no_part_of_the_next(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await buttoned(story, nursery)
    story.server.withholds.add("session.updated")
    story.daemon.supervisor.press()
    story.user.says(1000, value=4)
    await story.for_ms(1000)
    story.daemon.supervisor.release()
    await story.for_ms(4500)
    story.server.withholds.clear()
    await story.for_ms(5000)
    assert story.phase() is Phase.LISTENING
    assert story.server.was_told("input_audio_buffer.append") == []
    assert story.server.was_told("input_audio_buffer.commit") == []
    story.daemon.supervisor.press()
    await story.for_ms(1000)
    story.daemon.supervisor.release()
    await story.for_ms(500)
    assert said_ms(story, 4) == 0
    assert len(story.server.was_told("input_audio_buffer.commit")) == 1
    every_frame_is_accounted_for(story)


async def test_off_in_the_middle_of_a_held_turn_lets_the_button_go(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await buttoned(story, nursery)
    supervisor = story.daemon.supervisor
    supervisor.press()
    story.user.says(1000, value=4)
    await story.for_ms(500)
    assert supervisor.deactivate()
    assert not supervisor.release()
    await story.for_ms(3000)
    assert supervisor.press()
    await story.for_ms(1000)
    assert supervisor.release()
    await story.for_ms(500)
    assert len(story.server.wires) == 2
    assert said_ms(story, 4) == 0
    assert said_ms(story, 3) == 0
    every_frame_is_accounted_for(story)


# --- the gate -------------------------------------------------------------------------------------


async def test_a_silent_room_costs_no_bandwidth_and_words_come_whole(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("uplink", gate=True)
    await story.begin(nursery)
    await story.for_ms(59_990)
    assert len(appended(story)) <= 24 * 1100
    before_ms = len(appended(story)) // 24
    story.user.says(1000, value=4000)
    await story.for_ms(10_000)
    assert said_ms(story, 4000) == 1000
    assert len(appended(story)) // 24 - before_ms == pytest.approx(500 + 1000 + 1000, abs=40)
    assert story.server.connected_at == [0], "the session is asked whether it lives, and does"
    assert len(story.server.was_told("session.update")) > 1
    every_frame_is_accounted_for(story)


async def test_the_end_of_speech_is_when_it_was_though_nothing_went_up_for_long(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("uplink", gate=True)
    await story.begin(nursery)
    for _ in range(3):
        await story.for_ms(5_000)
        story.user.says(1000, value=4000)
        await story.for_ms(1000)
        ended_s = trio.current_time()
        await story.for_ms(600)
        loud = np.flatnonzero(appended(story) == 4000)
        story.server.hears_speech(at_ms=len(appended(story)) // 24 - 1600)
        story.server.hears_end(at_ms=int(loud[-1]) // 24 + 1 + 500)
        story.server.commits()
        await story.settled()
        assert story.moments(Moment.SPEECH_END)[-1] == pytest.approx(ended_s, abs=0.06)
