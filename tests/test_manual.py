"""The manual pages in man/: current, complete, and in order for everybody who reads such pages."""

import shutil
import subprocess
from pathlib import Path

import attrs
import pytest

from voiced.cli import grammar, main, manual, voicectl
from voiced.config.whole import SECTIONS

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "man"
NAMES = ("voiced.1", "voicectl.1", "voiced.toml.5")
READERS = {
    "man": ["man", "--warnings", "-E", "UTF-8", "-l"],
    "groff": ["groff", "-ww", "-man", "-Tutf8", "-K", "utf-8"],
    "mandoc": ["mandoc", "-Tlint", "-Wwarning"],
}


def shown(name: str, *, columns: int = 100) -> str:
    """As a reader sees it, without bold and underlines."""
    done = subprocess.run(
        ["mandoc", "-Tutf8", f"-Owidth={columns}", str(FOLDER / name)],
        capture_output=True,
        text=True,
        check=True,
    )
    text = done.stdout
    while "\b" in text:  # a letter, a step back, and the letter again is bold
        at = text.index("\b")
        text = text[: at - 1] + text[at + 1 :]
    return text


def test_they_are_current() -> None:
    written = manual.pages((ROOT / manual.TEMPLATE).read_text())
    assert {path.name for path in FOLDER.iterdir()} == set(written) == set(NAMES)
    for name, page in written.items():
        assert (FOLDER / name).read_text() == page, f"{name} is out of date: run scripts/man"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("reader", READERS)
def test_they_are_in_order(reader: str, name: str) -> None:
    assert shutil.which(reader), f"{reader} is not installed; scripts/test installs it"
    done = subprocess.run(
        [*READERS[reader], str(FOLDER / name)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "MANWIDTH": "80", "LC_ALL": "C.UTF-8", "TERM": "dumb"},
    )
    complaints = done.stderr if reader != "mandoc" else done.stdout + done.stderr
    assert (done.returncode, complaints) == (0, "")


@pytest.mark.parametrize(("name", "parser"), [("voiced.1", main), ("voicectl.1", voicectl)])
def test_every_command_and_option_is_there(name: str, parser: object) -> None:
    text = " ".join(shown(name).split())
    program = grammar.read({main: main.parser, voicectl: voicectl.parser}[parser](), {})  # type: ignore[index]
    for command in program.commands:
        assert f"{program.name} {command.name}" in text
        for option in command.options:
            assert all(each in text for each in option.names if each not in {"-h", "--help"})
    for title in ("NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "FILES", "SEE ALSO"):
        assert title in text


def test_every_key_is_there_with_its_section() -> None:
    text = shown("voiced.toml.5", columns=300)
    for name, section in SECTIONS.items():
        assert f"   [{name}]\n" in text
        for field in attrs.fields(section):
            assert f"{field.name} = " in text


def test_what_roff_would_obey_is_text() -> None:
    assert manual._text(".TH") == "\\&.TH"
    assert manual._text("'quoted'") == "\\&'quoted'"
    assert manual._text("a\\b --local -1 well-known \u2026") == (
        "a\\eb \\-\\-local \\-1 well-known \\[u2026]"
    )
