"""Findings as lines for people and as an object for programs."""

import json

from voiced.doctor import report
from voiced.doctor.finding import Finding, Verdict

FINDINGS = [
    Finding(check="config", verdict=Verdict.OK, seen="all right", took_ms=1.4),
    Finding(
        check="clock",
        verdict=Verdict.WARNING,
        seen="45 s ahead",
        cause="the clock is wrong",
        action="set it",
        figures={"ahead_s": 45.0},
    ),
    Finding(
        check="key", verdict=Verdict.FAILED, seen="no \x1b[2J\n key", cause="why", action="get one"
    ),
    Finding(check="turn", verdict=Verdict.SKIPPED, seen="not asked for"),
]


def test_one_line_each_and_what_to_do_below() -> None:
    lines = [line for each in FINDINGS for line in report.lines(each, coloured=False)]
    assert [line.split() for line in lines] == [
        ["ok", "config", "all", "right", "(1", "ms)"],
        ["warn", "clock", "45", "s", "ahead", "(0", "ms)"],
        ["cause:", "the", "clock", "is", "wrong"],
        ["action:", "set", "it"],
        ["FAIL", "key", "no", "[2J", "key", "(0", "ms)"],
        ["cause:", "why"],
        ["action:", "get", "one"],
        ["skip", "turn", "not", "asked", "for"],
    ]
    assert (
        len({line.index(word) for line, word in zip(lines, ["config", "clock"], strict=False)}) == 1
    )
    assert "\x1b" not in "".join(lines)
    assert report.total(FINDINGS) == "1 fine, 1 to be looked at, 1 failed, 1 skipped"


def test_colours_change_nothing_but_the_mark() -> None:
    for finding in FINDINGS:
        plain = list(report.lines(finding, coloured=False))
        coloured = list(report.lines(finding, coloured=True))
        assert coloured[0].startswith("\x1b[")
        assert coloured[1:] == plain[1:]


def test_for_programs() -> None:
    told = json.loads(json.dumps(report.as_json(FINDINGS, version="1.0", at="now")))
    assert (told["voiced"], told["at"], told["verdict"]) == ("1.0", "now", "failed")
    assert [each["verdict"] for each in told["findings"]] == ["ok", "warning", "failed", "skipped"]
    assert told["findings"][1]["figures"] == {"ahead_s": 45.0}
    assert report.as_json(FINDINGS[:2], version="1.0", at="now")["verdict"] == "warning"
    assert report.as_json(FINDINGS[3:], version="1.0", at="now")["verdict"] == "ok"
