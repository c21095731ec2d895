"""The small brain, and the promise that whatever the grammar hears it can answer."""

import re
from datetime import datetime, timedelta, timezone

import pytest

from voiced.local import phrases, spoken, stories, tools
from voiced.local.brain import Reply, ScriptedBrain, SmallBrain
from voiced.local.phrases import Repeat, Sign, Sum, Topic
from voiced.local.tools import Call
from voiced.local.wire import Json

NOON = datetime(2026, 11, 20, 15, 7, tzinfo=timezone(timedelta(hours=1)))
BRAIN = SmallBrain(now=lambda: NOON)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("what time is it", "It is three oh seven in the afternoon."),
        ("What's the time?", "It is three oh seven in the afternoon."),
        ("what day is it", "Today is Friday, the twentieth of November."),
        ("what is seven times six", "Seven times six is forty-two."),
        ("what is two minus five", "Two minus five is minus three."),
        ("What is 20 divided by 6?", "Twenty divided by six is three, and two remains."),
        ("what is eight divided by two", "Eight divided by two is four."),
        ("what is eight divided by zero", "Nobody can divide by zero, and neither can I."),
        ("12 + 30", "Twelve plus thirty is forty-two."),
        ("repeat after me the red house", "The red house."),
        ("never mind", "All right."),
        ("tell me a longer story", stories.LONG),
    ],
)
def test_it_answers(said: str, answer: str) -> None:
    assert BRAIN.reply(said) == Reply(answer)


@pytest.mark.parametrize("said", ["", "order a pizza", "what is", "repeat after me"])
def test_it_admits_what_it_did_not_understand(said: str) -> None:
    assert BRAIN.reply(said).text.startswith("I only understand a few sentences.")


@pytest.mark.parametrize(
    ("instructions", "words"),
    [
        ("Say exactly: good morning.", "good morning."),
        ("Say exactly the words that follow, and nothing else:\n\nAt six: the doors close.\nBye.",
         "At six: the doors close.\nBye."),
        ("say exactly this: x", "x"),
        ("Say exactly:  ", None),
        ("Say exactly what you think.", None),
        ("Be brief. Never say exactly: no.", None),
        ("", None),
    ],
)  # fmt: skip
def test_it_knows_words_that_are_to_be_said_exactly(instructions: str, words: str | None) -> None:
    assert phrases.to_be_said(instructions) == words


def test_it_speaks_first_if_it_must() -> None:
    assert "listening" in BRAIN.reply(None).text


def test_every_fixed_sentence_of_the_grammar_is_understood() -> None:
    for topic, sentences in phrases.SENTENCES.items():
        for sentence in sentences:
            assert phrases.understand(sentence) is topic


def test_every_sum_of_the_grammar_is_worked_out() -> None:
    asked = list(phrases.every_sum())

    assert len(asked) == len(phrases.NUMBERS) ** 2 * len(Sign)
    for sentence in asked:
        assert isinstance(phrases.understand(sentence), Sum)
        assert re.fullmatch(r"[A-Z][a-zI ,-]+\.", BRAIN.reply(sentence).text), sentence


def test_every_word_can_be_repeated() -> None:
    for word in phrases.VOCABULARY:
        assert phrases.understand(f"{phrases.REPEAT} {word} {word}") == Repeat(f"{word} {word}")


def test_the_grammar_is_made_of_the_tables() -> None:
    text = phrases.grammar(["use the tool get weather"])

    assert text.startswith("#JSGF V1.0;\ngrammar voiced;\npublic <sentence> = ")
    assert "| use the tool get weather |" in text
    for topic in Topic:
        assert phrases.SENTENCES[topic][0] in text


def test_the_recogniser_knows_every_word_of_the_grammar() -> None:
    from pocketsphinx import Decoder

    dictionary = Decoder(lm=None, loglevel="FATAL")
    words = set(re.findall(r"[a-z']+", phrases.grammar().partition("=")[2]))
    unknown = {word for word in words if dictionary.lookup_word(word) is None}
    assert unknown <= {"number", "sign", "word", "sum", "repeat"} | set(phrases.REPEAT.split())


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "zero"),
        (20, "twenty"),
        (21, "twenty-one"),
        (100, "one hundred"),
        (101, "one hundred and one"),
        (400, "four hundred"),
        (999, "nine hundred and ninety-nine"),
        (1005, "one thousand and five"),
        (99_980_001, "ninety-nine million nine hundred and eighty thousand and one"),
        (-3, "minus three"),
    ],
)
def test_numbers_are_spoken(value: int, words: str) -> None:
    assert spoken.number(value) == words


