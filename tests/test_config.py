"""What an owner may write, and what an owner is told about every mistake."""

import contextlib
import math
from pathlib import Path
from typing import Any

import attrs
import pytest
from attrs import evolve
from hypothesis import example, given
from hypothesis import strategies as st

from tests.canaries import KEY, MINTED
from voiced.config.conversation import Realtime
from voiced.config.file import load, parse, show
from voiced.config.whole import SECTIONS, Config
from voiced.faults import ConfigError
from voiced.turns.texts import LONGEST_CHARS


def mistakes(text: str) -> tuple[str, ...]:
    """All that is wrong with *text*, without the origin before each."""
    with pytest.raises(ConfigError) as refused:
        parse(text, "FILE")
    assert all(mistake.startswith("FILE: ") for mistake in refused.value.mistakes)
    return tuple(mistake.removeprefix("FILE: ") for mistake in refused.value.mistakes)


def mistake(section: str, line: str) -> str:
    """The one thing that is wrong with that line."""
    (only,) = mistakes(f"[{section}]\n{line}\n")
    assert only.startswith(f"line 2: [{section}] "), only
    return only.removeprefix(f"line 2: [{section}] ")


def test_what_is_said_first_is_no_longer_than_what_may_be_said() -> None:
    longest = "x" * LONGEST_CHARS
    for key in ("greeting", "context"):
        assert getattr(parse(f'[realtime]\n{key} = "{longest}"', "FILE").realtime, key) == longest
        told = mistake("realtime", f'{key} = "{longest}x"')
        assert told.endswith(f": must have at most {LONGEST_CHARS} characters")
        assert mistake("realtime", f'{key} = " "').endswith("must hold words, or nothing at all")


# --- defaults -------------------------------------------------------------------------------------


def test_an_empty_file_is_a_good_file() -> None:
    assert parse("", "FILE") == Config()


def test_every_default_is_valid() -> None:
    for name, section in SECTIONS.items():
        attrs.validate(section())
        assert getattr(Config(), name) == section()
    assert list(Config().across()) == []


def test_what_is_written_is_taken_and_the_rest_keeps_its_default() -> None:
    config = parse('[realtime]\nvoice = "cedar"\n[turns]\nthreshold = 1\n', "FILE")
    assert config.realtime == evolve(Realtime(), voice="cedar")
    assert config.turns.threshold == 1
    assert config.playout == Config().playout


def test_nothing_can_be_changed_afterwards() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Config().realtime.voice = "cedar"  # type: ignore[misc]


_RATES = ("_per_million", "_per_minute", "_per_hour")


def test_numbers_have_units_in_their_names() -> None:
    without = {
        "speed",
        "threshold",
        "channel",
        "daily",
        "most_clients",
        "wake_sensitivity",
    }  # a factor, a probability, an ordinal, money, a count, a share
    for section in SECTIONS.values():
        for field in attrs.fields(section):
            if type(field.default) in {int, float} and field.name not in without:
                assert field.name.endswith(
                    ("_ms", "_s", "_days", "_hz", "_mb", "_db", "_percent", "_tokens", *_RATES)
                ), field.name


# --- mistakes -------------------------------------------------------------------------------------


def test_all_mistakes_are_named_at_once_each_with_line_and_key() -> None:
    text = """\
# A file with five mistakes.
[realtime]
voise = "marin"
speed = "fast"

[playout]
min_ms = -1
block_ms = 10

[turns]
silence_duration_ms = 500.5

[uplinks]
keep_ms = 1000
"""
    assert mistakes(text) == (
        "line 3: [realtime] voise: unknown key; did you mean 'voice'?",
        'line 4: [realtime] speed = "fast": must be a number',
        "line 7: [playout] min_ms = -1: must be at least 0",
        "line 11: [turns] silence_duration_ms = 500.5: must be a whole number",
        "line 13: [uplinks]: unknown section; did you mean 'uplink'?",
    )


