"""Every knob and every fault: what a client sees of it, through a real socket."""

import base64
import json

import pytest
import trio
from trio_websocket import ConnectionClosed, ConnectionRejected

from tests.local.client import (
    AT_ONCE,
    KEY,
    MODEL,
    PATIENCE_S,
    SILENCE,
    SPEECH,
    Client,
    Watcher,
    connected,
    serving,
    talking,
)
from voiced.local.faults import Fault

ABNORMAL = (1006, None)
PING = b"\x89\x04"  # a ping frame with the four bytes the library puts in it


async def speak(client: Client) -> None:
    """Ask for an answer."""
    await client.send("response.create")


# --- the handshake ------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403, 404, 429, 503])
async def test_the_upgrade_is_refused_for_as_many_connections_as_planned(status: int) -> None:
    plan = f"fault=http_{status}:sessions=1,retry_after_s=7"
    async with serving(plan) as port:
        with pytest.RaisesGroup(ConnectionRejected, flatten_subgroups=True) as caught:
            async with connected(port):
                pass
        async with connected(port) as client:
            await client.until("session.created")

    (rejected,) = caught.value.exceptions
    assert isinstance(rejected, ConnectionRejected)
    assert rejected.status_code == status
    assert (b"retry-after", b"7") in rejected.headers
    assert rejected.body is not None
    assert set(json.loads(rejected.body)) == {"error"}


async def exchange(port: int, until: bytes | None = None) -> bytes:
    """Ask for a session without a WebSocket library; return all that comes, or what has so far."""
    request = (
        f"GET /v1/realtime?model={MODEL} HTTP/1.1\r\nHost: localhost\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer {KEY}\r\n\r\n"
    )
    with trio.fail_after(PATIENCE_S):
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            await stream.send_all(request.encode())
            answer = b""
            async for data in stream:
                answer += data
                if until is not None and until in answer:
                    break
            return answer


async def test_a_web_page_where_a_websocket_should_be() -> None:
    async with serving("fault=http_200") as port:
        answer = await exchange(port)

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"<p>This is a web page.")


async def test_tcp_ends_in_the_handshake() -> None:
    async with serving("fault=drop_at_handshake:sessions=1") as port:
        assert await exchange(port) == b""
        async with connected(port) as client:
            await client.until("session.created")


# --- the end of a connection --------------------------------------------------------------------


async def test_tcp_ends_after_session_created() -> None:
    async with serving("fault=drop_after_created") as port, connected(port) as client:
        assert await client.closed() == ABNORMAL

    assert client.types() == ["session.created"]


async def test_tcp_ends_after_session_updated() -> None:
    async with talking("fault=drop_after_updated") as client:
        await client.send("session.update", session={"type": "realtime"})
        assert await client.closed() == ABNORMAL

    assert client.types() == ["session.created", "session.updated"]


async def test_tcp_ends_after_so_many_appends() -> None:
    watch = Watcher()
    async with talking("fault=drop_after_appends:after_appends=3", watch=watch) as client:
        for _ in range(3):
            await client.append(bytes(960))
        assert await client.closed() == ABNORMAL

    assert watch.kinds().count("input_audio_buffer.append") == 3


async def test_tcp_ends_in_mid_answer() -> None:
    async with talking(AT_ONCE, "fault=drop_mid_answer:after_ms=500") as client:
        await speak(client)
        assert await client.closed() == ABNORMAL

    assert len(client.sound()) == 500 * 48
    assert "response.done" not in client.types()


async def test_a_second_connection_can_be_spared() -> None:
    async with serving(AT_ONCE, "fault=drop_mid_answer:sessions=1") as port:
        async with connected(port) as first:
            await speak(first)
            assert await first.closed() == ABNORMAL
        async with connected(port) as second:
            await speak(second)
            assert (await second.answer())["status"] == "completed"


async def test_a_fault_can_wait_for_a_response() -> None:
    async with talking(AT_ONCE, "fault=drop_mid_answer:response=2") as client:
        await speak(client)
        await client.answer()
        await speak(client)
        assert await client.closed() == ABNORMAL


@pytest.mark.parametrize(
    ("fault", "closed"),
    [
        ("server_error_1011", (1011, "server_error")),
        ("server_error_1006", ABNORMAL),
        (
            "session_expired:at=mid_answer",
            (1001, "Your session hit the maximum duration of 60 minutes."),
        ),
    ],
)
async def test_a_session_ends_in_mid_answer_with_an_error(
    fault: str, closed: tuple[int, str]
) -> None:
    async with talking(AT_ONCE, f"fault={fault}") as client:
        await speak(client)
        assert await client.closed() == closed

    last = client.seen[-1]
    assert last["type"] == "error"
    assert last["error"]["code"] == fault.partition(":")[0].removesuffix("_1011").removesuffix(
        "_1006"
    )


