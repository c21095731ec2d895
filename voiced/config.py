"""What an owner may decide: one frozen class per room.

Law of this file: a unit in every name, a range on every number, a default that works. Rooms get
their own section (or plain values from it), never the whole `Config`. `config/voiced.toml` documents
each key; a test keeps the two together.
"""

from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

import attrs
from attrs import field, frozen
from attrs.validators import and_, in_

from voiced.config_activation import Activation, Facts, contradictions
from voiced.config_checks import (
    an_http_url,
    as_tuple,
    flag,
    header_word,
    idle_ms,
    language_code,
    no_secret,
    number,
    proxy_url,
    rate_hz,
    rights,
    sentence,
    socket_path,
    spoken,
    text,
    whole,
    word,
    words,
    ws_url,
    zero_or_two,
)
from voiced.config_costs import Budget, Prices, costs_across
from voiced.config_logs import Debug, Log
from voiced.config_metrics import Metrics, metrics_across

LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})

PROFILES: Final[Mapping[str, tuple[int, int]]] = {"balanced": (5, 15), "lowest": (4, 8)}
"""Block and latency of the loudspeaker in ms. From speech_started to the last audible sample they took 24
to 29 and 17 ms (medians of 20 on null sinks, two cores); 5 and 20 took 33, 10 and 20 up to 35."""

_MARGIN_MS: Final = 200  # a server decides by windows of some 30 ms, after a link's own delays
_LONGEST_THOUGHT_MS: Final[Mapping[str, int]] = {
    "low": 8000,
    "medium": 4000,
    "auto": 4000,
    "high": 2000,
}
"""Longest silence within a turn, by eagerness (documented)."""


@frozen(kw_only=True)
class Realtime:
    """The service: where it is, who answers and how."""

    url: str = field(default="wss://api.openai.com/v1/realtime", validator=and_(text(), ws_url))
    model: str = field(default="gpt-realtime-2.1", validator=word())
    voice: str = field(default="marin", validator=word())
    speed: float = field(default=1.0, validator=number(0.25, 1.5))
    instructions: str = field(
        default="You are a friendly voice in a public place. Answer briefly, in the language you "
        "are spoken to.",
        validator=text(),
    )
    context: str = field(default="", validator=and_(text(), spoken))
    greeting: str = field(default="", validator=and_(text(), spoken))
    transcription_model: str = field(default="gpt-transcribe", validator=text())
    language: str = field(default="", validator=text())
    noise_reduction: str = field(
        default="", validator=and_(text(), in_(("", "near_field", "far_field")))
    )
    audio_format: str = field(default="pcm", validator=and_(text(), in_(("pcm", "pcmu", "pcma"))))
    allow_plaintext: bool = field(default=False, validator=flag())
    renew_after_s: float = field(default=3000.0, validator=number(60.0, 86_400.0))
    fallback_models: tuple[str, ...] = field(default=(), converter=as_tuple, validator=words)
    carry_over_tokens: int = field(default=2000, validator=whole(0, 20_000))
    carry_over_s: float = field(default=900.0, validator=number(1.0, 86_400.0))
    organization: str = field(default="", validator=and_(text(), header_word))
    project: str = field(default="", validator=and_(text(), header_word))
    safety_identifier: str = field(default="", validator=and_(text(), header_word))


@frozen(kw_only=True)
class Auth:
    """Where the secret for each connection comes from; never the secret itself."""

    mode: str = field(
        default="key", validator=and_(text(), in_(("key", "client_secret", "command", "url")))
    )
    key_file: str = field(default="", validator=and_(text(), no_secret))
    header: str = field(default="auto", validator=and_(text(), in_(("auto", "bearer", "api-key"))))
    http_url: str = field(default="", validator=and_(text(), an_http_url))
    ttl_s: int = field(default=60, validator=whole(10, 7200))
    command: tuple[str, ...] = field(
        default=(), converter=as_tuple, validator=and_(words, no_secret)
    )
    url: str = field(default="", validator=and_(text(), an_http_url))
    url_method: str = field(default="GET", validator=and_(text(), in_(("GET", "POST"))))
    url_token_file: str = field(default="", validator=and_(text(), no_secret))
    limit_s: float = field(default=5.0, validator=number(0.1, 120.0))

    @property
    def secret_header(self) -> str:
        """How the secret of a connection is sent: one that is no key of Azure's is a bearer there, too."""
        return "bearer" if self.header == "auto" and self.mode != "key" else self.header


