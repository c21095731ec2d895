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

from voiced.config import SECTIONS, Config, Realtime, load, parse, show
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


def test_numbers_have_units_in_their_names() -> None:
    without = {"speed", "threshold", "channel"}  # a factor, a probability, an ordinal
    for section in SECTIONS.values():
        for field in attrs.fields(section):
            if type(field.default) in {int, float} and field.name not in without:
                assert field.name.endswith(("_ms", "_s", "_hz", "_mb", "_db")), field.name


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
        ("auth", "password = 1", "password: unknown key; there is key_file, header"),
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
            wrong: list[object] = [[], {}]
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


def test_speech_and_key_do_not_travel_unencrypted_by_mistake() -> None:
    abroad = '[realtime]\nurl = "ws://192.168.1.2:8765/v1/realtime"\n'
    (told,) = mistakes(abroad)
    assert "unencrypted to 192.168.1.2" in told
    assert "allow_plaintext" in told
    assert parse(abroad + "allow_plaintext = true\n", "FILE").realtime.allow_plaintext


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
