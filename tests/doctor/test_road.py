"""The road, each of its steps broken in turn: real sockets, real TLS, real proxies, the embedded server."""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import soundfile
import trio
import trustme

from tests.fakes.bad_network import bad_network
from tests.fakes.connect_proxy import connect_proxy, join
from tests.local.client import PATIENCE_S, Watcher, serving
from voiced.config.whole import Config
from voiced.doctor.examination import Check, examine
from voiced.doctor.finding import Finding, Verdict
from voiced.doctor.road import Road
from voiced.faults import VoiceError
from voiced.local.ears import PlainEars
from voiced.local.voice import tone

FIRM_S = 0.3
KEY = "sk-proj-0123456789abcdef"
HOST = "service.example"  # a name that only the tests' proxies know


def settings(port: int, **uplink: Any) -> Config:
    config = Config()
    url = f"ws://127.0.0.1:{port}/v1/realtime"
    limits: dict[str, Any] = {
        "created_limit_s": 0.5,
        "updated_limit_s": 0.5,
        "socket_limit_s": 2.0,
    } | uplink
    return attrs.evolve(
        config,
        realtime=attrs.evolve(config.realtime, url=url),
        uplink=attrs.evolve(config.uplink, **limits),
    )


async def examined(
    config: Config, environ: Mapping[str, str] | None = None, **road: Any
) -> dict[str, Finding]:
    """All findings; the settings are said to be good."""

    async def good() -> Finding:
        await trio.lowlevel.checkpoint()
        return Finding(check="", verdict=Verdict.OK, seen="")

    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            way = Road(
                config=config,
                environ=environ or {},
                nursery=nursery,
                **{"firm_s": FIRM_S} | road,
            )
            findings = await examine([Check("config", good), *way.checks()])
            nursery.cancel_scope.cancel()
    assert all(each.cause and each.action for each in findings if each.verdict is Verdict.FAILED)
    assert KEY not in repr(findings)
    return {each.check: each for each in findings}


def verdicts(found: Mapping[str, Finding], *names: str) -> list[str]:
    return [found[name].verdict.value for name in names]


def failed(found: Mapping[str, Finding]) -> Finding:
    """The one check that failed; all that stand on it were skipped."""
    (finding,) = (each for each in found.values() if each.verdict is Verdict.FAILED)
    names = list(found)
    after = names[names.index(finding.check) + 1 :]
    assert set(verdicts(found, *after)) <= {"skipped"}
    return finding


async def test_a_good_road() -> None:
    watch = Watcher()
    async with serving(f"keys={KEY}", watch=watch) as port:
        found = await examined(settings(port), {"OPENAI_API_KEY": KEY})
    assert verdicts(found, "name", "socket", "websocket", "key") == ["ok"] * 4
    assert verdicts(found, "session created", "session updated", "firm audio") == ["ok"] * 3
    assert verdicts(found, "proxy", "tls", "turn") == ["skipped"] * 3
    assert str(found["session created"].figures["session"]) in found["session created"].seen
    assert found["firm audio"].figures["sent_ms"] == FIRM_S * 1000
    kinds = watch.kinds()
    assert kinds.count("input_audio_buffer.append") == FIRM_S * 50
    assert kinds.index("input_audio_buffer.append") > kinds.index("session.updated")
    assert kinds.count("session.updated") == 2, "asked once more, after all the sound"


@pytest.mark.parametrize(
    ("fault", "check", "said"),
    [
        ("http_401", "key", "HTTP 401"),
        ("http_404", "websocket", "HTTP 404"),
        ("http_503", "websocket", "HTTP 503"),
        ("http_200", "websocket", "HTTP 200"),
        ("drop_at_handshake", "websocket", "hung up"),
        ("mute", "session created", "session.created"),
        ("drop_after_created", "session updated", "broke without a word"),
        ("session_expired", "session updated", "maximum duration"),
        ("no_updated", "session updated", "session.updated"),
        ("drop_after_updated", "firm audio", "broke without a word"),
        ("drop_after_appends:after_appends=5", "firm audio", "broke without a word"),
        ("quota_error", "firm audio", ""),
        ("server_error_1011:at=appends,after_appends=3", "firm audio", ""),
        ("unsolicited_active_response:at=appends", "firm audio", ""),
        ("mute:at=appends,after_appends=3", "firm audio", "session.updated"),
    ],
)
async def test_the_first_step_that_fails_is_named(fault: str, check: str, said: str) -> None:
    async with serving(f"fault={fault}") as port:
        finding = failed(await examined(settings(port)))
    assert finding.check == check
    assert said in finding.seen
    if check in {"session updated", "firm audio"}:  # there was a session: its support wants to know
        session = str(finding.figures["session"])
        assert session.startswith("sess_")
        assert f"session={session}" in finding.action
    if check == "firm audio":
        assert finding.seen.startswith("after 0.")


