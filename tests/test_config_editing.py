"""Setting keys in what a person wrote: all the rest stays, to the letter."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from voiced.config.editing import Place, Value, edit
from voiced.config.file import parse
from voiced.faults import ConfigError

TEMPLATE = (Path(__file__).parents[1] / "config" / "voiced.toml").read_text()
GAIN = ("capture", "gain_db")
MODE = ("echo", "mode")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "[capture]\ngain_db = 6.0\n"),
        ("[capture]\n", "[capture]\ngain_db = 6.0\n"),
        ("[capture]", "[capture]\ngain_db = 6.0\n"),
        ("[echo]\nmode = 'off'", "[echo]\nmode = 'off'\n\n[capture]\ngain_db = 6.0\n"),
        ("# mine\n", "# mine\n\n[capture]\ngain_db = 6.0\n"),
        ("[capture]\ngain_db = 1.0 # why\n", "[capture]\ngain_db = 6.0 # why\n"),
        ("[capture]\n  gain_db=1\t# why\n", "[capture]\n  gain_db=6.0\t# why\n"),
        ("[capture]\ngain_db = 6.0  # it is\n", "[capture]\ngain_db = 6.0  # it is\n"),
        ("[capture]\n'gain_db' = -1e0", "[capture]\n'gain_db' = 6.0"),
        ("[ capture ]\n#gain_db = 3.0\n", "[ capture ]\ngain_db = 6.0\n"),
        ("[capture]\n# gain_db = 3.0 # loud\n", "[capture]\ngain_db = 6.0 # loud\n"),
        (
            "[capture]\n# gain_db = is how loud\n",
            "[capture]\ngain_db = 6.0\n# gain_db = is how loud\n",
        ),
        (
            "[echo]\n# gain_db = 3.0\n[capture]\nblock_ms = 5\n\n# next\n[uplink]\n",
            "[echo]\n# gain_db = 3.0\n[capture]\nblock_ms = 5\ngain_db = 6.0\n\n# next\n[uplink]\n",
        ),
        (
            '[capture]\ndevice = [\n "a", # [x]\n "gain_db = 1",\n]\n[echo]\n',
            '[capture]\ndevice = [\n "a", # [x]\n "gain_db = 1",\n]\ngain_db = 6.0\n[echo]\n',
        ),
        (
            '[realtime]\ncontext = """\n[capture]\ngain_db = 1.0\n"""\n[capture]\nblock_ms = 5\n',
            (
                '[realtime]\ncontext = """\n[capture]\ngain_db = 1.0\n"""\n[capture]\nblock_ms = 5\n'
                "gain_db = 6.0\n"
            ),
        ),
        ("[capture]\r\nblock_ms = 5\r\n", "[capture]\r\nblock_ms = 5\r\ngain_db = 6.0\r\n"),
        ("[capture]\r\ngain_db = 5\r\n", "[capture]\r\ngain_db = 6.0\r\n"),
    ],
)
def test_a_key_is_set_where_it_belongs_and_nothing_else_is_touched(before: str, after: str) -> None:
    assert edit(before, {GAIN: 6.0}, "x") == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[echo]\nmode = 'a # b' # c\n", '[echo]\nmode = "webrtc" # c\n'),
        ('[echo]\nmode = """a\n# b"""  # c\n', '[echo]\nmode = "webrtc"  # c\n'),
        ('[echo]\nmode = "#"\n', '[echo]\nmode = "webrtc"\n'),
    ],
)
def test_a_mark_in_a_text_is_no_comment(before: str, after: str) -> None:
    assert edit(before, {MODE: "webrtc"}, "x") == after


@pytest.mark.parametrize(
    "text",
    [
        "capture = { block_ms = 5 }\n",
        "capture.gain_db = 1.0\n",
        "capture = 5\n",
        "[[capture]]\ngain_db = 1.0\n",
        "[capture]\ngain_db.x = 1.0\n",
    ],
)
def test_what_is_written_unusually_is_refused_with_what_to_do(text: str) -> None:
    with pytest.raises(
        ConfigError, match=r"here\.toml: .*set gain_db = 6\.0 in \[capture\] by hand"
    ):
        edit(text, {GAIN: 6.0}, "here.toml")


