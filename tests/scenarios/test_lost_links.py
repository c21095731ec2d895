"""Stories of links that are lost, refused, stuck or never there."""

import random
from itertools import pairwise

import pytest
import trio
from trio.testing import MockClock

from tests.fakes.story import Story
from voiced.actors.supervisor import GaveUp
from voiced.faults import LinkClosed, LinkError, LinkRefused
from voiced.notices import Phase


async def test_a_lost_link_is_dialled_again_after_a_pause(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    await story.for_ms(500)
    story.server.hangs_up(1006)
    await story.settled()
    assert story.phase() is Phase.COOLING_DOWN
    await story.for_ms(999)
    assert story.server.connected_at == [0]
    await story.for_ms(2)
    assert story.server.connected_at == [0, 1.5]
    assert story.phase() is Phase.LISTENING


async def test_pauses_grow_up_to_their_limit_and_never_end(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.server.unreachable = [LinkError("no route")] * 12
    await story.begin(nursery, until_ready=False)
    await story.for_ms(400_000)
    at = story.server.connected_at
    gaps = [b - a for a, b in pairwise(at)]
    assert gaps[:5] == [1, 2, 4, 8, 16]
    assert gaps[5:] == [30] * 7
    assert story.phase() is Phase.LISTENING


async def test_at_most_six_attempts_in_any_minute(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.server.unreachable = [LinkClosed(1001, "expired")] * 100  # says: reconnect at once
    story.chance = random.Random(1)  # full jitter draws short pauses, too
    story.set("link", longest_pause_s=1.0)
    await story.begin(nursery, until_ready=False)
    await story.for_ms(300_000)
    at = story.server.connected_at
    assert 25 <= len(at) <= 31  # never a storm, never an end
    assert all(b - a >= 60 for a, b in zip(at, at[6:], strict=False))


async def test_a_minute_of_health_forgives_the_strikes(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.server.unreachable = [LinkError("no route")] * 4
    await story.begin(nursery, until_ready=False)
    await story.for_ms(16_000)
    assert story.phase() is Phase.LISTENING
    await story.for_ms(61_000)
    story.server.hangs_up()
    before = trio.current_time()
    await story.for_ms(2_000)
    assert story.server.connected_at[-1] == pytest.approx(before + 1)


async def test_what_is_here_is_spoken_when_the_link_is_lost(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    answer = story.server.begins()
    answer.sends(2000)
    await story.for_ms(300)
    story.server.hangs_up()
    await story.for_ms(3000)
    assert story.ears.sounding_ms() == 2000
    story.server.speaks(ms=500)  # and the next session is heard as well
    await story.for_ms(1000)
    assert story.ears.sounding_ms() == 2500


async def test_an_old_answer_is_not_truncated_in_a_new_session(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.begins().sends(5000)
    await story.for_ms(300)
    story.server.hangs_up()
    await story.for_ms(1500)
    assert story.phase() is Phase.LISTENING
    story.server.hears_speech()
    await story.for_ms(100)
    assert story.server.was_told("conversation.item.truncate") == []


async def test_stale_speech_is_not_sent_after_an_outage(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.unreachable = [LinkError("no route")] * 3
    story.server.hangs_up()
    story.user.says(ms=15_000)
    await story.for_ms(15_005)
    assert story.server.connected_at == [0, 1, 3, 7, 15]
    await story.for_ms(1000)
    assert len(story.server.appended) == 3000 * 48  # keep_ms, nothing older, and the last second
    tally = story.daemon.frames.tally
    assert tally.dropped > 600  # what got too old
    assert tally.offered == tally.dropped + 150  # nothing is lost without a count


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("invalid_api_key", "valid API key"),
        ("invalid_model", "[realtime] model"),
        ("insufficient_quota", "billing"),
        ("beta_api_shape_disabled", "[realtime] url"),
    ],
)
async def test_a_refusal_is_never_retried_in_a_loop_and_says_what_to_do(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, code: str, words: str
) -> None:
    story.server.withholds.add("session.created")
    await story.begin(nursery, until_ready=False)
    story.server.refuses(code, message="refused")
    story.server.hangs_up(3000)
    await story.for_ms(300_000)
    assert story.server.connected_at == [0]
    assert story.phase() is Phase.FAULT
    assert words in story.daemon.board.phase.why

    story.server.withholds.clear()
    story.daemon.supervisor.reconnect()
    await story.settled()
    assert story.phase() is Phase.LISTENING


async def test_at_a_terminal_a_refusal_ends_the_daemon(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.stays = False
    story.server.unreachable = [LinkRefused(401, "HTTP 401")]
    with pytest.raises(ExceptionGroup) as ended:
        async with trio.open_nursery() as stage:
            await story.begin(stage, until_ready=False)
    assert ended.group_contains(GaveUp, match="the key was refused")


async def test_settings_that_the_service_refuses_are_not_retried(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.server.withholds.add("session.updated")
    await story.begin(nursery, until_ready=False)
    story.server.refuses("invalid_value", message="Invalid value: 'nobody'.")
    await story.for_ms(100_000)
    assert story.server.connected_at == [0]
    assert "Invalid value: 'nobody'" in story.daemon.board.phase.why


async def test_an_expired_session_is_replaced_at_once(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    await story.for_ms(120_000)
    story.server.refuses("session_expired", message="maximum duration of 60 minutes")
    story.server.hangs_up(1001)
    await story.settled()
    assert story.server.connected_at == [0, 120]
    assert story.phase() is Phase.LISTENING


@pytest.mark.parametrize(
    ("withheld", "words"),
    [
        ("connection", "no connection within 5 s"),
        ("session.created", "no session.created within 5 s"),
        ("session.updated", "no session.updated within 5 s"),
    ],
)
async def test_each_step_of_opening_has_its_own_limit_and_sentence(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, withheld: str, words: str
) -> None:
    story.server.withholds.add(withheld)
    await story.begin(nursery, until_ready=False)
    await story.for_ms(4990)
    assert story.phase() is Phase.CONNECTING
    await story.for_ms(20)
    assert story.phase() is Phase.COOLING_DOWN
    assert words in story.daemon.board.phase.why


async def test_a_stuck_socket_is_given_up_and_memory_stays_bounded(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.wire.stuck = trio.Event()
    story.user.says(ms=20_000)
    await story.for_ms(3_900)
    assert story.phase() is Phase.LISTENING
    assert len(story.daemon.frames) == 100
    await story.for_ms(600)  # looked at every 400 ms
    assert story.phase() is Phase.COOLING_DOWN
    assert "took nothing for 4 s" in story.daemon.board.phase.why


async def test_stopping_says_goodbye_and_is_quick(story: Story, autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as stage:
        await story.begin(stage)
        story.server.speaks(ms=10_000)
        await story.for_ms(100)
        began = trio.current_time()
        story.daemon.supervisor.stop()
    assert trio.current_time() - began < 2
    assert story.server.wire.closed_by_us
    assert story.phase() is Phase.IDLE
