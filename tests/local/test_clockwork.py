"""What time does: paces, delays, limits and patience, exact to the millisecond on a mock clock."""

import base64
from functools import partial

import pytest
import trio
from trio.testing import MockClock

from tests.local.client import SILENCE, SPEECH
from tests.local.memory import in_memory, lay
from voiced.local.answering import Answering
from voiced.local.idle import IdleWatch
from voiced.local.options import Options


async def test_deltas_go_out_at_a_multiple_of_sound(autojump_clock: MockClock) -> None:
    async with in_memory("burst_factor=4") as puppet:
        await puppet.send("response.create")
        await puppet.watch.until("response.done")

    start = puppet.times("response.created")[0]
    deltas = [at - start for at in puppet.times("response.output_audio.delta")]
    assert deltas == pytest.approx([0, 0.0625, 0.125, 0.1875])


async def test_real_time_is_real_time(autojump_clock: MockClock) -> None:
    async with in_memory("burst_factor=1", "first_delta_delay_ms=300") as puppet:
        await puppet.send("response.create")
        await puppet.watch.until("response.done")

    start = puppet.times("response.created")[0]
    deltas = [at - start for at in puppet.times("response.output_audio.delta")]
    assert deltas == pytest.approx([0.3, 0.55, 0.8, 1.05])


async def test_stalls_stand_where_they_were_put(autojump_clock: MockClock) -> None:
    knobs = ("burst_factor=inf", "stall_after_ms=500", "stall_ms=2000", "stall_every_ms=500")
    async with in_memory(*knobs, answers=["[tone 1500]"]) as puppet:
        await puppet.send("response.create")
        await puppet.watch.until("response.done")

    start = puppet.times("response.created")[0]
    deltas = [at - start for at in puppet.times("response.output_audio.delta")]
    assert deltas == pytest.approx([0, 0, 2, 2, 4, 4])


async def test_jitter_only_delays(autojump_clock: MockClock) -> None:
    async with in_memory("burst_factor=1", "delta_jitter_ms=200") as puppet:
        await puppet.send("response.create")
        await puppet.watch.until("response.done")

    start = puppet.times("response.created")[0]
    late = [
        at - start - due
        for at, due in zip(
            puppet.times("response.output_audio.delta"), (0, 0.25, 0.5, 0.75), strict=True
        )
    ]
    assert late[0] == 0
    assert all(0 < by <= 0.2 for by in late[1:])


async def test_session_created_may_take_its_time(autojump_clock: MockClock) -> None:
    async with in_memory("created_delay_ms=1500") as puppet:
        assert puppet.times("session.created") == [1.5]


async def test_session_updated_may_take_its_time(autojump_clock: MockClock) -> None:
    async with in_memory("updated_delay_ms=700") as puppet:
        await puppet.send("session.update", session={"type": "realtime"})
        await puppet.watch.until("session.updated")

        assert puppet.times("session.updated") == [0.7]


async def test_a_session_lasts_an_hour_and_is_pinged_all_the_while(
    autojump_clock: MockClock,
) -> None:
    async with in_memory() as puppet:
        await puppet.watch.until("error")
        await trio.testing.wait_all_tasks_blocked()

        assert puppet.times("error") == [3600]
        assert puppet.all("error")[0]["error"]["code"] == "session_expired"
        sentence = "Your session hit the maximum duration of 60 minutes."
        assert puppet.closed_with == (1001, sentence)
        assert puppet.pings[:3] == [20, 40, 60]


