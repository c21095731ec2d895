"""A visit to the millisecond: five seconds of frames, paced, and what becomes of a session that breaks."""

from typing import Any

import attrs
import pytest
import trio

from tests.fakes.server import FakeServer
from voiced import terms
from voiced.audio.format import FRAME_BYTES
from voiced.config.whole import Config
from voiced.doctor.explaining import explained
from voiced.doctor.visit import Stage, Visit
from voiced.faults import LinkClosed, LinkError, SessionOver, Trouble

SECRET = "sk-proj-0123456789"


def visit_to(server: FakeServer, **more: Any) -> Visit:
    return Visit(dialler=lambda: server, opening=terms.opening_from(Config()), **more)


async def test_five_seconds_of_frames_go_up_as_a_microphone_would_give_them(
    autojump_clock: trio.testing.MockClock,
) -> None:
    server = FakeServer()
    visit = visit_to(server)
    began_s = trio.current_time()
    await visit.run()
    assert visit.fault is None
    assert list(visit.reached_ms) == [Stage.ANSWERED, Stage.CREATED, Stage.UPDATED, Stage.FIRM]
    assert visit.reached_ms[Stage.FIRM] == 5000.0
    assert trio.current_time() - began_s == pytest.approx(5.0)
    assert len(server.appended) == 250 * FRAME_BYTES
    assert {event["type"] for event in server.wire.heard} == {
        "session.update",
        "input_audio_buffer.append",
    }
    assert server.wire.closed_by_us


async def test_nothing_goes_up_before_the_session_is_granted(
    autojump_clock: trio.testing.MockClock,
) -> None:
    server = FakeServer(withholds={"session.updated"})
    visit = visit_to(server)
    await visit.run()
    assert isinstance(visit.fault, LinkError)
    assert visit.fault.trouble is Trouble.SLOW
    assert server.was_told("input_audio_buffer.append") == []


@pytest.mark.parametrize("after_s", [0.01, 2.0, 4.99])
async def test_a_close_while_sound_goes_up_is_the_visits_fault(
    autojump_clock: trio.testing.MockClock, nursery: trio.Nursery, after_s: float
) -> None:
    server = FakeServer()
    visit = visit_to(server)
    nursery.start_soon(visit.run)
    await trio.sleep(after_s)
    server.hangs_up()
    assert not await visit.came_to(Stage.FIRM)
    assert isinstance(visit.fault, LinkClosed)
    assert visit.sent_ms == pytest.approx(after_s * 1000, abs=20)
    assert visit.session_id == "sess_story"


async def test_an_error_that_the_daemon_would_survive_is_none_for_firm_audio(
    autojump_clock: trio.testing.MockClock, nursery: trio.Nursery
) -> None:
    server = FakeServer()
    visit = visit_to(server)
    nursery.start_soon(visit.run)
    await trio.sleep(1)
    server.refuses("invalid_value")
    assert not await visit.came_to(Stage.FIRM)
    assert isinstance(visit.fault, SessionOver)
    assert visit.fault.code == "invalid_value"


async def test_a_session_that_dies_in_silence_is_found_out_at_the_end(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """All sound was taken, but nobody is there any more."""
    visit = visit_to(FakeServer(withholds={"signs of life"}))
    await visit.run()
    assert visit.sent_ms == 5000
    assert Stage.FIRM not in visit.reached_ms
    assert isinstance(visit.fault, LinkError)


async def test_nobody_answers(autojump_clock: trio.testing.MockClock) -> None:
    visit = visit_to(FakeServer(withholds={"connection"}))
    await visit.run()
    assert visit.reached_ms == {}
    assert str(visit.fault) == "no connection within 5 s"


async def test_an_answer_that_never_sounds_is_a_fault_of_the_turn(
    autojump_clock: trio.testing.MockClock,
) -> None:
    visit = visit_to(FakeServer(), speech=bytes(48 * 500))
    await visit.run()
    assert Stage.FIRM in visit.reached_ms
    assert isinstance(visit.fault, SessionOver)
    assert "the server heard no turn in it" in str(visit.fault)


async def test_the_first_sound_is_timed_from_the_end_of_the_question(
    autojump_clock: trio.testing.MockClock, nursery: trio.Nursery
) -> None:
    server = FakeServer()
    visit = visit_to(server, speech=bytes(48 * 500), firm_s=1.0)
    nursery.start_soon(visit.run)
    await trio.sleep(1.5 + 0.71)
    server.hears_speech()
    server.commits()
    answer = server.begins()
    answer.opens_item()
    answer.sends(100)
    assert await visit.came_to(Stage.HEARD)
    assert visit.first_audio_ms == pytest.approx(710, abs=20)


async def test_of_a_turn_that_we_end_ourselves_one_answer_is_asked_for(
    autojump_clock: trio.testing.MockClock, nursery: trio.Nursery
) -> None:
    """However long it takes from the commit to the answer's creation."""
    config = Config()
    held = attrs.evolve(config, turns=attrs.evolve(config.turns, detection="push_to_talk"))
    server = FakeServer()
    visit = Visit(
        dialler=lambda: server,
        opening=terms.opening_from(held),
        server_answers=terms.policy_from(held).server_answers,
        speech=bytes(48 * 500),
        firm_s=1.0,
    )
    nursery.start_soon(visit.run)
    await trio.sleep(1.5 + 0.1)
    server.commits()
    await trio.sleep(0.5)
    answer = server.begins()
    answer.opens_item()
    answer.sends(100)
    assert await visit.came_to(Stage.HEARD)
    assert len(server.was_told("response.create")) == 1


def test_a_key_that_the_server_quotes_is_blotted_out() -> None:
    fault = SessionOver(
        "invalid_api_key", f"Incorrect API key provided: {SECRET[:8]}**{SECRET[-4:]}."
    )
    finding = explained(fault)
    assert "sk-..." in finding.seen
    assert SECRET[-4:] not in repr(attrs.asdict(finding))
