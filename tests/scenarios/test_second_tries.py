"""Stories of servers that fail: asked once more in the same session, then left for another one."""

import logging

import pytest
import trio
from trio.testing import MockClock

from tests.fakes.server import Answer
from tests.fakes.story import Story
from voiced.notices import Moment, Phase


def asked(story: Story) -> int:
    """How often a response was asked for, on all wires."""
    return len(story.server.was_told("response.create"))


async def thinks(story: Story) -> Answer:
    """The user has spoken, and the server begins to answer."""
    story.server.hears_speech()
    story.server.hears_silence()
    answer = story.server.begins()
    await story.settled()
    assert story.phase() is Phase.THINKING
    return answer


@pytest.mark.parametrize(
    ("code", "kind"), [("server_error", "server_error"), (None, "server_error")]
)
async def test_a_response_that_failed_is_asked_for_once_more(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, code: str | None, kind: str
) -> None:
    await story.begin(nursery)
    (await thinks(story)).fails(code, kind)
    await story.for_ms(999)
    assert asked(story) == 0
    assert story.phase() is Phase.THINKING
    await story.for_ms(2)
    assert asked(story) == 1
    story.server.speaks(400)
    await story.for_ms(1000)
    assert story.ears.sounding_ms() == 400
    assert story.moments(Moment.UNANSWERED) == []
    assert story.server.connected_at == [0]


async def test_failing_again_ends_the_session_with_what_support_asks_for(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    await story.begin(nursery)
    (await thinks(story)).fails("server_error")
    await story.for_ms(1001)
    with caplog.at_level(logging.WARNING):
        story.server.begins().fails("server_error")
        await story.settled()
    fault = story.daemon.board.status.link.fault
    assert "the server had an error (Sorry about that!" in fault
    assert "session=sess_story event=event_" in fault
    assert "session=sess_story event=event_" in caplog.text
    await story.for_ms(2000)
    assert len(story.server.connected_at) == 2


async def test_each_turn_has_a_second_try_of_its_own(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    for turn in (1, 2, 3):
        (await thinks(story)).fails("server_error")
        await story.for_ms(1001)
        assert asked(story) == turn
        story.server.speaks(200)
        await story.for_ms(1000)
    assert story.server.connected_at == [0]


@pytest.mark.parametrize("code", ["rate_limit_exceeded", "inference_rate_limit_exceeded"])
@pytest.mark.parametrize("told_before", [True, False])
async def test_who_is_to_slow_down_waits_as_long_as_told(
    story: Story,
    nursery: trio.Nursery,
    autojump_clock: MockClock,
    code: str,
    told_before: bool,
) -> None:
    await story.begin(nursery)
    answer = await thinks(story)
    if told_before:
        story.server.limits(0, 7.5)
    answer.fails(code, "rate_limit_exceeded")
    if not told_before:  # as captures show it
        story.server.limits(0, 7.5)
    await story.for_ms(7499)
    assert asked(story) == 0
    assert story.phase() is Phase.THINKING
    await story.for_ms(2)
    assert asked(story) == 1
    story.server.speaks(300)
    await story.for_ms(1000)
    assert story.ears.sounding_ms() == 300
    assert story.server.connected_at == [0]


async def test_nobody_waits_longer_than_twenty_seconds_for_an_answer(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    (await thinks(story)).fails("rate_limit_exceeded")
    story.server.limits(0, 40.0)
    await story.settled()
    assert story.phase() is Phase.COOLING_DOWN
    assert "asks us to slow down" in story.daemon.board.phase.why
    assert asked(story) == 0


async def test_quota_without_a_code_is_known_by_its_type(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.refuses(None, kind="insufficient_quota")
    await story.settled()
    assert story.phase() is Phase.FAULT
    assert "no credit" in story.daemon.board.phase.why


async def test_an_error_of_the_servers_alone_changes_nothing(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    answer = story.server.begins()
    answer.sends(500)
    story.server.refuses(None, kind="server_error")
    answer.sends(500)
    answer.ends()
    await story.for_ms(2000)
    assert story.ears.sounding_ms() == 1000
    assert story.server.connected_at == [0]


@pytest.mark.parametrize(("later_s", "blamed"), [(29, True), (31, False)])
async def test_a_socket_that_closes_soon_after_an_error_was_closed_by_it(
    story: Story,
    nursery: trio.Nursery,
    autojump_clock: MockClock,
    later_s: int,
    blamed: bool,
) -> None:
    await story.begin(nursery)
    story.server.refuses("server_error", kind="server_error", message="Sorry about that!")
    await story.for_ms(later_s * 1000)
    story.server.hangs_up()
    await story.settled()
    fault = story.daemon.board.status.link.fault
    assert fault
    assert ("Sorry about that!" in fault) is blamed
    assert ("the server had an error" in fault) is blamed


async def test_a_turn_that_stalls_after_an_error_stalls_by_it(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.hears_speech()
    story.server.hears_silence()
    story.server.refuses(None, kind="server_error", message="Sorry about that!")
    await story.for_ms(10_001)
    assert asked(story) == 1  # once more, as always
    assert len(story.server.connected_at) == 2  # and a new session hears it again
    assert "the server had an error (Sorry about that!" in story.daemon.board.status.link.fault


async def test_a_failed_answer_that_was_interrupted_is_not_asked_for_again(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    answer = await thinks(story)
    story.server.hears_speech()
    await story.settled()
    answer.fails("server_error")
    await story.for_ms(5000)
    assert asked(story) == 0
    assert story.server.connected_at == [0]