@pytest.mark.parametrize(
    ("section", "line", "told"),
    [
        ("notices", 'lost = " "', 'lost = " ": must be 1 to 200 characters'),
        ("notices", "back = 1", "back = 1: must be text in quotes"),
        ("notices", 'lost = "a\\nb"', 'lost = "a\\nb": must be one line of plain text'),
        (
            "notices",
            'language = "--stdin"',
            ('language = "--stdin": must be a language, like "en" or "de" '
            "(`espeak-ng --voices` lists them)"),
        ),
        (
            "control",
            'group_may = ["watch", "sing"]',
            'group_may = ["watch", "sing"]: must hold nothing but watch, words, talk, manage',
        ),
        ("control", "group_may = 3", 'group_may = 3: must be a list of texts, as ["one", "two"]'),
        (
            "control",
            'socket = "voiced.sock"',
            'socket = "voiced.sock": must be a whole path, as /run/voiced/control.sock',
        ),
        ("control", "most_clients = 0", "most_clients = 0: must be at least 1"),
        ("playout", "volume_percent = 101", "volume_percent = 101: must be at most 100"),
        ("realtime", "speed = nan", "speed = nan: must be at least 0.25"),
        ("realtime", "speed = inf", "speed = inf: must be at most 1.5"),
        ("realtime", "speed = -inf", "speed = -inf: must be at least 0.25"),
        ("realtime", "speed = 0.2", "speed = 0.2: must be at least 0.25"),
        ("realtime", "speed = true", "speed = true: must be a number"),
        ("realtime", "speed = []", "speed = []: must be a number"),
        ("realtime", "speed = 1979-05-27", "speed = 1979-05-27: must be a number"),
        ("realtime", "model = 2", "model = 2: must be text in quotes"),
        ("realtime", 'model = ""', 'model = "": must not be empty'),
        (
            "realtime",
            'allow_plaintext = "yes"',
            'allow_plaintext = "yes": must be true or false',
        ),
        ("realtime", "allow_plaintext = 1", "allow_plaintext = 1: must be true or false"),
        (
            "realtime",
            'noise_reduction = "far"',
            'noise_reduction = "far": must be one of "", "near_field", "far_field"',
        ),
        ("auth", 'header = "x"', 'header = "x": must be one of "auto", "bearer", "api-key"'),
        ("turns", "threshold = 1.01", "threshold = 1.01: must be at most 1.0"),
        ("turns", "prefix_padding_ms = 1.0", "prefix_padding_ms = 1.0: must be a whole number"),
        ("turns", f"prefix_padding_ms = {10**30}", f"prefix_padding_ms = {10**30}: must be at most 5000"),
        (
            "capture",
            "rate_hz = 100",
            "rate_hz = 100: must be 0 (find one that works) or 8000 to 384000",
        ),
        ("capture", "channel = -1", "channel = -1: must be at least 0"),
        ("playout", 'device = ""', 'device = "": must not be empty'),
        ("uplink", "largest_message_mb = 0", "largest_message_mb = 0: must be at least 1"),
        ("link", "first_pause_s = 0", "first_pause_s = 0: must be at least 0.1"),
        ("link", "frist_pause_s = 1", "frist_pause_s: unknown key; did you mean 'first_pause_s'?"),
        ("auth", "password = 1", "password: unknown key; there is mode, key_file, header, http_url, ttl_s, command, url, url_method, url_token_file, limit_s"),
        ("auth", "ttl_s = 9", "ttl_s = 9: must be at least 10"),
        ("auth", "command = [1]", 'command = [1]: must be a list of texts, as ["one", "two"]'),
        ("auth", 'command = [""]', 'command = [""]: must not hold empty words'),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_what_would_be_right(
    section: str, line: str, told: str
) -> None:
    assert mistake(section, line) == told


def wrong_values() -> list[tuple[str, str, object]]:
    """For every key, a value of each wrong type, and numbers that are no numbers."""
    rows: list[tuple[str, str, object]] = []
    for name, section in SECTIONS.items():
        for field in attrs.fields(section):
            wrong: list[object] = [{}] if type(field.default) is tuple else [[], {}]
            wrong += ["text"] if type(field.default) is not str else [1, 1.5]
            wrong += [True] if type(field.default) is not bool else [1, 0]
            wrong += [math.nan, math.inf, -math.inf] if type(field.default) in {int, float} else []
            rows += [(name, field.name, value) for value in wrong]
    return rows


@pytest.mark.parametrize(("section", "key", "value"), wrong_values())
def test_no_key_takes_a_value_of_the_wrong_type(section: str, key: str, value: object) -> None:
    written = {True: "true", False: "false"}.get(value) if isinstance(value, bool) else None
    written = written or (f'"{value}"' if isinstance(value, str) else str(value))
    assert " must be " in mistake(section, f"{key} = {written}")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("realtime = 1", "line 1: realtime: is a section, write [realtime]"),
        ('\n\nturns = "x"', "line 3: turns: is a section, write [turns]"),
        ("[[realtime]]\nspeed = 1", "realtime: is a section, write [realtime]"),
        ("[playuot]", "line 1: [playuot]: unknown section; did you mean 'playout'?"),
        ("speed = 1", f"line 1: speed: stands in no section; there is {', '.join(SECTIONS)}"),
    ],
)
def test_sections_are_sections(text: str, told: str) -> None:
    assert mistakes(text) == (told,)


