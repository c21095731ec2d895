"""Stories of outages: the whole daemon, the embedded server, and real sockets between them.

The clock is the real one, so nothing is measured in time; limits are short to get on with it, and every
wait has a guard against hanging.
"""

import math
from itertools import pairwise
from typing import Final

import pytest

from tests.fakes.bad_network import bad_network
from tests.fakes.life import Life, Service, living, quick, service
from tests.fakes.story import Highest
from voiced.audio.format import FRAME_MS
from voiced.notices import Moment, Phase

IN_HAND: Final = 15  # frames: blocks on their way through the actors, on a machine that is busy


async def test_a_server_killed_in_mid_answer_and_started_again() -> None:
    async with (
        service(answers=["[tone 3000]", "[tone 200]"]) as server,
        living(quick(server.port), server.user) as life,
    ):
        await life.until(Moment.READY)
        life.user.says(300)
        item = (await life.until(Moment.FIRST_SOUND)).item_id
        await server.watch.until("response.output_audio.delta", count=4)  # a second
        server.is_killed()
        await life.until(Moment.COOLING)
        assert life.daemon.board.phase.phase is Phase.COOLING_DOWN
        played = await life.until(Moment.PLAYED)
        assert played.item_id == item
        assert played.heard_ms >= 750, "what is here is spoken"
        server.answers = ["[tone 200]"]
        await server.starts()
        await life.until(Moment.READY)
        assert life.daemon.board.status.context == "2 items restored"
        await life.asks()

    kinds = [event["type"] for event in server.told(1)]
    carried = [n for n, kind in enumerate(kinds) if kind == "conversation.item.create"]
    assert len(carried) == 2
    assert carried[-1] < kinds.index("input_audio_buffer.append")


# --- what a network does --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mischief", "limits", "why"),
    [
        ("resets", {}, "without a word"),
        ("half_closes", {}, "without a word"),
        ("stalls", {"uplink": {"send_limit_s": 0.5}}, "took nothing for 0.5 s"),
        (
            "drops",
            {"uplink": {"ping_every_s": 1.0, "ping_limit_s": 0.5, "send_limit_s": 30.0}},
            "answered no ping",
        ),
        (
            "drops",
            {"link": {"probe_after_s": 0.5, "probe_limit_s": 0.5}},
            "the session answered nothing",
        ),
    ],
    ids=["reset", "half-close", "stall", "silent drop", "nobody behind the socket"],
)
async def test_each_outage_is_noticed_by_its_own_means(
    mischief: str, limits: dict[str, dict[str, float]], why: str
) -> None:
    async with (
        service() as server,
        bad_network(server.port) as network,
        living(quick(network.port, **limits), server.user) as life,
    ):
        await life.until(Moment.READY)
        await life.asks()
        getattr(network, mischief)()
        assert why in (await life.until(Moment.COOLING)).detail
        network.flows()
        await life.until(Moment.READY)
        await life.asks()
        assert life.daemon.board.status.context == "2 items restored"
        nothing_stale(server, life)


def nothing_stale(server: Service, life: Life) -> None:
    """Each session heard frames in order, and none much older than it may be when it was opened."""
    keep = life.daemon.config.uplink.keep_ms // FRAME_MS
    for session in range(1, server.sessions + 1):
        numbers = server.numbers(session)
        assert numbers == sorted(set(numbers)), session
        if numbers:
            # What the devices and the actors have in hand is younger, and not counted by any limit.
            assert numbers[0] >= server.frames_at[session] - keep - IN_HAND, session


async def test_after_an_outage_nothing_stale_goes_up() -> None:
    async with (
        service() as server,
        bad_network(server.port) as network,
        living(
            quick(network.port, uplink={"keep_ms": 500}, link={"first_pause_s": 1.0}), server.user
        ) as life,
    ):
        life.daemon.supervisor.chance = Highest()  # or its attempts may be used up
        await life.until(Moment.READY)
        network.refuses()
        network.resets()
        await life.user.is_there_for(75)
        assert len(life.daemon.frames) <= 25
        network.comes_back()
        await life.until(Moment.READY)
        await life.asks()
        nothing_stale(server, life)
        counts = life.daemon.frames.tally
        assert counts.dropped + counts.discarded >= 25


async def test_a_stalled_link_costs_no_memory_and_no_burst_follows() -> None:
    limits = {"uplink": {"keep_ms": 500, "send_limit_s": 30.0}}
    async with (
        service() as server,
        bad_network(server.port) as network,
        living(quick(network.port, **limits), server.user) as life,
    ):
        await life.until(Moment.READY)
        network.stalls()
        await life.user.is_there_for(250)
        assert len(life.daemon.frames) <= 25
        assert life.daemon.tape.waiting <= 25 + IN_HAND
        last = life.user.frames
        network.flows()
        await life.asks()
    (numbers,) = [server.numbers(session) for session in range(1, server.sessions + 1)]
    assert numbers == sorted(set(numbers))
    # What the kernels held is as old as it is; after it comes nothing that waited with us for long.
    gap = max(b - a for a, b in pairwise(numbers))
    assert gap > 25
    assert next(b for a, b in pairwise(numbers) if b - a == gap) >= last - 25 - 2 * IN_HAND


async def test_a_way_that_is_just_wide_enough() -> None:
    async with (
        service() as server,
        bad_network(server.port) as network,
        living(quick(network.port, uplink={"keep_ms": 500}), server.user) as life,
    ):
        await life.until(Moment.READY)
        network.delays(0.1)
        network.narrows(80_000.0)
        await life.user.is_there_for(100)
        await life.asks()
    assert server.sessions == 1
    numbers = server.numbers(1)
    assert numbers == list(range(1, len(numbers) + 1)), "not a frame is missing"


async def test_on_a_way_that_is_too_narrow_speech_is_dropped_rather_than_stale() -> None:
    limits = {"uplink": {"keep_ms": 500, "send_limit_s": 30.0}}
    async with (
        service() as server,
        bad_network(server.port) as network,
        living(quick(network.port, **limits), server.user) as life,
    ):
        await life.until(Moment.READY)
        network.narrows(40_000.0)
        await life.user.is_there_for(300)
        assert life.daemon.tape.waiting + len(life.daemon.frames) <= 25 + 25
        assert life.daemon.tape.dropped > 0
        network.narrows(math.inf)
        await life.asks()
    assert server.sessions == 1
    numbers = server.numbers(1)
    assert numbers == sorted(set(numbers))
    assert numbers[-1] - numbers[0] >= len(numbers) + life.daemon.tape.dropped - IN_HAND