def test_what_is_no_toml_is_refused() -> None:
    with pytest.raises(ConfigError, match="is not TOML"):
        edit("[capture\n", {GAIN: 6.0}, "here.toml")


def test_the_template_is_changed_in_exactly_these_lines() -> None:
    edited = edit(TEMPLATE, {GAIN: 6.0, MODE: "webrtc", ("capture", "high_pass_hz"): 80}, "x")
    parse(edited, "x")
    pairs = zip(TEMPLATE.splitlines(), edited.splitlines(), strict=True)
    assert [line for was, line in pairs if was != line] == [
        "gain_db = 6.0",
        "high_pass_hz = 80",
        'mode = "webrtc"',
    ]


# --- whatever people write ------------------------------------------------------------------------

VALUES = st.sampled_from(
    [
        *("1", "0x1F", "1_000", "6.0", "nan", "-inf", "true", '"text # no comment"', "'[capture]'"),
        *(
            '"""\nlong\n[echo]\nmode = 1\n"""',
            "'''x'''",
            "[\n  1, # one\n  2,\n]",
            "[]",
            "{ a = 1 }",
        ),
        *("1979-05-27T07:32:00Z", '"\\u00e9\\""', '"é\u2028x"', "{ mode = 'x', b = { c = 1 } }"),
    ]
)
KEYS = st.sampled_from(
    ["gain_db", "mode", "x", "block_ms", '"gain_db"', "'mode'", "a.b", "gain_db.x", '"a=b"', "1"]
)
ENDS = st.sampled_from(["", " # why", "\t#[echo]", "   ", " # gain_db = 2.0"])
LINES = st.one_of(
    st.builds(lambda key, value, end: f"{key} = {value}{end}", KEYS, VALUES, ENDS),
    st.builds(lambda key, value, end: f"# {key} = {value}{end}", KEYS, VALUES, ENDS),
    st.builds(lambda key, value: f"  {key}={value}", KEYS, VALUES),
    st.sampled_from(["", "  ", "# prose, and = signs", "#gain_db=1", "# [capture]"]),
    st.sampled_from(["[capture]", "[ echo ] # why", '["echo"]', "[other.capture]", "[[list]]"]),
    st.sampled_from(["[capture.deep]", "echo.mode = 1", "capture = { gain_db = 1 }"]),
)
WANTED = st.dictionaries(
    st.sampled_from([GAIN, MODE, ("capture", "high_pass_hz"), ("playout", "x")]),
    st.one_of(st.integers(-100, 100), st.floats(-40, 40), st.text(max_size=5), st.just(1)),
    min_size=1,
)


@settings(deadline=None, max_examples=400)
@given(
    lines=st.lists(LINES, max_size=12),
    newline=st.sampled_from(["\n", "\r\n"]),
    ended=st.booleans(),
    wanted=WANTED,
)
def test_whatever_is_accepted_says_the_same_but_for_the_wanted_keys(
    lines: list[str], newline: str, ended: bool, wanted: dict[Place, Value]
) -> None:
    text = "\n".join(lines).replace("\n", newline) + (newline if ended else "")
    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        assume(False)
        raise
    try:
        edited = edit(text, wanted, "x")
    except ConfigError:
        return  # refused: nothing is changed
    after = tomllib.loads(edited)
    for (section, key), value in wanted.items():
        now = after[section].pop(key)
        assert (type(now), now) == (type(value), value)
        before.get(section, {}).pop(key, None)
        if not after[section] and section not in before:
            del after[section]
    assert repr(after) == repr(before)  # nan is not itself
    comments = [line for line in text.splitlines() if line.startswith("# prose")]
    assert [line for line in edited.splitlines() if line.startswith("# prose")] == comments
    assert edit(edited, wanted, "x") == edited