def test_lines_inside_a_long_text_are_not_taken_for_settings() -> None:
    text = '''\
[realtime]
instructions = """
speed = 1
[playout]
"""
speed = 99
'''
    assert mistakes(text) == ("line 6: [realtime] speed = 99: must be at most 1.5",)


def test_unusual_ways_of_writing_are_understood_though_their_line_may_not_be_known() -> None:
    assert mistakes("realtime.speed = 9") == ("[realtime] speed = 9: must be at most 1.5",)
    assert mistakes("realtime = {speed = 9}") == ("[realtime] speed = 9: must be at most 1.5",)
    assert mistakes('["realtime"]\n"speed" = 9') == (
        "line 2: [realtime] speed = 9: must be at most 1.5",
    )


# --- what is no TOML, no text, no file ------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "[realtime\n",
        "speed: 1",
        "[realtime]\nspeed = \n",
        "[realtime]\n[realtime]\n",
        "[turns]\nprefix_padding_ms = " + "1" * 5000,
        "x = " + "[" * 20_000,
        "x = 2024-02-31",
    ],
    ids=["open", "yaml", "nothing", "twice", "long number", "deep", "no such day"],
)
def test_what_is_not_toml_is_said_to_be_none(text: str) -> None:
    (only,) = mistakes(text)
    assert only.startswith("is not TOML: ")


def test_the_place_where_toml_ends_is_named() -> None:
    (only,) = mistakes("[realtime]\nspeed = fast\n")
    assert "line 2" in only


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.toml"
    with pytest.raises(ConfigError) as refused:
        load(path)
    assert refused.value.mistakes == (f"{path}: No such file or directory",)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Is a directory"):
        load(tmp_path)


def test_a_file_that_is_not_utf_8_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes('[realtime]\nvoice = "Jörg"\n'.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"latin\.toml: is not UTF-8 text"):
        load(path)


def test_mistakes_in_a_file_begin_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "voiced.toml"
    path.write_text("[realtime]\nspeed = 9\n")
    with pytest.raises(ConfigError) as refused:
        load(path)
    assert refused.value.mistakes == (f"{path}: line 2: [realtime] speed = 9: must be at most 1.5",)


def test_the_mark_that_some_editors_put_before_a_text_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "voiced.toml"
    path.write_bytes(b'\xef\xbb\xbf[realtime]\r\nvoice = "cedar"\r\n')
    assert load(path).realtime.voice == "cedar"


@given(st.text())
def test_any_text_is_a_config_or_a_list_of_mistakes(text: str) -> None:
    with contextlib.suppress(ConfigError):  # and nothing else
        assert isinstance(parse(text, "FILE"), Config)


