"""Which proxy is asked, as settings and environment say; nothing here opens a connection."""

import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.edges.credentials import Secret
from voiced.edges.proxy import Proxies, Proxy, find_proxies
from voiced.faults import ConfigError

API = ("api.openai.com", 443)


def asked(
    environ: dict[str, str], host: str = API[0], port: int = API[1], *, secure: bool = True
) -> Proxy | None:
    """Whom `auto` asks."""
    return find_proxies("auto", "", environ).on_the_way_to(host, port, secure=secure)


@pytest.mark.parametrize(
    ("environ", "secure", "proxy"),
    [
        ({}, True, None),
        ({"HTTPS_PROXY": "http://p:3128"}, True, Proxy("p", 3128)),
        ({"https_proxy": "http://p:3128"}, True, Proxy("p", 3128)),
        ({"HTTPS_PROXY": "http://p:3128"}, False, None),
        ({"http_proxy": "http://p:3128"}, False, Proxy("p", 3128)),
        ({"HTTP_PROXY": "http://p:3128"}, False, Proxy("p", 3128)),
        ({"http_proxy": "http://p:3128"}, True, None),
        ({"ALL_PROXY": "http://p:3128"}, True, Proxy("p", 3128)),
        ({"all_proxy": "http://p:3128"}, False, Proxy("p", 3128)),
        ({"HTTPS_PROXY": "http://p", "ALL_PROXY": "http://q"}, True, Proxy("p", 80)),
        ({"HTTPS_PROXY": "", "ALL_PROXY": "http://q"}, True, Proxy("q", 80)),
        ({"https_proxy": "http://p", "HTTPS_PROXY": "http://q"}, True, Proxy("p", 80)),
        ({"HTTPS_PROXY": "https://p"}, True, Proxy("p", 443, secure=True)),
        ({"HTTPS_PROXY": "p:3128"}, True, Proxy("p", 3128)),
        ({"HTTPS_PROXY": " http://p:3128/ "}, True, Proxy("p", 3128)),
        ({"HTTPS_PROXY": "http://[fd00::1]:3128"}, True, Proxy("fd00::1", 3128)),
        (
            {"HTTPS_PROXY": "http://me:p%40ss%3A@p:3128"},
            True,
            Proxy("p", 3128, login=Secret("me:p@ss:")),
        ),
        ({"HTTPS_PROXY": "http://me@p"}, True, Proxy("p", 80, login=Secret("me:"))),
    ],
)
def test_the_environment_says_whom_to_ask(
    environ: dict[str, str], secure: bool, proxy: Proxy | None
) -> None:
    assert asked(environ, secure=secure) == proxy


@pytest.mark.parametrize(
    ("exempt", "host", "port", "spared"),
    [
        ("", "api.openai.com", 443, False),
        ("*", "api.openai.com", 443, True),
        ("api.openai.com", "api.openai.com", 443, True),
        ("openai.com", "api.openai.com", 443, True),
        (".openai.com", "api.openai.com", 443, True),
        (".openai.com", "openai.com", 443, True),
        ("*.openai.com", "api.openai.com", 443, True),
        ("OpenAI.com", "API.openai.com", 443, True),
        ("penai.com", "api.openai.com", 443, False),
        ("api.openai.com.evil.example", "api.openai.com", 443, False),
        ("one.example, openai.com ,two.example", "api.openai.com", 443, True),
        ("one.example openai.com", "api.openai.com", 443, True),
        ("openai.com:443", "api.openai.com", 443, True),
        ("openai.com:443", "api.openai.com", 8443, False),
        ("openai.com", "api.openai.com.", 443, True),
        (",.,*.,", "api.openai.com", 443, False),
        ("10.0.0.0/8", "10.1.2.3", 443, True),
        ("10.0.0.0/8", "11.1.2.3", 443, False),
        ("10.1.2.3", "10.1.2.3", 443, True),
        ("fd00::/8", "fd00::1", 443, True),
        ("[fd00::1]", "fd00::1", 443, True),
        ("10.0.0.0/99", "10.1.2.3", 443, False),
    ],
)
def test_some_hosts_are_spared(exempt: str, host: str, port: int, spared: bool) -> None:
    environ = {"HTTPS_PROXY": "http://p:3128", "NO_PROXY": exempt}
    assert (asked(environ, host, port) is None) is spared
    environ = {"HTTPS_PROXY": "http://p:3128", "no_proxy": exempt}
    assert (asked(environ, host, port) is None) is spared


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1", "LOCALHOST"])
@pytest.mark.parametrize("setting", ["auto", "http://p:3128"])
def test_this_machine_is_never_reached_through_a_proxy(host: str, setting: str) -> None:
    proxies = find_proxies(setting, "", {"ALL_PROXY": "http://p:3128"})
    assert proxies.on_the_way_to(host, 8765, secure=False) is None
    assert proxies.on_the_way_to("192.168.1.2", 8765, secure=False) == Proxy("p", 3128)


