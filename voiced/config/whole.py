"""All sections together, and the mistakes that none of them makes alone."""

from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

import attrs
from attrs import field, frozen

from voiced.config.activation import Activation, Facts, contradictions
from voiced.config.conversation import Auth, Limits, Realtime, Turns
from voiced.config.costs import Budget, Prices, costs_across
from voiced.config.echo import Echo
from voiced.config.gpio import Gpio, Input, hands_across
from voiced.config.link import Link, Network, Uplink
from voiced.config.logs import Debug, Log
from voiced.config.metrics import Metrics, metrics_across
from voiced.config.operation import Control, Privacy
from voiced.config.sound import Capture, Devices, Earcons, Notices, Playout

LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@frozen(kw_only=True)
class Config:
    """All sections."""

    realtime: Realtime = field(factory=Realtime)
    auth: Auth = field(factory=Auth)
    activation: Activation = field(factory=Activation)
    turns: Turns = field(factory=Turns)
    limits: Limits = field(factory=Limits)
    capture: Capture = field(factory=Capture)
    playout: Playout = field(factory=Playout)
    devices: Devices = field(factory=Devices)
    echo: Echo = field(factory=Echo)
    gpio: Gpio = field(factory=Gpio)
    input: Input = field(factory=Input)
    uplink: Uplink = field(factory=Uplink)
    link: Link = field(factory=Link)
    privacy: Privacy = field(factory=Privacy)
    network: Network = field(factory=Network)
    earcons: Earcons = field(factory=Earcons)
    notices: Notices = field(factory=Notices)
    prices: Prices = field(factory=Prices)
    budget: Budget = field(factory=Budget)
    control: Control = field(factory=Control)
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
        yield from hands_across(self.gpio, self.input, self.turns.detection)
        yield from self.echo.contradictions()
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