# --- addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "wss://api.openai.com/v1/realtime",
        "wss://api.openai.com:8443/v1/realtime?model=other",
        "wss://resource.openai.azure.com/openai/v1/realtime",
        "ws://localhost:8765/v1/realtime",
        "ws://LOCALHOST:8765",
        "ws://127.0.0.1:8765/v1/realtime",
        "ws://[::1]:8765/v1/realtime",
        "wss://xn--hst-sna.example/",
    ],
)
def test_good_addresses(url: str) -> None:
    assert parse(f'[realtime]\nurl = "{url}"\n', "FILE").realtime.url == url


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://api.openai.com/v1/realtime", "must look like wss://host/path"),
        ("api.openai.com", "must look like wss://host/path"),
        ("", "must look like wss://host/path"),
        ("wss://", "must look like wss://host/path"),
        ("wss://:443/path", "must look like wss://host/path"),
        ("wss://host:many/path", "Port"),
        ("wss://host:65536/path", "Port"),
        ("wss://[::1/path", "IPv6"),
        ("wss://ho st/path", "plain ASCII without blanks"),
        ("wss://host/pa th", "plain ASCII without blanks"),
        ("wss://höst/path", "plain ASCII without blanks"),
        ("wss://host/\\n", "plain ASCII without blanks"),
        ("wss://me:secret@host/path", "must not hold a user or password"),
        ("wss://secret@host/path", "must not hold a user or password"),
        ("wss://host/path?api-key=secret", "takes no query but model="),
        ("wss://host/path?model=a&token=secret", "takes no query but model="),
    ],
)
def test_an_address_that_could_not_work_is_refused_at_once(url: str, words: str) -> None:
    told = mistake("realtime", f'url = "{url}"')
    assert words in told
    assert "secret" not in told, "what an owner is told goes into logs"


@pytest.mark.parametrize("key", ["url", "http_url"])
@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("wss://host/token", "must look like https://host/path"),
        ("https://me:secret@host/", "must not hold a user or password"),
        ("https://host/token?kiosk=secret", "takes no query"),
        ("https://host/token#secret", "takes no query"),
        ("https://host/to ken", "plain ASCII without blanks"),
    ],
)
def test_an_address_that_gives_secrets_is_held_to_the_same(key: str, url: str, words: str) -> None:
    assert words in mistake("auth", f'{key} = "{url}"')


@pytest.mark.parametrize("key", ["url", "http_url"])
def test_secrets_do_not_travel_unencrypted_by_mistake(key: str) -> None:
    for good in ("https://host/token", "http://127.0.0.1:8080/token", "http://localhost/token"):
        assert getattr(parse(f'[auth]\n{key} = "{good}"\n', "FILE").auth, key) == good
    abroad = f'[auth]\n{key} = "http://192.168.1.2/token"\n'
    (told,) = mistakes(abroad)
    assert told.startswith(f"[auth] {key}: http:// would send secrets unencrypted")
    parse(abroad + "[realtime]\nallow_plaintext = true\n", "FILE")


SECRETS = (KEY, MINTED)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "line",
    [
        'key_file = "SECRET"',
        'url_token_file = "SECRET"',
        'command = ["mint", "SECRET"]',
        'command = ["mint", "--key=SECRET"]',
    ],
)
def test_a_key_written_where_it_would_be_seen_is_refused_and_not_repeated(
    line: str, secret: str
) -> None:
    told = mistake("auth", line.replace("SECRET", secret))
    assert "must not hold a key: put it into a file" in told
    assert secret not in told


@pytest.mark.parametrize("path", ["/home/sk-kiosk/key", "~/.sk-live-key", "disk-a-key", "ek_"])
def test_a_path_that_looks_a_little_like_a_key_is_a_path(path: str) -> None:
    assert parse(f'[auth]\nkey_file = "{path}"\n', "FILE").auth.key_file == path


@pytest.mark.parametrize("section", ["auth", "realtime"])
@pytest.mark.parametrize("secret", SECRETS)
def test_a_key_written_anywhere_wrong_is_not_repeated(section: str, secret: str) -> None:
    for key in ("header", "url", "noise_reduction"):
        assert secret not in "".join(mistakes(f'[{section}]\n{key} = "{secret}"\n'))


@pytest.mark.parametrize(
    ("mode", "told"), [("command", "wants the program"), ("url", "wants the address")]
)
def test_a_way_to_get_secrets_wants_what_it_needs(mode: str, told: str) -> None:
    (only,) = mistakes(f'[auth]\nmode = "{mode}"\n')
    assert only.startswith(f"[auth] {mode}: ")
    assert told in only


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("", "auto"),
        ('mode = "client_secret"', "bearer"),
        ('mode = "client_secret"\nheader = "api-key"', "api-key"),
    ],
)
def test_what_is_no_key_is_a_bearer_unless_its_owner_says_otherwise(text: str, sent: str) -> None:
    assert parse(f"[auth]\n{text}\n", "FILE").auth.secret_header == sent


