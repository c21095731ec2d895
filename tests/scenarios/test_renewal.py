"""Stories of sessions that give way to the next one: nobody notices, and nothing is lost."""

import numpy as np
import trio
from trio.testing import MockClock

from tests.fakes.story import Story
from voiced.faults import LinkClosed, LinkError
from voiced.notices import Moment, Phase

CREATED = "conversation.item.create"


async def begin_with_little_patience(story: Story, nursery: trio.Nursery) -> None:
    """A session that is to be renewed after a minute, not after fifty."""
    story.set("realtime", renew_after_s=60.0)
    await story.begin(nursery)


async def test_a_session_gives_way_at_a_quiet_moment_before_it_ends(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await begin_with_little_patience(story, nursery)
    await story.for_ms(59_000)
    assert len(story.server.wires) == 1
    await story.for_ms(2_000)
    first, second = story.server.wires
    assert first.closed_by_us
    assert second.closed is None
    assert len(story.moments(Moment.RENEWED)) == 1
    assert story.phases == [Phase.CONNECTING, Phase.LISTENING]  # nobody was told of a loss
    story.server.speaks(ms=500)
    await story.for_ms(1000)
    assert story.ears.sounding_ms() == 500


async def test_nobody_is_interrupted_by_a_renewal(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await begin_with_little_patience(story, nursery)
    await story.for_ms(59_500)
    story.server.hears_speech()
    await story.for_ms(5_000)
    assert len(story.server.wires) == 1  # the user speaks
    story.server.hears_silence()
    await story.for_ms(500)
    assert len(story.server.wires) == 1  # an answer is owed
    story.server.speaks(ms=4_000)
    await story.for_ms(3_000)
    assert len(story.server.wires) == 1  # it sounds
    await story.for_ms(1_500)
    assert len(story.server.wires) == 2
    assert story.ears.sounding_ms() == 4_000


async def test_a_user_who_talks_across_the_deadline_loses_nothing(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("limits", max_turn_ms=600_000)
    story.user.leaves()
    await begin_with_little_patience(story, nursery)
    await story.for_ms(50_000)
    story.server.hears_speech(at_ms=0)
    await story.for_ms(560_000)
    story.user.says(ms=30_000, value=888)
    story.user.comes()
    await story.for_ms(18_000)
    assert len(story.server.wires) == 1  # due for nine minutes, and the sentence does not end
    await story.for_ms(5_000)
    assert len(story.server.wires) == 2  # the last half minute: the sentence itself moves over
    await story.for_ms(20_000)  # told again at most four times as fast as it was spoken
    sound = np.frombuffer(story.server.appended, "<i2")
    assert np.count_nonzero(sound == 888) == 30_000 * 24
    assert story.daemon.tape.dropped == story.daemon.frames.tally.dropped == 0


async def test_the_session_goes_on_while_no_successor_can_be_had(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.user.leaves()
    await begin_with_little_patience(story, nursery)
    story.server.unreachable = [LinkError("no route")] * 3
    await story.for_ms(200_000)
    assert len(story.server.wires) == 1
    assert story.phase() is Phase.LISTENING
    await story.for_ms(60_000)
    assert len(story.server.wires) == 2
    assert all(
        b - a >= 10
        for a, b in zip(story.server.connected_at[1:], story.server.connected_at[2:], strict=False)
    )


async def test_a_successor_that_is_refused_does_not_end_the_session_in_use(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await begin_with_little_patience(story, nursery)
    story.server.withholds.add("session.updated")
    await story.for_ms(70_000)
    assert story.phase() is Phase.LISTENING
    story.server.wires[0].deliver('{"type": "rate_limits.updated", "rate_limits": []}')
    await story.for_ms(100)
    assert story.server.wires[0].closed is None


async def test_the_operator_has_it_renewed_at_once(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    await story.for_ms(1_000)
    story.daemon.supervisor.reconnect()
    await story.for_ms(500)
    assert len(story.server.wires) == 2
    assert story.server.wires[0].closed_by_us


async def test_expiry_while_the_user_speaks_costs_not_a_word(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    await story.for_ms(120_000)
    story.user.says(ms=3_000, value=555)
    await story.for_ms(200)
    story.server.hears_speech(at_ms=120_000)
    await story.for_ms(1_800)
    story.server.refuses("session_expired")
    story.server.hangs_up(1001)
    await story.for_ms(3_000)
    assert len(story.server.wires) == 2
    again = np.frombuffer(story.server.appended, "<i2")
    assert np.count_nonzero(again == 555) == 3_000 * 24  # the new session hears all of it
    assert story.daemon.tape.retold > 90


async def test_a_turn_is_told_again_only_once(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    await story.for_ms(120_000)
    story.user.says(ms=1_000, value=555)
    await story.for_ms(100)
    for _ in range(3):
        story.server.hears_speech(at_ms=0 if len(story.server.wires) > 1 else 120_000)
        await story.for_ms(2_500)
        story.server.refuses("session_expired")
        story.server.hangs_up(1001)
        await story.for_ms(40_000)
    told = [np.frombuffer(_appended(wire.heard), "<i2") for wire in story.server.wires]
    assert [np.count_nonzero(sound == 555) // 24 for sound in told] == [1000, 1000, 0, 0]


async def test_what_was_answered_is_not_told_again(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.user.says(ms=1_000, value=555)
    await story.for_ms(100)
    story.server.hears_speech(at_ms=0)
    await story.for_ms(1_500)
    story.server.hears_silence()
    story.server.speaks(ms=300)
    await story.for_ms(200)
    story.server.wire.close(LinkClosed(1006, "gone"))
    await story.for_ms(2_500)
    assert 555 not in np.frombuffer(story.server.appended, "<i2")


def _appended(heard: list[dict[str, object]]) -> bytes:
    import base64

    appends = (str(e["audio"]) for e in heard if e["type"] == "input_audio_buffer.append")
    return b"".join(base64.b64decode(audio) for audio in appends)


async def test_the_next_session_is_told_what_was_said_before_it_hears_anything(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await begin_with_little_patience(story, nursery)
    item = story.server.hears_speech()
    story.server.hears_silence()
    story.server.understands(item, "What time is it?", final=True)
    answer = story.server.begins()
    answer.writes("It is noon.", final=True)
    answer.sends(600)
    answer.ends()
    await story.for_ms(62_000)
    heard = story.server.wire.heard
    told = [e["item"]["content"][0]["text"] for e in heard if e["type"] == CREATED]
    assert told == ["What time is it?", "It is noon."]
    kinds = [event["type"] for event in heard]
    first_sound = kinds.index("input_audio_buffer.append")
    assert CREATED not in kinds[first_sound:]
    assert story.daemon.board.status.context == "2 items restored"


async def test_what_is_said_while_the_next_session_is_opened_reaches_it_too(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await begin_with_little_patience(story, nursery)
    await story.for_ms(59_000)
    story.server.withholds.add("session.updated")
    await story.for_ms(1_500)
    old, new = story.server.wires
    story.server.wires.reverse()  # the story goes on in the old session
    item = story.server.hears_speech()
    await story.for_ms(100)
    story.server.wires.reverse()
    story.server.grants()
    await story.for_ms(1_000)
    assert old.closed is None, "the user speaks"
    story.server.wires.reverse()
    story.server.commits()
    story.server.understands(item, "Wait.", final=True)
    story.server.speaks(ms=200)
    await story.settled()
    story.server.wires.reverse()
    await story.for_ms(2_000)
    assert old.closed_by_us
    told = [e["item"]["content"][0]["text"] for e in new.heard if e["type"] == CREATED]
    assert told == ["Wait."]


async def test_between_sessions_nobody_is_told_that_he_was_heard(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.hangs_up()
    await story.for_ms(500)
    supervisor = story.daemon.supervisor
    assert not supervisor.interrupt()
    assert not supervisor.ask("Is anybody there?")
    assert not supervisor.say("Hello.")


async def test_nobody_moves_to_a_session_that_died_while_it_waited(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await begin_with_little_patience(story, nursery)
    await story.for_ms(59_900)
    story.server.withholds.add("session.updated")
    await story.for_ms(300)
    old, new = story.server.wires
    story.server.grants()
    new.close(LinkClosed(1006, "gone"))
    story.server.withholds.clear()
    await story.for_ms(2_000)
    assert story.phase() is Phase.LISTENING
    assert old.closed is None
    await story.for_ms(61_000)
    assert old.closed_by_us
    assert len(story.server.wires) == 3
