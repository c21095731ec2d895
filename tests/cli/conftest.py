"""A daemon as systemd runs it, for whoever asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.systemd import Systemd, local_server


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with local_server() as port:
        yield port


@pytest.fixture
def systemd(tmp_path: Path, port: int) -> Iterator[Systemd]:
    systemd = Systemd(tmp_path, port)
    yield systemd
    systemd.ends()
