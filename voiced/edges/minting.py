"""Fresh secrets over HTTP: minted by the service for a key, or fetched from the owner's token server.

Law of this file: each is asked for once per connection and kept by nobody. One that has expired when
it comes is asked for once more, so that a clock that is wrong somewhere is told from an old answer.
Whoever calls sets the time limit.
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Final

from attrs import field, frozen

from voiced.edges.credentials import Authority, Secret, flaw, secret_from_file
from voiced.edges.http import Answer, Headers, OpenStream, Request, ask, wall_s
from voiced.faults import LinkError, LinkRefused, Trouble

_MOST_TRIES: Final = 2
_END_OF_TIME_S: Final = 1e12  # milliseconds since 1970 are no seconds
_WRONG_WITH_THE_WAY: Final = frozenset({Trouble.TLS, Trouble.CLOCK, Trouble.PROXY, Trouble.PORTAL})
"""What a person mends elsewhere than in [auth], whoever is asked."""


@frozen
class ClientSecrets:
    """`POST .../realtime/client_secrets`: the service gives a short-lived secret for a key."""

    base_url: str  # of the service's REST interface, such as https://api.openai.com/v1
    model: str
    ttl_s: int
    key: Authority
    headers: Callable[[Secret | None], Headers]  # how the key travels, and who asks
    open_stream: OpenStream
    clock_s: Callable[[], float] = wall_s

    async def secret(self) -> Secret:
        """As the protocol says."""
        wanted = {
            "expires_after": {"anchor": "created_at", "seconds": self.ttl_s},
            "session": {"type": "realtime", "model": self.model},
        }
        request = Request(
            "POST",
            f"{self.base_url.rstrip('/')}/realtime/client_secrets",
            [
                (b"Content-Type", b"application/json"),
                (b"Accept", b"application/json"),
                *self.headers(await self.key.secret()),
            ],
            json.dumps(wanted).encode(),
        )
        return await _fresh(request, self.open_stream, _in_json, self.clock_s)


@frozen
class TokenServer:
    """The owner's own: it holds the key, so that this machine need not."""

    url: str
    method: str  # GET or POST
    token_file: str  # holds what lets us in there, sent as a bearer; empty: nothing does
    open_stream: OpenStream
    clock_s: Callable[[], float] = wall_s

    def token(self) -> Secret | None:
        """Read afresh, since the file may have been replaced; `ConfigError` if it is no good."""
        if not self.token_file:
            return None
        return secret_from_file(Path(self.token_file), "[auth] url_token_file")

    async def secret(self) -> Secret:
        """As the protocol says."""
        headers = [(b"Accept", b"application/json, text/plain"), (b"Cache-Control", b"no-store")]
        if token := self.token():
            headers.append((b"Authorization", f"Bearer {token.reveal()}".encode("ascii")))
        request = Request(self.method, self.url, headers)
        return await _fresh(request, self.open_stream, _in_text, self.clock_s)


@frozen
class _Found:
    """A secret as it stands in an answer."""

    text: str = field(repr=False)
    expires_at_s: float = math.inf  # since 1970


async def _fresh(
    request: Request,
    open_stream: OpenStream,
    read: Callable[[str], _Found | None],
    clock_s: Callable[[], float],
) -> Secret:
    """Ask until the secret is good now: by the server's own clock, if it tells us, else by ours."""
    late_s = 0.0
    for _ in range(_MOST_TRIES):
        answer = await _asked(request, open_stream)
        found = read(answer.body.decode("latin-1").strip())
        if found is None:
            raise LinkError(f"{request.host} answered, but with no secret", Trouble.SECRET)
        if wrong := flaw(found.text):
            raise LinkError(f"the secret from {request.host} {wrong}", Trouble.SECRET)
        told = answer.sent_at_s
        late_s = (clock_s() if told is None else told) - found.expires_at_s
        if late_s < 0:
            return Secret(found.text)
    raise LinkError(
        f"the secrets from {request.host} have expired when they come ({late_s:.0f} s ago): "
        "check its clock, this machine's, and whether something on the way keeps old answers",
        Trouble.SECRET,
    )


async def _asked(request: Request, open_stream: OpenStream) -> Answer:
    try:
        answer = await ask(request, open_stream)
    except LinkError as error:
        trouble = error.trouble if error.trouble in _WRONG_WITH_THE_WAY else Trouble.SECRET
        raise LinkError(f"no secret could be fetched: {error}", trouble) from error
    if 200 <= answer.status < 300:
        return answer
    said = f"{request.host} was asked for a secret and answered HTTP {answer.status}"
    if 300 <= answer.status < 400:
        said += (
            "; that is elsewhere, and nobody is followed with a secret in hand: "
            "name the final address in [auth]"
        )
    elif code := _error_code(answer.body.decode("latin-1")):
        said += f" ({code})"
    raise LinkRefused(answer.status, said, answer.retry_after_s)


def _in_json(text: str) -> _Found | None:
    """`value`, at the top or (as older services and many token servers do) below `client_secret`."""
    thing = _json(text)
    for place in (thing, thing.get("client_secret")) if isinstance(thing, dict) else ():
        if isinstance(place, dict) and isinstance(value := place.get("value"), str):
            return _Found(value, _moment(place.get("expires_at")))
    return None


def _moment(told: object) -> float:
    """Seconds since 1970; what is no moment at all means: it does not expire."""
    if isinstance(told, bool) or not isinstance(told, int | float):
        return math.inf
    return float(told) if abs(told) < _END_OF_TIME_S else math.inf


def _in_text(text: str) -> _Found | None:
    """The same, or nothing but the secret, in quotes or without."""
    thing = _json(text)
    if isinstance(thing, dict):
        return _in_json(text)
    return _Found(thing if isinstance(thing, str) else text)


def _error_code(text: str) -> str:
    """The service's own word for what is wrong; its sentence stays away, it may quote the key."""
    thing = _json(text)
    error = thing.get("error") if isinstance(thing, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    is_word = isinstance(code, str) and len(code) <= 64 and code.replace("_", "").isalpha()
    return str(code) if is_word and str(code).isascii() else ""


def _json(text: str) -> object:
    """What *text* means as JSON, None if it is none; the error, which holds all of it, stays here."""
    try:
        thing: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return thing
