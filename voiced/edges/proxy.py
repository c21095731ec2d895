"""HTTP proxies: which one stands between us and a host, and how it is asked to let us through.

Law of this file: settings and environment in, one proxy or none out; then one CONNECT on a stream that
somebody else has opened. A user and password may come from the environment's URL or from a file,
never from the config, and are shown nowhere.
"""

import base64
import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import h11
import trio
from attrs import evolve, frozen

from voiced.edges.credentials import Secret
from voiced.faults import ConfigError, LinkError, Trouble

AUTO: Final = "auto"
_LONGEST: Final = 1024  # a user and a password are a line; a bigger file is something else
_READ_BYTES: Final = 4096
_CHALLENGE: Final = b"proxy-authenticate"


@frozen
class Proxy:
    """One proxy. `login` is `user:password`; it is sent as Basic, the only way we know."""

    host: str
    port: int
    secure: bool = False
    login: Secret | None = None

    def __str__(self) -> str:
        return f"the proxy {address(self.host, self.port)}"


@frozen
class Proxies:
    """Who is asked for which kind of host; by default nobody."""

    for_secure: Proxy | None = None
    for_plain: Proxy | None = None
    exempt: str = ""  # as in NO_PROXY

    def on_the_way_to(self, host: str, port: int, *, secure: bool) -> Proxy | None:
        """The proxy to ask, or None: straight on. This machine is never reached through one."""
        if _is_here(host) or _is_exempt(host, port, self.exempt):
            return None
        return self.for_secure if secure else self.for_plain


def find_proxies(setting: str, credentials_file: str, environ: Mapping[str, str]) -> Proxies:
    """What the settings say; with `auto`, what the environment says, as curl and others read it.

    `ConfigError` if either says something that can't be used. Only `auto` obeys NO_PROXY.
    """
    login = _read_login(credentials_file) if credentials_file else None
    if not setting:
        return Proxies()
    if setting != AUTO:
        proxy = _parse(setting, "[network] proxy", login)
        return Proxies(proxy, proxy)
    return Proxies(
        _from_environment(("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"), environ, login),
        _from_environment(("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"), environ, login),
        environ.get("no_proxy") or environ.get("NO_PROXY") or "",
    )


def address(host: str, port: int) -> str:
    """As it is written: a number of IPv6 stands in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def ask_for_tunnel(stream: trio.abc.Stream, proxy: Proxy, host: str, port: int) -> None:
    """Have *proxy*, at the other end of *stream*, connect it to *host*; `LinkError` if it won't."""
    http = h11.Connection(h11.CLIENT)
    target = address(host, port)
    headers = [("Host", target)]
    if proxy.login is not None:
        token = base64.b64encode(proxy.login.reveal().encode()).decode()
        headers.append(("Proxy-Authorization", f"Basic {token}"))
    request = http.send(h11.Request(method="CONNECT", target=target, headers=headers))
    try:
        await stream.send_all((request or b"") + (http.send(h11.EndOfMessage()) or b""))
        response = await _answer(stream, http)
    except trio.BrokenResourceError as error:
        raise _silent(proxy) from error
    except h11.ProtocolError as error:
        raise _nonsense(proxy) from error
    if response is None:
        raise _silent(proxy)
    if response.status_code < 300 and http.trailing_data[0]:
        raise _nonsense(proxy)  # hosts wait for our first word, so more than a head is not theirs
    if response.status_code >= 300:
        raise _refused(proxy, target, response)


async def _answer(stream: trio.abc.Stream, http: h11.Connection) -> h11.Response | None:
    """The head of the proxy's answer; None if it hung up instead."""
    while not isinstance(event := http.next_event(), h11.Response):
        if event is h11.NEED_DATA:
            data = await stream.receive_some(_READ_BYTES)
            if not data and not http.trailing_data[0]:
                return None
            http.receive_data(bytes(data))
    return event


