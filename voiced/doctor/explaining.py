"""A fault as a finding: what was seen, its cause from the table of faults, and always something to do.

Law of this file: pure; what a fault means stands in `voiced.verdicts`. What a server says may quote a key,
so that whatever looks like one is blotted out here, before anybody reads it.
"""

import re
from collections.abc import Mapping
from typing import Final

from voiced.doctor.finding import Finding, Verdict
from voiced.faults import (
    ConfigError,
    LinkClosed,
    LinkError,
    LinkRefused,
    RemoteProtocolError,
    SessionOver,
    Trouble,
    VoicedError,
)
from voiced.verdicts import judge

_KEY: Final = re.compile(r"(?<![\w/.-])(sk-|ek_)[\w*.-]{3,}")
"""Keys and minted secrets, shortened ones too: the service says `sk-proj-****abcd` of a wrong one."""

_SETTINGS: Final = "mend what is named here; `voiced config check` looks at the settings again"
_AGAIN: Final = "try again in a while; if it stays so, ask the service's support"
_NETWORK: Final = "check the network between here and the service, then try again"
_ELSE: Final = "try again; if it stays so, report it with `voiced doctor --report FILE`"

_KEY_STATUSES: Final = frozenset({401, 402, 403})
_KEY_CLOSE: Final = 3000  # of the service: the reason says invalid_api_key (seen)
_KEY_CODES: Final = frozenset(
    {
        "account_deactivated",
        "billing_hard_limit_reached",
        "credit_balance_exhausted",
        "insufficient_quota",
        "invalid_api_key",
    }
)


def explained(
    fault: VoicedError,
    *,
    before: str = "",
    reference: str = "",
    figures: Mapping[str, float | int | str] | None = None,
) -> Finding:
    """Why it failed. *before*: what had gone well until then; *reference*: where we were, for the
    service's support.
    """
    if isinstance(fault, ConfigError):
        seen = "; ".join(fault.mistakes)
        cause, action = "settings or key can't be used as they are", _SETTINGS
    else:
        judgement = judge(fault)
        seen, cause = str(fault), judgement.cause
        action = judgement.action or _usual_action(fault)
    if reference:
        action = f"{action} (for the service's support: {reference})"
    return Finding(
        check="",
        verdict=Verdict.FAILED,
        seen=blotted(" ".join(f"{before} {seen}".split())),
        cause=cause,
        action=action,
        figures=dict(figures or {}),
    )


def blotted(text: str) -> str:
    """*text* without anything that looks like a key."""
    return _KEY.sub(r"\1...", text)


def is_about_the_key(fault: VoicedError) -> bool:
    """Whether the way is open, and it is the key, its account or the lack of one that is refused."""
    match fault:
        case ConfigError():  # the way itself was checked before: what is missing is a secret
            return True
        case SessionOver(code=code, kind=kind):
            return not _KEY_CODES.isdisjoint({code, kind})
        case LinkRefused(status=status):
            return status in _KEY_STATUSES
        case LinkClosed(code=close_code):
            return close_code == _KEY_CLOSE
        case LinkError(trouble=trouble):
            return trouble is Trouble.SECRET
        case _:
            return False


def code_of(fault: VoicedError) -> str:
    """The fault's name for programs: as `voiced faults` knows it."""
    match fault:
        case ConfigError():
            return "config"
        case SessionOver(code=code):
            return code
        case LinkRefused(status=status):
            return str(status)
        case LinkClosed(code=close_code):
            return str(close_code)
        case LinkError(trouble=trouble):
            return trouble.value
        case _:
            return type(fault).__name__


def _usual_action(fault: VoicedError) -> str:
    match fault:
        case SessionOver() | LinkRefused() | LinkClosed() | RemoteProtocolError():
            return _AGAIN
        case LinkError():
            return _NETWORK
        case _:
            return _ELSE
