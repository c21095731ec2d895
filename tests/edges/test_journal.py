"""The journal's socket, with a real one standing in for journald."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from voiced.edges.journal import Journal


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "socket"))
        listening.settimeout(10.0)
        yield listening


def test_a_line_is_a_datagram(journald: socket.socket) -> None:
    with closing(Journal(journald.getsockname())) as journal:
        assert journal.takes(b"MESSAGE=hello\n")
        assert journald.recv(1000) == b"MESSAGE=hello\n"


def test_where_there_is_no_journal_the_line_is_given_back(tmp_path: Path) -> None:
    with closing(Journal(str(tmp_path / "nowhere"))) as journal:
        assert not journal.takes(b"MESSAGE=hello\n")


def test_a_journal_that_starts_again_is_found_again(tmp_path: Path) -> None:
    place = tmp_path / "socket"
    with closing(Journal(str(place))) as journal:
        for _ in range(2):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
                listening.bind(str(place))
                assert journal.takes(b"MESSAGE=hello\n")
            assert not journal.takes(b"MESSAGE=hello\n")
            place.unlink()


def test_a_journal_that_is_too_slow_is_not_waited_for(journald: socket.socket) -> None:
    with closing(Journal(journald.getsockname())) as journal:
        with pytest.raises(BlockingIOError):
            any(not journal.takes(b"MESSAGE=hello\n") for _ in range(100_000))
        while journald.recv(1000):
            if journal.takes(b"MESSAGE=again\n"):
                break
