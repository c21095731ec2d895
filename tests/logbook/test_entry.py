"""Lines as data: what is read off a template, and what nobody far away can do to a line."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.logbook.entry import LONGEST_LINE, LONGEST_VALUE, Entry, Value, clean
from voiced.logbook.reading import entry_of
from voiced.logbook.rendering import as_datagram, as_json

_HOUSE = Path(__file__).parents[2] / "voiced"
_HOSTILE = 'x\nERROR turn outcome="forged"\r\x1b[2J\u202e\u2028 fault=1\0'


@pytest.mark.parametrize(
    ("template", "args", "event", "fields", "sentence"),
    [
        ("nothing to say", (), "nothing to say", {}, ""),
        ("100 % sure: really", (), "100 % sure", {}, "really"),
        ("told again ms=%d", (40,), "told again", {"ms": 40}, ""),
        ("playout %s item=%s heard_ms=%d", ("cut", "item_1", 7), "playout cut", {"item": "item_1", "heard_ms": 7}, ""),
        ("cooling down pause_s=%.1f strikes=%d: %s", (0.25, 1, "lost"), "cooling down", {"pause_s": 0.2, "strikes": 1}, "lost"),
        ("not understood what=%r count=%d", ("a b", 3), "not understood", {"what": "a b", "count": 3}, ""),
        ("refused code=%s message=%r item=%s", (None, "a=b c=d", "i"), "refused", {"code": "None", "message": "a=b c=d", "item": "i"}, ""),
        ("context not written within %g s: is the disk ill?", (2.0,), "context not written within 2 s", {}, "is the disk ill?"),
        ("%s", ("a sentence: x=1",), "a sentence: x=1", {}, ""),
        ("response failed code=%s message=%r %s", ("c", "m", "session=s"), "response failed", {"code": "c", "message": "m"}, "session=s"),
    ],
)  # fmt: skip
def test_a_template_becomes_data(
    template: str, args: tuple[object, ...], event: str, fields: dict[str, Value], sentence: str
) -> None:
    entry = entry_of(template, args)
    assert (entry.event, dict(entry.fields), entry.sentence) == (event, fields, sentence)


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        (entry_of("session ready session=%s", ("s",)), "session_ready"),
        (entry_of("%s", ("what somebody said",)), "note"),
        (entry_of("%s item=%s", ("response.done", "i")), "response.done"),
        (Entry("* cut", name="moment"), "moment"),
        (Entry("!"), "note"),
        (Entry("x" * 100), "x" * 60),
    ],
)
def test_an_event_has_a_name_for_machines(entry: Entry, key: str) -> None:
    assert entry.key == key


@pytest.mark.parametrize("args", [("one",), ("one", "two", "three"), ("no number", "x")])
def test_a_line_that_is_wrong_is_shown_all_the_same(args: tuple[object, ...]) -> None:
    line = str(entry_of("told count=%d %s", args))
    assert line.startswith("told count=")
    assert str(args[0]) in line


def test_words_from_far_away_add_no_field_and_no_line() -> None:
    entry = entry_of("refused code=%s: %s", (_HOSTILE, _HOSTILE))
    assert list(entry.fields) == ["code"]
    assert entry.event == "refused"
    text = str(entry)
    assert text.isprintable()
    assert text.startswith(
        'refused code="x\\nERROR turn outcome=\\"forged\\"\\r\\x1b[2J\\u202e\\u2028 '
    )


@given(st.text(), st.text())
def test_whatever_is_said_is_one_visible_line(event: str, said: str) -> None:
    entry = Entry(event, {"said": said}, said)
    assert str(entry).isprintable()
    assert len(json.loads(as_json(entry, {}))["fields"]) == 1
    assert "\n" not in as_json(entry, {})
    datagram = as_datagram(entry, 6, {"logger": "voiced"}).decode()
    names = [line.partition("=")[0] for line in datagram.splitlines()]
    assert names == ["MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "VOICED_EVENT", "VOICED_LOGGER", "VOICED_SAID"]  # fmt: skip


def test_lines_are_bounded_and_say_so() -> None:
    much = Entry("e" * 9999, {f"k{n}": "v" * 9999 for n in range(99)}, "s" * 9999)
    assert len(str(much)) < LONGEST_LINE + 30
    assert len(as_datagram(much, 6, {})) < 100_000
    assert clean("v" * 9999, LONGEST_VALUE).endswith(f"... ({9999 - LONGEST_VALUE} more)")
    worst = Entry("\0" * 9999, {f"k{n}": "\U0010ffff" * 9999 for n in range(99)}, "\0" * 9999)
    assert len(as_datagram(worst, 6, {})) < 200_000


def test_json_knows_no_infinity() -> None:
    entry = Entry("e", {"a": float("inf"), "b": float("nan"), "c": 1.5, "d": 2})
    assert json.loads(as_json(entry, {}))["fields"] == {"a": "inf", "b": "nan", "c": 1.5, "d": 2}


def test_the_journal_gets_the_names_that_one_asks_it_for() -> None:
    entry = Entry("conversation ended", {"session": "s", "code": "1006", "item": "i", "in_s": 2.5})
    assert as_datagram(entry, 4, {}).decode().splitlines() == [
        "MESSAGE=conversation ended session=s code=1006 item=i in_s=2.5",
        "PRIORITY=4",
        "SYSLOG_IDENTIFIER=voiced",
        "VOICED_EVENT=conversation_ended",
        "SESSION_ID=s",
        "FAULT_CODE=1006",
        "ITEM_ID=i",
        "VOICED_IN_S=2.5",
    ]


# --- all lines of the house -----------------------------------------------------------------------


def templates() -> Iterator[tuple[str, str]]:
    for path in sorted(_HOUSE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if not (isinstance(node.func.value, ast.Name) and node.func.value.id == "log"):
                continue
            place = 1 if node.func.attr == "log" else 0
            template = node.args[place]
            if isinstance(template, ast.Constant) and isinstance(template.value, str):
                yield f"{path.name}:{node.lineno}", template.value


def test_every_template_of_the_house_can_be_read() -> None:
    """Each argument is found again, once, and in its place."""
    seen = 0
    for where, template in templates():
        seen += 1
        kinds = template.replace("%%", "").split("%")[1:]
        args = tuple(
            f"<{n}>" if kind.lstrip(".0123456789")[0] in "sr" else 1000 + n
            for n, kind in enumerate(kinds)
        )
        entry = entry_of(template, args)
        assert "args" not in entry.fields, where
        told = f"{entry.event} {list(entry.fields.values())} {entry.sentence}"
        places = [told.find(str(arg)) for arg in args]
        assert -1 not in places, (where, told)
        assert places == sorted(places), (where, told)
    assert seen > 50