async def test_a_server_that_reads_no_more_is_told_of() -> None:
    async with serving("fault=stop_reading") as port:
        found = await examined(settings(port, send_limit_s=0.5), firm_s=20.0)
    assert "the link is stuck" in failed(found).seen


async def test_a_key_that_is_refused() -> None:
    async with serving("keys=another") as port:
        finding = failed(await examined(settings(port), {"OPENAI_API_KEY": KEY}))
    assert finding.check == "key"
    assert finding.cause == "the key was refused"
    assert "[auth]" in finding.action


async def test_no_key_at_all(ca: trustme.CA, ca_file: str) -> None:
    """Only a server elsewhere wants one."""
    async with (
        serving() as port,
        tls_front(port, server_side(ca, HOST)) as front,
        connect_proxy(front) as proxy,
    ):
        finding = failed(await examined(abroad(proxy.port, ca_file)))
    assert finding.check == "key"
    assert "there is no API key" in finding.seen


# --- before the session ---------------------------------------------------------------------------


async def test_nobody_listens() -> None:
    async with bad_network(1) as network:
        network.refuses()
        finding = failed(await examined(settings(network.port)))
    assert finding.check == "socket"
    assert "Connection refused" in finding.seen


async def test_a_network_that_swallows_everything() -> None:
    """The socket opens; then nothing comes of it, and somebody says so in time."""
    async with serving() as port, bad_network(port) as network:
        network.drops()
        finding = failed(await examined(settings(network.port, socket_limit_s=0.5)))
    assert finding.check == "websocket"
    assert finding.cause == "the service does not answer in time"