def test_a_command_survives_being_shown() -> None:
    config = parse('[auth]\ncommand = ["/opt/a b", "\\"", "ü"]\n', "FILE")
    assert config.auth.command == ("/opt/a b", '"', "ü")
    assert parse(show(config), "SHOWN") == config


def test_speech_and_key_do_not_travel_unencrypted_by_mistake() -> None:
    abroad = '[realtime]\nurl = "ws://192.168.1.2:8765/v1/realtime"\n'
    (told,) = mistakes(abroad)
    assert "unencrypted to 192.168.1.2" in told
    assert "allow_plaintext" in told
    assert parse(abroad + "allow_plaintext = true\n", "FILE").realtime.allow_plaintext


def test_what_would_keep_nothing_is_no_way_to_keep_it() -> None:
    text = "[privacy]\nkeep_context = true\n[realtime]\ncarry_over_tokens = 0\n"
    assert mistakes(text) == (
        "[privacy] keep_context: nothing is kept while [realtime] carry_over_tokens is 0",
    )


# --- prices and the budget ------------------------------------------------------------------------


def test_a_budget_in_money_wants_prices_and_names_those_that_are_missing() -> None:
    (only,) = mistakes("[budget]\ndaily = 5\n[prices]\ntext_in_per_million = 4.0\n")
    assert only == (
        "[budget] daily: money can't be counted without [prices] audio_in_per_million, "
        "text_out_per_million, audio_out_per_million, transcription_audio_in_per_million, "
        "transcription_out_per_million (or transcription_per_minute); set them, or limit "
        "daily_tokens instead"
    )


@pytest.mark.parametrize(
    "text",
    [
        "transcription_per_minute = 0.006",
        "transcription_audio_in_per_million = 6\ntranscription_out_per_million = 10",
        '[realtime]\ntranscription_model = ""',
    ],
)
def test_with_prices_for_what_is_used_it_is_a_budget(text: str) -> None:
    kinds = ("text_in", "audio_in", "text_out", "audio_out")
    prices = "\n".join(f"{kind}_per_million = 1.5" for kind in kinds)
    config = parse(f"[budget]\ndaily = 5\n[prices]\n{prices}\n{text}\n", "FILE")
    assert config.budget.daily == 5


def test_tokens_and_turns_are_limited_without_any_price() -> None:
    config = parse("[budget]\ndaily_tokens = 100_000\nturns_per_hour = 30\n", "FILE")
    assert (config.budget.daily_tokens, config.budget.turns_per_hour) == (100_000, 30)


# --- the network ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "proxy",
    ["auto", "", "http://proxy:3128", "https://10.0.0.1", "http://[fd00::1]:3128/", "HTTP://P"],
)
def test_good_proxies(proxy: str) -> None:
    assert parse(f'[network]\nproxy = "{proxy}"\n', "FILE").network.proxy == proxy


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("none", 'must be "auto", "" (none) or look like http://host:port'),
        ("proxy:3128", "or look like http://host:port"),
        ("socks5://proxy:1080", "or look like http://host:port"),
        ("http://", "or look like http://host:port"),
        ("http://:3128", "or look like http://host:port"),
        ("http://proxy:many", "Port"),
        ("http://pro xy", "plain ASCII without blanks"),
        ("http://proxy/path", "must end after the port"),
        ("http://proxy?secret", "must end after the port"),
        ("http://me:secret@proxy:3128", "see proxy_credentials_file"),
        ("http://secret@proxy:3128", "see proxy_credentials_file"),
        ("http://me:/secret@proxy:3128", ""),
        ("http://me:@secret@proxy:3128", "see proxy_credentials_file"),
        ("me:secret@proxy:3128", "or look like http://host:port"),
        ('me:\\"secret\\"@proxy:3128', "or look like http://host:port"),
    ],
)
def test_a_proxy_that_could_not_work_is_refused_at_once(proxy: str, words: str) -> None:
    told = mistake("network", f'proxy = "{proxy}"')
    assert words in told
    assert "secret" not in told, "what an owner is told goes into logs"


