"""Who has the secret for the next connection: chosen by `[auth] mode`, and held to a time limit.

Law of this file: choosing, and what all of them have in common. How a secret is come by stands in
`credentials.py` (the key itself), `minting.py` (over HTTP) and `command.py` (a program). What can be
checked without asking anybody is checked when choosing, so that a mistake is told at the start.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias
from urllib.parse import parse_qs, urlsplit, urlunsplit

import attrs
import trio
from attrs import frozen

from voiced.config.whole import LOOPBACK_HOSTS, Config
from voiced.edges.command import Command
from voiced.edges.credentials import Authority, FixedKey, Secret, find_key, key_needed
from voiced.edges.http import OpenStream
from voiced.edges.minting import ClientSecrets, TokenServer
from voiced.edges.websocket import Endpoint
from voiced.faults import LinkError, Trouble

Learn: TypeAlias = Callable[[str], None]

_KEYS_PLACE: Final = "the place where the key lies"


def forget(_secret: str) -> None:
    """For those who keep no log."""


@frozen
class KeyInPlace:
    """The key, read where it lies for every connection: a new one works without a restart."""

    read: Callable[[], Secret]

    async def secret(self) -> Secret:
        """As the protocol says. In a thread: a file may be a pipe, or on a disk that is far away."""
        return await trio.to_thread.run_sync(self.read, abandon_on_cancel=True)


@frozen
class Limited:
    """An authority that is not waited for longer than `limit_s`."""

    authority: Authority
    what: str  # whom we wait for, as a sentence begins
    limit_s: float
    learn: Learn = forget

    async def secret(self) -> Secret | None:
        """As the protocol says."""
        with trio.move_on_after(self.limit_s):
            secret = await self.authority.secret()
            if secret is not None:
                self.learn(secret.reveal())
            return secret
        raise LinkError(f"{self.what} gave no secret within {self.limit_s:g} s", Trouble.SECRET)


def authority_from(
    config: Config,
    endpoint: Endpoint,
    environ: Mapping[str, str],
    open_stream: OpenStream,
    learn: Learn = forget,
) -> Authority:
    """Whoever `[auth] mode` names; *endpoint* knows how a key travels to the service. Each secret that was
    come by is told to *learn*, so that it can be kept out of the log.

    `ConfigError` if there is no key and one is needed, or what should give a secret can't.
    """
    auth = config.auth
    match auth.mode:
        case "command":
            command = Command(auth.command, environ)
            command.program()
            return Limited(command, f"[auth] command {auth.command[0]}", auth.limit_s, learn)
        case "url":
            server = TokenServer(auth.url, auth.url_method, auth.url_token_file, open_stream)
            if token := server.token():
                learn(token.reveal())
            return Limited(server, str(urlsplit(auth.url).hostname), auth.limit_s, learn)
        case "client_secret":
            url = rest_url(config)
            secrets = ClientSecrets(
                url,
                _model(config),
                auth.ttl_s,
                Limited(_key(config, url, environ), _KEYS_PLACE, auth.limit_s, learn),
                attrs.evolve(endpoint, url=url).headers,
                open_stream,
            )
            return Limited(secrets, str(urlsplit(url).hostname), auth.limit_s, learn)
        case _:
            key = _key(config, config.realtime.url, environ)
            return Limited(key, _KEYS_PLACE, auth.limit_s, learn)


def rest_url(config: Config) -> str:
    """The service's REST interface: `[auth] http_url`, else beside `[realtime] url`."""
    if config.auth.http_url:
        return config.auth.http_url
    parts = urlsplit(config.realtime.url)
    scheme = "https" if parts.scheme == "wss" else "http"
    path = parts.path.rstrip("/").removesuffix("/realtime")
    return urlunsplit((scheme, parts.netloc, path, "", ""))


def _model(config: Config) -> str:
    """A secret is minted for the model that will be asked for: the URL may name another."""
    return parse_qs(urlsplit(config.realtime.url).query).get("model", [config.realtime.model])[0]


def _key(config: Config, url: str, environ: Mapping[str, str]) -> Authority:
    """Where the key for *url* lies. A server on this machine gets a word in its place."""

    def read() -> Secret:
        key = find_key(config.auth.key_file, environ)
        if key is None:
            raise key_needed()
        return key

    at_home = urlsplit(url).hostname in LOOPBACK_HOSTS
    if at_home and find_key(config.auth.key_file, environ) is None:
        return FixedKey(Secret("local"))
    read()
    return KeyInPlace(read)
