"""Stories of a service that fails again and again: the ladder, the pauses, and who is asked for help."""

from itertools import pairwise

import pytest
import trio
from trio.testing import MockClock

from tests.fakes.story import Story
from voiced.faults import LinkClosed, LinkError, LinkRefused, SessionOver, Trouble
from voiced.link.ladder import Rung
from voiced.notices import Phase


def rung(story: Story) -> Rung:
    """How the session is opened."""
    return story.daemon.supervisor.ladder.plan.rung


async def fail_on_first_audio(story: Story) -> None:
    """As was measured: accepted, configured, and ended on the first sound."""
    story.server.refuses("server_error", kind="server_error", message="The server had an error")
    story.server.hangs_up(1011)
    await story.settled()


async def test_the_ladder_changes_one_thing_after_the_other(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("realtime", fallback_models=("gpt-second", "gpt-third"))
    await story.begin(nursery)
    rungs = []
    for _ in range(7):
        await story.for_ms(15_000)  # a session "without sound at first" takes ten
        while story.phase() is not Phase.LISTENING:
            await story.for_ms(1_000)
        rungs.append(story.daemon.board.status.link.rung)
        await fail_on_first_audio(story)
    assert rungs == [
        Rung.USUAL.value,
        Rung.AGAIN.value,
        Rung.SLOWER.value,
        Rung.QUIET.value,
        Rung.OTHER_MODEL.value,
        Rung.OTHER_MODEL.value,
        Rung.PAUSE.value,
    ]
    assert story.server.models == ["", "", "", "", "gpt-second", "gpt-third", ""]


async def test_an_answer_ends_the_climb(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    for _ in range(2):
        await fail_on_first_audio(story)
        await story.for_ms(3_000)
    assert rung(story) is Rung.SLOWER
    story.server.speaks(ms=200)
    await story.for_ms(1_000)
    await fail_on_first_audio(story)
    assert rung(story) is Rung.AGAIN


async def test_slower_cadence_groups_the_appends(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    for _ in range(2):
        await fail_on_first_audio(story)
        await story.for_ms(3_000)
    await story.for_ms(1_000)
    before = len(story.server.appended)
    grown = 0
    for _ in range(50):
        await story.for_ms(20)
        grown += len(story.server.appended) > before
        before = len(story.server.appended)
    assert 4 <= grown <= 6  # 200 ms at a time


async def test_without_sound_at_first_nothing_goes_up_for_ten_seconds(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    for _ in range(3):
        await fail_on_first_audio(story)
        await story.for_ms(7_000)
    assert rung(story) is Rung.QUIET
    assert story.phase() is Phase.CONNECTING
    assert story.server.appended == b""
    await story.for_ms(10_000)
    assert story.phase() is Phase.LISTENING
    assert len(story.server.appended) > 0


async def test_a_service_that_fails_on_the_first_audio_is_no_storm(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    for _ in range(3000):
        if story.server.appended:
            await fail_on_first_audio(story)
        await story.for_ms(200)
    at = story.server.connected_at
    assert all(b - a >= 60 for a, b in zip(at, at[6:], strict=False))
    assert max(b - a for a, b in pairwise(at)) <= 60
    assert len(at) < 30  # in ten minutes


async def test_the_server_is_obeyed_when_it_says_how_long_to_stay_away(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.unreachable = [LinkRefused(429, "slow down", retry_after_s=90.0)]
    story.server.hangs_up()
    await story.for_ms(1_100)
    assert len(story.server.connected_at) == 2
    await story.for_ms(89_000)
    assert len(story.server.connected_at) == 2
    assert story.daemon.board.status.link.resumes_at_s == pytest.approx(91.0)
    await story.for_ms(2_000)
    assert story.phase() is Phase.LISTENING


async def test_an_empty_account_is_looked_at_every_quarter_of_an_hour(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.user.leaves()
    await story.begin(nursery)
    story.server.unreachable = [SessionOver("insufficient_quota", "no credit")] * 3
    story.server.refuses("insufficient_quota")
    await story.for_ms(3_600_000)
    gaps = [b - a for a, b in pairwise(story.server.connected_at)]
    assert gaps == [900, 900, 900, 900]
    assert story.phase() is Phase.LISTENING


@pytest.mark.parametrize("fault", [SessionOver("invalid_api_key", "bad"), LinkRefused(401, "no")])
async def test_a_refused_key_waits_for_a_person(
    fault: SessionOver | LinkRefused,
    story: Story,
    nursery: trio.Nursery,
    autojump_clock: MockClock,
) -> None:
    story.server.unreachable = [fault]
    story.user.leaves()
    await story.begin(nursery, until_ready=False)
    await story.for_ms(86_400_000 // 10)
    assert story.phase() is Phase.FAULT
    assert len(story.server.connected_at) == 1
    story.daemon.supervisor.reconnect()
    await story.for_ms(100)
    assert story.phase() is Phase.LISTENING


async def test_a_new_key_ends_the_waiting(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    replaced = trio.Event()
    story.server.unreachable = [SessionOver("invalid_api_key", "bad")]
    story.mended = replaced.wait
    await story.begin(nursery, until_ready=False)
    await story.for_ms(10_000)
    assert story.phase() is Phase.FAULT
    replaced.set()
    await story.for_ms(100)
    assert story.phase() is Phase.LISTENING


async def test_a_session_that_answers_nothing_is_found_out(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.withholds.add("signs of life")
    await story.for_ms(29_000)
    assert len(story.server.wires) == 1
    await story.for_ms(7_500)
    assert len(story.server.wires) == 2
    assert "nobody answers behind it" in story.daemon.board.status.link.fault


async def test_a_quiet_session_that_lives_is_left_in_peace(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.user.leaves()
    await story.for_ms(595_000)
    assert len(story.server.wires) == 1
    assert len(story.server.was_told("session.update")) == 20  # one that configures, 19 questions


@pytest.mark.parametrize("trouble", [each for each in Trouble if each is not Trouble.STUCK])
async def test_no_trouble_on_the_way_ends_the_attempts(
    trouble: Trouble, story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.server.unreachable = [LinkError("something", trouble)] * 20
    story.user.leaves()
    await story.begin(nursery, until_ready=False)
    await story.for_ms(900_000)
    assert story.phase() is Phase.LISTENING


async def test_a_flapping_link_never_storms(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.user.leaves()
    await story.begin(nursery)
    up = 0
    for _ in range(900):  # an hour: up for two seconds, down for two
        await story.for_ms(2_000)
        if story.phase() is Phase.LISTENING:
            up += 1
        story.server.wire.close(LinkClosed(1006, "gone"))
        story.server.unreachable = [LinkError("no route")]
        await story.for_ms(2_000)
        story.server.unreachable = []
    at = story.server.connected_at
    assert all(b - a >= 60 for a, b in zip(at, at[6:], strict=False))
    assert max(b - a for a, b in pairwise(at)) <= 60
    assert up > 30


@pytest.mark.parametrize("outage_s", [3, 15, 600])
async def test_after_an_outage_of_any_length_it_is_back_within_a_minute(
    outage_s: int, story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("notices", mode="off")
    story.user.leaves()
    await story.begin(nursery)
    await story.for_ms(1_000)
    story.server.down = True
    story.server.hangs_up()
    await story.for_ms(outage_s * 1_000)
    at = story.server.connected_at
    assert all(b - a >= 60 for a, b in zip(at, at[6:], strict=False))
    assert max((b - a for a, b in pairwise(at[1:])), default=0) <= 60
    story.server.down = False
    await story.for_ms(60_000)
    assert story.phase() is Phase.LISTENING
    story.user.comes()
    story.server.speaks(ms=300)
    await story.for_ms(2_000)
    assert story.ears.sounding_ms() == 300
    assert story.server.appended
