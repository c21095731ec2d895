"""At a terminal: a secret that can't be had ends with 78 and a sentence, and none is ever printed."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import trio

from tests.canaries import KEY
from voiced.cli.local_server import embedded
from voiced.config.conversation import Auth
from voiced.config.whole import Config

GUARD_S = 60.0


def voiced(
    folder: Path, auth: str, *words: str, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command with `[auth]` as told, and nothing in the environment that would help."""
    config = folder / "voiced.toml"
    config.write_text(f"[auth]\n{auth}\n")
    return subprocess.run(
        [sys.executable, "-m", "voiced", *words, "--config", config],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "RUNTIME_DIRECTORY": str(folder),
            **(environ or {}),
        },
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=GUARD_S,
        check=False,
    )


@pytest.mark.parametrize(
    ("auth", "words"),
    [
        ("", "there is no API key: set OPENAI_API_KEY"),
        ('mode = "client_secret"', "there is no API key: set OPENAI_API_KEY"),
        ('mode = "client_secret"\nkey_file = "/nowhere"', "can't read /nowhere"),
        ('mode = "command"', '[auth] command: mode = "command" wants the program'),
        ('mode = "command"\ncommand = ["/nowhere/mint"]', "there is no program /nowhere/mint"),
        ('mode = "url"', '[auth] url: mode = "url" wants the address'),
        ('mode = "url"\nurl = "https://h/"\nurl_token_file = "/nowhere"', "can't read /nowhere"),
        ('mode = "kye"', 'must be one of "key", "client_secret", "command", "url"'),
    ],
)
def test_a_missing_secret_ends_with_78_and_a_sentence(
    tmp_path: Path, auth: str, words: str
) -> None:
    ended = voiced(tmp_path, auth, "run")
    assert ended.returncode == 78
    assert words in ended.stderr
    assert ended.stderr.startswith("voiced: ")
    assert "Traceback" not in ended.stderr


def test_what_is_shown_holds_no_secret(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    auth = f'mode = "client_secret"\nkey_file = "{tmp_path}/key"\nurl_token_file = "{tmp_path}/key"'
    shown = voiced(tmp_path, auth, "config", "show", environ={"OPENAI_API_KEY": KEY})
    assert shown.returncode == 0
    assert 'mode = "client_secret"' in shown.stdout
    assert KEY not in shown.stdout + shown.stderr


@pytest.mark.parametrize("key", ['key_file = "KEY"', 'command = ["mint", "KEY"]', 'url = "KEY"'])
def test_a_key_in_the_settings_themselves_is_refused_and_not_repeated(
    tmp_path: Path, key: str
) -> None:
    for action in ("show", "check"):
        shown = voiced(tmp_path, key.replace("KEY", KEY), "config", action)
        assert shown.returncode == 78
        assert KEY not in shown.stdout + shown.stderr


async def test_the_embedded_server_is_no_place_to_send_secrets_to() -> None:
    auth = Auth(mode="command", command=("/nowhere/mint",), http_url="https://gateway")
    with trio.fail_after(GUARD_S):
        async with embedded(Config(auth=auth)) as config:
            assert config.auth == Auth()
            assert config.realtime.url.startswith("ws://127.0.0.1:")
