"""The check for known advisories, asked of a database made here."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

import pytest

from tests.supply.advisories import Finding, NotCheckedError, known
from tests.supply.locks import EVERYTHING, ROOT, Pin, pins

_HANG_S = 60.0
BAD = ("jinja2", "2.4.1")
PINS = [Pin("attrs", "26.1.0"), Pin("trio", "0.35.0")]

Database: TypeAlias = Mapping[tuple[str, str], list[str]]
Serve: TypeAlias = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve a database, or a broken one; gives its address."""
    servers: list[ThreadingHTTPServer] = []

    def start(database: Database | bytes, status: int = 200) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answer = database if isinstance(database, bytes) else _look_up(database, asked)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        return f"http://127.0.0.1:{server.server_port}/v1/querybatch"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def _look_up(database: Database, asked: Any) -> bytes:
    results = []
    for query in asked["queries"]:
        assert query["package"]["ecosystem"] == "PyPI"
        found = database.get((query["package"]["name"], query["version"]), [])
        results.append({"vulns": [{"id": each} for each in found]} if found else {})
    return json.dumps({"results": results}).encode()


def test_what_is_known_is_found(serve: Serve) -> None:
    address = serve({BAD: ["PYSEC-1"], ("trio", "0.35.0"): ["PYSEC-2", "GHSA-3"]})
    trio = PINS[1]
    assert known(PINS, address) == [Finding(trio, "PYSEC-2"), Finding(trio, "GHSA-3")]
    assert str(Finding(trio, "GHSA-3")) == "trio 0.35.0: https://osv.dev/vulnerability/GHSA-3"


def test_nothing_is_found_where_nothing_is_known(serve: Serve) -> None:
    assert known(PINS, serve({BAD: ["PYSEC-1"]})) == []


@pytest.mark.parametrize(
    ("database", "status", "why"),
    [
        ({}, 200, "knows of no advisory at all"),
        (b"", 404, "answers 404"),
        (b"", 500, "answers 500"),
        (b"<html>log in first</html>", 200, "no answer of OSV"),
        (b"[]", 200, "no answer of OSV"),
        (b'{"results": null}', 200, "no answer of OSV"),
        (b'{"results": [{"vulns": [{}]}, {}, {}]}', 200, "no answer of OSV"),
        (b'{"results": [{"vulns": [{"id": "PYSEC-1"}]}]}', 200, "3 packages were asked for, 1"),
    ],
)
def test_who_knows_nothing_is_no_witness(
    serve: Serve, database: Database | bytes, status: int, why: str
) -> None:
    with pytest.raises(NotCheckedError, match=why):
        known(PINS, serve(database, status))


def test_nobody_there_is_no_witness(serve: Serve) -> None:
    with pytest.raises(NotCheckedError, match="can't be reached"):
        known(PINS, "http://127.0.0.1:9/v1/querybatch")


def run(url: str) -> "subprocess.CompletedProcess[str]":
    """As scripts/test does."""
    return subprocess.run(
        [sys.executable, "-m", "tests.supply"],
        cwd=ROOT,
        env={**os.environ, "VOICED_OSV_URL": url},
        capture_output=True,
        text=True,
        timeout=_HANG_S,
        check=False,
    )


def test_a_known_advisory_fails_the_check(serve: Serve) -> None:
    first = pins(EVERYTHING)[0]
    done = run(serve({BAD: ["PYSEC-1"], (first.name, first.version): ["GHSA-2"]}))
    assert done.returncode == 1
    assert f"{first.name} {first.version}: https://osv.dev/vulnerability/GHSA-2" in done.stderr
    assert "say why it does not concern voiced" in done.stderr


def test_none_is_said_with_what_was_asked(serve: Serve) -> None:
    done = run(serve({BAD: ["PYSEC-1"]}))
    assert done.returncode == 0
    assert done.stderr.strip() == f"Known advisories against {len(pins(EVERYTHING))} pins: none"


def test_not_checked_is_said_and_is_no_failure(serve: Serve) -> None:
    done = run(serve({}))
    assert (done.returncode, "NOT CHECKED" in done.stderr) == (0, True)
