"""The talks with the real service, rehearsed with the embedded one: what was never tried is not trusted."""

import os
import subprocess
import sys
from collections.abc import Mapping

import pytest
import trio

from tests.local.client import PATIENCE_S, serving

_OURS = ("VOICED_REAL_API", "VOICED_REAL_API_URL", "VOICED_REAL_API_MODEL", "OPENAI_API_KEY")


async def run_tests(*options: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    """Run this folder's tests in a process of their own, with these settings and no others."""
    usual: Mapping[str, str] = {k: v for k, v in os.environ.items() if k not in _OURS}
    command = [sys.executable, "-m", "pytest", "-q", "tests/real_service", *options]
    with trio.fail_after(PATIENCE_S):
        return await trio.run_process(
            command, env={**usual, **environ}, capture_stdout=True, check=False
        )


async def test_all_talks_are_held_with_the_embedded_server() -> None:
    # One turn is answered shortly; the other answer is long, is interrupted, and so gets a third.
    async with serving("keys=sesame", answers=["[tone 500]", "[tone 20000]", "[tone 200]"]) as port:
        done = await run_tests(
            "-s",
            "-k",
            "test_real_service",
            VOICED_REAL_API="1",
            VOICED_REAL_API_URL=f"ws://127.0.0.1:{port}/v1/realtime",
            OPENAI_API_KEY="sesame",
        )
    told = done.stdout.decode()
    assert "3 passed" in told, told
    assert told.count("open after") == 3
    assert "total: " in told
    assert "cut after" in told
    assert "sesame" not in told


@pytest.mark.parametrize(
    "environ", [{"VOICED_REAL_API": "1", "OPENAI_API_KEY": ""}, {"OPENAI_API_KEY": "sesame"}]
)
async def test_the_real_service_is_asked_on_request_only(environ: dict[str, str]) -> None:
    done = await run_tests("--collect-only", **environ)
    assert b"test_rehearsal.py::" in done.stdout
    assert b"test_real_service.py" not in done.stdout
