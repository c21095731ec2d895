"""`voiced faults`: the table in lines, one fault explained, and the README's copy of it."""

from pathlib import Path

import pytest

from voiced.cli.faults import as_markdown
from voiced.cli.main import run
from voiced.verdicts import TABLE, Row

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = (f"<!-- {word}: voiced faults --markdown -->\n" for word in ("begin", "end"))


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["faults", *arguments]) == 0
    return capsys.readouterr().out


def test_every_row_is_one_line_with_all_that_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys).splitlines()
    assert len(lines) == len(TABLE)
    for row, line in zip(TABLE, lines, strict=True):
        assert line.startswith(row.kind.value)
        assert f"  {row.key}  " in line
        assert line.endswith(str(row.judgement))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.key)
def test_one_of_them_is_explained(row: Row, capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, row.key)
    assert text.startswith(f"{row.kind.value} {row.key} ({row.source})\n")
    assert row.judgement.cause in text
    assert row.judgement.action in text


def test_the_reason_of_a_close_is_understood(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "invalid_request_error.invalid_api_key")
    assert text == printed(capsys, "invalid_api_key")


@pytest.mark.parametrize(
    ("sought", "words"),
    [
        ("4999", ("close code 4999: not in the table", "tries again after a pause")),
        ("418", ("HTTP status 418: not in the table", "tries again after a pause")),
        ("302", ("HTTP status 302: not in the table", "in the service's place")),
        ("new_one", ("while a session is being opened", "carries on", "waits for you")),
        ("99999", ("error code 99999: not in the table",)),
        ("²", ("error code ²: not in the table",)),
        ("", ("error code : not in the table",)),
    ],
)
def test_what_no_row_knows_is_explained_as_well(
    sought: str, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    text = printed(capsys, sought)
    assert all(each in text for each in words)


def test_the_readme_prints_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    _, _, rest = README.read_text("utf-8").partition(BEGIN)
    section, end, _ = rest.partition(END)
    assert end
    assert section == as_markdown() == printed(capsys, "--markdown"), (
        "put what `voiced faults --markdown` prints between the two marks in README.md"
    )


def test_the_readme_s_table_has_every_row() -> None:
    table = as_markdown()
    assert all(f"`{row.key}`" in table for row in TABLE)
    assert all(line.count("|") == 5 for line in table.splitlines())
