"""Secrets that tests use, and the search for them in everything that a test run writes.

A pytest plugin. Every secret of a test has `MARK` in it. After each test its captured output and log are
searched, and at the end every file in the run's temporary directories: logs of processes, records,
state. What a test writes as *input* is let be: settings, programs, and files that are to hold a secret.
Whatever is found fails the test, or the run. Also searched for is the mark's base64, of which
headers are made.
"""

import base64
import re
import stat
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

MARK = "c4nary"
KEY = f"sk-proj-{MARK}-0123456789abcdefghijklmno"
"""An API key."""
MINTED = f"ek_{MARK}0123456789abcdefghij"
"""A client secret."""
OPAQUE = f"{MARK}0123456789ABCDEF"
"""A secret that no shape gives away: a key of Azure's, a password."""
TOKEN = f"token-{MARK}-0123456789abcdef"
"""What lets us in at a token server."""

_MOST_BYTES = 64 << 20
_INPUTS = (".toml", ".py")  # the daemon reads such files, and writes none
_KEY_FILES = ("key", "openai_api_key")


def _base64_of(mark: str) -> Iterator[str]:
    """What *mark* becomes within a longer text: its letters shift by how many stand before it."""
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + mark.encode()).decode().rstrip("=")
        yield re.escape(coded[(0, 2, 3)[before] : -1])


_SOUGHT = re.compile("|".join([MARK, *_base64_of(MARK)]))


def leaks_in(text: str) -> list[str]:
    """The lines of *text* with a secret in them, which is not repeated."""
    lines = (line for line in text.splitlines() if _SOUGHT.search(line))
    return [_SOUGHT.sub("******", line)[:300] for line in lines]


def leaks_below(folder: Path) -> list[str]:
    """Files with a secret in them that are no inputs."""
    found = []
    for path in folder.rglob("*"):
        if path.is_symlink() or not path.is_file() or path.suffix in _INPUTS:
            continue
        about = path.stat()
        if about.st_mode & stat.S_IXUSR or about.st_size > _MOST_BYTES or path.name in _KEY_FILES:
            continue
        text = path.read_bytes().decode("latin-1")
        if MARK in path.name:
            found.append(f"{path.parent}/******: in its name")
        if _SOUGHT.search(text) and len(text.split()) > 1:  # one word: a file that is to hold a key
            found += [f"{path}: {line}" for line in leaks_in(text)]
    return found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that lets a secret be seen, even if it would have passed."""
    report = yield
    if report.passed:
        texts = [text for name, text in report.sections if name.startswith("Captured")]
        if found := [line for text in texts for line in leaks_in(text)]:
            report.outcome = "failed"
            report.longrepr = "\n".join(["a secret was written:", *found])
    return report


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say which files hold one."""
    for line in config.stash.get(_FILES, []):
        terminalreporter.write_line(f"a secret was written: {line}", red=True)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Search all files of the run, before the temporary directories of tests that passed may go."""
    factory: pytest.TempPathFactory | None = getattr(session.config, "_tmp_path_factory", None)
    if factory is None:
        return
    found = leaks_below(factory.getbasetemp())
    session.config.stash[_FILES] = found
    if found and session.exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


_FILES: pytest.StashKey[list[str]] = pytest.StashKey()