async def test_a_fault_can_strike_some_time_after_its_moment() -> None:
    async with talking("fault=session_expired:after_ms=20") as client:
        code, _ = await client.closed()

    assert code == 1001
    assert client.seen[-1]["error"]["code"] == "session_expired"


async def test_every_session_ends_at_its_limit() -> None:
    async with talking("session_limit_s=0.1") as client:
        code, reason = await client.closed()

    assert code == 1001
    assert reason == client.seen[-1]["error"]["message"]


# --- silence ------------------------------------------------------------------------------------


async def test_a_mute_server_reads_and_never_answers() -> None:
    watch = Watcher()
    async with serving("fault=mute", watch=watch) as port, connected(port) as client:
        await client.send("session.update", session={"type": "realtime"})
        await watch.until("session.update")
        await client.socket.aclose()

    assert client.seen == []
    assert watch.kinds() == ["session.update"]


async def test_a_server_can_fall_silent_later() -> None:
    watch = Watcher()
    async with talking("fault=mute:at=updated", watch=watch) as client:
        await client.send("session.update", session={"type": "realtime"})
        await client.send("response.create")
        await watch.until("response.create")
        await client.socket.aclose()

    assert client.types() == ["session.created"]


async def test_an_update_is_never_acknowledged_but_carried_out() -> None:
    async with talking("fault=no_updated") as client:
        session = {"type": "realtime", "output_modalities": ["text"]}
        await client.send("session.update", session=session)
        await speak(client)
        response = await client.answer()

    assert "session.updated" not in client.types()
    assert response["output_modalities"] == ["text"]


async def test_a_socket_that_is_read_no_more_stalls_the_sender() -> None:
    async with talking("fault=stop_reading:at=created") as client:
        stalled = False
        with trio.move_on_after(PATIENCE_S / 2) as patience:
            while True:
                with trio.move_on_after(1) as stall:
                    await client.append(bytes(1 << 20))
                if stall.cancelled_caught:
                    stalled = True
                    break

    assert stalled
    assert not patience.cancelled_caught


# --- failures inside a session ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("quota_response", "insufficient_quota"),
        ("rate_limit_response", "rate_limit_exceeded"),
    ],
)
async def test_a_response_fails_and_the_session_goes_on(fault: str, code: str) -> None:
    async with talking(AT_ONCE, f"fault={fault}:response=1") as client:
        await speak(client)
        failed = await client.answer()
        await speak(client)
        second = await client.answer()

    assert failed["status"] == "failed"
    assert failed["status_details"]["type"] == "failed"
    assert failed["status_details"]["error"]["code"] == code
    assert failed["output"] == []
    assert second["status"] == "completed"


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("quota_error", "insufficient_quota"),
        ("unsolicited_active_response:at=updated", "conversation_already_has_active_response"),
    ],
)
async def test_an_error_that_nobody_caused(fault: str, code: str) -> None:
    async with talking(f"fault={fault}") as client:
        await client.update()
        error = (await client.until("error"))["error"]

    assert error["code"] == code
    assert error["event_id"] is None


async def test_an_event_nobody_has_heard_of() -> None:
    async with talking("fault=unknown_event") as client:
        await client.update()
        event = await client.event()

    assert event["type"] == "response.reverie.delta"


async def test_a_text_frame_that_breaks_off() -> None:
    async with talking("fault=malformed_json:at=created") as client:
        frame = await client.frame()

    with pytest.raises(ValueError, match="Unterminated"):
        json.loads(frame)


async def test_a_binary_frame() -> None:
    async with talking("fault=binary_frame:at=created") as client:
        assert isinstance(await client.frame(), bytes)


async def test_an_event_of_four_megabytes() -> None:
    async with talking("fault=huge_event:at=created") as client:
        frame = await client.frame()

    assert len(frame) >= 4 << 20
    assert json.loads(frame)["type"] == "conversation.item.retrieved"


async def test_half_a_sample_goes_missing_for_ever() -> None:
    async with talking(AT_ONCE, "fault=odd_audio") as client:
        await speak(client)
        await client.answer()

    lengths = [delta_bytes(event) for event in client.all("response.output_audio.delta")]
    assert lengths == [11_999, 12_000, 12_000, 12_000]