def test_a_setting_counts_for_more_than_the_environment() -> None:
    environ = {"ALL_PROXY": "http://other", "NO_PROXY": "*"}
    proxies = find_proxies("https://p:8443", "", environ)
    for secure in (True, False):
        assert proxies.on_the_way_to(*API, secure=secure) == Proxy("p", 8443, secure=True)
    assert find_proxies("", "", environ) == Proxies()


@pytest.mark.parametrize(
    "url",
    [
        "socks5://me:secret@p:1080",
        "me:secret@p:many",
        "http://me:secret@p:65536",
        "http://me:secret@",
        "http://me:secret@[::1",
        "http://me:/secret@p",
    ],
)
def test_an_environment_that_cannot_be_obeyed_is_told_without_its_password(url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        find_proxies("auto", "", {"ALL_PROXY": url})
    told = "".join(traceback.format_exception(refused.value))
    assert "the environment variable ALL_PROXY must look like http://host:port" in told
    assert "secret" not in told


@given(st.text(), st.text(), st.text(min_size=1))
def test_any_environment_is_obeyed_or_refused(url: str, exempt: str, host: str) -> None:
    try:
        proxies = find_proxies("auto", "", {"ALL_PROXY": url, "NO_PROXY": exempt})
    except ConfigError:
        return
    proxies.on_the_way_to(host, 443, secure=True)


# --- user and password ----------------------------------------------------------------------------


def test_they_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "login"
    file.write_text("me:pass word:ü\n")
    proxies = find_proxies("http://p", str(file), {})
    assert proxies.for_secure == Proxy("p", 80, login=Secret("me:pass word:ü"))
    assert "pass word" not in repr(proxies) + str(proxies) + str(proxies.for_secure)


def test_those_in_the_environments_url_count_for_more(tmp_path: Path) -> None:
    file = tmp_path / "login"
    file.write_text("other:one\n")
    proxies = find_proxies("auto", str(file), {"ALL_PROXY": "http://me:secret@p"})
    assert proxies.for_secure == Proxy("p", 80, login=Secret("me:secret"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "must hold user:password in one line"),
        (b"secret", "must hold user:password in one line"),
        (b"me:secret\nmore", "must hold user:password in one line"),
        (b"me:secret" + b"x" * 2000, "must hold user:password in one line"),
        (b"me:secret\xff", "is not a text file"),
    ],
)
def test_a_file_that_cannot_hold_them_is_told_without_what_it_holds(
    tmp_path: Path, text: bytes, words: str
) -> None:
    file = tmp_path / "login"
    file.write_bytes(text)
    with pytest.raises(ConfigError) as refused:
        find_proxies("http://p", str(file), {})
    told = "".join(traceback.format_exception(refused.value))
    assert f"[network] proxy_credentials_file: {file} {words}" in told
    assert "secret" not in told


@pytest.mark.parametrize("name", ["/nowhere/login", "~nobody-of-that-name/login", "/", "a\0b"])
def test_a_file_that_cannot_be_read_is_named(name: str) -> None:
    with pytest.raises(ConfigError, match=r"proxy_credentials_file: can't read"):
        find_proxies("http://p", name, {})