@frozen(kw_only=True)
class Turns:
    """When the user's turn begins and ends, and what speech over an answer does."""

    detection: str = field(
        default="server_vad",
        validator=and_(text(), in_(("server_vad", "semantic_vad", "push_to_talk"))),
    )
    interruption: str = field(
        default="immediate",
        validator=and_(text(), in_(("immediate", "confirmed", "never"))),
    )
    confirm_ms: int = field(default=400, validator=whole(100, 2000))
    duck_db: float = field(default=-12.0, validator=number(-60.0, 0.0))
    eagerness: str = field(
        default="auto", validator=and_(text(), in_(("low", "medium", "high", "auto")))
    )
    idle_timeout_ms: int = field(default=0, validator=and_(whole(0, 30_000), idle_ms))
    pre_roll_ms: int = field(default=300, validator=whole(0, 2000))
    tail_ms: int = field(default=200, validator=whole(0, 2000))
    threshold: float = field(default=0.5, validator=number(0.0, 1.0))
    prefix_padding_ms: int = field(default=300, validator=whole(0, 5000))
    silence_duration_ms: int = field(default=500, validator=whole(50, 10_000))

    @property
    def end_heard_ms(self) -> int:
        """Milliseconds of silence that go up after speech until its end has been heard for certain."""
        match self.detection:
            case "push_to_talk":
                return self.tail_ms + self.pre_roll_ms + _MARGIN_MS
            case "semantic_vad":
                return _LONGEST_THOUGHT_MS[self.eagerness] + _MARGIN_MS
            case _:
                return self.silence_duration_ms + _MARGIN_MS


@frozen(kw_only=True)
class Limits:
    """How long each step of a turn may take before something is done about it."""

    max_turn_ms: int = field(default=60_000, validator=whole(1000, 600_000))
    committed_ms: int = field(default=3000, validator=whole(100, 120_000))
    created_ms: int = field(default=5000, validator=whole(100, 120_000))
    first_delta_ms: int = field(default=15_000, validator=whole(100, 120_000))
    delta_gap_ms: int = field(default=10_000, validator=whole(100, 120_000))
    cancelled_ms: int = field(default=3000, validator=whole(100, 120_000))
    words_ms: int = field(default=3000, validator=whole(100, 120_000))


@frozen(kw_only=True)
class Capture:
    """The microphone."""

    device: str = field(default="default", validator=word())
    rate_hz: int = field(default=0, validator=and_(whole(0, 384_000), rate_hz))
    channel: int = field(default=0, validator=whole(0, 64))
    block_ms: int = field(default=20, validator=whole(5, 100))


@frozen(kw_only=True)
class Playout:
    """The loudspeaker."""

    device: str = field(default="default", validator=word())
    rate_hz: int = field(default=0, validator=and_(whole(0, 384_000), rate_hz))
    latency: str = field(default="balanced", validator=and_(text(), in_(tuple(PROFILES))))
    block_ms: int = field(default=0, validator=and_(whole(0, 100), zero_or_two))
    latency_ms: int = field(default=0, validator=and_(whole(0, 500), zero_or_two))
    min_ms: int = field(default=60, validator=whole(0, 2000))
    max_ms: int = field(default=400, validator=whole(0, 2000))
    longest_ms: int = field(default=120_000, validator=whole(1000, 3_600_000))
    rest_after_s: float = field(default=10.0, validator=number(0.5, 86_400.0))
    volume_percent: int = field(default=100, validator=whole(0, 100))

    @property
    def device_block_ms(self) -> int:
        """What the device is asked for: `block_ms`, or what the profile says."""
        return self.block_ms or PROFILES[self.latency][0]

    @property
    def device_latency_ms(self) -> int:
        """What the device is asked for: `latency_ms`, or what the profile says."""
        return self.latency_ms or PROFILES[self.latency][1]


