"""Nothing grows without bound: clients that flood, dawdle, vanish or talk nonsense."""

import base64
from functools import partial

import pytest
import trio
from trio_websocket import ConnectionClosed, ConnectionRejected

from tests.local.client import (
    AT_ONCE,
    PATIENCE_S,
    PUSH_TO_TALK,
    SILENCE,
    SPEECH,
    Client,
    Watcher,
    connected,
    serving,
    talking,
    text_item,
)
from voiced.local.errors import EarsMissing, HostRefused, VoiceMissing
from voiced.local.options import Options
from voiced.local.server import serve


async def test_an_append_may_carry_15_mib_and_no_more() -> None:
    limit = 15 << 20
    async with talking("kept_audio_s=10") as client:
        await client.update(audio=PUSH_TO_TALK)
        await client.append(bytes(limit))
        audio = base64.b64encode(bytes(limit + 2)).decode()
        error = await client.refused("input_audio_buffer.append", audio=audio)
        await client.send("input_audio_buffer.commit")
        committed = await client.until("input_audio_buffer.committed")
        await client.send("conversation.item.retrieve", item_id=committed["item_id"])
        item = (await client.until("conversation.item.retrieved"))["item"]

    assert (error["code"], error["param"]) == ("invalid_value", "audio")
    kept = len(base64.b64decode(item["content"][0]["audio"]))
    assert kept == 10_000 * 48


async def test_half_a_sample_is_no_audio() -> None:
    async with talking() as client:
        error = await client.refused("input_audio_buffer.append", audio="AAAA")

    assert error["message"].startswith("Invalid 'audio'. Expected base64-encoded audio bytes")


async def test_an_event_beyond_the_limit_closes_with_1009() -> None:
    async with talking("max_event_bytes=10000") as client:
        await client.append(bytes(20_000))
        code, _ = await client.closed()

    assert code == 1009


async def test_an_answer_waits_for_a_slow_reader_and_none_of_it_is_lost() -> None:
    watch = Watcher()
    async with (
        serving(AT_ONCE, answers=[" ".join(["[tone 10000]."] * 40)], watch=watch) as port,
        connected(port, queue=0) as client,
    ):
        await client.until("session.created")
        await client.send("response.create")
        await client.until("response.output_audio.delta")
        # Nobody reads now, and no socket buffers 25 MB: the answer has to wait.
        with trio.move_on_after(0.5) as quiet:
            await watch.until("response.done")
        assert quiet.cancelled_caught
        await client.answer()

    assert len(client.sound()) == 400_000 * 48


async def test_a_client_that_asks_and_never_reads_is_dropped() -> None:
    watch = Watcher()
    async with (
        serving("max_backlog_bytes=100000", "close_timeout_s=0.1", watch=watch) as port,
        connected(port, queue=0) as client,
    ):
        await client.until("session.created")
        item = text_item("x" * 50_000)
        await client.send("conversation.item.create", item={"id": "big", **item})
        with pytest.raises(ConnectionClosed):
            await flood(client)
        async with connected(port) as another:
            await another.until("session.created")


async def flood(client: Client) -> None:
    with trio.fail_after(PATIENCE_S):
        while True:
            await client.send("conversation.item.retrieve", item_id="big")


async def test_connections_are_bounded() -> None:
    async with serving("max_sessions=1") as port:
        async with connected(port) as first:
            await first.until("session.created")
            with pytest.RaisesGroup(ConnectionRejected, flatten_subgroups=True) as caught:
                async with connected(port):
                    pass
        (rejected,) = caught.value.exceptions
        assert isinstance(rejected, ConnectionRejected)
        assert rejected.status_code == 503


async def test_whoever_connects_and_says_nothing_is_let_go() -> None:
    async with serving("handshake_timeout_s=0.05") as port:
        with trio.fail_after(PATIENCE_S):
            async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                assert await stream.receive_some() == b""


@pytest.mark.parametrize("noise", [b"\0\1\2\3\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"])
async def test_whoever_speaks_no_websocket_disturbs_nobody(noise: bytes) -> None:
    async with serving("handshake_timeout_s=0.05") as port:
        with trio.fail_after(PATIENCE_S):
            async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                await stream.send_all(noise)
                async for _ in stream:
                    pass
        async with connected(port) as client:
            await client.until("session.created")


async def test_a_client_may_vanish_at_any_time() -> None:
    watch = Watcher()
    async with serving(answers=["[tone 60000]"], watch=watch) as port:
        for count in range(1, 4):
            async with connected(port) as client:
                await client.send("response.create")
                await watch.until("response.created", count)
                await client.append(SILENCE + SPEECH)
        async with connected(port) as client:
            await client.until("session.created")


async def test_turns_may_follow_each_other_at_once() -> None:
    async with talking(AT_ONCE) as client:
        for _ in range(20):
            await client.append(SPEECH + SILENCE)
        while len(client.all("response.done")) < 20:
            await client.answer()

    assert len(client.all("response.created")) == 20
    assert len(client.all("input_audio_buffer.committed")) == 20
    assert client.all("response.done")[-1]["response"]["status"] == "completed"


async def test_the_server_stays_on_loopback() -> None:
    for host in ("0.0.0.0", "192.0.2.1", "example.org"):
        with pytest.raises(HostRefused, match="loopback only"):
            await serve(Options(), host=host)


async def test_who_says_it_twice_may_listen_beyond_loopback() -> None:
    async with trio.open_nursery() as nursery:
        wide = partial(serve, Options(), host="0.0.0.0", allow_remote=True)
        port = await nursery.start(wide)
        async with connected(port) as client:
            await client.until("session.created")
        nursery.cancel_scope.cancel()


async def test_a_server_that_cannot_speak_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(VoiceMissing, match="apt install flite"):
        await serve(Options())


async def test_a_server_that_cannot_hear_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EarsMissing, match=r"pip install 'voiced\[local\]'"):
        await serve(Options())


async def test_localhost_is_loopback() -> None:
    async with trio.open_nursery() as nursery:
        port = await nursery.start(partial(serve, Options(), host="localhost"))
        async with connected(port) as client:
            await client.until("session.created")
        nursery.cancel_scope.cancel()
