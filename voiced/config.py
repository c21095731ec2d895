"""What an owner may decide: one frozen class per room, read from TOML, every mistake at once.

Law of this file: a unit in every name, a range on every number, a default that works. Rooms get
their own section (or plain values from it), never the whole `Config`. `config/voiced.toml` documents
each key; a test keeps the two together.
"""

import difflib
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import attrs
from attrs import field, frozen
from attrs.validators import and_, ge, in_, instance_of, le, min_len

from voiced.faults import ConfigError

_LONGEST_HEADER: Final = 128  # of an id that travels in a header; the service's own are shorter
LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})

PROFILES: Final[Mapping[str, tuple[int, int]]] = {"balanced": (5, 15), "lowest": (4, 8)}
"""Block and latency of the loudspeaker in ms. From speech_started to the last audible sample they took 24
to 29 and 17 ms (medians of 20 on null sinks, two cores); 5 and 20 took 33, 10 and 20 up to 35."""

_SECRET: Final = re.compile(r"(?<![\w/.-])(sk-|ek_)[\w-]{3,}")
"""How keys and minted secrets of the service begin, where they are no part of a path."""
_LONGEST_SENTENCE: Final = 200
"""Characters of what is said when the link fails: some ten seconds, and that is long."""

_Check = Callable[[Any, "attrs.Attribute[Any]", Any], None]


