"""The search for secrets in what a test run writes: that it finds them, wherever one is planted."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.canaries import KEY, MARK, OPAQUE

_ROOT = Path(__file__).parents[1]
_HANG_S = 120.0

_PLANTED = {
    "in what is printed": "def test(): print(SECRET)",
    "on stderr, by a child": "def test(): import os; os.system(f'echo {SECRET} >&2')",
    "in the log": "def test(): import logging; logging.getLogger('voiced').warning('key %s', SECRET)",
    "in a log file": "def test(tmp_path): (tmp_path / 'log').write_text(f'a line\\nkey={SECRET}\\n')",
    "in a record": (
        "def test(tmp_path):\n"
        "    (tmp_path / 'd').mkdir(); (tmp_path / 'd' / 'w.jsonl').write_text(f'{{\"a\": \"x {SECRET}\"}}')"
    ),
    "in a header": (
        "def test(tmp_path):\n"
        "    import base64\n"
        "    for lead in ('u:', 'us:', 'use:'):\n"
        "        print('Basic', base64.b64encode((lead + SECRET).encode()).decode())"
    ),
    "for a fixture of the whole run": (
        "import pytest\n"
        "@pytest.fixture(scope='session')\n"
        "def place(tmp_path_factory): return tmp_path_factory.mktemp('x')\n"
        "def test(place): (place / 'state').write_text(f'v: {SECRET}')"
    ),
}
_HARMLESS = {
    "an input": "def test(tmp_path): (tmp_path / 'key').write_text(SECRET + '\\n')",
    "settings": "def test(tmp_path): (tmp_path / 'voiced.toml').write_text(f'a = \"{SECRET}\"')",
    "nothing": "def test(): print('nothing')",
}


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not below this run's own temporary directory, where what is planted would be found."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def run(folder: Path, body: str, secret: str) -> subprocess.CompletedProcess[str]:
    """A run of its own, of one test."""
    (folder / "test_it.py").write_text(f"SECRET = {secret!r}\n{body}\n")
    (folder / "pytest.ini").write_text("[pytest]\n")
    options = ["-p", "tests.canaries", "-p", "no:cacheprovider", "--basetemp", str(folder / "tmp")]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-c", "pytest.ini", "test_it.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
        capture_output=True,
        text=True,
        timeout=_HANG_S,
        check=False,
    )


@pytest.mark.parametrize("where", _PLANTED)
def test_what_is_planted_is_found(folder: Path, where: str) -> None:
    ended = run(folder, _PLANTED[where], OPAQUE if where == "in a header" else KEY)
    assert ended.returncode == 1, ended.stdout.replace(MARK, "******")
    assert "a secret was written" in ended.stdout


@pytest.mark.parametrize("what", _HARMLESS)
def test_what_is_harmless_is_let_be(folder: Path, what: str) -> None:
    ended = run(folder, _HARMLESS[what], KEY)
    assert ended.returncode == 0, ended.stdout.replace(MARK, "******")
