"""The control socket on a real one: who comes in, what a line is, and how the file is made and kept."""

import json
import os
import random
import stat
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.fakes.entrance import Client
from tests.fakes.story import Story
from voiced.control.commands import METHODS, Topic
from voiced.control.rights import ALL, House, Right
from voiced.control.rpc import Code
from voiced.edges.control_socket import Bounds, ControlSocket
from voiced.edges.socket_file import InUse, listening
from voiced.faults import ConfigError
from voiced.notices import TurnEnded
from voiced.ports import Caller
from voiced.turns.figures import Outcome, Turn

HANG_S = 60
HOUSE = House(os.geteuid())
NOBODY, OTHER_GROUP = 65534, 54321


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "voiced" / "control.sock"


async def echo(caller: Caller) -> None:
    """Say what came, or why it did not."""
    while isinstance(line := await caller.receive(), bytes):
        await caller.send(line + b"\n")
    await caller.send(repr(line).encode() + b"\n")


async def names_rights(caller: Caller) -> None:
    """Say what whoever came may do."""
    await caller.send(json.dumps(sorted(right.value for right in caller.rights)).encode() + b"\n")


@asynccontextmanager
async def served(
    entrance: ControlSocket, attend: Callable[[Caller], Any] = echo
) -> AsyncIterator[trio.Nursery]:
    with trio.fail_after(HANG_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(entrance.serve, attend)
            await trio.testing.wait_all_tasks_blocked()
            yield nursery
            nursery.cancel_scope.cancel()


async def read_all(stream: trio.SocketStream) -> bytes:
    return b"".join([bytes(piece) async for piece in stream])


# --- the file -------------------------------------------------------------------------------------


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


async def test_only_those_may_reach_it_who_should_whatever_the_umask_is(path: Path) -> None:
    before = os.umask(0)
    try:
        async with served(ControlSocket(path, HOUSE)):
            assert mode(path) == 0o660
            assert mode(path.parent) == 0o750
            assert mode(path.with_name("control.sock.lock")) == 0o600
    finally:
        os.umask(before)
    assert not await trio.Path(path).exists()


async def test_where_anybody_may_make_things_the_directory_is_ours_alone(path: Path) -> None:
    async with served(ControlSocket(path, HOUSE, private=True)):
        assert mode(path.parent) == 0o700


async def test_a_second_daemon_ends_even_where_it_could_do_without_a_socket(path: Path) -> None:
    with listening(path, None), pytest.raises(InUse):
        await ControlSocket(path, HOUSE, needed=False).serve(echo)


async def test_a_daemon_does_without_where_nobody_asked_for_a_socket(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "no" / "such" / "control.sock"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ControlSocket(path, HOUSE, needed=False).serve, echo)
        await trio.testing.wait_all_tasks_blocked()
        assert "voicectl can't reach this daemon" in caplog.text
        nursery.cancel_scope.cancel()
    with pytest.raises(ConfigError):
        await ControlSocket(path, HOUSE).serve(echo)


# --- who is there ---------------------------------------------------------------------------------


CONNECT = """
import os, socket, sys
path, uid, gid, groups = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
os.setgroups([int(group) for group in groups.split(",") if group])
os.setgid(gid); os.setuid(uid)
with socket.socket(socket.AF_UNIX) as client:
    client.connect(path)
    print(client.makefile().readline(), end="")
"""


async def rights_of(path: Path, uid: int, gid: int, groups: str = "") -> list[str] | None:
    """What the daemon lets such a one do; None: the kernel does not even let it knock."""
    words = [sys.executable, "-c", CONNECT, str(path), str(uid), str(gid), groups]
    ended = await trio.run_process(words, capture_stdout=True, capture_stderr=True, check=False)
    if ended.returncode:
        assert b"PermissionError" in ended.stderr
        return None
    told: list[str] = json.loads(ended.stdout)
    return told


@pytest.mark.root
async def test_the_kernel_says_who_is_there() -> None:
    """A directory of its own: what pytest makes, nobody else may enter."""
    with folder_for_all() as folder:
        path = folder / "voiced" / "control.sock"
        house = House(1234, OTHER_GROUP, frozenset({Right.WATCH}))
        async with served(ControlSocket(path, house), names_rights):
            everything = sorted(right.value for right in ALL)
            assert await rights_of(path, 0, 0) == everything
            assert await rights_of(path, NOBODY, OTHER_GROUP) == ["watch"]
            assert await rights_of(path, NOBODY, NOBODY, f"{OTHER_GROUP}") == ["watch"]
            assert await rights_of(path, NOBODY, NOBODY) is None
            path.parent.chmod(0o755)  # as if somebody had meant well
            path.chmod(0o666)
            assert await rights_of(path, NOBODY, NOBODY) == []
            assert await rights_of(path, 1234, NOBODY) == everything


@contextmanager
def folder_for_all() -> Iterator[Path]:
    import tempfile

    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


# --- lines ----------------------------------------------------------------------------------------


async def test_lines_come_whole_however_they_are_cut(path: Path) -> None:
    async with served(ControlSocket(path, HOUSE)), await trio.open_unix_socket(path) as client:
        for byte in b"one\ntwo\n":
            await client.send_all(bytes([byte]))
        await client.send_all(b"three\nfour")
        await client.send_eof()
        assert await read_all(client) == b"one\ntwo\nthree\nNone\n"


async def test_a_line_of_the_greatest_length_is_one_and_a_longer_one_ends_the_visit(
    path: Path,
) -> None:
    sent = b"x" * 100_000 + b"\n" + b"y" * 100_001 + b"\n"
    async with (
        served(ControlSocket(path, HOUSE, Bounds(line_bytes=100_000))) as nursery,
        await trio.open_unix_socket(path) as client,
    ):
        nursery.start_soon(client.send_all, sent)
        told = await read_all(client)
        assert told.startswith(b"x" * 100_000 + b"\nRefusal(code=<Code.LINE_TOO_LONG")


async def test_a_line_without_end_is_not_read_for_ever(path: Path) -> None:
    async with served(ControlSocket(path, HOUSE)), await trio.open_unix_socket(path) as client:
        with pytest.raises(trio.BrokenResourceError):
            await client.send_all(b"x" * 10_000_000)
        assert b"LINE_TOO_LONG" in await client.receive_some()


async def test_half_a_line_is_not_waited_for_but_silence_is(path: Path) -> None:
    async with served(ControlSocket(path, HOUSE, Bounds(line_s=0.1))):
        silent, half = await trio.open_unix_socket(path), await trio.open_unix_socket(path)
        async with silent, half:
            await half.send_all(b"hal")
            assert b"LINE_TOO_SLOW" in await read_all(half)
            await silent.send_all(b"still here\n")
            assert await silent.receive_some() == b"still here\n"


async def test_of_a_hundred_clients_at_once_the_last_are_sent_away_with_a_word(path: Path) -> None:
    async with served(ControlSocket(path, HOUSE)):
        clients = [await trio.open_unix_socket(path) for _ in range(100)]
        served_well, sent_away = 0, 0
        for client in clients:
            with suppress(trio.BrokenResourceError):
                await client.send_all(b"hello\n")
            with_a_word = bytes(await client.receive_some())
            served_well += with_a_word == b"hello\n"
            sent_away += b"-32005" in with_a_word
        assert (served_well, sent_away) == (32, 68)
        for client in clients:
            await client.aclose()
        await trio.testing.wait_all_tasks_blocked(0.01)
        async with await trio.open_unix_socket(path) as client:
            await client.send_all(b"again\n")
            assert await client.receive_some() == b"again\n"


# --- the whole daemon behind it -------------------------------------------------------------------


@asynccontextmanager
async def daemon_at(path: Path, **control: Any) -> AsyncIterator[Story]:
    """The real daemon between a fake server and a fake room, in real time, at a real socket."""
    story = Story(entrance=ControlSocket(path, HOUSE))
    story.set("control", **control)
    with trio.fail_after(HANG_S):
        async with trio.open_nursery() as nursery:
            await story.begin(nursery, until_ready=False)
            yield story
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize("program", ["nc -N -U {}", "socat -t 5 - UNIX-CONNECT:{}"])
async def test_whoever_has_a_shell_can_ask(path: Path, program: str) -> None:
    """Two programs that we did not write, as a second process."""
    asked = (
        b'{"jsonrpc":"2.0","id":1,"method":"volume","params":[70]}\n'
        b'{"jsonrpc":"2.0","method":"mute"}\n'
        b"no\n"
    )
    async with daemon_at(path) as story:
        with trio.fail_after(HANG_S):
            command = program.format(path).split()
            done = await trio.run_process(command, stdin=asked, capture_stdout=True)
        told = [json.loads(line) for line in done.stdout.splitlines()]
        assert told[0] == {"jsonrpc": "2.0", "id": 1, "result": {"percent": 70, "max_percent": 100}}
        assert told[1]["error"]["code"] == Code.NO_JSON
        assert len(told) == 2
        assert story.daemon.supervisor.muted
        assert story.daemon.volume.owner_percent == 70


_ENDS_IT = {"shutdown", "deactivate", "mute"}  # a conversation that obeys would be disturbed


def lines_by_chance(chance: random.Random, count: int) -> Sequence[bytes]:
    """Lines that are requests, nearly so, or nothing of the kind."""
    methods = [*(METHODS.keys() - _ENDS_IT), "", "no.such", "hello\0"]
    values: list[Any] = [
        None,
        True,
        -1,
        50,
        1e308,
        "",
        "Hi",
        "\ud800",
        [],
        [1],
        {},
        {"a": 1},
        "x" * 9000,
    ]
    names = ["text", "percent", "most", "topics", "x"]

    def request() -> bytes:
        message: dict[str, Any] = {
            "jsonrpc": chance.choice(["2.0"] * 8 + ["1.0", 2]),
            "id": chance.choice([1, "a", None, 2.5, 10**30, "\udfff", [], True, {}]),
            "method": chance.choice([*methods * 3, 7, None]),
            "params": chance.choice([{chance.choice(names): chance.choice(values)}, *values]),
        }
        for name in tuple(message):
            if chance.random() < 0.08:
                del message[name]
        return json.dumps(message).encode()

    def line() -> bytes:
        match chance.randrange(4):
            case 0:
                return chance.randbytes(chance.randrange(200)).replace(b"\n", b"")
            case 1:
                text = bytearray(request())
                for _ in range(chance.randrange(1, 4)):
                    text[chance.randrange(len(text))] = chance.randrange(256)
                return bytes(text).replace(b"\n", b"")
            case 2:
                return chance.choice(
                    [
                        b"[" * 5000,
                        b"1e999",
                        b'{"id":1e999}',
                        b"[]",
                        b"[{}]",
                        b"9" * 5000,
                        b"\0",
                        b"{}",
                    ]
                )
            case _:
                return request()

    return [line() for _ in range(count)]


async def test_ten_thousand_random_lines_do_not_disturb_the_conversation(path: Path) -> None:
    async with daemon_at(path, requests_per_s=1000.0) as story:
        refused = 0

        async def babbles(seed: int) -> None:
            nonlocal refused
            end = b'{"jsonrpc":"2.0","id":"the end","method":"hello"}'
            lines = b"\n".join([*lines_by_chance(random.Random(seed), 500), end, b""])
            async with (
                await trio.open_unix_socket(path) as stream,
                trio.open_nursery() as nursery,
            ):
                nursery.start_soon(stream.send_all, lines)
                client = Client(stream)
                while (told := await client.hears()).get("id") != "the end":
                    refused += "error" in told
                assert told["result"]["protocol"] == 1

        async with trio.open_nursery() as nursery:
            for seed in range(20):
                nursery.start_soon(babbles, seed)
        assert refused > 5000
        async with await trio.open_unix_socket(path) as stream:
            card = await Client(stream).does("status")
        sent = card["tally"]["frames_sent"]
        assert sent > 10
        assert not any(card["tally"].get(name) for name in ("frames_dropped", "lost_blocks"))
        await story.for_ms(500)
        assert story.daemon.counts.frames_sent > sent


async def read(client: Client) -> None:
    while True:
        client.events.append(await client.hears())


async def two_answers_and_six_hundred_turns(story: Story) -> None:
    """More than the buffers of a sleeper hold."""
    turn = TurnEnded(1.0, Turn(Outcome.ANSWERED, {}))
    for _ in range(2):
        story.server.hears_speech()
        story.server.hears_silence()
        story.server.speaks(800)
        for _ in range(60):
            await trio.sleep(0.02)
            for _ in range(5):
                story.daemon.board.post(turn)


def missed(client: Client) -> int:
    return sum(each["count"] for each in client.told("lagged"))


async def test_thirty_two_subscribers_half_of_whom_never_read_are_not_noticed(path: Path) -> None:
    async with (
        daemon_at(path) as story,
        AsyncExitStack() as leaving,
        trio.open_nursery() as nursery,
    ):
        streams = [await trio.open_unix_socket(path) for _ in range(32)]
        for stream in streams:
            leaving.push_async_callback(stream.aclose)
        clients = list(map(Client, streams))
        sleepers, readers = clients[:16], clients[16:]
        for client in clients:
            await client.does("subscribe", topics=[topic.value for topic in Topic])

        for reader in readers:
            nursery.start_soon(read, reader)
        await two_answers_and_six_hundred_turns(story)
        while story.ears.sounding_ms() < 1600:  # noqa: ASYNC110  ears ring no bell
            await trio.sleep(0.01)
        for reader in readers:  # on a machine that is too busy, they are told what they missed
            while len(reader.told("turn")) + missed(reader) < 602:  # noqa: ASYNC110  another task reads
                await trio.sleep(0.01)
        counts = story.daemon.counts
        assert (counts.lost_blocks, counts.late_deltas) == (0, 0)
        for sleeper in sleepers[:3]:  # woken at last, they learn what they have missed
            while len(sleeper.told("turn")) + missed(sleeper) < 602:
                sleeper.events.append(await sleeper.hears())
            assert missed(sleeper) > 0
        nursery.cancel_scope.cancel()


async def test_clients_that_die_in_mid_line_leave_nothing_behind(path: Path) -> None:
    async with daemon_at(path) as story:
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(100):
            stream = await trio.open_unix_socket(path)
            await stream.send_all(b'{"jsonrpc":"2.0","id":1,"method":"subscribe","params":[["phase')
            await stream.aclose()
        for _ in range(20):
            stream = await trio.open_unix_socket(path)
            await Client(stream).does("subscribe", topics=["level"])
            await stream.send_all(b'{"half')
            await stream.aclose()
        await story.for_ms(300)
        assert len(os.listdir("/proc/self/fd")) == before
        assert not story.daemon.board.watched