def _not_bool(_self: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    """`true` is an int to Python, but not to an owner."""
    if isinstance(value, bool):
        raise TypeError(f"'{attribute.name}' must be a number")


def _int(least: int, most: int) -> Any:
    return and_(_not_bool, instance_of(int), ge(least), le(most))


def _number(least: float, most: float) -> Any:
    return and_(_not_bool, instance_of((int, float)), ge(least), le(most))


def _flag() -> Any:
    return instance_of(bool)


def _text() -> Any:
    return instance_of(str)


def _word() -> Any:
    return and_(instance_of(str), min_len(1))


def _rate(_self: object, _attribute: "attrs.Attribute[Any]", value: int) -> None:
    if value and not 8000 <= value <= 384_000:
        raise ValueError("must be 0 (find one that works) or 8000 to 384000")


def _zero_or_two(_self: object, _attribute: "attrs.Attribute[Any]", value: int) -> None:
    if value == 1:
        raise ValueError("must be 0 (by profile) or at least 2")


def _spoken(_self: object, _attribute: "attrs.Attribute[Any]", value: str) -> None:
    if len(value) > 8000:
        raise ValueError("must have at most 8000 characters")
    if value and not value.strip():
        raise ValueError("must hold words, or nothing at all")


def _address(value: str, schemes: frozenset[str], like: str) -> None:
    parts = urlsplit(value)
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(f"must look like {like}")
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise ValueError("must be plain ASCII without blanks: write other characters as %XX")
    _ = parts.port  # ValueError, if it is no number or too great
    if parts.username or parts.password:
        raise ValueError("must not hold a user or password: put the key where [auth] says")


def _url(_self: object, _attribute: "attrs.Attribute[Any]", value: str) -> None:
    like = "wss://host/path (or ws:// for a server on this machine)"
    _address(value, frozenset({"ws", "wss"}), like)
    if set(parse_qs(urlsplit(value).query)) - {"model"}:
        raise ValueError("takes no query but model=; it is set by [realtime] model anyway")


def _http_url(_self: object, _attribute: "attrs.Attribute[Any]", value: str) -> None:
    if not value:
        return
    like = "https://host/path (or http:// for a server on this machine)"
    _address(value, frozenset({"http", "https"}), like)
    if "?" in value or "#" in value:
        raise ValueError("takes no query: it would be shown, and might hold a secret")


def _tuple(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(words)  # TOML has lists; what is frozen has none


def _words(_self: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise TypeError(f"'{attribute.name}' must be a list of texts")
    if any(not word or "\0" in word for word in value):
        raise ValueError("must not hold empty words")


def _no_secret(
    _self: object, _attribute: "attrs.Attribute[Any]", value: str | Iterable[str]
) -> None:
    """Settings are shown and logged, and a program's words are seen by all who are on the machine."""
    if any(_SECRET.search(word) for word in ([value] if isinstance(value, str) else value)):
        raise ValueError("must not hold a key: put it into a file, and name that")


def _header(_self: object, _attribute: "attrs.Attribute[Any]", value: str) -> None:
    if (
        not (value.isascii() and value.isprintable())
        or " " in value
        or len(value) > _LONGEST_HEADER
    ):
        raise ValueError(f"must be one word of plain ASCII, at most {_LONGEST_HEADER} letters")


def _proxy(_self: object, _attribute: "attrs.Attribute[Any]", value: str) -> None:
    if value in {"", "auto"}:
        return
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError('must be "auto", "" (none) or look like http://host:port')
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise ValueError("must be plain ASCII without blanks: write other characters as %XX")
    _ = parts.port  # ValueError, if it is no number or too great
    if parts.username or parts.password:
        raise ValueError("must not hold a user or password: see proxy_credentials_file")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("must end after the port")


@frozen(kw_only=True)
class Realtime:
    """The service: where it is, who answers and how."""

    url: str = field(default="wss://api.openai.com/v1/realtime", validator=and_(_text(), _url))
    model: str = field(default="gpt-realtime-2.1", validator=_word())
    voice: str = field(default="marin", validator=_word())
    speed: float = field(default=1.0, validator=_number(0.25, 1.5))
    instructions: str = field(
        default="You are a friendly voice in a public place. Answer briefly, in the language you "
        "are spoken to.",
        validator=_text(),
    )
    context: str = field(default="", validator=and_(_text(), _spoken))
    greeting: str = field(default="", validator=and_(_text(), _spoken))
    transcription_model: str = field(default="gpt-transcribe", validator=_text())
    language: str = field(default="", validator=_text())
    noise_reduction: str = field(
        default="", validator=and_(_text(), in_(("", "near_field", "far_field")))
    )
    audio_format: str = field(default="pcm", validator=and_(_text(), in_(("pcm", "pcmu", "pcma"))))
    allow_plaintext: bool = field(default=False, validator=_flag())
    renew_after_s: float = field(default=3000.0, validator=_number(60.0, 86_400.0))
    fallback_models: tuple[str, ...] = field(default=(), converter=_tuple, validator=_words)
    carry_over_tokens: int = field(default=2000, validator=_int(0, 20_000))
    organization: str = field(default="", validator=and_(_text(), _header))
    project: str = field(default="", validator=and_(_text(), _header))
    safety_identifier: str = field(default="", validator=and_(_text(), _header))


@frozen(kw_only=True)
class Auth:
    """Where the secret for each connection comes from; never the secret itself."""

    mode: str = field(
        default="key", validator=and_(_text(), in_(("key", "client_secret", "command", "url")))
    )
    key_file: str = field(default="", validator=and_(_text(), _no_secret))
    header: str = field(default="auto", validator=and_(_text(), in_(("auto", "bearer", "api-key"))))
    http_url: str = field(default="", validator=and_(_text(), _http_url))
    ttl_s: int = field(default=60, validator=_int(10, 7200))
    command: tuple[str, ...] = field(
        default=(), converter=_tuple, validator=and_(_words, _no_secret)
    )
    url: str = field(default="", validator=and_(_text(), _http_url))
    url_method: str = field(default="GET", validator=and_(_text(), in_(("GET", "POST"))))
    url_token_file: str = field(default="", validator=and_(_text(), _no_secret))
    limit_s: float = field(default=5.0, validator=_number(0.1, 120.0))

    @property
    def secret_header(self) -> str:
        """How the secret of a connection is sent: one that is no key of Azure's is a bearer there, too."""
        return "bearer" if self.header == "auto" and self.mode != "key" else self.header


def _idle(_self: object, _attribute: "attrs.Attribute[Any]", value: int) -> None:
    if value and not 5000 <= value <= 30_000:
        raise ValueError("must be 0 (never) or 5000 to 30000")


@frozen(kw_only=True)
class Turns:
    """When the user's turn begins and ends, and what speech over an answer does."""

    detection: str = field(
        default="server_vad",
        validator=and_(_text(), in_(("server_vad", "semantic_vad", "push_to_talk"))),
    )
    interruption: str = field(
        default="immediate",
        validator=and_(_text(), in_(("immediate", "confirmed", "never"))),
    )
    confirm_ms: int = field(default=400, validator=_int(100, 2000))
    duck_db: float = field(default=-12.0, validator=_number(-60.0, 0.0))
    eagerness: str = field(
        default="auto", validator=and_(_text(), in_(("low", "medium", "high", "auto")))
    )
    idle_timeout_ms: int = field(default=0, validator=and_(_int(0, 30_000), _idle))
    pre_roll_ms: int = field(default=300, validator=_int(0, 2000))
    tail_ms: int = field(default=200, validator=_int(0, 2000))
    threshold: float = field(default=0.5, validator=_number(0.0, 1.0))
    prefix_padding_ms: int = field(default=300, validator=_int(0, 5000))
    silence_duration_ms: int = field(default=500, validator=_int(50, 10_000))


@frozen(kw_only=True)
class Limits:
    """How long each step of a turn may take before something is done about it."""

    max_turn_ms: int = field(default=60_000, validator=_int(1000, 600_000))
    committed_ms: int = field(default=3000, validator=_int(100, 120_000))
    created_ms: int = field(default=5000, validator=_int(100, 120_000))
    first_delta_ms: int = field(default=15_000, validator=_int(100, 120_000))
    delta_gap_ms: int = field(default=10_000, validator=_int(100, 120_000))
    cancelled_ms: int = field(default=3000, validator=_int(100, 120_000))
    words_ms: int = field(default=3000, validator=_int(100, 120_000))


@frozen(kw_only=True)
class Capture:
    """The microphone."""

    device: str = field(default="default", validator=_word())
    rate_hz: int = field(default=0, validator=and_(_int(0, 384_000), _rate))
    channel: int = field(default=0, validator=_int(0, 64))
    block_ms: int = field(default=20, validator=_int(5, 100))


@frozen(kw_only=True)
class Playout:
    """The loudspeaker."""

    device: str = field(default="default", validator=_word())
    rate_hz: int = field(default=0, validator=and_(_int(0, 384_000), _rate))
    latency: str = field(default="balanced", validator=and_(_text(), in_(tuple(PROFILES))))
    block_ms: int = field(default=0, validator=and_(_int(0, 100), _zero_or_two))
    latency_ms: int = field(default=0, validator=and_(_int(0, 500), _zero_or_two))
    min_ms: int = field(default=60, validator=_int(0, 2000))
    max_ms: int = field(default=400, validator=_int(0, 2000))
    longest_ms: int = field(default=120_000, validator=_int(1000, 3_600_000))
    rest_after_s: float = field(default=10.0, validator=_number(0.5, 86_400.0))

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

    stall_ms: int = field(default=3000, validator=_int(500, 60_000))
    first_pause_s: float = field(default=0.2, validator=_number(0.05, 60.0))
    longest_pause_s: float = field(default=30.0, validator=_number(0.05, 600.0))
    give_up_after_s: float = field(default=600.0, validator=_number(0.0, 86_400.0))
    keep_answers_ms: int = field(default=2000, validator=_int(0, 60_000))


@frozen(kw_only=True)
class Uplink:
    """The way up: what is kept, how it is grouped, how long each step may take."""

    keep_ms: int = field(default=2000, validator=_int(20, 60_000))
    batch_ms: int = field(default=0, validator=_int(0, 200))
    socket_limit_s: float = field(default=5.0, validator=_number(0.1, 120.0))
    created_limit_s: float = field(default=5.0, validator=_number(0.1, 120.0))
    updated_limit_s: float = field(default=5.0, validator=_number(0.1, 120.0))
    send_limit_s: float = field(default=4.0, validator=_number(0.1, 120.0))
    ping_every_s: float = field(default=20.0, validator=_number(1.0, 3600.0))
    ping_limit_s: float = field(default=10.0, validator=_number(0.5, 600.0))
    largest_message_mb: int = field(default=32, validator=_int(1, 256))


@frozen(kw_only=True)
class Link:
    """What to do when the link is lost."""

    first_pause_s: float = field(default=1.0, validator=_number(0.1, 60.0))
    longest_pause_s: float = field(default=30.0, validator=_number(1.0, 45.0))
    healthy_after_s: float = field(default=60.0, validator=_number(1.0, 3600.0))
    fault_retry_s: float = field(default=900.0, validator=_number(60.0, 86_400.0))
    probe_after_s: float = field(default=30.0, validator=_number(0.0, 3600.0))
    probe_limit_s: float = field(default=5.0, validator=_number(0.5, 120.0))


@frozen(kw_only=True)
class Privacy:
    """What is kept of what was said."""

    keep_context: bool = field(default=False, validator=_flag())
    keep_context_s: int = field(default=3600, validator=_int(1, 30 * 86_400))


@frozen(kw_only=True)
class Network:
    """What stands between this machine and the service."""

    proxy: str = field(default="auto", validator=and_(_text(), _proxy))
    proxy_credentials_file: str = field(default="", validator=_text())
    ca_file: str = field(default="", validator=_text())


def _sentence(_self: object, _attribute: "attrs.Attribute[Any]", value: str) -> None:
    if not 1 <= len(value.strip()) <= _LONGEST_SENTENCE:
        raise ValueError(f"must be 1 to {_LONGEST_SENTENCE} characters")
    if not value.isprintable():
        raise ValueError("must be one line of plain text")


def _language(_self: object, _attribute: "attrs.Attribute[Any]", value: str) -> None:
    if not re.fullmatch(r"[A-Za-z]{2,3}([-+][A-Za-z0-9]+)*", value):
        raise ValueError('must be a language, like "en" or "de" (`espeak-ng --voices` lists them)')


@frozen(kw_only=True)
class Notices:
    """What the room hears when the link fails, without any help from the service."""

    mode: str = field(default="tones", validator=and_(_text(), in_(("off", "tones", "voice"))))
    language: str = field(default="en", validator=and_(_text(), _language))
    connecting: str = field(
        default="One moment, I am connecting.", validator=and_(_text(), _sentence)
    )
    lost: str = field(default="I have lost the connection.", validator=and_(_text(), _sentence))
    unreachable: str = field(
        default="I cannot reach my service.", validator=and_(_text(), _sentence)
    )
    back: str = field(default="I am back again.", validator=and_(_text(), _sentence))


@frozen(kw_only=True)
class Config:
    """All sections."""

    realtime: Realtime = Realtime()
    auth: Auth = Auth()
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
    attribute.name: type(attribute.default) for attribute in attrs.fields(Config)
}


def load(path: Path) -> Config:
    """Read *path*; `ConfigError` names every mistake in it, each with line and key."""
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors put a mark before the text
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror or error}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: is not UTF-8 text ({error.reason})"]) from error
    return parse(text, str(path))


def parse(text: str, origin: str) -> Config:
    """Read TOML *text*; *origin* stands before each mistake."""
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # not all that is wrong is a TOMLDecodeError
        raise ConfigError([f"{origin}: is not TOML: {error}"]) from error
    lines = _Lines(text)
    mistakes: list[str] = []
    sections: dict[str, Any] = {}
    for name, values in tables.items():
        if name not in SECTIONS:
            table = isinstance(values, dict)
            what = f"[{name}]: unknown section" if table else f"{name}: stands in no section"
            mistakes.append(f"{lines.at(name)}{what}{_suggest(name, SECTIONS)}")
        elif not isinstance(values, dict):
            mistakes.append(f"{lines.at(name)}{name}: is a section, write [{name}]")
        else:
            found = list(_section_mistakes(name, values, lines))
            mistakes += found
            if not found:
                sections[name] = SECTIONS[name](**values)
    config = Config(**sections)
    mistakes += config.across()
    if mistakes:
        raise ConfigError(f"{origin}: {mistake}" for mistake in mistakes)
    return config


def show(config: Config) -> str:
    """The effective values as TOML."""
    blocks = []
    for name in SECTIONS:
        section = getattr(config, name)
        rows = [f"{key} = {_toml(value)}" for key, value in attrs.asdict(section).items()]
        blocks.append("\n".join([f"[{name}]", *rows]))
    return "\n\n".join(blocks) + "\n"


def _section_mistakes(name: str, values: Mapping[str, Any], lines: "_Lines") -> Iterator[str]:
    known = {attribute.name: attribute for attribute in attrs.fields(SECTIONS[name])}
    for key, value in values.items():
        where = f"{lines.at(name, key)}[{name}] {key}"
        if key not in known:
            yield f"{where}: unknown key{_suggest(key, known)}"
            continue
        try:
            known[key].validator(None, known[key], value)
        except (TypeError, ValueError) as problem:
            yield f"{where} = {_shown(value)}: {_reason(problem, known[key])}"


def _reason(problem: Exception, attribute: "attrs.Attribute[Any]") -> str:
    """What attrs says, for people."""
    wanted = {
        int: "a whole number",
        float: "a number",
        str: "text in quotes",
        bool: "true or false",
        tuple: 'a list of texts, as ["one", "two"]',
    }
    if isinstance(problem, TypeError):
        return f"must be {wanted[type(attribute.default)]}"
    text = str(problem.args[0])
    if text.startswith("Length"):
        return "must not be empty"
    if bound := re.match(r"'\w+' must be (>=|<=) (\S+?):", text):
        return f"must be {'at least' if bound[1] == '>=' else 'at most'} {bound[2]}"
    if len(problem.args) > 2 and "must be in" in text:
        choices = ", ".join(f'"{choice}"' for choice in problem.args[2])
        return f"must be one of {choices}"
    return text


def _suggest(word: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else f"; there is {', '.join(known)}"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        # JSON leaves DEL as it is, TOML forbids it.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, tuple | list):
        return f"[{', '.join(_toml(each) for each in value)}]"
    return str(value)


def _shown(value: object) -> str:
    """As TOML, less what may be a secret: this goes into logs."""
    shown = re.sub(r"^(\"?(?:\w+://)?).*@", r"\1...", _toml(value))
    shown = re.sub(r"(?<=\?)[^\"]+", "...", shown)
    return _SECRET.sub(r"\1...", shown)


class _Lines:
    """Where sections and keys stand: tomllib does not tell, so the text is looked through once."""

    _LONG_TEXT = re.compile(r'("""|\'\'\').*?\1', re.DOTALL)
    _SECTION = re.compile(r"\s*\[\s*\"?([\w-]+)\"?\s*\]")
    _KEY = re.compile(r"\s*\"?([\w-]+)\"?\s*=")

    def __init__(self, text: str) -> None:
        self._numbers: dict[tuple[str, ...], int] = {}
        section: tuple[str, ...] = ()
        blanked = self._LONG_TEXT.sub(lambda found: "\n" * found[0].count("\n"), text)
        for number, line in enumerate(blanked.split("\n"), start=1):
            if begins := self._SECTION.match(line):
                section = (begins[1],)
                self._numbers.setdefault(section, number)
            elif sets := self._KEY.match(line):
                self._numbers.setdefault((*section, sets[1]), number)

    def at(self, *path: str) -> str:
        """`line N: `, or nothing if the place is written in an unusual way."""
        number = self._numbers.get(path)
        return f"line {number}: " if number else ""