async def test_whoever_is_quiet_for_long_is_spoken_to(autojump_clock: MockClock) -> None:
    vad = {"type": "server_vad", "idle_timeout_ms": 6000}
    async with in_memory("burst_factor=4", answers=["[tone 2000]"]) as puppet:
        session = {"type": "realtime", "audio": {"input": {"turn_detection": vad}}}
        await puppet.send("session.update", session=session)
        speech = base64.b64encode(SPEECH + SILENCE).decode()
        await puppet.send("input_audio_buffer.append", audio=speech)
        await puppet.watch.until("response.done")
        quiet = base64.b64encode(SILENCE).decode()
        await puppet.send("input_audio_buffer.append", audio=quiet)
        await puppet.watch.until("response.done", 2)
        begun = puppet.times("response.output_audio.delta")[0]

        # six seconds after the answer would have been played, not after it was generated
        assert puppet.times("input_audio_buffer.timeout_triggered") == [begun + 2.0 + 6.0]
        (idle,) = puppet.all("input_audio_buffer.timeout_triggered")
        assert (idle["audio_start_ms"], idle["audio_end_ms"]) == (1100, 2200)
        assert puppet.all("input_audio_buffer.committed")[1]["item_id"] == idle["item_id"]


async def test_whoever_speaks_is_not_prompted(autojump_clock: MockClock) -> None:
    vad = {"type": "server_vad", "idle_timeout_ms": 5000, "create_response": False}
    async with in_memory(answers=["[tone 100]"]) as puppet:
        session = {"type": "realtime", "audio": {"input": {"turn_detection": vad}}}
        await puppet.send("session.update", session=session)
        await puppet.send("response.create")
        await puppet.watch.until("response.done")
        speech = base64.b64encode(SPEECH + SILENCE).decode()
        await puppet.send("input_audio_buffer.append", audio=speech)
        await trio.sleep(60)

        assert puppet.times("input_audio_buffer.timeout_triggered") == []


# --- two things at the same instant -------------------------------------------------------------


@pytest.mark.parametrize("knob", ["cancel_delay_ms=0", "cancel_delay_ms=10"])
async def test_a_cut_at_the_instant_the_client_has_read_is_still_a_cut(
    knob: str, autojump_clock: MockClock
) -> None:
    options = Options.parse(["burst_factor=inf", knob])
    async with trio.open_nursery() as nursery:
        desk = lay(nursery, options, ["[tone 60000]"])
        answering = Answering(desk, IdleWatch(nursery), lambda: None)
        answering.create({})
        await trio.testing.wait_all_tasks_blocked()  # the answer waits for room
        backlog = desk.line._backlog
        before = len(backlog)
        desk.line._waiting = 0
        desk.line._writers.unpark_all()  # there is room...
        answering.interrupt()  # ...and in the same instant the user speaks
        await trio.sleep(1)

        said = [event["type"] for _, event in list(backlog)[before:]]
        assert said[-2:] == ["response.done", "rate_limits.updated"]
        assert "response.output_audio.delta" not in said
        assert answering.active is None


async def test_a_cut_at_the_instant_of_the_first_word_is_still_a_cut(
    autojump_clock: MockClock,
) -> None:
    for _ in range(20):  # Trio's order within one instant is a matter of chance
        async with trio.open_nursery() as nursery:
            desk = lay(nursery, Options.parse(["first_delta_delay_ms=50"]), ["[tone 100]"])
            answering = Answering(desk, IdleWatch(nursery), lambda: None)
            answering.create({})
            await trio.sleep(0.05)
            answering.interrupt()
            await trio.sleep(1)

            said = [event["type"] for _, event in desk.line._backlog]
            assert said[-2:] == ["response.done", "rate_limits.updated"]
            assert answering.active is None


async def test_a_watch_disarmed_at_its_last_instant_stays_silent(
    autojump_clock: MockClock,
) -> None:
    rounds: list[list[str]] = [[] for _ in range(20)]
    async with trio.open_nursery() as nursery:
        idle = IdleWatch(nursery)

        async def speak(at_s: float, struck: list[str]) -> None:
            await trio.sleep_until(at_s)
            idle.disarm()
            struck.append("spoken")

        for struck in rounds:
            deadline_s = trio.current_time() + 5
            idle.arm(deadline_s, partial(struck.append, "idle"))
            nursery.start_soon(speak, deadline_s, struck)
            await trio.sleep(6)

    assert all(struck in (["spoken"], ["idle", "spoken"]) for struck in rounds)