def _silent(proxy: Proxy) -> LinkError:
    return LinkError(f"{proxy} hung up without an answer", Trouble.PROXY)


def _nonsense(proxy: Proxy) -> LinkError:
    return LinkError(f"{proxy} answered, but not as an HTTP proxy does", Trouble.PROXY)


def _refused(proxy: Proxy, target: str, response: h11.Response) -> LinkError:
    status = response.status_code
    if status != 407:
        return LinkError(f"{proxy} does not let us reach {target}: HTTP {status}", Trouble.PROXY)
    offers = [value.decode("latin-1") for name, value in response.headers if name == _CHALLENGE]
    if offers and not any(offer.lower().startswith("basic") for offer in offers):
        told = "wants another kind of login than Basic, the only one we know: run a helper for it"
    elif proxy.login is None:
        told = (
            "wants a user and a password: name a file with them in [network] proxy_credentials_file"
        )
    else:
        told = "refuses our user and password: check them"
    return LinkError(f"{proxy} {told}", Trouble.PROXY)


def _from_environment(
    names: tuple[str, ...], environ: Mapping[str, str], login: Secret | None
) -> Proxy | None:
    for name in names:
        if value := environ.get(name, "").strip():
            url = value if "://" in value else f"http://{value}"
            return _parse(url, f"the environment variable {name}", login)
    return None


def _parse(url: str, source: str, login: Secret | None) -> Proxy:
    """A URL's proxy. What is wrong is told without the URL: it may hold a password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # says what it stumbled over
        parts, port = urlsplit(""), None
    # A path is most often a password with a slash that should have been %2F.
    known = parts.scheme in {"http", "https"} and parts.path in {"", "/"}
    if not known or not parts.hostname:
        told = f"{source} must look like http://host:port or https://host:port (no SOCKS); "
        raise ConfigError([told + 'to go without a proxy, set [network] proxy = ""'])
    secure = parts.scheme == "https"
    proxy = Proxy(parts.hostname, port or (443 if secure else 80), secure, login)
    if parts.username is None:
        return proxy
    return evolve(proxy, login=Secret(f"{unquote(parts.username)}:{unquote(parts.password or '')}"))


def _read_login(name: str) -> Secret:
    """`user:password` in one line."""
    source, path = "[network] proxy_credentials_file", Path(name)
    try:
        with path.expanduser().open(encoding="utf-8") as file:
            text = file.read(_LONGEST + 1).strip()
    except UnicodeDecodeError:
        # Not `from` it: it holds the bytes, and they may be a password.
        raise ConfigError([f"{source}: {path} is not a text file"]) from None
    except (OSError, RuntimeError, ValueError) as error:  # ~nobody is no OSError, nor is a NUL
        reason = getattr(error, "strerror", None) or error
        raise ConfigError([f"{source}: can't read {path}: {reason}"]) from error
    if ":" not in text or not text.isprintable() or len(text) > _LONGEST:
        raise ConfigError([f"{source}: {path} must hold user:password in one line"])
    return Secret(text)


def _number(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_here(host: str) -> bool:
    number = _number(host)
    return number.is_loopback if number else host.lower() == "localhost"


def _is_exempt(host: str, port: int, exempt: str) -> bool:
    """Whether NO_PROXY names the host: `*`, a name (and what is below it), host:port, a network."""
    host, number = host.lower().rstrip("."), _number(host)
    for entry in exempt.lower().replace(",", " ").split():
        if entry == "*":
            return True
        name = entry.removesuffix(f":{port}").lstrip("*.").strip("[]")
        if name and (host == name or host.endswith(f".{name}")):
            return True
        if number and _is_within(number, name):
            return True
    return False


def _is_within(number: ipaddress.IPv4Address | ipaddress.IPv6Address, network: str) -> bool:
    try:
        return number in ipaddress.ip_network(network, strict=False)
    except ValueError:  # a name
        return False