async def test_a_name_that_nobody_has() -> None:
    config = Config()
    url = "wss://nowhere.invalid/v1/realtime"
    config = attrs.evolve(config, realtime=attrs.evolve(config.realtime, url=url))
    finding = failed(await examined(config, {"OPENAI_API_KEY": KEY}))
    assert finding.check == "name"
    assert finding.seen.startswith("nowhere.invalid: ")
    assert "DNS" in finding.action


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(ca: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(path)
    return str(path)


def server_side(ca: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert(name).configure_cert(context)
    return context


@asynccontextmanager
async def tls_front(to_port: int, context: ssl.SSLContext) -> AsyncIterator[int]:
    """TLS before a server that has none."""

    async def serve(client: trio.SocketStream) -> None:
        secure = trio.SSLStream(client, context, server_side=True, https_compatible=True)
        with suppress(trio.BrokenResourceError):
            async with client:
                await secure.do_handshake()
                async with await trio.open_tcp_stream("127.0.0.1", to_port) as server:
                    await join(secure, server)

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
        yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()


def abroad(proxy_port: int, ca_file: str = "") -> Config:
    """A secure service, with a proxy on the way."""
    config = settings(0)
    return attrs.evolve(
        config,
        realtime=attrs.evolve(config.realtime, url=f"wss://{HOST}/v1/realtime"),
        network=attrs.evolve(
            config.network, proxy=f"http://127.0.0.1:{proxy_port}", ca_file=ca_file
        ),
    )


async def test_a_secure_road_through_a_proxy(ca: trustme.CA, ca_file: str) -> None:
    async with (
        serving(f"keys={KEY}") as port,
        tls_front(port, server_side(ca, HOST)) as front,
        connect_proxy(front) as proxy,
    ):
        found = await examined(abroad(proxy.port, ca_file), {"OPENAI_API_KEY": KEY})
    assert not [each for each in found.values() if each.verdict is Verdict.FAILED]
    assert verdicts(found, "proxy", "tls", "firm audio") == ["ok"] * 3
    assert "the proxy can be reached" in found["socket"].seen
    assert int(found["tls"].figures["days_left"]) > 0
    asked = {head.split(b"\r\n")[0] for head in proxy.requests}
    asked.discard(b"")  # to see whether it can be reached, it need not be asked
    assert asked == {f"CONNECT {HOST}:443 HTTP/1.1".encode()}


async def test_a_proxy_that_wants_a_password() -> None:
    answer = b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\n\r\n"
    async with connect_proxy(1, answer) as proxy:
        finding = failed(await examined(abroad(proxy.port), {"OPENAI_API_KEY": KEY}))
    assert finding.check == "proxy"
    assert "wants a user and a password" in finding.seen


@pytest.mark.parametrize(
    ("name", "trusted", "said"),
    [(HOST, False, "not trusted"), ("other.example", True, "Hostname mismatch")],
)
async def test_the_fault_of_a_certificate_is_named(
    ca: trustme.CA, ca_file: str, name: str, trusted: bool, said: str
) -> None:
    async with tls_front(1, server_side(ca, name)) as front, connect_proxy(front) as proxy:
        config = abroad(proxy.port, ca_file if trusted else "")
        finding = failed(await examined(config, {"OPENAI_API_KEY": KEY}))
    assert finding.check == "tls"
    assert said in finding.seen


# --- what is said to the service ------------------------------------------------------------------


async def hum(_self: object, _sentence: str) -> bytes:
    await trio.lowlevel.checkpoint()
    return tone(600)


@attrs.frozen
class Voice:
    speak = hum


@pytest.mark.parametrize(
    "turns",
    [
        {"detection": "server_vad"},
        {"detection": "server_vad", "interruption": "confirmed"},
        {"detection": "push_to_talk"},
    ],
)
@pytest.mark.parametrize("audio_format", ["pcm", "pcmu"])
async def test_a_spoken_turn_if_asked(
    monkeypatch: pytest.MonkeyPatch, turns: dict[str, Any], audio_format: str
) -> None:
    monkeypatch.setattr("voiced.doctor.road.find_voice", lambda _: Voice())
    ears, watch = PlainEars(["what time is it"]), Watcher()
    async with serving(ears=ears, watch=watch) as port:
        config = settings(port)
        config = attrs.evolve(
            config,
            turns=attrs.evolve(config.turns, **turns),
            realtime=attrs.evolve(config.realtime, audio_format=audio_format),
        )
        found = await examined(config, takes_turn=True)
    assert not [each for each in found.values() if each.verdict is Verdict.FAILED]
    assert found["turn"].verdict is Verdict.OK
    assert float(found["turn"].figures["first_audio_ms"]) > 0
    assert watch.kinds().count("response.created") == 1
    assert "error" not in watch.kinds()


async def test_a_turn_that_fails_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voiced.doctor.road.find_voice", lambda _: Voice())
    async with serving("fault=quota_response") as port:
        finding = failed(await examined(settings(port), takes_turn=True))
    assert finding.check == "turn"
    assert finding.cause == "the account has no credit left"


async def test_without_a_voice_no_question_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_language: str) -> None:
        raise VoiceError("no program that speaks is installed: apt install espeak-ng")

    monkeypatch.setattr("voiced.doctor.road.find_voice", nobody)
    async with serving() as port:
        found = await examined(settings(port), takes_turn=True)
    assert found["firm audio"].verdict is Verdict.OK
    assert found["turn"].verdict is Verdict.SKIPPED
    assert "espeak-ng" in found["turn"].seen


async def test_what_the_microphone_gives_can_be_sent(tmp_path: Path) -> None:
    watch = Watcher()
    sound = np.frombuffer(tone(2000, 300), np.int16)
    soundfile.write(tmp_path / "hum.wav", sound, 24_000, subtype="PCM_16")
    async with serving(watch=watch) as port:
        config = settings(port)
        config = attrs.evolve(
            config, capture=attrs.evolve(config.capture, device=f"file:{tmp_path / 'hum.wav'}")
        )
        found = await examined(config, uses_microphone=True)
    assert found["firm audio"].seen.startswith("0.3 s of the microphone")
    assert "input_audio_buffer.speech_started" in watch.kinds()


async def test_a_microphone_that_is_not_there_fails_the_sound(tmp_path: Path) -> None:
    async with serving() as port:
        config = settings(port)
        device = f"file:{tmp_path / 'none.wav'}"
        config = attrs.evolve(config, capture=attrs.evolve(config.capture, device=device))
        finding = failed(await examined(config, uses_microphone=True))
    assert finding.check == "firm audio"
    assert "none.wav" in finding.seen
