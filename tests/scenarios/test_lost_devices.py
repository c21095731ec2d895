"""Stories of microphones and loudspeakers that stall, break and come back, in a conversation that goes on."""

import logging

import numpy as np
import pytest
import trio
from trio.testing import MockClock

from tests.fakes.manager import FakeManager
from tests.fakes.story import Story
from voiced.actors.capture import Block
from voiced.audio.format import Shape
from voiced.faults import DeviceBusy, DeviceError, DeviceHung
from voiced.notices import Device, Moment, Phase, TurnEnded
from voiced.turns.figures import Outcome


def answers(story: Story, ms: int) -> str:
    """The server sends all of an answer at once; return the item's id."""
    answer = story.server.begins()
    answer.sends(ms)
    answer.ends()
    return answer.item_id


async def ask(story: Story) -> None:
    """A turn of the user's, as the server tells it."""
    story.server.hears_speech()
    await story.for_ms(500)
    story.server.hears_silence()
    await story.settled()


def sent_ms(story: Story) -> int:
    return len(story.server.appended) // 48


def truncations(story: Story) -> list[tuple[str, int]]:
    told = story.server.was_told("conversation.item.truncate")
    return [(each["item_id"], each["audio_end_ms"]) for each in told]


def deletions(story: Story) -> list[str]:
    return [each["item_id"] for each in story.server.was_told("conversation.item.delete")]


def outcomes(story: Story) -> list[Outcome]:
    return [n.turn.outcome for n in story.notices if isinstance(n, TurnEnded)]


# --- the microphone -------------------------------------------------------------------------------


async def test_a_microphone_that_vanishes_for_three_seconds_is_opened_again(
    story: Story,
    nursery: trio.Nursery,
    autojump_clock: MockClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "voiced.actors.attendant")
    await story.begin(nursery)
    await story.for_ms(1000)
    story.user.microphone.plug.pulled_out()
    await story.settled()
    before_ms = sent_ms(story)
    await story.for_ms(2990)
    assert sent_ms(story) == before_ms
    assert story.phase() is Phase.LISTENING
    story.user.microphone.plug.put_back()
    await story.for_ms(1000)
    opened_s = [round(at_s - 1, 6) for at_s in story.user.microphone.plug.opened_at[1:]]
    assert opened_s == [0.2, 0.6, 1.4, 3.0]
    story.user.says(500, value=3000)
    await story.for_ms(1000)
    heard = np.frombuffer(story.server.appended, "<i2")
    assert np.count_nonzero(heard == 3000) == 500 * 24
    assert len(story.server.connected_at) == 1
    assert story.daemon.counts.device_restarts == 1
    assert story.moments(Moment.DEVICE_LOST) == [1.0]
    assert story.moments(Moment.DEVICE_BACK) == [4.0]
    assert caplog.messages == [
        "device lost device=microphone: it has stopped: is it still plugged in?",
        "device back device=microphone away_s=3.0 attempts=4",
    ]