def test_ordinals_are_spoken() -> None:
    said = [spoken.ordinal(day) for day in (1, 2, 3, 4, 5, 8, 9, 12, 20, 21, 30, 31)]

    assert said == [
        *("first", "second", "third", "fourth", "fifth", "eighth", "ninth", "twelfth"),
        *("twentieth", "twenty-first", "thirtieth", "thirty-first"),
    ]


@pytest.mark.parametrize(
    ("hour", "minute", "words"),
    [
        (0, 0, "twelve o'clock in the morning"),
        (9, 30, "nine thirty in the morning"),
        (12, 5, "twelve oh five in the afternoon"),
        (23, 59, "eleven fifty-nine in the evening"),
    ],
)
def test_hours_are_spoken(hour: int, minute: int, words: str) -> None:
    assert spoken.clock(NOON.replace(hour=hour, minute=minute)) == words


def test_a_script_is_read_out_and_its_last_line_stays() -> None:
    brain = ScriptedBrain(["one", Reply("two", then=("three",))])

    assert [brain.reply(word).text for word in ("a", None, "b")] == ["one", "two", "two"]
    assert brain.asked == ["a", None, "b"]


# --- tools --------------------------------------------------------------------------------------

WEATHER: Json = {
    "type": "function",
    "name": "get_weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city", "days"],
    },
}
LIGHT: Json = {"type": "function", "name": "setLight"}
SERVER: Json = {"type": "mcp", "server_label": "x", "server_url": "https://x"}
TOOLS = [SERVER, LIGHT, WEATHER]


def choose(said: str | None, choice: str | Json = "auto", *, told: bool = False) -> Call | None:
    return tools.choose(said, TOOLS, choice, answering_output=told)


def test_a_tool_is_called_when_it_is_named() -> None:
    assert choose("please use the tool get weather") == Call(
        "get_weather", '{"city": "city", "days": 1}'
    )
    assert choose("get_weather for Paris") == Call(
        "get_weather", '{"city": "for paris", "days": 1}'
    )
    assert choose("set light") == Call("setLight", "{}")


def test_no_tool_is_called_without_reason() -> None:
    assert choose("what time is it") is None
    assert choose(None) is None
    assert choose("get weather", "none") is None
    assert tools.choose("x", [SERVER], "required", answering_output=False) is None


def test_a_tool_is_called_when_it_is_forced() -> None:
    assert choose("hello", "required") == Call("setLight", "{}")
    forced: Json = {"type": "function", "name": "get_weather"}
    assert choose(None, forced, told=True) is not None
    assert choose("hello", {"type": "function", "name": "nobody"}) is None


def test_a_result_is_told_rather_than_asked_for_again() -> None:
    assert choose("get weather", told=True) is None
    assert choose("get weather", "required", told=True) is None


def test_arguments_take_what_the_schema_offers() -> None:
    schema = {
        "type": "object",
        "properties": {
            "a": {"default": 7},
            "b": {"enum": ["warm", "cold"]},
            "c": {"type": "boolean"},
            "d": {"type": ["string", "null"]},
        },
        "required": ["a", "b", "c", "d", "e"],
    }
    tool = {"type": "function", "name": "f", "parameters": schema}
    call = tools.choose("f", [tool], "auto", answering_output=False)

    assert call == Call("f", '{"a": 7, "b": "warm", "c": true, "d": "d", "e": "e"}')


def test_what_may_be_said_of_tools() -> None:
    nameless: Json = {"type": "function", "name": "__"}
    assert tools.sentences([LIGHT, SERVER, nameless]) == [
        *("use the tool set light", "use set light", "set light"),
    ]


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ('{"ok": true, "wind_speed": 5}', "ok is true, wind speed is 5."),
        ("sunny", "sunny."),
        ('"sunny"', "sunny."),
    ],
)
def test_results_are_told_in_words(output: str, told: str) -> None:
    assert tools.told(output) == told
