"""A story for every row of the table of faults: what its verdict promises is what happens.

Promised are phases, attempts and sentences, whatever the pacing in between: a fault that a person must
mend is said and not tried again; all others end by themselves, paced, for as long as they last.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Final

import attrs
import pytest
import trio
from trio.testing import MockClock

from tests.fakes.server import FakeServer, FakeWire
from tests.fakes.story import Story
from tests.fakes.visitors import Visitor
from voiced.faults import LinkClosed, LinkError, LinkRefused, Trouble, VoicedError
from voiced.logbook.masking import Masks
from voiced.notices import Phase, PhaseChanged
from voiced.verdicts import TABLE, Judgement, Kind, Row, Verdict, judge_code

MOST_A_MINUTE: Final = 6  # attempts, whatever their reasons
LONGEST_GAP_S: Final = 61  # between attempts while it may retry; a second for the attempt itself
LONGEST_RETURN_S: Final = 120  # from a fault that is over to the next conversation
HEALTHY_S: Final = 70  # from when on a session counts as healthy
WATCHED_S: Final = 300
MOST_SLOW: Final = 1  # attempts in WATCHED_S at what heals by itself

CODES = [row for row in TABLE if row.kind is Kind.CODE]
RETRIED = [row for row in TABLE if row.judgement.verdict not in {Verdict.CARRY_ON, Verdict.GIVE_UP}]


@attrs.define(eq=False)
class FaultyServer(FakeServer):
    """As long as it has a *fault*, it never gets beyond the opening of a session."""

    fault: Row | None = None

    @asynccontextmanager
    async def dial(self, model: str = "") -> AsyncIterator[FakeWire]:
        """Meet the fault on the way there, or with the first word."""
        fault = self.fault
        self.insists_on = "audio/pcmu" if fault and fault.key == "audio_format_not_granted" else ""
        self.withholds = set() if fault is None or self.insists_on else {"session.created"}
        if fault is not None and fault.kind in {Kind.STATUS, Kind.TROUBLE}:
            self.unreachable = [dialled(fault)]
        async with FakeServer.dial(
            self, model
        ) as wire:  # super() loses its way in a decorated slotted class
            if fault is not None and not self.insists_on:
                self.occurs(fault)
            yield wire

    def occurs(self, row: Row) -> None:
        """Have that fault occur now, on a socket that is open."""
        match row.kind:
            case Kind.CODE:
                self.refuses(row.key, kind=_type_of(row), message="so it is")
            case Kind.CLOSE:
                self.hangs_up(int(row.key))
            case Kind.TROUBLE:
                self.wire.close(dialled(row))
            case Kind.STATUS:  # met by the next to dial
                self.unreachable = [dialled(row)]
                self.wire.close(LinkClosed(1006, "the link broke"))

    def fails_to_answer(self, row: Row) -> None:
        """Begin a response, and have it fail with that fault."""
        error = {"type": _type_of(row), "code": row.key, "message": "so it is"}
        self.begins().ends("failed", type="failed", error=error)


def dialled(row: Row) -> VoicedError:
    """What somebody meets who dials."""
    if row.kind is Kind.STATUS:
        return LinkRefused(int(row.key), f"HTTP {row.key}")
    return LinkError("so it is", Trouble(row.key))


def _type_of(row: Row) -> str:
    if row.key == "server_error":
        return "server_error"
    return "insufficient_quota" if row.judgement.heals else "invalid_request_error"


def named(row: Row) -> str:
    return f"{row.kind.name}-{row.key}".lower()


@pytest.fixture
def server(story: Story) -> FaultyServer:
    """The server of a story in which people are there for moments only."""
    story.user = Visitor()
    story.server = server = FaultyServer()
    story.set("earcons", error=False)  # answers alone are counted
    return server


# --- what each verdict promises -------------------------------------------------------------------


def is_paced(story: Story) -> None:
    at = story.server.connected_at
    assert all(b - a >= 60 for a, b in zip(at, at[MOST_A_MINUTE:], strict=False)), at


def never_rests(story: Story, since_s: float) -> None:
    at = [since_s, *(s for s in story.server.connected_at if s > since_s), trio.current_time()]
    assert max(b - a for a, b in pairwise(at)) <= LONGEST_GAP_S, at


def says_why(story: Story, judgement: Judgement) -> None:
    whys = [n.why for n in story.notices if isinstance(n, PhaseChanged)]
    assert any(judgement.cause in why and judgement.action in why for why in whys), whys


async def is_in_conversation(story: Story) -> None:
    """Sound flows both ways."""
    assert story.phase() is Phase.LISTENING, story
    sent, heard = len(story.server.appended), story.ears.sounding_ms()
    story.user.says(200)
    await story.for_ms(400)
    assert len(story.server.appended) - sent == 200 * 48
    story.server.hears_speech()
    story.server.hears_silence()
    story.server.speaks(500)
    await story.for_ms(1500)
    assert story.ears.sounding_ms() - heard == 500
    assert story.phase() is Phase.LISTENING, story


async def returns(story: Story, within_s: float = LONGEST_RETURN_S) -> None:
    with trio.fail_after(within_s):
        while story.phase() is not Phase.LISTENING:
            await story.for_ms(250)


async def waits_for_a_person(story: Story, judgement: Judgement) -> None:
    """Nothing happens until somebody acts, except (slowly) where it may heal by itself."""
    attempts = len(story.server.connected_at)
    for _ in range(WATCHED_S):
        await story.for_ms(1000)
        assert story.phase() in (
            {Phase.FAULT, Phase.CONNECTING} if judgement.heals else {Phase.FAULT}
        )
    assert len(story.server.connected_at) - attempts <= (MOST_SLOW if judgement.heals else 0)
    why = story.daemon.board.status.why
    assert judgement.cause in why
    assert judgement.action in why


async def somebody_acts(story: Story) -> None:
    story.daemon.supervisor.reconnect()
    await story.settled()
    await is_in_conversation(story)


# --- the stories ----------------------------------------------------------------------------------


@pytest.mark.parametrize("row", TABLE, ids=named)
async def test_while_a_session_is_being_opened_for_as_long_as_it_lasts(
    story: Story, server: FaultyServer, nursery: trio.Nursery, autojump_clock: MockClock, row: Row
) -> None:
    opening = judge_code(row.key, opening=True) if row.kind is Kind.CODE else row.judgement
    server.fault = row
    await story.begin(nursery, until_ready=False)
    if opening.verdict is Verdict.GIVE_UP:
        await waits_for_a_person(story, opening)
        server.fault = None
        await somebody_acts(story)
        return
    await story.for_ms(WATCHED_S * 1000)
    is_paced(story)
    never_rests(story, since_s=0)
    assert story.phase() in {Phase.COOLING_DOWN, Phase.CONNECTING}
    if opening.verdict is Verdict.COOL_DOWN:
        says_why(story, opening)
    server.fault = None
    await returns(story)
    await is_in_conversation(story)


@pytest.mark.parametrize("row", TABLE, ids=named)
async def test_in_mid_session(
    story: Story, server: FaultyServer, nursery: trio.Nursery, autojump_clock: MockClock, row: Row
) -> None:
    await story.begin(nursery)
    await story.for_ms(HEALTHY_S * 1000)
    server.occurs(row)
    await story.settled()
    if row.kind is Kind.STATUS:  # first comes the pause of the lost link
        with trio.fail_after(LONGEST_RETURN_S):
            while len(server.connected_at) < 2:
                await story.for_ms(50)
    await _keeps_its_promise(story, row)


@pytest.mark.parametrize("row", CODES, ids=named)
async def test_as_the_reason_of_a_failed_response(
    story: Story, server: FaultyServer, nursery: trio.Nursery, autojump_clock: MockClock, row: Row
) -> None:
    await story.begin(nursery)
    await story.for_ms(HEALTHY_S * 1000)
    server.hears_speech()
    server.hears_silence()
    await story.for_ms(100)
    assert story.phase() is Phase.THINKING
    server.fails_to_answer(row)
    await story.settled()
    if "rate_limit" in row.key:  # asked once more, after a pause
        while not server.was_told("response.create"):
            await story.for_ms(100)
        server.fails_to_answer(row)
        await story.settled()
    await _keeps_its_promise(story, row)


async def _keeps_its_promise(story: Story, row: Row) -> None:
    judgement = row.judgement
    match judgement.verdict:
        case Verdict.CARRY_ON:
            assert len(story.server.connected_at) == 1
        case Verdict.GIVE_UP:
            await waits_for_a_person(story, judgement)
            await somebody_acts(story)
            return
        case Verdict.RECONNECT:
            await returns(story, within_s=2)
            assert len(story.server.connected_at) == 2
        case Verdict.COOL_DOWN:
            await returns(story)
            says_why(story, judgement)
            assert len(story.server.connected_at) > 1
        case Verdict.RETRY_TURN:
            await returns(story)
    is_paced(story)
    await is_in_conversation(story)


@pytest.mark.parametrize("row", RETRIED, ids=named)
async def test_two_seconds_after_each_opening_without_end(
    story: Story, server: FaultyServer, nursery: trio.Nursery, autojump_clock: MockClock, row: Row
) -> None:
    await story.begin(nursery)
    while trio.current_time() < WATCHED_S:
        if story.phase() is Phase.LISTENING:
            await story.for_ms(2000)
            server.occurs(row)
        await story.for_ms(250)
    is_paced(story)
    server.unreachable.clear()
    await returns(story)
    await is_in_conversation(story)


async def test_a_turn_that_stalls_ends(
    story: Story, server: FaultyServer, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    await story.for_ms(HEALTHY_S * 1000)
    server.hears_speech()
    server.hears_silence()
    server.says({"type": "response.created", "response": {"id": "resp_x", "status": "in_progress"}})
    await story.settled()
    assert story.phase() is Phase.THINKING
    await returns(story)
    is_paced(story)
    await story.for_ms(10_000)  # a cancellation that nobody confirms counts as done by then
    await is_in_conversation(story)


async def test_a_service_that_quotes_the_key_makes_nobody_read_it(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    key = "sk-quoted-by-a-service"  # the log is not masked here: no canary
    story.hide = Masks().hide
    await story.begin(nursery)
    story.server.refuses("invalid_api_key", message=f"Incorrect API key provided: {key}.")
    story.server.hangs_up(3000)
    await story.for_ms(1000)
    status = story.daemon.board.status
    assert "[masked]" in status.link.fault
    assert key not in repr(status)
    assert key not in repr(story.notices)
