"""What an owner may decide about the conversation: the service, secrets, turns and their limits."""

from collections.abc import Mapping
from typing import Final

from attrs import field, frozen
from attrs.validators import and_, in_

from voiced.config.checks import (
    an_http_url,
    as_tuple,
    flag,
    header_word,
    idle_ms,
    no_secret,
    number,
    spoken,
    text,
    whole,
    word,
    words,
    ws_url,
)

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
