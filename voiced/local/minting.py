"""The secrets this server has handed out: each opens sessions until it expires.

Law of this file: pure; the wall clock is an argument, in seconds since 1970. What a client may ask for
is checked as strictly as any event. A secret outlives its expiry here only so that it can be told from
one that never was; the oldest make room.
"""

import json
from typing import Any, Final

from attrs import define, field, frozen

from voiced.local import refusals, settings
from voiced.local.options import Options
from voiced.local.session_shapes import SESSION
from voiced.local.settings import Settings
from voiced.local.shapes import choice, record, whole
from voiced.local.wire import Json, new_id

PREFIX: Final = "ek"
_DEFAULT_MODEL: Final = (
    "gpt-realtime"  # of a request that names none; the real one is not documented
)
_DEFAULT_TTL_S: Final = 600
_EXPIRED: Final = "Ephemeral token expired"  # the wording is known, its code is not
_MOST_GRANTS: Final = 1_024
_SECRET_LENGTH: Final = 32
_REQUEST: Final = record(
    {},
    {
        "expires_after": record({}, {"anchor": choice("created_at"), "seconds": whole(10, 7_200)}),
        "session": SESSION,
    },
)


@frozen
class Grant:
    """What one secret is good for."""

    expires_at: int
    update: Json
    """The session asked for with it, as a `session.update` would say it."""

    def applied(self, mine: Settings) -> Settings:
        """Return the settings of a session of that type; the client may change them later."""
        return mine.updated(self.update, has_spoken=False)


@define(eq=False)
class Mint:
    """Makes secrets, and knows them again."""

    options: Options
    _grants: dict[str, Grant] = field(init=False, factory=dict, repr=False)

    def mint(self, body: bytes, now_s: float) -> Json:
        """Carry out one request; return what is answered.

        Raises:
            Refusal: the request is wrong, or too many secrets are about.
        """
        request = _parsed(body)
        _REQUEST(request, "")
        session = request.get("session", {"type": "realtime"})
        effective = self._effective(session)
        self._make_room(now_s)
        ttl_s = request.get("expires_after", {}).get("seconds", _DEFAULT_TTL_S)
        grant = Grant(int(now_s) + ttl_s, {key: session[key] for key in session if key != "model"})
        value = new_id(PREFIX, _SECRET_LENGTH)
        self._grants[value] = grant
        return {"value": value, "expires_at": grant.expires_at, "session": effective.echo()}

    def find(self, key: str, now_s: float) -> Grant | None:
        """Return what a key is good for; None if it is no secret of this kind.

        Raises:
            Refusal: it is one that expired, or that was never minted here.
        """
        if not key.startswith(f"{PREFIX}_"):
            return None
        grant = self._grants.get(key)
        if grant is None:
            raise refusals.bad_key()
        if now_s >= grant.expires_at:
            raise refusals.bad_key(_EXPIRED)
        return grant

    def _effective(self, session: Json) -> Settings:
        """The session it would open; it has no end yet, since it has not begun (seen live)."""
        if session["type"] == "transcription":
            return settings.transcription(new_id("sess"), 0).updated(session, has_spoken=False)
        model = session.get("model", _DEFAULT_MODEL)
        if not self.options.knows(model):
            raise refusals.bad_model(model)
        return settings.realtime(new_id("sess"), model, 0).updated(session, has_spoken=False)

    def _make_room(self, now_s: float) -> None:
        if len(self._grants) < _MOST_GRANTS:
            return
        live = {key: one for key, one in self._grants.items() if now_s < one.expires_at}
        if len(live) >= _MOST_GRANTS:
            raise refusals.rate_limited()
        self._grants = live


def _parsed(body: bytes) -> Json:
    try:
        request: Any = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise refusals.unreadable_json() from None
    if not isinstance(request, dict):
        raise refusals.unreadable_json()
    return request
