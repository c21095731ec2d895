"""Who may come in: the HTTP request judged, before anything else is said.

Law of this file: pure. Most refusals of the live service are not HTTP errors: the upgrade succeeds,
one `error` event follows and a 3xxx/4xxx close; so there are three answers, not two.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from attrs import evolve, frozen

from voiced.local import refusals
from voiced.local.faults import Fault, FaultPlan
from voiced.local.minting import Grant, Mint
from voiced.local.options import Options
from voiced.local.refusals import Refusal

PATH: Final = "/v1/realtime"
AZURE_PATH: Final = "/openai/v1/realtime"
_KEY_PROTOCOL: Final = "openai-insecure-api-key."
_PROTOCOL: Final = "realtime"
_CLOSE_KEY: Final = 3000
_CLOSE_REQUEST: Final = 4000
_STATUS: Final = {
    Fault.HTTP_401: (401, "invalid_api_key", "Incorrect API key provided."),
    Fault.HTTP_403: (403, "model_not_found", "You do not have access to this model."),
    Fault.HTTP_404: (404, "not_found", "Not found."),
    Fault.HTTP_429: (429, "rate_limit_exceeded", "Too many requests."),
    Fault.HTTP_503: (503, "server_error", "The service is overloaded."),
}


@frozen
class Visit:
    """What the request says."""

    target: str
    headers: Sequence[tuple[bytes, bytes]]
    protocols: Sequence[str]

    def header(self, name: str) -> str:
        """Return a header's value, empty if it is absent."""
        wanted = name.lower().encode()
        return next((v.decode("latin-1") for n, v in self.headers if n.lower() == wanted), "")

    @property
    def key(self) -> str:
        """The key, in whichever of three places it was put."""
        scheme, _, bearer = self.header("authorization").partition(" ")
        if scheme.lower() == "bearer" and bearer.strip():
            return bearer.strip()
        if self.header("api-key"):
            return self.header("api-key")
        insecure = (one for one in self.protocols if one.startswith(_KEY_PROTOCOL))
        return next(insecure, "").removeprefix(_KEY_PROTOCOL)

    @property
    def is_azure(self) -> bool:
        """Whether the client speaks to what it takes for Azure: models are deployments there."""
        return bool(self.header("api-key")) or urlsplit(self.target).path == AZURE_PATH


@frozen
class Welcome:
    """A session may begin; without a model it only transcribes."""

    model: str | None
    grant: Grant | None = None
    """What the secret that was shown is good for; None if it was a key."""

    @property
    def kind(self) -> str:
        """The type of the session."""
        return "transcription" if self.model is None else "realtime"


@frozen
class TurnedAway:
    """An HTTP status instead of an upgrade."""

    status: int
    code: str
    message: str
    retry_after_s: int = 0


@frozen
class SentHome:
    """The upgrade, one error event, and a close."""

    refusal: Refusal
    close_code: int

    @property
    def reason(self) -> str:
        """The reason of the close frame, ``<type>.<code>``."""
        return f"{self.refusal.kind}.{self.refusal.code}"


Verdict: TypeAlias = Welcome | TurnedAway | SentHome


def judge(visit: Visit, options: Options, mint: Mint, now_s: float) -> Verdict:
    """Decide what becomes of a visitor; *now_s* is the wall clock, in seconds since 1970."""
    if urlsplit(visit.target).path not in (PATH, AZURE_PATH):
        return TurnedAway(404, "not_found", f"There is nothing here: try {PATH}.")
    if not visit.key:
        return TurnedAway(
            401, "missing_api_key", "You didn't provide an API key: send 'Authorization: Bearer'."
        )
    if "realtime=v1" in visit.header("openai-beta"):
        return SentHome(refusals.beta_is_over(), _CLOSE_REQUEST)
    try:
        grant = mint.find(visit.key, now_s)
    except Refusal as refusal:
        return SentHome(refusal, _CLOSE_KEY)
    if grant is None and options.keys and visit.key not in options.keys:
        return SentHome(refusals.bad_key(), _CLOSE_KEY)
    verdict = _admit(visit, options)
    if grant is None or not isinstance(verdict, Welcome):
        return verdict
    if grant.update["type"] != verdict.kind:
        other = f"This client secret is for a {grant.update['type']} session."
        return SentHome(refusals.invalid("session.type", other), _CLOSE_REQUEST)
    return evolve(verdict, grant=grant)


def _admit(visit: Visit, options: Options) -> Verdict:
    """Look at the query: exactly one of model, intent and call_id."""
    query = dict(parse_qsl(urlsplit(visit.target).query))
    asked = [name for name in ("model", "intent", "call_id") if name in query]
    if not asked:
        return SentHome(refusals.no_model(), _CLOSE_REQUEST)
    if len(asked) > 1:
        both = refusals.invalid(asked[1], f"Give only one of {refusals.listed(asked)}.")
        return SentHome(both, _CLOSE_REQUEST)
    if asked == ["call_id"]:
        return TurnedAway(404, "not_found", "There are no calls here to attach to.")
    if asked == ["intent"]:
        if query["intent"] == "transcription":
            return Welcome(None)
        wrong = refusals.invalid_choice("intent", query["intent"], ["transcription"])
        return SentHome(wrong, _CLOSE_REQUEST)
    if not visit.is_azure and not options.knows(query["model"]):
        return SentHome(refusals.bad_model(query["model"]), _CLOSE_REQUEST)
    return Welcome(query["model"])


def turned_away_by(plan: FaultPlan) -> TurnedAway:
    """Return the HTTP refusal that a fault plan asks for."""
    return TurnedAway(*_STATUS[plan.fault], retry_after_s=plan.retry_after_s)


def chosen_protocol(protocols: Sequence[str]) -> str | None:
    """Answer a browser's list of subprotocols; other clients send none."""
    return _PROTOCOL if _PROTOCOL in protocols else None