@frozen(kw_only=True)
class Devices:
    """What to do about a microphone or loudspeaker that stops working."""

    stall_ms: int = field(default=3000, validator=whole(500, 60_000))
    first_pause_s: float = field(default=0.2, validator=number(0.05, 60.0))
    longest_pause_s: float = field(default=30.0, validator=number(0.05, 600.0))
    give_up_after_s: float = field(default=600.0, validator=number(0.0, 86_400.0))
    keep_answers_ms: int = field(default=2000, validator=whole(0, 60_000))


@frozen(kw_only=True)
class Uplink:
    """The way up: what is kept, how it is grouped, how long each step may take."""

    keep_ms: int = field(default=2000, validator=whole(20, 60_000))
    batch_ms: int = field(default=0, validator=whole(0, 200))
    gate: bool = field(default=False, validator=flag())
    gate_pre_roll_ms: int = field(default=500, validator=whole(100, 5000))
    gate_hangover_ms: int = field(default=1000, validator=whole(100, 30_000))
    socket_limit_s: float = field(default=5.0, validator=number(0.1, 120.0))
    created_limit_s: float = field(default=5.0, validator=number(0.1, 120.0))
    updated_limit_s: float = field(default=5.0, validator=number(0.1, 120.0))
    send_limit_s: float = field(default=4.0, validator=number(0.1, 120.0))
    ping_every_s: float = field(default=20.0, validator=number(1.0, 3600.0))
    ping_limit_s: float = field(default=10.0, validator=number(0.5, 600.0))
    largest_message_mb: int = field(default=32, validator=whole(1, 256))


@frozen(kw_only=True)
class Link:
    """What to do when the link is lost."""

    first_pause_s: float = field(default=1.0, validator=number(0.1, 60.0))
    longest_pause_s: float = field(default=30.0, validator=number(1.0, 45.0))
    healthy_after_s: float = field(default=60.0, validator=number(1.0, 3600.0))
    fault_retry_s: float = field(default=900.0, validator=number(60.0, 86_400.0))
    probe_after_s: float = field(default=30.0, validator=number(0.0, 3600.0))
    probe_limit_s: float = field(default=5.0, validator=number(0.5, 120.0))


@frozen(kw_only=True)
class Privacy:
    """What is kept of what was said."""

    keep_context: bool = field(default=False, validator=flag())
    keep_context_s: int = field(default=3600, validator=whole(1, 30 * 86_400))


@frozen(kw_only=True)
class Network:
    """What stands between this machine and the service."""

    proxy: str = field(default="auto", validator=and_(text(), proxy_url))
    proxy_credentials_file: str = field(default="", validator=text())
    ca_file: str = field(default="", validator=text())


@frozen(kw_only=True)
class Notices:
    """What the room hears when the link fails, without any help from the service."""

    mode: str = field(default="tones", validator=and_(text(), in_(("off", "tones", "voice"))))
    language: str = field(default="en", validator=and_(text(), language_code))
    connecting: str = field(
        default="One moment, I am connecting.", validator=and_(text(), sentence)
    )
    lost: str = field(default="I have lost the connection.", validator=and_(text(), sentence))
    unreachable: str = field(default="I cannot reach my service.", validator=and_(text(), sentence))
    back: str = field(default="I am back again.", validator=and_(text(), sentence))


@frozen(kw_only=True)
class Control:
    """The control socket: where it is, and what others than the owner may do there."""

    enabled: bool = field(default=True, validator=flag())
    socket: str = field(default="", validator=and_(text(), socket_path))
    group: str = field(default="voiced", validator=text())
    group_may: tuple[str, ...] = field(
        default=("watch", "talk"), converter=as_tuple, validator=and_(words, rights)
    )
    most_clients: int = field(default=32, validator=whole(1, 256))
    line_s: float = field(default=10.0, validator=number(0.1, 600.0))
    requests_per_s: float = field(default=20.0, validator=number(1.0, 1000.0))


