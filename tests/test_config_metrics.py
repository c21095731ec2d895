"""Settings of monitoring: where it may listen, and what has to be said twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from voiced.config.metrics import Metrics, address_of, metrics_across
from voiced.config.whole import Config


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        ("127.0.0.1:9464", ("127.0.0.1", 9464)),
        ("localhost:1", ("127.0.0.1", 1)),
        ("[::1]:65535", ("::1", 65_535)),
        ("[0:0:0:0:0:0:0:1]:9464", ("::1", 9464)),
        ("0.0.0.0:9464", ("0.0.0.0", 9464)),
    ],
)
def test_addresses(listen: str, address: tuple[str, int]) -> None:
    assert Metrics(listen=listen, allow_remote=True).address == address


@pytest.mark.parametrize(
    "listen",
    [
        *("9464", ":9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536"),
        *("127.0.0.1:http", "127.0.0.1:-1", "127.0.0.1:٣", "::1:9464", "[127.0.0.1]:9464"),
        *("[::1]", "[::1:9464", "example.org:9464", "http://127.0.0.1:9464", "127.1:9464", " "),
    ],
)
def test_what_is_no_address_is_refused(listen: str) -> None:
    with pytest.raises(ValueError, match="must look like"):
        Metrics(listen=listen)


@given(some.text())
def test_any_text_is_an_address_or_a_mistake(listen: str) -> None:
    try:
        host, port = address_of(listen)
    except ValueError as error:
        assert "must look like" in str(error)  # noqa: PT017  both ends are right
    else:
        assert host
        assert 1 <= port <= 65_535


@pytest.mark.parametrize("listen", ["0.0.0.0:9464", "192.168.1.2:9464", "[::]:9464", "[fe80::1]:1"])
def test_beyond_loopback_has_to_be_said_twice(listen: str) -> None:
    (mistake,) = metrics_across(Metrics(listen=listen))
    assert mistake.startswith("[metrics] listen: others could reach ")
    assert "allow_remote = true" in mistake
    assert list(Config(metrics=Metrics(listen=listen)).across()) == [mistake]
    assert list(metrics_across(Metrics(listen=listen, allow_remote=True))) == []


@pytest.mark.parametrize("listen", ["", "127.0.0.1:9464", "127.8.9.1:9464", "[::1]:9464"])
def test_on_loopback_once_is_enough(listen: str) -> None:
    assert list(metrics_across(Metrics(listen=listen))) == []


def test_a_file_is_named_as_node_exporter_wants_it() -> None:
    assert Metrics(textfile="/var/lib/voiced.prom").textfile == "/var/lib/voiced.prom"
    for wrong in ("voiced.prom", "/tmp/voiced", "/tmp/voiced.prom.gz", "/tmp/a\n.prom", "/"):
        with pytest.raises(ValueError, match=r"ends in \.prom"):
            Metrics(textfile=wrong)


def test_as_it_comes_nobody_is_told_anything() -> None:
    assert Metrics() == Metrics(listen="", allow_remote=False, textfile="")
    assert Metrics().address is None