@pytest.mark.parametrize("key", ["organization", "project", "safety_identifier"])
@pytest.mark.parametrize(
    "value", ["two words", "me\\r\\nX-Evil: 1", "me\\tyou", "ü", "\\u0000", "x" * 129]
)
def test_nothing_but_a_word_goes_into_a_header(key: str, value: str) -> None:
    told = mistake("realtime", f'{key} = "{value}"')
    assert "must be one word of plain ASCII, at most 128 letters" in told


# --- profiles -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "block_ms", "latency_ms"),
    [
        ("", 5, 15),
        ('latency = "balanced"', 5, 15),
        ('latency = "lowest"', 4, 8),
        ('latency = "lowest"\nlatency_ms = 15', 4, 15),
        ("block_ms = 20\nlatency_ms = 60", 20, 60),
    ],
)
def test_the_loudspeaker_is_opened_as_the_profile_or_its_owner_says(
    text: str, block_ms: int, latency_ms: int
) -> None:
    playout = parse(f"[playout]\n{text}\n", "FILE").playout
    assert (playout.device_block_ms, playout.device_latency_ms) == (block_ms, latency_ms)


def test_a_millisecond_is_no_block() -> None:
    assert mistakes("[playout]\nblock_ms = 1\n") == (
        "line 2: [playout] block_ms = 1: must be 0 (by profile) or at least 2",
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", 0),
        ('mode = "on_command"', 60),
        ("idle_hangup_s = 0", 0),
        ('mode = "on_command"\nidle_hangup_s = 0', 0),
        ("idle_hangup_s = 90", 90),
        ('mode = "wake_word"', 8),
        ('mode = "wake_word"\nwake_patience_s = 5', 5),
    ],
)
def test_silence_ends_a_conversation_as_suits_or_as_its_owner_says(
    text: str, seconds: float
) -> None:
    assert parse(f"[activation]\n{text}\n", "FILE").activation.hangup_s == seconds


@pytest.mark.parametrize("value", ["2", "-0.5", "4.9"])
def test_a_breath_is_no_silence(value: str) -> None:
    assert mistakes(f"[activation]\nidle_hangup_s = {value}\n") == (
        (
            f"line 2: [activation] idle_hangup_s = {value}: "
            "must be 0 (never), -1 (as suits the mode), or at least 5"
        ),
    )


@pytest.mark.parametrize("key", ["wake_words", "stop_words"])
def test_an_unknown_word_is_told_what_there_is(key: str) -> None:
    assert mistakes(f'[activation]\n{key} = ["alexa", "computer"]\n') == (
        (
            f'line 2: [activation] {key} = ["alexa", "computer"]: knows no \'computer\': there is alexa, '
            "hey_jarvis, hey_mycroft, okay_nabu, and the path of a microWakeWord model's .json file"
        ),
    )


def test_a_word_of_ones_own_is_a_path() -> None:
    text = '[activation]\nmode = "wake_word"\nwake_words = ["/etc/voiced/hello.json", "alexa"]\n'
    assert parse(text, "FILE").activation.wake_words == ("/etc/voiced/hello.json", "alexa")


