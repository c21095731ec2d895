"""Completion in real shells: bash, zsh and fish are asked what they offer for a line."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from voiced.cli import completion, grammar, main, voicectl
from voiced.cli.completion import SHELLS
from voiced.cli.grammar import Program

HERE = Path(__file__).parent
PROGRAMS: dict[str, Callable[[], Program]] = {
    "voicectl": lambda: grammar.read(voicectl.parser(), voicectl._USUAL),
    "voiced": lambda: grammar.read(main.parser(), {}),
}
HANG_S = 60


def offered(shell: str, typed: str, folder: Path) -> set[str]:
    """What *shell* offers for the last word of *typed*; scripts/test sees to it that it is here."""
    assert shutil.which(shell), f"{shell} is not installed: apt-get install {shell}"
    name = typed.partition(" ")[0]
    file = folder / f"_{name}"
    file.write_text(completion.render(shell, PROGRAMS[name]()))
    words = typed.split(" ")
    script = (
        f'source "{file}"; COMP_WORDS=({" ".join(map(repr, words))}); '
        f'COMP_CWORD={len(words) - 1}; _{name}; printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    command = {
        "bash": ["bash", "--norc", "-c", script],
        "zsh": ["zsh", "-f", str(HERE / "complete.zsh"), str(folder), typed],
        "fish": ["fish", "--no-config", "-c", f"source '{file}'; complete -C'{typed}'"],
    }[shell]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=HANG_S, cwd=folder
    )
    assert done.stderr == ""
    if shell == "zsh":  # it is at a terminal, and echoes
        found = re.findall(r"<([^<>]*)>", done.stdout)
    else:
        found = [line.partition("\t")[0] for line in done.stdout.splitlines()]
    return {each.rpartition(",")[2].rstrip("/") for each in found if each}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("voicectl st", {"status", "stats"}),
        ("voicectl wa", {"watch"}),
        ("voicectl --so", {"--socket"}),
        ("voicectl --socket /tmp/x comp", {"completion"}),
        ("voicectl events --t", {"--topics"}),
        ("voicectl events --topics t", {"transcript", "turn", "tally"}),
        ("voicectl events --topics phase,l", {"level"}),
        ("voicectl completion ", {"bash", "zsh", "fish"}),
        ("voicectl history --j", {"--json"}),
        ("voicectl volume 7", {"70"}),
        ("voicectl --socket a-fil", {"a-file"}),
        ("voiced lo", {"local-server"}),
        ("voiced run --lo", {"--local", "--log-format"}),
        ("voiced run --local --sh", {"--show"}),
        ("voiced run --config a-fil", {"a-file"}),
        ("voiced config sh", {"show"}),
        ("voiced demo a-fil", {"a-file"}),
    ],
)
def test_a_shell_completes(shell: str, typed: str, wanted: set[str], tmp_path: Path) -> None:
    (tmp_path / "a-file").touch()
    assert offered(shell, typed, tmp_path) == wanted


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_every_command_is_offered(shell: str, name: str, tmp_path: Path) -> None:
    commands = {command.name for command in PROGRAMS[name]().commands}
    assert commands
    found = offered(shell, f"{name} ", tmp_path)
    assert {each for each in found if not each.startswith("-")} == commands


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_every_option_is_known_and_the_program_prints_it(
    shell: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    program = PROGRAMS[name]()
    run = {"voicectl": voicectl.run, "voiced": main.run}[name]
    assert run(["completion", shell]) == 0
    text = capsys.readouterr().out
    assert text == completion.render(shell, program)
    for command in program.commands:
        for option in command.options:
            assert all(each.lstrip("-") in text for each in option.names)