async def test_the_status_names_the_device_and_says_since_when(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    board = story.daemon.board
    assert {device: str(state) for device, state in board.status.devices.items()} == {
        Device.MICROPHONE: "ok",
        Device.LOUDSPEAKER: "ok",
    }
    await story.for_ms(5000)
    story.user.microphone.plug.pulled_out()
    await story.for_ms(20_000)
    state = board.status.devices[Device.MICROPHONE]
    assert (state.since_s, state.fault) == (
        5.0,
        "microphone: it has stopped: is it still plugged in?",
    )
    assert board.status.phase is Phase.LISTENING
    assert board.status.why == state.fault
    assert str(board.status.devices[Device.LOUDSPEAKER]) == "ok"
    story.user.microphone.plug.put_back()
    await story.for_ms(30_000)
    assert board.status.why == ""
    assert str(board.status.devices[Device.MICROPHONE]) == "ok"


async def test_a_microphone_that_falls_silent_is_noticed_and_restarted(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    await story.for_ms(1000)
    story.user.microphone.plug.stalls()
    await story.for_ms(2990)
    assert story.moments(Moment.DEVICE_LOST) == []
    await story.for_ms(500)
    assert story.daemon.counts.device_restarts == 1
    await story.for_ms(500)
    assert sent_ms(story) == pytest.approx(1000 + 790, abs=20)


async def test_a_microphone_may_come_back_as_another_one(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    await story.for_ms(1000)
    story.user.microphone.plug.ends()
    story.user.microphone.shape = Shape(48_000, 2)
    await story.for_ms(1000)
    before = len(story.server.appended)
    story.user.says(1000, value=3000)
    await story.for_ms(2000)
    heard = np.frombuffer(story.server.appended[before:], "<i2").astype(int)
    assert np.count_nonzero(heard > 1500) == pytest.approx(24_000, abs=48)
    assert heard.max() == pytest.approx(3000, rel=0.2)  # it overshoots at the edges


async def test_what_waited_from_before_the_break_is_dropped_and_counted(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.user.microphone.plug.pulled_out()
    await story.settled()
    for _ in range(3):
        story.daemon.sound.blocks.offer(Block(bytes(960), Shape(24_000, 1)))
    story.user.microphone.plug.put_back()
    await story.for_ms(1000)
    assert story.daemon.sound.blocks.tally.discarded == 3


async def test_without_a_microphone_answers_are_still_heard(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.user.microphone.plug.pulled_out()
    await story.for_ms(100)
    answers(story, 1000)
    await story.for_ms(1200)
    assert story.ears.sounding_ms() == 1000
    assert deletions(story) == []
    assert truncations(story) == []


# --- the loudspeaker ------------------------------------------------------------------------------


@pytest.mark.parametrize("complete", [True, False])
async def test_an_answer_whose_loudspeaker_breaks_is_cut_where_the_room_stopped_hearing_it(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, complete: bool
) -> None:
    await story.begin(nursery)
    await ask(story)
    answer = story.server.begins()
    answer.sends(3000)
    if complete:
        answer.ends()
    await story.for_ms(1210)
    assert story.ears.sounding_ms() == 1210
    story.ears.speaker.plug.ends()
    await story.settled()
    assert truncations(story) == [(answer.item_id, 1210)]
    assert story.phase() is Phase.LISTENING
    assert outcomes(story) == [Outcome.CUT]

    answer.sends(1000)  # and what still comes of it is late
    if not complete:
        answer.ends()
    await story.for_ms(3000)
    assert story.ears.sounding_ms() == 1210
    assert story.daemon.counts.device_restarts == 1

    answers(story, 500)
    await story.for_ms(1000)
    assert story.ears.sounding_ms() == 1710


async def test_a_loudspeaker_that_takes_nothing_is_noticed_in_mid_answer(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    item = answers(story, 20_000)
    await story.for_ms(1000)
    assert story.ears.sounding_ms() == 1000
    story.ears.speaker.plug.stalls()
    await story.for_ms(2990)
    assert truncations(story) == []
    await story.for_ms(20)
    assert truncations(story) == [(item, 1000)]


async def test_an_answer_in_line_waits_for_the_next_loudspeaker_if_that_comes_soon(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    first = answers(story, 1000)
    answers(story, 700)
    await story.for_ms(500)
    assert story.ears.sounding_ms() == 500
    story.ears.speaker.plug.pulled_out()
    await story.for_ms(1000)
    story.ears.speaker.plug.put_back()
    await story.for_ms(3000)
    assert story.ears.sounding_ms() == 500 + 700
    assert truncations(story) == [(first, 500)]
    assert deletions(story) == []


async def test_an_answer_in_line_counts_as_not_heard_if_there_is_no_other_loudspeaker_soon(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    answers(story, 1000)
    second = answers(story, 700)
    await story.for_ms(500)
    story.ears.speaker.plug.pulled_out()
    await story.for_ms(1990)
    assert deletions(story) == []
    await story.for_ms(20)
    assert deletions(story) == [second]
    assert story.daemon.counts.unheard_answers == 1


async def test_without_a_loudspeaker_turns_go_on_and_answers_count_as_not_heard(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.ears.speaker.plug.pulled_out()
    await story.for_ms(10_000)
    for number in range(1, 13):  # more than may wait in line
        await ask(story)
        assert story.phase() is Phase.THINKING
        answer = story.server.begins()
        answer.sends(2000)
        await story.for_ms(300)
        assert len(deletions(story)) == number - 1, "the server is still making it"
        answer.ends()
        await story.settled()
        assert deletions(story)[-1] == answer.item_id
        assert story.phase() is Phase.LISTENING
    assert outcomes(story) == [Outcome.UNANSWERED] * 12
    assert story.daemon.counts.unheard_answers == 12
    assert story.daemon.playouts.tally.dropped == 0
    assert story.moments(Moment.FIRST_SOUND) == []
    assert len(story.server.connected_at) == 1

    story.ears.speaker.plug.put_back()
    await story.for_ms(30_000)
    answers(story, 500)
    await story.for_ms(1000)
    assert story.ears.sounding_ms() == 500


async def test_many_answers_in_line_are_all_settled_when_there_is_nobody_to_play_them(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    items = [answers(story, 400) for _ in range(9)]
    await story.for_ms(200)
    story.ears.speaker.plug.pulled_out()
    await story.for_ms(5000)
    assert truncations(story) == [(items[0], 200)]
    assert deletions(story) == items[1:]


async def test_a_loudspeaker_that_comes_back_in_mid_answer_does_not_begin_in_its_middle(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("earcons", error=False)
    await story.begin(nursery)
    story.ears.speaker.plug.pulled_out()
    await story.for_ms(8000)
    answer = story.server.begins()
    answer.sends(500)
    story.ears.speaker.plug.put_back()
    await story.for_ms(20_000)
    assert story.daemon.counts.device_restarts == 1
    answer.sends(500)
    answer.ends()
    await story.for_ms(1000)
    assert story.ears.sounding_ms() == 0
    assert deletions(story) == [answer.item_id]


async def test_an_answer_that_finds_its_loudspeaker_dead_is_played_whole_on_the_next(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """As when the sound server was restarted at night, and the first guest comes in the morning."""
    await story.begin(nursery)
    await story.for_ms(60_000)
    story.ears.speaker.plug.ends_unnoticed()
    answers(story, 1000)
    await story.for_ms(1500)
    assert story.ears.sounding_ms() == 1000
    assert deletions(story) == []
    assert truncations(story) == []
    assert story.daemon.counts.device_restarts == 1


async def test_an_answer_that_waits_for_a_loudspeaker_can_be_interrupted(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    await story.for_ms(60_000)
    story.ears.speaker.plug.in_socket = False
    story.ears.speaker.plug.ends_unnoticed()
    item = answers(story, 1000)
    await story.for_ms(500)
    story.server.hears_speech()
    await story.settled()
    story.ears.speaker.plug.put_back()
    await story.for_ms(3000)
    assert story.ears.sounding_ms() == 0
    assert deletions(story) == [item]


async def test_a_loudspeaker_may_break_while_an_interruption_is_being_settled(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    item = answers(story, 3000)
    await story.for_ms(1000)
    assert story.ears.sounding_ms() == 1000
    story.server.hears_speech()
    story.ears.speaker.plug.ends()
    await story.settled()
    ((cut, heard_ms),) = truncations(story)
    assert cut == item
    assert 1000 <= heard_ms <= 1005  # whoever is first: the fade may be taken as heard
    assert len(story.moments(Moment.CUT)) == 1


async def test_a_session_that_ends_meanwhile_leaves_nothing_behind(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    answers(story, 3000)
    await story.for_ms(1000)
    story.ears.speaker.plug.pulled_out()
    story.server.hangs_up()
    await story.for_ms(10_000)
    story.ears.speaker.plug.put_back()
    await story.for_ms(30_000)
    answers(story, 500)
    await story.for_ms(1000)
    assert story.ears.sounding_ms() == 1500


# --- both, and for long ---------------------------------------------------------------------------


async def test_both_may_go_at_once_as_with_their_sound_server(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    answers(story, 3000)
    await story.for_ms(500)
    story.user.microphone.plug.pulled_out()
    story.ears.speaker.plug.pulled_out()
    await story.for_ms(5000)
    assert story.daemon.board.status.why.startswith("microphone: ")
    assert "; loudspeaker: " in story.daemon.board.status.why
    story.user.microphone.plug.put_back()
    story.ears.speaker.plug.put_back()
    await story.for_ms(10_000)
    assert story.daemon.board.status.why == ""
    assert story.daemon.counts.device_restarts == 2
    assert len(story.server.connected_at) == 1


@pytest.mark.parametrize("device", [Device.MICROPHONE, Device.LOUDSPEAKER])
async def test_a_device_that_stays_away_for_ten_minutes_ends_the_daemon(
    story: Story, autojump_clock: MockClock, device: Device
) -> None:
    plug = {
        Device.MICROPHONE: story.user.microphone.plug,
        Device.LOUDSPEAKER: story.ears.speaker.plug,
    }[device]

    async def lose_it() -> None:
        async with trio.open_nursery() as stage:
            await story.begin(stage)
            await story.for_ms(1000)
            plug.pulled_out()
            await story.for_ms(599_000)
            assert story.phase() is Phase.LISTENING
            await story.for_ms(60_000)

    with pytest.raises(ExceptionGroup) as ended:
        await lose_it()
    assert ended.group_contains(DeviceError, match="there is none of that name")
    assert 601 <= trio.current_time() <= 631
    gaps = np.diff(plug.opened_at[1:])
    assert 25 < gaps.max() <= 30
    assert (np.diff(gaps) >= -1e-6).all()


async def test_a_device_that_is_missing_at_the_start_is_told_at_once(
    story: Story, autojump_clock: MockClock
) -> None:
    """At a terminal: whoever sits there mends it, and tries again."""
    story.stays = False
    story.ears.speaker.plug.in_socket = False
    with pytest.raises(ExceptionGroup) as ended:
        async with trio.open_nursery() as stage:
            await story.begin(stage, until_ready=False)
    assert ended.group_contains(DeviceError, match="there is none of that name")
    assert trio.current_time() == 0


async def test_a_microphone_that_lacks_the_wanted_channel_is_told_at_once(
    story: Story, autojump_clock: MockClock
) -> None:
    story.set("capture", channel=3)
    story.user.microphone.shape = Shape(24_000, 2)
    with pytest.raises(ExceptionGroup) as ended:
        async with trio.open_nursery() as stage:
            await story.begin(stage, until_ready=False)
    assert ended.group_contains(DeviceError, match=r"set \[capture\] channel")


@pytest.mark.parametrize("lost_for_ms", [0, 100, 5000])
async def test_stopping_is_quick_whatever_is_lost(
    story: Story, autojump_clock: MockClock, lost_for_ms: int
) -> None:
    async with trio.open_nursery() as stage:
        await story.begin(stage)
        answers(story, 10_000)
        await story.for_ms(1000)
        story.user.microphone.plug.pulled_out()
        story.ears.speaker.plug.pulled_out()
        if lost_for_ms:
            await story.for_ms(lost_for_ms)
        began = trio.current_time()
        story.daemon.supervisor.stop()
    assert trio.current_time() - began < 2
    assert story.phase() is Phase.IDLE


async def test_the_losses_of_all_devices_add_up(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    for _ in range(2):
        story.user.microphone.lost_blocks, story.user.microphone.overflows = 3, 1
        await story.for_ms(1000)
        story.user.microphone.lost_blocks = story.user.microphone.overflows = 0  # it begins anew
        story.user.microphone.plug.ends()
        await story.for_ms(1000)
    assert (story.daemon.counts.lost_blocks, story.daemon.counts.overflows) == (6, 2)


# --- at the start of a service --------------------------------------------------------------------


async def test_a_service_that_starts_before_its_sound_server_waits_for_it_and_says_so(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    manager = FakeManager()
    story.manager = manager
    plugs = (story.user.microphone.plug, story.ears.speaker.plug)
    for plug in plugs:
        plug.in_socket = False
    await story.begin(nursery, until_ready=False)
    await story.for_ms(20_000)
    assert story.phase() is Phase.LISTENING  # the service answers; the room is what is missing
    assert story.daemon.board.status.why == (
        "microphone: there is none of that name.; loudspeaker: there is none of that name."
    )
    assert manager.ready_at is not None  # or it would be killed, and started again for nothing
    assert any("microphone: there is none of that name" in each for _, each in manager.told)
    for plug in plugs:
        plug.put_back()
    await story.for_ms(2000)
    assert story.daemon.board.status.why == ""
    story.user.says(500, value=3000)
    answers(story, 500)
    await story.for_ms(1000)
    heard = np.frombuffer(story.server.appended, "<i2")
    assert np.count_nonzero(heard == 3000) == 500 * 24
    assert story.ears.sounding_ms() == 500


async def test_a_card_that_another_program_holds_is_waited_for_and_the_status_names_the_reason(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    plug = story.ears.speaker.plug
    plug.refusal = DeviceBusy("another program may hold it")
    await story.begin(nursery, until_ready=False)
    await story.for_ms(120_000)
    assert story.daemon.board.status.why == "loudspeaker: another program may hold it"
    assert len(plug.opened_at) <= 50  # no storm
    plug.refusal = None
    plug.news.set()
    story.user.microphone.plug.news.set()
    await story.for_ms(0)
    assert story.daemon.board.status.why == ""


async def test_a_hung_sound_server_ends_the_process_within_a_minute_and_never_looks_well(
    story: Story, autojump_clock: MockClock
) -> None:
    async def live() -> None:
        async with trio.open_nursery() as stage:
            await story.begin(stage)
            await story.for_ms(10_000)
            story.user.microphone.plug.refusal = DeviceHung("the sound server hangs")
            story.user.microphone.plug.ends()
            for _ in range(25):
                await story.for_ms(1000)
                assert story.daemon.board.status.why.startswith("microphone: ")
            await trio.sleep_forever()

    with pytest.raises(ExceptionGroup) as ended:
        await live()
    assert ended.group_contains(DeviceHung)
    assert 40 <= trio.current_time() <= 60


# --- recalls, and news ----------------------------------------------------------------------------


async def test_a_loudspeaker_is_recalled_after_the_answer_only(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    await ask(story)
    answers(story, 3000)
    await story.for_ms(1000)
    plug = story.ears.speaker.plug
    plug.recall.set()
    await story.for_ms(1900)
    assert len(plug.opened_at) == 1
    await story.for_ms(1000)
    assert len(plug.opened_at) == 2
    assert story.ears.sounding_ms() == 3000
    assert truncations(story) == []
    assert story.daemon.counts.device_recalls == 1
    assert story.moments(Moment.DEVICE_LOST) == []
    answers(story, 500)
    await story.for_ms(1000)
    assert story.ears.sounding_ms() == 3500


async def test_a_microphone_is_recalled_when_nobody_speaks(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.hears_speech()
    await story.for_ms(100)
    plug = story.user.microphone.plug
    plug.recall.set()
    await story.for_ms(5000)
    assert len(plug.opened_at) == 1
    story.server.hears_silence()
    await story.settled()
    answers(story, 500)
    await story.for_ms(1000)
    assert len(plug.opened_at) == 2
    assert story.daemon.board.status.why == ""


async def test_one_that_is_plugged_in_after_minutes_is_taken_at_once(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    plug = story.user.microphone.plug
    plug.pulled_out()
    await story.for_ms(400_000)
    plug.put_back()
    plug.news.set()
    await story.for_ms(20)
    assert story.daemon.counts.device_restarts == 1


# --- zeros ----------------------------------------------------------------------------------------


async def test_a_microphone_that_gives_only_zeros_is_opened_anew_then_told(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("devices", dead_mic_s=30.0)
    story.user.hum = 1
    await story.begin(nursery)
    await story.for_ms(100_000)
    assert len(story.user.microphone.plug.opened_at) == 1
    story.user.hum = 0
    await story.for_ms(29_900)
    assert len(story.user.microphone.plug.opened_at) == 1
    await story.for_ms(300)
    assert len(story.user.microphone.plug.opened_at) == 2
    assert story.daemon.board.status.why == ""
    await story.for_ms(4000)
    assert story.daemon.board.status.why.startswith("microphone: it gives nothing but zeros")
    assert len(story.moments(Moment.DEVICE_LOST)) == 1
    await story.for_ms(600_000)
    assert len(story.user.microphone.plug.opened_at) == 2
    assert len(story.moments(Moment.DEVICE_LOST)) == 1

    story.user.says(500, value=3000)  # somebody found the switch: no word is lost
    await story.for_ms(1000)
    assert story.daemon.board.status.why == ""
    assert len(story.moments(Moment.DEVICE_BACK)) == 1
    heard = np.frombuffer(story.server.appended, "<i2")
    assert np.count_nonzero(heard == 3000) == 500 * 24
    assert story.daemon.counts.mute_devices == 1


async def test_opening_it_anew_may_be_all_it_takes(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("devices", dead_mic_s=30.0)
    await story.begin(nursery)
    await story.for_ms(30_100)
    assert len(story.user.microphone.plug.opened_at) == 2
    story.user.hum = 1
    await story.for_ms(60_000)
    assert story.moments(Moment.DEVICE_LOST) == []
    assert story.daemon.board.status.why == ""


async def test_who_is_muted_here_is_silent_for_as_long_as_they_like(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("devices", dead_mic_s=5.0)
    story.user.hum = 1
    await story.begin(nursery)
    story.daemon.supervisor.switch.mute()
    story.user.hum = 0
    await story.for_ms(600_000)
    assert len(story.user.microphone.plug.opened_at) == 1
    story.daemon.supervisor.switch.unmute()
    story.user.hum = 1
    await story.for_ms(60_000)
    assert story.moments(Moment.DEVICE_LOST) == []