@frozen(kw_only=True)
class Config:
    """All sections."""

    realtime: Realtime = Realtime()
    auth: Auth = Auth()
    activation: Activation = field(default=Activation())
    turns: Turns = Turns()
    limits: Limits = Limits()
    capture: Capture = Capture()
    playout: Playout = Playout()
    devices: Devices = Devices()
    uplink: Uplink = Uplink()
    link: Link = Link()
    privacy: Privacy = Privacy()
    network: Network = Network()
    notices: Notices = Notices()
    prices: Prices = field(factory=Prices)
    budget: Budget = field(factory=Budget)
    control: Control = Control()
    metrics: Metrics = field(factory=Metrics)
    log: Log = field(factory=Log)
    debug: Debug = field(factory=Debug)

    def across(self) -> Iterator[str]:
        """Mistakes that no single value makes."""
        parts = urlsplit(self.realtime.url)
        abroad = parts.hostname not in LOOPBACK_HOSTS
        if parts.scheme == "ws" and abroad and not self.realtime.allow_plaintext:
            yield (
                "[realtime] url: ws:// would send the key and every word unencrypted to "
                f"{parts.hostname}; use wss://, or set allow_plaintext = true if you mean it"
            )
        yield from self._across_auth()
        yield from costs_across(
            self.prices, self.budget, transcribed=bool(self.realtime.transcription_model)
        )
        yield from contradictions(
            self.activation,
            Facts(
                detection=self.turns.detection,
                idle_timeout_ms=self.turns.idle_timeout_ms,
                end_heard_ms=self.turns.end_heard_ms,
                keep_ms=self.uplink.keep_ms,
                gate=self.uplink.gate,
                gate_hangover_ms=self.uplink.gate_hangover_ms,
            ),
        )
        yield from metrics_across(self.metrics)
        if self.turns.idle_timeout_ms and self.turns.detection != "server_vad":
            yield (
                '[turns] idle_timeout_ms: only with detection = "server_vad"; '
                f"{self.turns.detection} refuses it"
            )
        if self.link.first_pause_s > self.link.longest_pause_s:
            yield "[link] first_pause_s is longer than longest_pause_s"
        if self.privacy.keep_context and not self.realtime.carry_over_tokens:
            yield (
                "[privacy] keep_context: nothing is kept while [realtime] carry_over_tokens is 0"
            )
        if self.devices.first_pause_s > self.devices.longest_pause_s:
            yield "[devices] first_pause_s is longer than longest_pause_s"
        if self.playout.min_ms > self.playout.max_ms:
            yield "[playout] min_ms is longer than max_ms"
        if self.playout.max_ms > self.playout.longest_ms:
            yield "[playout] max_ms is longer than longest_ms: an answer might never begin"

    def _across_auth(self) -> Iterator[str]:
        auth = self.auth
        if auth.mode == "command" and not auth.command:
            yield (
                '[auth] command: mode = "command" wants the program that prints a secret, '
                'as ["/usr/local/bin/mint"]'
            )
        if auth.mode == "url" and not auth.url:
            yield '[auth] url: mode = "url" wants the address of your token server'
        for key, value in (("url", auth.url), ("http_url", auth.http_url)):
            parts = urlsplit(value)
            abroad = parts.hostname not in LOOPBACK_HOSTS
            if parts.scheme == "http" and abroad and not self.realtime.allow_plaintext:
                yield (
                    f"[auth] {key}: http:// would send secrets unencrypted from {parts.hostname}; "
                    "use https://, or set [realtime] allow_plaintext = true if you mean it"
                )


SECTIONS: Final[Mapping[str, type]] = {
    attribute.name: type(getattr(Config(), attribute.name)) for attribute in attrs.fields(Config)
}