# --- values that do not go together ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "[link]\nfirst_pause_s = 40\n",
            "[link] first_pause_s is longer than longest_pause_s",
        ),
        (
            "[playout]\nmin_ms = 500\n",
            "[playout] min_ms is longer than max_ms",
        ),
        (
            "[playout]\nmax_ms = 2000\nlongest_ms = 1000\n",
            "[playout] max_ms is longer than longest_ms: an answer might never begin",
        ),
        (
            '[activation]\nmode = "push_to_talk"\n',
            (
                '[activation] mode = "push_to_talk" begins a conversation with a press of the talk '
                'button, but [turns] detection = "server_vad" has none: set detection = "push_to_talk" '
                'too, or mode = "on_command"'
            ),
        ),
        (
            '[activation]\nmode = "wake_word"\nwake_words = []\n',
            (
                '[activation] wake_words: mode = "wake_word" wants at least one, as ["okay_nabu"]; '
                "without any, nobody could begin"
            ),
        ),
        (
            '[activation]\nmode = "wake_word"\nstop_words = ["okay_nabu"]\n',
            (
                "[activation] stop_words: okay_nabu is among wake_words, too; a word that wakes cuts an "
                "answer as well, and goes on listening"
            ),
        ),
        (
            '[activation]\nmode = "wake_word"\nidle_hangup_s = 60\n',
            (
                '[activation] idle_hangup_s: with mode = "wake_word" it is wake_patience_s and '
                "follow_up_s that say how much silence ends a conversation; leave it out"
            ),
        ),
        (
            '[activation]\nmode = "wake_word"\n[turns]\ndetection = "push_to_talk"\n',
            (
                '[activation] mode = "wake_word": with [turns] detection = "push_to_talk" nothing that '
                "follows the word would be heard without the button; take another detection, or mode = "
                '"push_to_talk"'
            ),
        ),
        (
            "[activation]\npre_roll_ms = 3000\n",
            "[activation] pre_roll_ms is longer than [uplink] keep_ms: no more than that is kept",
        ),
        (
            "[uplink]\ngate = true\n[turns]\nsilence_duration_ms = 900\n",
            (
                "[uplink] gate_hangover_ms is too short for the server to hear that a turn ends: with "
                "these [turns] it takes 1100"
            ),
        ),
        (
            '[uplink]\ngate = true\n[turns]\ndetection = "semantic_vad"\neagerness = "low"\n',
            (
                "[uplink] gate_hangover_ms is too short for the server to hear that a turn ends: with "
                "these [turns] it takes 8200"
            ),
        ),
        (
            '[uplink]\ngate = true\n[turns]\ndetection = "push_to_talk"\n',
            (
                '[uplink] gate: with [turns] detection = "push_to_talk" nothing goes up but what the '
                "button lets through; leave it off"
            ),
        ),
        (
            "[uplink]\ngate = true\n[turns]\nidle_timeout_ms = 6000\n",
            "[uplink] gate: [turns] idle_timeout_ms wants silence to go up; leave one of them off",
        ),
    ],
)
def test_values_that_contradict_each_other_are_named(text: str, told: str) -> None:
    assert mistakes(text) == (told,)


def test_contradictions_are_named_along_with_other_mistakes() -> None:
    assert len(mistakes("[link]\nfirst_pause_s = 40\n[realtime]\nspeed = 9\n")) == 2


# --- and back -------------------------------------------------------------------------------------


def test_what_is_shown_is_what_is_in_effect() -> None:
    assert parse(show(Config()), "SHOWN") == Config()


def test_every_key_is_shown_in_its_section() -> None:
    shown = show(Config())
    for name, section in SECTIONS.items():
        block = shown.partition(f"[{name}]\n")[2].partition("\n\n")[0]
        keys = [line.partition(" = ")[0] for line in block.splitlines()]
        assert keys == [field.name for field in attrs.fields(section)]


@given(st.text(st.characters(exclude_categories=["Cs"])))
@example('quotes " and \\ and """ and \'\'\'')
@example("\x00\x1f\x7f\x80\u2028\r\n\t")
def test_any_instructions_survive_being_shown(instructions: str) -> None:
    config = evolve(Config(), realtime=evolve(Realtime(), instructions=instructions))
    assert parse(show(config), "SHOWN") == config


@given(st.data())
def test_any_numbers_survive_being_shown(data: st.DataObject) -> None:
    ranges: dict[str, Any] = {
        "turns": {"threshold": st.floats(0, 1), "prefix_padding_ms": st.integers(0, 5000)},
        "link": {"healthy_after_s": st.floats(1, 3600)},
        "playout": {"rest_after_s": st.floats(0.5, 86_400)},
    }
    config = Config()
    for name, keys in ranges.items():
        values = {key: data.draw(values) for key, values in keys.items()}
        config = evolve(config, **{name: evolve(getattr(config, name), **values)})
    assert parse(show(config), "SHOWN") == config