async def test_a_delta_of_an_item_nobody_announced() -> None:
    async with talking(AT_ONCE, "fault=orphan_delta") as client:
        await speak(client)
        await client.answer()

    known = client.all("response.output_item.added")[0]["item"]["id"]
    strangers = [
        event for event in client.all("response.output_audio.delta") if event["item_id"] != known
    ]
    assert len(strangers) == 1


async def test_a_response_ends_that_never_began() -> None:
    async with talking(AT_ONCE, "fault=done_without_created") as client:
        await speak(client)
        await client.answer()

    assert "response.created" not in client.types()


def delta_bytes(event: dict[str, str]) -> int:
    return len(base64.b64decode(event["delta"]))


# --- quirks and pace ----------------------------------------------------------------------------


async def test_fields_nobody_knows() -> None:
    async with talking(AT_ONCE, "extra_fields=yes") as client:
        await speak(client)
        await client.answer()

    assert all(event["x_not_in_any_reference"] for event in client.seen)
    assert client.all("response.done")[0]["response"]["x_not_in_any_reference"]


@pytest.mark.parametrize(
    ("where", "order"),
    [
        ("before", ["response.created", "rate_limits.updated", "response.done"]),
        ("after", ["response.created", "response.done", "rate_limits.updated"]),
        ("absent", ["response.created", "response.done"]),
    ],
)
async def test_rate_limits_come_where_told(where: str, order: list[str]) -> None:
    async with talking(AT_ONCE, f"rate_limits={where}") as client:
        await speak(client)
        await client.answer()
        await client.update()

    assert [name for name in client.types() if name in {*order, "rate_limits.updated"}] == order


async def test_deltas_can_be_cut_in_the_middle_of_samples() -> None:
    async with talking(AT_ONCE, "odd_deltas=yes", "delta_bytes=1000") as client:
        await speak(client)
        await client.answer()

    lengths = [delta_bytes(event) for event in client.all("response.output_audio.delta")]
    assert lengths[:4] == [1001, 999, 1001, 999]
    assert sum(lengths) == 1000 * 48


async def test_words_lead_the_sound_by_as_much_as_told() -> None:
    text = "one two three four five six seven eight"
    settings = (AT_ONCE, "transcript_lead_ms=0", "delta_bytes=4800")
    async with talking(*settings, answers=[text]) as client:
        await speak(client)
        await client.answer()

    kinds = [event["type"].split(".")[1] for event in client.seen if "delta" in event]
    assert kinds[:2] == ["output_audio_transcript", "output_audio"]
    assert kinds.count("output_audio_transcript") == 8
    assert kinds[-1] == "output_audio"


@pytest.mark.parametrize(
    "settings",
    [
        ["created_delay_ms=20", "updated_delay_ms=20", "first_delta_delay_ms=20"],
        ["burst_factor=100", "delta_jitter_ms=5"],
        ["burst_factor=inf", "stall_after_ms=250", "stall_ms=20", "stall_every_ms=250"],
    ],
)
async def test_no_pace_loses_anything(settings: list[str]) -> None:
    async with talking(*settings) as client:
        await client.update()
        await client.append(SILENCE + SPEECH + SILENCE)
        response = await client.answer()

    assert response["status"] == "completed"
    assert len(client.sound()) == 1000 * 48


async def test_two_late_acknowledgements_keep_their_order() -> None:
    async with talking("updated_delay_ms=20") as client:
        for text in ("one", "two"):
            session = {"type": "realtime", "instructions": text}
            await client.send("session.update", session=session)
        first = await client.until("session.updated")
        second = await client.until("session.updated")

    assert [event["session"]["instructions"] for event in (first, second)] == ["one", "two"]


async def test_the_server_pings() -> None:
    async with serving("ping_interval_s=0.02") as port:
        answer = await exchange(port, until=PING)

    assert PING in answer


@pytest.mark.parametrize("fault", sorted(set(Fault) - {Fault.DROP_AT_HANDSHAKE}, key=str))
async def test_no_fault_ends_the_server(fault: Fault) -> None:
    async with serving(AT_ONCE, f"fault={fault.spelling}:sessions=1") as port:
        try:
            async with connected(port) as ill:
                await ill.send("session.update", session={"type": "realtime"})
                await ill.append(SILENCE + SPEECH + SILENCE)
                with trio.move_on_after(0.2):
                    while True:
                        await ill.frame()
        except* (ConnectionClosed, ConnectionRejected, OSError):
            pass
        async with connected(port) as well:
            await well.send("response.create")
            assert (await well.answer())["status"] == "completed"
