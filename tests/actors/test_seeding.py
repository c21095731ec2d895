"""The conversation so far in a new session: what is confirmed counts, what is refused is left out."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

import attrs
import pytest
import trio
from trio.testing import MockClock

from tests.fakes.server import Event, FakeServer, FakeWire
from tests.local.client import PATIENCE_S, Watcher, serving
from tests.realtime.test_client_events import assert_official
from voiced.actors.line import Line
from voiced.actors.seeding import seed
from voiced.config.whole import Config
from voiced.edges.credentials import FixedKey, Secret
from voiced.edges.websocket import Endpoint, WebSocketDialler
from voiced.faults import LinkClosed, LinkError, SessionOver, Trouble, VoicedError
from voiced.link.memory import Entry, Restored
from voiced.ports import Dialler
from voiced.realtime.client_events import (
    AssistantText,
    CreateItem,
    FunctionCall,
    FunctionCallOutput,
    RetrieveItem,
    UserText,
)
from voiced.realtime.codec import encode
from voiced.realtime.objects import Item
from voiced.realtime.server_events import (
    ItemDone,
    ItemRetrieved,
    Refused,
    ServerEvent,
    SessionCreated,
    SessionUpdated,
)
from voiced.terms import configure_from
from voiced.verdicts import gravest

LIMIT_S = 5.0
TALK = (
    Entry(1, (UserText("What time is it?"),)),
    Entry(3, (FunctionCall("call_1", "now", "{}"), FunctionCallOutput("call_1", "15:30"))),
    Entry(2, (AssistantText("It is half past three."),)),
    Entry(4, (UserText("你好 \U0001f600\n\x00"),)),
)
E = TypeVar("E", bound=ServerEvent)
NAMES = ["carried_1_0", "carried_3_0", "carried_3_1", "carried_2_0", "carried_4_0"]


@asynccontextmanager
async def opened(dialler: Dialler) -> AsyncIterator[Line]:
    """A session that has been configured."""
    async with dialler.dial() as wire:
        line = Line(wire, LIMIT_S)
        await heard(line, SessionCreated)
        await line.say(configure_from(Config()))
        await heard(line, SessionUpdated)
        yield line


async def heard(line: Line, kind: type[E]) -> E:
    while not isinstance(event := await line.hear(), kind):
        pass
    return event


@attrs.define(eq=False)
class Taker(FakeServer):
    """A server that takes items, but for those about which a story says something else."""

    instead: dict[str, Callable[[str], Event | None]] = attrs.field(factory=dict)
    kept: list[str] = attrs.field(factory=list)

    def hear(self, wire: FakeWire, event: Event) -> None:
        if event["type"] == "conversation.item.delete":
            self.kept.remove(event["item_id"])
        if event["type"] != "conversation.item.create":
            super().hear(wire, event)
            return
        name = event["item"]["id"]
        if name in self.instead:
            if said := self.instead[name](event["event_id"]):
                self.says(said)
            return
        self.takes(name)

    def takes(self, name: str) -> None:
        self.kept.append(name)
        item = {"id": name, "type": "message", "role": "user", "content": []}
        for kind in ("added", "done"):
            self.says({"type": f"conversation.item.{kind}", "item": item, "previous_item_id": None})


def refusal(code: str | None = "invalid_value", *, blames: bool = True) -> Callable[[str], Event]:
    def made(event_id: str) -> Event:
        blamed = event_id if blames else None
        details = {"type": "invalid_request_error", "code": code, "message": "no", "param": None}
        return {"type": "error", "error": {**details, "event_id": blamed}}

    return made


def silence(event_id: str) -> None:
    """Say nothing."""


async def seeded(server: Taker, entries: Sequence[Entry] = TALK) -> Restored:
    async with opened(server) as line:
        return await seed(line, entries, LIMIT_S)


async def fault_of(server: Taker) -> VoicedError:
    faults = []
    try:
        await seeded(server)
    except* VoicedError as group:
        faults.append(gravest(group))
    return faults[0]


# --- what goes up ---------------------------------------------------------------------------------


async def test_all_of_it_goes_up_in_order_under_names_of_ours(autojump_clock: MockClock) -> None:
    server = Taker()
    assert await seeded(server) == Restored(5, 5)
    told = server.was_told("conversation.item.create")
    assert [event["item"]["id"] for event in told] == server.kept == NAMES
    assert [event["item"].get("role", event["item"]["type"]) for event in told] == [
        "user",
        "function_call",
        "function_call_output",
        "assistant",
        "user",
    ]
    assert all("previous_item_id" not in event for event in told)
    assert trio.current_time() == 0


async def test_a_session_may_be_seeded_again_with_what_is_new(autojump_clock: MockClock) -> None:
    server = Taker()
    async with opened(server) as line:
        assert await seed(line, TALK[:2], LIMIT_S) == Restored(3, 3)
        assert await seed(line, TALK[2:], LIMIT_S) == Restored(2, 2)
    assert server.kept == NAMES


async def test_nothing_to_restore_takes_no_time(autojump_clock: MockClock) -> None:
    server = Taker()
    assert await seeded(server, ()) == Restored(0, 0)
    assert server.was_told("conversation.item.create") == []
    assert trio.current_time() == 0


def test_every_item_is_what_openais_types_expect() -> None:
    for entry in TALK[:3]:
        for n, item in enumerate(entry.items):
            name = f"carried_{entry.number}_{n}"
            assert_official(encode(CreateItem(item, name, event_id=name)))


async def test_names_stay_short_however_long_the_daemon_lives(autojump_clock: MockClock) -> None:
    server = Taker()
    pair = (FunctionCall("call_1", "now", "{}"), FunctionCallOutput("call_1", "noon"))
    assert await seeded(server, [Entry(10**20, pair)]) == Restored(2, 2)
    assert max(map(len, server.kept)) <= 32


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("blames", [True, False])
async def test_what_is_refused_is_left_out_and_the_rest_goes_on(
    autojump_clock: MockClock, blames: bool
) -> None:
    server = Taker(instead={"carried_2_0": refusal(blames=blames)})
    assert await seeded(server) == Restored(4, 5)
    assert server.kept == [name for name in NAMES if name != "carried_2_0"]


@pytest.mark.parametrize("code", ["invalid_value", "server_error", "a_code_of_tomorrow", None])
async def test_no_refusal_of_one_item_ends_the_session(
    autojump_clock: MockClock, code: str | None
) -> None:
    assert await seeded(Taker(instead={"carried_1_0": refusal(code)})) == Restored(4, 5)


@pytest.mark.parametrize("half", ["carried_3_0", "carried_3_1"])
@pytest.mark.parametrize("blames", [True, False])
async def test_a_call_and_its_output_fall_together(
    autojump_clock: MockClock, half: str, blames: bool
) -> None:
    server = Taker(instead={half: refusal(blames=blames)})
    assert await seeded(server) == Restored(3, 5)
    assert server.kept == ["carried_1_0", "carried_2_0", "carried_4_0"]


async def test_both_halves_may_be_refused(autojump_clock: MockClock) -> None:
    server = Taker(instead=dict.fromkeys(("carried_3_0", "carried_3_1"), refusal(blames=False)))
    assert await seeded(server) == Restored(3, 5)


async def test_an_error_that_blames_something_else_costs_no_item(autojump_clock: MockClock) -> None:
    server = Taker()
    async with opened(server) as line:
        server.says({"type": "error", "error": {"type": "x", "code": "y", "event_id": "evt_9"}})
        assert await seed(line, TALK, LIMIT_S) == Restored(5, 5)


@pytest.mark.parametrize("code", ["session_expired", "rate_limit_exceeded", "insufficient_quota"])
async def test_an_error_that_ends_the_session_is_raised(
    autojump_clock: MockClock, code: str
) -> None:
    fault = await fault_of(Taker(instead={"carried_1_0": refusal(code)}))
    assert isinstance(fault, SessionOver)
    assert (fault.code, fault.opening) == (code, True)


# --- what does not come ---------------------------------------------------------------------------


async def test_what_is_not_confirmed_in_time_does_not_count(autojump_clock: MockClock) -> None:
    server = Taker(instead={"carried_3_1": silence, "carried_4_0": silence})
    assert await seeded(server) == Restored(2, 5)  # a call without its output is worth nothing
    assert trio.current_time() == LIMIT_S


async def test_either_word_confirms_and_other_words_are_no_hindrance(
    autojump_clock: MockClock,
) -> None:
    server = Taker(instead=dict.fromkeys(NAMES, silence))
    async with opened(server) as line, trio.open_nursery() as nursery:

        async def answer() -> None:
            await trio.testing.wait_all_tasks_blocked()
            server.wire.deliver("{}")
            server.says({"type": "rate_limits.updated", "rate_limits": []})
            for kind in ("done", "added", "created", "added", "done"):
                item = {"id": NAMES[len(server.kept)], "type": "message"}
                server.kept.append(item["id"])
                server.says({"type": f"conversation.item.{kind}", "item": item})
            server.says({"type": "conversation.item.added", "item": {"id": "a stranger"}})

        nursery.start_soon(answer)
        assert await seed(line, TALK, LIMIT_S) == Restored(5, 5)
    assert trio.current_time() == 0


async def test_a_link_that_takes_no_more_is_a_fault(autojump_clock: MockClock) -> None:
    """Half a message is on the wire: nothing can follow it."""
    server = Taker()
    faults = []
    async with opened(server) as line:
        server.wire.stuck = trio.Event()
        try:
            await seed(line, TALK, LIMIT_S)
        except* LinkError as group:
            faults.append(gravest(group))
    assert [fault.trouble for fault in faults if isinstance(fault, LinkError)] == [Trouble.STUCK]


async def test_a_link_that_is_lost_meanwhile_is_a_fault(autojump_clock: MockClock) -> None:
    server = Taker()

    def hang_up(_: str) -> None:
        server.hangs_up()

    server.instead["carried_3_0"] = hang_up
    assert isinstance(await fault_of(server), LinkClosed)


# --- the embedded server, which is strict ---------------------------------------------------------


def at(port: int) -> WebSocketDialler:
    where = Endpoint(f"ws://127.0.0.1:{port}/v1/realtime", "gpt-realtime")
    return WebSocketDialler(where, FixedKey(Secret("any-key")))


async def test_the_embedded_server_has_all_of_it_in_order() -> None:
    watch = Watcher()
    has = []
    with trio.fail_after(PATIENCE_S):
        async with serving(watch=watch) as port, opened(at(port)) as line:
            assert await seed(line, TALK, PATIENCE_S) == Restored(5, 5)
            for name in NAMES:
                await line.say(RetrieveItem(name))
                has.append((await heard(line, ItemRetrieved)).item)
    done = [one.event for one in watch.traffic if one.event["type"] == "conversation.item.done"]
    links = [(event["previous_item_id"], event["item"]["id"]) for event in done]
    assert links == list(zip([None, *NAMES[:-1]], NAMES, strict=True))
    assert [words(item) for item in has] == [
        ("user", "input_text", "What time is it?"),
        ("call_1", "now", "{}"),
        ("call_1", "15:30"),
        ("assistant", "output_text", "It is half past three."),
        ("user", "input_text", "你好 \U0001f600\n\x00"),
    ]


def words(item: Item) -> tuple[str | None, ...]:
    if item.kind == "function_call":
        return item.call_id, item.name, item.arguments
    if item.kind == "function_call_output":
        return item.call_id, item.output
    (part,) = item.content
    return item.role, part.kind, part.text


@pytest.mark.parametrize("null_event_id", ["true", "false"])
async def test_the_embedded_server_refuses_one_and_keeps_the_others(null_event_id: str) -> None:
    with trio.fail_after(PATIENCE_S):
        async with (
            serving(f"null_error_event_id={null_event_id}") as port,
            opened(at(port)) as line,
        ):
            await line.say(CreateItem(UserText("I was here first."), "carried_3_1"))
            await heard(line, ItemDone)
            assert await seed(line, TALK, PATIENCE_S) == Restored(3, 5)
            await line.say(RetrieveItem("carried_3_0"))
            gone = await heard(line, Refused)  # the call, whose output was refused
    assert gone.error.code == "item_retrieve_invalid_item_id"


async def test_a_long_conversation_is_taken_by_a_server_that_waits_to_be_listened_to() -> None:
    """More in both directions than all buffers on the way hold."""
    many = [Entry(n, (UserText("o" * 32_000),)) for n in range(1, 301)]
    with trio.fail_after(PATIENCE_S):
        async with serving() as port, opened(at(port)) as line:
            assert await seed(line, many, PATIENCE_S) == Restored(300, 300)


def test_words_are_in_no_repr() -> None:
    assert "half past" not in repr(TALK)
    assert json.loads(encode(CreateItem(TALK[2].items[0])))["item"]["role"] == "assistant"
