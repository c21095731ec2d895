"""Stories of outages: the whole daemon, the embedded server, and real sockets between them.

The clock is the real one, so nothing is measured in time; limits are short to get on with it, and every
wait has a guard against hanging.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

import attrs
import pytest
import trio
import trustme

from tests.fakes.bad_network import bad_network
from tests.fakes.life import Life, Service, living, quick, service, side_by_side
from tests.scenarios.test_real_networks import secured
from voiced.audio.format import FRAME_MS
from voiced.link.ladder import Rung
from voiced.link.renewal import Bustle, Renewal
from voiced.notices import Moment, Phase
from voiced.outside import dialler_from

pytestmark = pytest.mark.alone

IN_HAND: Final = 15  # frames: blocks on their way through the actors, on a machine that is busy


async def test_a_server_killed_in_mid_answer_and_started_again() -> None:
    async with (
        service(answers=["[tone 3000]", "[tone 200]"]) as server,
        living(quick(server.port, link={"first_pause_s": 1.0}), server.user) as life,
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


OUTAGES: Final[Sequence[tuple[str, dict[str, dict[str, float]], str]]] = [
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
]


async def test_each_outage_is_noticed_by_its_own_means() -> None:
    await side_by_side(an_outage_is_noticed, OUTAGES)


async def an_outage_is_noticed(
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
        await life.user.is_there_for(150)
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
        await life.user.is_there_for(50)
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
        network.narrows(30_000.0)
        await life.user.is_there_for(170)
        assert life.daemon.tape.waiting + len(life.daemon.frames) <= 25 + 25
        assert life.daemon.tape.dropped > 0
        network.narrows(math.inf)
        await life.asks()
    assert server.sessions == 1
    numbers = server.numbers(1)
    assert numbers == sorted(set(numbers))
    assert numbers[-1] - numbers[0] >= len(numbers) + life.daemon.tape.dropped - IN_HAND


# --- what a server does ---------------------------------------------------------------------------

ASKED: Final = 40
"""Appends by which the question has begun for sure, and its answer has not: that is held back."""
HELD_BACK: Final = ("first_delta_delay_ms=1200",)


FAILURES: Final = [
    ("server_error_1011", "the server had an error"),
    ("server_error_1006", "the server had an error"),
    ("session_expired", "maximum duration"),
    ("mute", "went silent in the middle of a turn"),
    ("drop_after_appends", "without a word"),
]


async def test_a_question_is_answered_in_the_next_session_without_being_asked_again() -> None:
    await side_by_side(a_question_is_told_again, FAILURES)


async def a_question_is_told_again(fault: str, code: str) -> None:
    at = "" if fault == "drop_after_appends" else "at=appends,"
    plan = f"fault={fault}:{at}after_appends={ASKED},sessions=1"
    async with (
        service(*HELD_BACK, plan) as server,
        living(quick(server.port, limits={"first_delta_ms": 2000}), server.user) as life,
    ):
        await life.until(Moment.READY)
        await life.asks()
        reason = life.daemon.board.link.fault
    assert code in reason
    assert server.sessions == 2
    assert life.count(Moment.PLAYED) == 1
    assert life.ears.sounding_ms() >= 299  # a tone crosses zero
    assert len(server.said("response.output_audio.done")) == 1
    assert all(event["error"]["event_id"] is None for event in server.said("error")), "none is ours"


REFUSALS: Final = [
    ("http_503", "trouble of its own"),
    ("http_429:retry_after_s=1", "slow down"),
    ("drop_at_handshake", "hung up before the session was open"),
    ("http_200", "answers in the service's place"),
    ("drop_after_created", "without a word"),
    ("mute", "no session.created within"),
    ("no_updated", "no session.updated within"),
    ("drop_after_updated", "without a word"),
]


async def test_a_session_that_can_not_be_opened_is_tried_again() -> None:
    await side_by_side(a_refusal_is_survived, REFUSALS)


async def a_refusal_is_survived(fault: str, why: str) -> None:
    plan = f"fault={fault}{',' if ':' in fault else ':'}sessions=1"
    limits = {"created_limit_s": 0.3, "updated_limit_s": 0.3}
    async with (
        service(plan) as server,
        living(quick(server.port, uplink=limits), server.user) as life,
    ):
        assert why in (await life.until(Moment.COOLING)).detail
        await life.until(Moment.READY)
        await life.asks()
    assert server.sessions == 2


async def test_a_session_that_expires_in_mid_sentence_costs_not_a_word() -> None:
    plan = f"fault=session_expired:at=appends,after_appends={ASKED},sessions=1"
    async with service(plan) as server, living(quick(server.port), server.user) as life:
        await life.until(Moment.READY)
        first = life.user.frames + 1
        await life.asks(1500)
    spoken = range(first, first + 75)
    assert set(spoken) <= set(server.numbers(2)), "the new session hears all of it"
    assert server.numbers(2) == sorted(set(server.numbers(2)))
    assert server.ears.heard_ms[-1] >= 1500
    assert life.daemon.tape.dropped == life.daemon.frames.tally.dropped == 0


async def test_when_the_service_fails_on_and_on_each_session_is_opened_another_way() -> None:
    plan = f"fault=server_error_1011:at=appends,after_appends={ASKED},sessions=2"
    async with service(*HELD_BACK, plan) as server, living(quick(server.port), server.user) as life:
        await life.until(Moment.READY)
        assert life.daemon.board.link.rung == Rung.USUAL.value
        life.user.says(300)
        await life.until(Moment.READY)
        assert life.daemon.board.link.rung == Rung.AGAIN.value
        await life.until(Moment.READY)
        assert life.daemon.board.link.rung == Rung.SLOWER.value
        await life.asks()  # told again once: whoever still waits has to ask
        server.is_killed()
        await life.until(Moment.COOLING)
        await server.starts()
        await life.until(Moment.READY)
        assert life.daemon.board.link.rung == Rung.USUAL.value, "it was answered"


# --- one session gives way to the next ------------------------------------------------------------


async def test_a_renewal_opens_the_successor_first_and_says_goodbye(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "voiced.local.server")
    async with service() as server, living(quick(server.port), server.user) as life:
        life.daemon.supervisor.conversation.renewal = Renewal(after_s=1.5)
        await life.until(Moment.READY)
        life.user.says(600)
        await life.until(Moment.PLAYED)
        await life.until(Moment.RENEWED)
        await life.asks()
        board = life.daemon.board
    said = [r.getMessage().partition(" session=")[0] for r in caplog.records if "session" in r.msg]
    assert said[:3] == ["session begins", "session begins", "session ends"], "two at once"
    assert all(r.getMessage().endswith("close=1000") for r in caplog.records if "ends" in r.msg)
    assert board.status.context == "2 items restored"
    both = server.numbers(1) + server.numbers(2)
    assert set(both) == set(range(1, max(both) + 1)), "not a frame is missing"
    assert life.count(Moment.COOLING) == 0


async def test_who_talks_across_the_deadline_is_heard_whole() -> None:
    """The last half minute has come when the session is opened: the sentence itself moves over."""
    async with service() as server, living(quick(server.port), server.user) as life:
        conversation = life.daemon.supervisor.conversation
        conversation.renewal = Impatient(after_s=0.7)
        await life.until(Moment.READY)
        first = life.user.frames + 1
        life.user.says(2000)
        await life.until(Moment.RENEWED)
        assert life.user.frames < first + 100
        conversation.renewal = Renewal()
        await life.until(Moment.PLAYED)
    assert set(range(first, first + 100)) <= set(server.numbers(2))
    assert server.numbers(2) == sorted(set(server.numbers(2)))
    assert life.daemon.tape.dropped == life.daemon.frames.tally.dropped == 0


async def test_a_successor_that_died_while_it_waited_is_not_moved_to() -> None:
    async with (
        service() as server,
        bad_network(server.port) as network,
        living(quick(server.port), server.user) as life,
    ):
        renewal = Hesitant(after_s=0.5, retry_s=0.1)
        conversation = life.daemon.supervisor.conversation
        conversation.renewal = renewal
        await life.until(Moment.READY)
        # Only the successor comes through the network.
        dialler = conversation.dialler
        conversation.dialler = dialler_from(quick(network.port), {})
        await server.watch.until("session.updated", count=2)
        await life.user.is_there_for(10)
        network.resets()
        conversation.dialler = dialler
        await life.user.is_there_for(10)
        renewal.may.set()
        await life.until(Moment.RENEWED)
        await life.asks()
        assert life.count(Moment.COOLING) == 0
        assert server.numbers(2) == []


@attrs.frozen
class Hesitant(Renewal):
    """Opens a successor at once, and moves to it when it is told to."""

    may: trio.Event = attrs.field(factory=trio.Event)
    _asked: list[Bustle] = attrs.field(factory=list)

    def may_move(self, overdue_s: float, bustle: Bustle) -> bool:
        """Asked first whether a successor may be opened, then whether to move to it."""
        self._asked.append(bustle)
        return len(self._asked) == 1 or self.may.is_set()


@attrs.frozen
class Impatient(Renewal):
    """Whatever is going on."""

    def may_move(self, overdue_s: float, bustle: Bustle) -> bool:
        """As the last half minute does."""
        return overdue_s >= 0


# --- with TLS -------------------------------------------------------------------------------------


async def test_the_same_with_tls_and_an_authority_of_our_own(tmp_path: Path) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    cases = [(mischief, ca, tmp_path) for mischief in ("resets", "half_closes", "stalls")]
    await side_by_side(an_outage_with_tls, cases)


async def an_outage_with_tls(mischief: str, ca: trustme.CA, tmp_path: Path) -> None:
    async with (
        service() as server,
        secured(ca, "127.0.0.1", server.port) as tls_port,
        bad_network(tls_port) as network,
    ):
        config = quick(
            server.port,
            realtime={"url": f"wss://127.0.0.1:{network.port}/v1/realtime"},
            network={"ca_file": str(tmp_path / "ca.pem")},
            uplink={"send_limit_s": 0.5},
        )
        async with living(config, server.user, {"OPENAI_API_KEY": "any-key"}) as life:
            await life.until(Moment.READY)
            await life.asks()
            getattr(network, mischief)()
            await life.until(Moment.COOLING)
            network.flows()
            await life.until(Moment.READY)
            await life.asks()
            nothing_stale(server, life)
